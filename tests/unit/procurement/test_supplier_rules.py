"""suppliers.yml: each rule at its boundary, each mistake named with its place."""

import shutil
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from procurement.errors import MappingError
from procurement.policies import read_rules
from procurement.sellers.certificates import Certificates, certificates
from procurement.sellers.facts import Bought, FeedDay, SellerFacts
from procurement.sellers.identity import Place
from procurement.sellers.onboarding import Seller, registration_of
from procurement.sellers.profile import still_missing, supplier_body, supplier_number
from procurement.sellers.rules import Onboarding, OnboardingRule, Progress, Purchases, SuppliersFile, unshown

SHIPPED = Path(__file__).parents[3] / "mappings"
TODAY = date(2026, 6, 30)
RULES = read_rules(SHIPPED).suppliers


def seller(spent: str = "0", *, orders: int = 0, on: date = TODAY, code: str = "44121704", **more: Any) -> SellerFacts:
    ids = tuple(f"A-{on}-{n}" for n in range(orders))
    bought = Bought(lines=1, money={"USD": Decimal(spent)}, orders=ids, codes=(code,))
    day = FeedDay(until=datetime(2026, 7, 1, tzinfo=UTC), bought={on: bought})
    return SellerFacts(key="Pens", name="Pens", first_bought=on, feed={on: day}, **more)


def past(rule: dict[str, Any], *facts: SellerFacts, since: date | None = None) -> bool:
    wanted = OnboardingRule.model_validate(rule)
    return Purchases(facts, {"44121704": "Office Supplies"}.get, since).fulfil(wanted, TODAY)


def test_money_counts_from_its_amount_on_in_its_currency_and_time() -> None:
    rule = {"spent": "500", "currency": "USD", "within_days": 30}
    assert past(rule, seller("500")) and not past(rule, seller("499.99"))
    assert not past({**rule, "currency": "EUR"}, seller("500"))
    assert past(rule, seller("500", on=TODAY - timedelta(days=30)))
    assert not past(rule, seller("500", on=TODAY - timedelta(days=31)))
    assert past(rule, seller("250"), seller("250").model_copy(update={"key": "Pens LLC"}))  # all spellings together


def test_orders_and_commodities_count_and_all_that_a_rule_states_must_hold() -> None:
    assert past({"orders": 3}, seller(orders=3)) and not past({"orders": 3}, seller(orders=2))
    assert past({"commodities": "Office Supplies"}, seller()) and not past({"commodities": "Tools"}, seller())
    assert not past({"orders": 3, "commodities": "Tools"}, seller(orders=3))


def test_what_was_bought_before_go_live_does_not_count() -> None:
    rule = {"spent": "1", "currency": "USD"}
    assert not past(rule, seller("500", on=date(2026, 5, 31)), since=date(2026, 6, 1))
    assert past(rule, seller("500", on=date(2026, 6, 1)), since=date(2026, 6, 1))
    four, one = seller(orders=4, on=date(2026, 5, 31)), seller(orders=1, on=date(2026, 6, 1), code="31")
    assert past({"orders": 5}, four, one) and not past({"orders": 5}, four, one, since=date(2026, 6, 1))
    assert past({"orders": 1}, four, one, since=date(2026, 6, 1))
    bought = {"commodities": "Office Supplies"}
    assert past(bought, four, one) and not past(bought, four, one, since=date(2026, 6, 1))
    before = Purchases((seller("500", on=date(2026, 5, 31)),), {}.get, date(2026, 6, 1))
    assert before.only_before_go_live
    assert not Purchases((), {}.get, date(2026, 6, 1)).only_before_go_live


@pytest.mark.parametrize(
    "rule", [{}, {"spent": "5"}, {"currency": "USD", "orders": 1}, {"orders": 51}, {"orders": 0}, {"orders": 1, "within_days": 366}]
)  # fmt: skip
def test_a_rule_that_says_nothing_or_too_much_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        OnboardingRule.model_validate(rule)


@pytest.mark.parametrize(
    ("information", "supplier", "outcome"),
    [
        ("draft", "draft", None), ("approved", "draft", "approved"), ("applied", "active", "approved"),
        ("draft", "active", "approved"), ("rejected", "active", "rejected"), ("approved", "inactive", "rejected"),
        (None, None, None),
    ],
)  # fmt: skip
def test_what_people_decided(information: str | None, supplier: str | None, outcome: str | None) -> None:
    assert Progress().outcome(information, supplier) == outcome


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("create: false", "creat: false", r"suppliers.yml:\d+: onboarding.creat.*did you mean 'create'"),
        ("po_method: prompt", "po_method: mail", r"suppliers.yml:\d+: supplier.po_method"),
        ("commodities: [Laboratory Equipment,", "commodities: [Laboratory Equipmnt,", r"no commodity 'Laboratory Equipmnt'; did you mean 'Laboratory Equipment'"),
        ("category: SDVOSB", "category: SDVOS", r"suppliers.yml:\d+: certifications.*did you mean 'SDVOSB'"),
        ("different: 40", "different: 90", r"suppliers.yml:\d+: identity.*must not be above"),
        ("procurement@example.com", "procurement", r"suppliers.yml.*is no mail address"),
        ("take_on: []", "take_on: [Pens]\nleave_out: [pens]", r"key 'leave_out'|leave_out.*twice|stands twice"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_file_line_key_and_the_nearest_word(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    directory = tmp_path / "mappings"
    shutil.copytree(SHIPPED, directory, ignore=shutil.ignore_patterns("*.py", "__pycache__", "schema"))
    path = directory / "suppliers.yml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(MappingError, match=problem):
        read_rules(directory)


@pytest.mark.parametrize(
    "lists", [{"take_on": ["Pens"], "leave_out": ["PENS"]}, {"same": [["a", "b"]], "different": [["B", "A"]]}]
)
def test_people_who_contradict_themselves_are_told(lists: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SuppliersFile.model_validate({**RULES.model_dump(), **lists})


def test_the_shipped_examples_show_every_rule_and_a_missing_one_is_named() -> None:
    commodity = read_rules(SHIPPED).lookups["commodities"].find
    assert unshown(RULES, commodity) == []
    fewer = RULES.model_copy(update={"examples": [one for one in RULES.examples if one.certificates is None]})
    assert "certification WOSB" in unshown(fewer, commodity)
    fewer = RULES.model_copy(update={"examples": [one for one in RULES.examples if one.purchases is None]})
    assert "rule 5 orders" in unshown(fewer, commodity)


def test_as_shipped_nothing_is_created_or_invited_and_a_supplier_begins_on_hold() -> None:
    onboarding: Onboarding = RULES.onboarding
    assert not onboarding.create and not onboarding.invite
    body = supplier_body(Seller([seller()]), RULES, held=Certificates(), country="US", source="s")
    assert (body["status"], body["buyer-hold"], body["hold-payment-indicator"], body["po-method"]) == (
        "draft",
        True,
        True,
        "prompt",
    )


def test_a_number_is_the_spellings_own_for_ever_and_long_texts_are_cut() -> None:
    assert supplier_number("Pens", RULES) == "ABS-E3F0E2A573C9" == supplier_number("Pens", RULES)
    assert supplier_number("Pens ", RULES) != supplier_number("Pens", RULES)
    long = SellerFacts(key="k", name="P" * 300, place=Place(street="S" * 300, country="us"))
    body = supplier_body(Seller([long]), RULES, held=Certificates(), country="US", source="s", goods=["G" * 300])
    assert (len(body["name"]), len(body["display-name"]), len(body["goods-services-provided"])) == (100, 255, 255)
    (address,) = body["supplier-information-addresses"]
    assert (len(address["street-address"]), address["country"]) == (255, {"code": "US"})


def test_a_certificate_counts_through_its_last_day_and_a_missing_address_is_asked_for() -> None:
    held = {"Minority-Owned Business": {"Council": "2026-06-30T00:00:00+00:00"}}
    one = seller(credentials=held)
    assert len(certificates([one], RULES, country="US", today=TODAY).diversities) == 1
    late = certificates([one], RULES, country="US", today=TODAY + timedelta(days=1))
    assert (late.diversities, late.expired) == ((), ("Minority-Owned Business (until 2026-06-30)",))
    assert still_missing({}, RULES) == [*RULES.asked_for, "address"]


@pytest.mark.parametrize(
    ("given", "number"),
    [("T1234567890123", "1234567890123"), ("1234567890123", "1234567890123"), ("12-3456789", ""), ("", "")],
)
def test_only_japanese_numbers_are_comparable(given: str, number: str) -> None:
    assert registration_of(given) == number
