"""What contracts say of an order: the price for its quantity, until their last day, and what is beyond them over all orders."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procurement.compliance.contracts import (
    BY_AMOUNT,
    BY_ORDER,
    BY_QUANTITY,
    ContractPrice,
    Tier,
    read_agreements,
)
from procurement.compliance.purchases import Credential
from procurement.compliance.surroundings import PoFacts, Taken
from procurement.sellers.identity import Party
from tests.unit.procurement.compliance_cases import (
    AT,
    D,
    agreed,
    around,
    found,
    line,
    offers,
    price,
    purchase,
)


@pytest.mark.parametrize(
    ("paid", "percent", "amount", "breaks"),
    [("10.20", 2, None, False), ("10.21", 2, None, True), ("10.21", 2, "0.30", False), ("10.30", None, "0.30", False), ("10.31", None, "0.30", True)],
)  # fmt: skip
def test_a_price_breaks_the_rule_beyond_the_larger_tolerance(
    paid: str, percent: Any, amount: Any, breaks: bool
) -> None:
    rule = {"kind": "over_price", "tolerance_percent": percent, "tolerance_amount": amount}
    one = found(
        {name: value for name, value in rule.items() if value is not None},
        purchase(line(paid, 3)),
        around(agreements=agreed()),
    )
    assert bool(one) is breaks
    if breaks:
        assert one[0].amount == (D(paid) - 10) * 3


@pytest.mark.parametrize(
    ("term", "quantity", "before", "expected"),
    [("PerOrderContractTerm", 9, 90, "10"), ("PerOrderContractTerm", 10, 0, "8"), ("PerOrderContractTerm", 5000, 0, "7"),
     (BY_QUANTITY, 20, 8, "10"), (BY_QUANTITY, 1, 9, "8"), (BY_QUANTITY, 1, 98, "8"), (BY_QUANTITY, 1, 99, "7")],
)  # fmt: skip
def test_the_agreed_price_follows_the_tiers(term: str, quantity: int, before: int, expected: str) -> None:
    tiers = (Tier(D(9), D(10)), Tier(D(99), D(8)), Tier(D(999), D(7)))
    one = ContractPrice(contract="C", supplier="", asin="B01", price=D(10), currency="USD", term=term, tiers=tiers)
    assert one.price_for(D(quantity), units_before=D(before), money_before=D(0)) == D(expected)


def test_terms_by_amount_count_the_money_bought_before() -> None:
    tiers = (Tier(D(100), D(10)), Tier(None, D(9)))
    one = ContractPrice(contract="C", supplier="", asin="B01", price=D(10), currency="USD", term=BY_AMOUNT, tiers=tiers)
    prices = [one.price_for(D(1), units_before=D(0), money_before=D(money)) for money in (0, 90, 91)]
    assert prices == [D(10), D(10), D(9)]


def test_another_currency_is_not_compared_and_a_contract_of_another_day_is_none() -> None:
    rule = {"kind": "over_price"}
    assert found(rule, purchase(line("99.00"), currency="CAD"), around(agreements=agreed())) == []
    for dates in ({"ends": date(2026, 2, 1)}, {"starts": date(2026, 2, 3)}):
        assert found(rule, purchase(line("99.00")), around(agreements=agreed(**dates))) == []
    assert found(
        rule, purchase(line("99.00")), around(agreements=agreed(starts=date(2026, 2, 2), ends=date(2026, 2, 2)))
    )


TIERED = price("A", "50", term=BY_ORDER, tiers=(Tier(D(9), D(50)), Tier(D(99), D(40))))


@pytest.mark.parametrize(
    ("quantity", "contract", "amount"), [(10, "A", "70.00"), (9, "", "0"), (1, "", "0")], ids=["tier", "flat", "one"]
)
def test_of_several_contracts_the_lowest_price_for_that_quantity_counts(
    quantity: int, contract: str, amount: str
) -> None:
    """The base price of A is the higher one, from ten units on its tier is the lower."""
    at = around(agreements=offers(TIERED, price("B", "48")))
    violations = found({"kind": "over_price"}, purchase(line("47.00", quantity)), at)
    assert [one.amount for one in violations] == ([D(amount)] if contract else [])
    assert all(f"contract {contract} says USD 40.00" in one.sentence for one in violations)


def test_terms_by_order_count_the_units_of_all_lines() -> None:
    two = purchase(line("47.00", 4), line("47.00", 6, id="2"))
    violations = found({"kind": "over_price"}, two, around(agreements=offers(TIERED)))
    assert [one.amount for one in violations] == [D("28.00"), D("42.00")]


def test_what_was_bought_under_each_contract_decides_its_own_tier() -> None:
    by_units = price("A", "50", term=BY_QUANTITY, tiers=(Tier(D(10), D(50)), Tier(D(99), D(40))))
    agreements = offers(by_units, price("B", "48"))
    at = around(agreements=agreements, units={("A", "B01"): D(10), ("B", "B01"): D(3)})
    assert [one.amount for one in found({"kind": "over_price"}, purchase(line("47.00")), at)] == [D("7.00")]
    assert found({"kind": "over_price"}, purchase(line("47.00")), around(agreements=agreements)) == []
    counted = agreements.counted_under("B01", AT.date(), "USD", D(1))
    assert counted is not None and counted.contract == "B"


@pytest.mark.parametrize(
    ("hour", "zone", "counts"),
    [(27, "America/Los_Angeles", True), (31, "America/Los_Angeles", False), (23, "UTC", True), (24, "UTC", False), (15, "Asia/Tokyo", False)],
)  # fmt: skip
def test_a_contract_and_a_certification_end_with_the_day_of_the_marketplace(hour: int, zone: str, counts: bool) -> None:
    """To 30 June, ordered so many hours after it began in UTC: at 20:00 in Los Angeles it is 03:00 of the next day there."""
    at = datetime(2026, 6, 30, tzinfo=UTC) + timedelta(hours=hour)
    held = (Credential("Small Business", date(2026, 6, 30)),)
    one = purchase(line("40.00", credentials=held), ordered_at=at, zone=ZoneInfo(zone))
    surroundings = around(agreements=agreed(ends=date(2026, 6, 30)), po=PoFacts("PO-9", at))
    assert [row.amount for row in found({"kind": "over_price"}, one, surroundings)] == ([D("30.00")] if counts else [])
    unknown = replace(one, lines=(line(seller=Party("Voltline")),))
    assert bool(found({"kind": "unlisted_seller"}, unknown, surroundings)) is not counts
    demanded = {"kind": "expired_certification", "certifications": ["small business"]}
    assert bool(found(demanded, one, surroundings)) is not counts


def test_units_and_money_over_a_contract_count_over_all_orders() -> None:
    rule = {"kind": "over_contract"}
    at = around(agreements=agreed(units=D(100)), units={("C", "B01"): D(95)})
    assert found(rule, purchase(line(quantity=5)), at) == []
    (one,) = found(rule, purchase(line(quantity=8)), at)
    assert (one.amount, one.shared) == (D("30.00"), "subject")
    rich = around(agreements=agreed(most=D(1000)), money={"C": D(950)})
    assert found(rule, purchase(line(quantity=5)), rich) == []
    (over,) = found(rule, purchase(line(quantity=7)), rich)
    assert over.amount == D("20.00")
    stated = {"kind": "over_contract", "units": {"B07": 3}}
    assert found(stated, purchase(line(asin="B07", quantity=4)), around()) and not found(
        stated, purchase(line(asin="B07", quantity=3)), around()
    )


def test_an_order_beyond_a_contract_tells_of_all_that_are_in_units_and_in_money() -> None:
    """Agreed on 100 units; 95 were bought, then 3 orders of 4, 10 and 8: 17 are too many."""
    one = purchase(line(quantity=8))
    moments = [AT - timedelta(days=days) for days in (3, 2)]
    taken = [Taken("O-2", moments[1], D(10), D("100.00"), D(99)), Taken("O-9", AT, D(8), D("80.00"), D(109))]
    at = around(agreements=agreed(units=D(100)), units={("C", "B01"): D(109)}, taken={("C", "B01", D(100)): taken})
    (all_of,) = found({"kind": "over_contract"}, one, at)
    assert (all_of.amount, all_of.orders) == (D("170.00"), ("O-2", "O-9"))
    assert (
        "117 units over all orders" in all_of.sentence
        and "17 units for USD 170.00 too many, in 2 orders" in all_of.sentence
    )
    assert all_of.evidence == ("O-2: 9 units for USD 90.00 on 2026-01-31", "O-9: 8 units for USD 80.00 on 2026-02-02")
    (waiting,) = found({"kind": "over_contract", "before_order": True}, replace(one, placed=False), at)
    assert (waiting.amount, waiting.orders) == (D("80.00"), ("O-9",)), "before the order it is its own part"
    spent = [
        Taken("O-1", moments[0], D("30.00"), D("30.00"), D("980.00")),
        Taken("O-2", moments[1], D("5.00"), D("5.00"), D("1010.00")),
    ]
    rich = around(agreements=agreed(most=D(1000)), money={"C": D("1015.00")}, taken={("C", "", D(1000)): spent})
    (over,) = found({"kind": "over_contract"}, purchase(line(quantity=2)), rich)
    assert (over.amount, over.orders) == (D("35.00"), ("O-1", "O-2", "O-9"))
    assert "USD 1,035.00 were bought under contract C, which may reach USD 1,000.00" in over.sentence


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 9999)), min_size=1, max_size=12), st.integers(0, 300))
def test_whichever_order_beyond_is_looked_at_the_money_is_the_same(rows: list[tuple[int, int]], most: int) -> None:
    before, taken = D(0), list[Taken]()
    for n, (units, cents) in enumerate(rows):
        amount = D(cents).scaleb(-2) * units
        taken.append(Taken(f"O-{n:02}", AT + timedelta(hours=n), D(units), amount, before))
        before += units
    limit = ("C", "B01", D(most))
    amounts = set()
    for row, (units, cents) in zip(taken, rows, strict=True):
        one = purchase(line(str(D(cents).scaleb(-2)), units), key=row.order, ordered_at=row.ordered_at)
        at = around(agreements=agreed(units=D(most)), units={("C", "B01"): row.before}, taken={limit: taken})
        amounts |= {(breach.amount, breach.orders) for breach in found({"kind": "over_contract"}, one, at)}
    assert len(amounts) == (1 if before > most else 0)
    if most == 0:
        assert {amount for amount, _ in amounts} == {sum((row.amount for row in taken), D(0))}


def test_contracts_are_read_leniently_and_promise_nothing_where_they_cannot_be_read() -> None:
    contract = {
        "number": "C-1", "status": "published", "currency": {"code": "USD"}, "supplier": {"number": "A", "name": "Amazon"},
        "start-date": "2026-01-01T00:00:00-08:00", "end-date": "2026-12-31T00:00:00-08:00", "maximum-value": "100.0000",
        "contract-terms": [{"id": 1, "contract-term-type": "TotalQtyContractTerm", "use-pct-discounts": True, "tier-1-upper-bound": "10",
                            "tier-1-disc-pct": "0", "tier-2-upper-bound": "20", "tier-2-disc-pct": "5"}],
    }  # fmt: skip
    item = {
        "supplier-part-num": "B01",
        "price": "10.00",
        "currency": {"code": "USD"},
        "contract": {"number": "C-1"},
        "contract-term": {"id": 1},
    }
    found_all = read_agreements(
        [contract, {**contract, "number": "C-2", "status": "draft"}, {**contract, "number": "C-3", "terminated": True}],
        [item, {**item, "supplier-part-num": "B02", "price": None}, {**item, "supplier-part-num": "B03", "contract": {"number": "C-2"}}, {**item, "supplier-part-num": "B04", "contract": None}],
    )  # fmt: skip
    assert [one.number for one in found_all.contracts] == ["C-1"] and list(found_all.prices or ()) == ["B01"]
    (price,) = found_all.of("B01")
    assert (price.tiers, price.units) == ((Tier(D(10), D("10.00")), Tier(D(20), D("9.50"))), D(20))
    assert (price.starts, price.ends) == (date(2026, 1, 1), date(2026, 12, 31))
