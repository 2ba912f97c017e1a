"""Each kind of rule both ways, at its boundaries; what is shared by several orders; who must act."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from procurement.compliance.contracts import (
    Agreements,
    Contract,
)
from procurement.compliance.judging import judge, unapproved, who_must_act
from procurement.compliance.purchases import Credential
from procurement.compliance.recognition import read_supplier, recogniser
from procurement.compliance.surroundings import Bought, PoFacts, po_of
from procurement.sellers.identity import Party, Place, Verdict
from tests.unit.procurement.compliance_cases import (
    AT,
    TODAY,
    D,
    agreed,
    around,
    file,
    found,
    line,
    other,
    purchase,
)


@pytest.mark.parametrize(
    ("since", "grace", "breaks"),
    [(-1, 0, False), (0, 0, False), (1, 0, True), (60, 1, False), (61, 1, True)],
)
def test_a_po_after_the_order_breaks_the_rule_beyond_its_grace(since: int, grace: int, breaks: bool) -> None:
    at = around(po=PoFacts("PO-9", AT + timedelta(minutes=since)))
    assert bool(found({"kind": "po_after_order", "grace_hours": grace}, purchase(), at)) is breaks


def test_an_approval_that_came_after_the_order_counts_like_a_po_that_did() -> None:
    facts = PoFacts("PO-9", AT - timedelta(days=1), approved_at=AT + timedelta(days=1))
    assert found({"kind": "po_after_order"}, purchase(), around(po=facts))
    assert found({"kind": "no_po"}, purchase(), around(po=facts)) == []
    (one,) = found({"kind": "no_po"}, purchase(), around(po=None))
    assert one.amount == D("10.00") and "PO-9, which Coupa does not have" in one.sentence


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"status": "cancelled"}, "PO-9, which is cancelled in Coupa"),
        ({"status": "canceled"}, "PO-9, which is cancelled in Coupa"),
        ({"status": "issued", "other_supplier": "OFFICE"}, "PO-9, which Coupa issued to supplier OFFICE"),
        ({"status": "closed"}, None),
    ],
)
def test_a_po_that_was_cancelled_or_is_another_suppliers_covers_no_order(
    more: dict[str, Any], said: str | None
) -> None:
    at = around(po=PoFacts("PO-9", AT + timedelta(days=1), **more))
    violations = found({"kind": "no_po"}, purchase(), at)
    assert [one.amount for one in violations] == ([D("10.00")] if said else [])
    assert all(str(said) in one.sentence for one in violations)
    assert bool(found({"kind": "po_after_order"}, purchase(), at)) is (said is None), "it is told once"
    assert found({"kind": "no_po"}, purchase(line(quantity=0)), at) == [], "nothing is left of it"


@pytest.mark.parametrize(
    ("asin", "unspsc", "breaks"),
    [("B01", "4612", True), ("B02", "46101", True), ("B02", "44", False), ("B02", "", False)],
)
def test_restricted_goods_are_told_by_article_or_by_the_beginning_of_their_code(
    asin: str, unspsc: str, breaks: bool
) -> None:
    rule = {"kind": "restricted", "asins": ["B01"], "unspsc": ["461"]}
    assert bool(found(rule, purchase(line(asin=asin, unspsc=unspsc)), around())) is breaks


@pytest.mark.parametrize(
    ("seller", "breaks"),
    [
        ("Amazon.com", False),
        ("AMAZON.COM, INC.", False),
        ("Pen Traders LLC", False),
        ("Pen Trader LLC", True),
        ("Amazon.co", True),
    ],
)
def test_a_seller_is_listed_by_contract_or_by_name_and_one_who_only_resembles_is_not(seller: str, breaks: bool) -> None:
    at = around(
        agreements=Agreements((Contract(number="C", supplier="", supplier_name="Pen Traders", currency="USD"),), {})
    )
    (*violations,) = found({"kind": "unlisted_seller"}, purchase(line(seller=Party(seller))), at)
    assert bool(violations) is breaks
    if breaks:
        assert violations[0].evidence


def test_an_article_on_a_contract_is_listed_whoever_sells_it_and_each_other_seller_is_one_violation() -> None:
    at = around(agreements=agreed())
    lines = [
        line(),
        line(id="2", asin="B02", seller=Party("One")),
        line(id="3", asin="B03", seller=Party("Two")),
        line(id="4", asin="B04", seller=Party("ONE")),
    ]
    assert {one.key: one.amount for one in found({"kind": "unlisted_seller"}, purchase(*lines), at)} == {
        "O-9/r/seller one": D("20.00"), "O-9/r/seller two": D("10.00"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("earlier", "breaks"),
    [
        ([other("O-1", "60.00")], True),
        ([other("O-1", "59.99")], False),
        ([other("O-1", "60.00", days=4)], False),
        ([other("O-1", "60.00", buyer="marco@example.com")], False),
        ([other("O-1", "60.00", seller="voltline")], False),
        ([other("O-1", "60.00", currency="CAD")], False),
        ([other("O-1", "60.00", po_number="PO-9")], False),  # approved together
        ([other("O-1", "150.00")], False),  # was approved at the limit
        ([other("O-1", "80.00", po_number="PO-1"), other("O-2", "80.00", po_number="PO-1")], False),
        ([other("O-1", "30.00"), other("O-2", "30.00", days=3)], True),
    ],
)
def test_orders_split_under_the_limit_are_found_together(earlier: list[Bought], breaks: bool) -> None:
    rule = {"kind": "split_order", "limit": 100, "days": 3, "same": "seller"}
    violations = found(rule, purchase(line("40.00")), around(others=earlier))
    assert bool(violations) is breaks
    if breaks:
        assert violations[0].orders[-1] == "O-9" and set(violations[0].orders) >= {one.order for one in earlier}
        assert violations[0].amount == sum((one.amount for one in earlier), D("40.00"))


@pytest.mark.parametrize(
    "po", [None, PoFacts("OFFICE", AT, status="cancelled"), PoFacts("OFFICE", AT, other_supplier="S")]
)
def test_a_number_that_covers_no_order_joins_none(po: PoFacts | None) -> None:
    """Typed on all three it would hide a split and a duplicate: the books keep none of it."""
    earlier = [other(f"O-{n}", "450.00", po_number="", asin=f"B0{n}") for n in (1, 2)]
    one, at = purchase(line("450.00"), po_number="OFFICE"), around(po=po, others=earlier)
    (split,) = found({"kind": "split_order", "limit": 1000, "days": 3}, one, at)
    assert split.amount == D("1350.00") and po_of(one, po) == ""
    assert found({"kind": "duplicate"}, one, at)
    approved = around(po=PoFacts("OFFICE", AT), others=[replace(row, po_number="OFFICE") for row in earlier])
    assert found({"kind": "split_order", "limit": 1000, "days": 3}, one, approved) == []
    assert po_of(replace(one, placed=False), None) == "OFFICE", "of Coupa's own document nobody typed it"


def test_a_purchase_that_comes_to_the_limit_by_itself_evades_nothing_whatever_part_of_it_is_shared() -> None:
    rule = {"kind": "split_order", "limit": 1000, "days": 3, "same": "seller"}
    voltline = {"seller": Party("Voltline"), "asin": "B02", "id": "2"}
    dear = purchase(line("600.00"), line("700.00", **voltline))
    assert found(rule, dear, around(others=[other("O-1", "500.00")])) == []
    lower = purchase(line("600.00"), line("300.00", **voltline))
    assert found(rule, lower, around(others=[other("O-1", "500.00")]))
    theirs = [other("O-1", "500.00"), other("O-1", "500.00", seller="voltline", asin="B02")]
    assert found(rule, lower, around(others=theirs)) == []
    one_po = [other("O-1", "500.00", po_number="PO-1"), other("O-2", "500.00", po_number="PO-1", seller="voltline")]
    assert found(rule, lower, around(others=one_po)) == []
    own = [other("O-1", "500.00", po_number="PO-1"), other("O-2", "500.00", po_number="PO-9", seller="voltline")]
    assert found(rule, lower, around(others=own)) == [], "of its own PO the other orders count, too"


def test_an_order_over_the_limit_was_approved_as_such() -> None:
    assert (
        found({"kind": "split_order", "limit": 100}, purchase(line("100.00")), around(others=[other("O-1", "60.00")]))
        == []
    )


@pytest.mark.parametrize(
    ("before", "breaks"),
    [
        (other("O-1", "10.00"), True), (other("O-1", "10.00", quantity=D(2)), False), (other("O-1", "10.00", asin="B02"), False),
        (other("O-1", "10.00", days=7.1), False), (other("O-1", "10.00", buyer="x@example.com"), False),
        (other("O-1", "10.00", po_number="PO-9"), False), (other("O-9", "10.00"), False), (other("Z-1", "10.00", days=0), False),
    ],
)  # fmt: skip
def test_a_duplicate_is_the_same_article_and_quantity_of_the_same_buyer(before: Bought, breaks: bool) -> None:
    assert bool(found({"kind": "duplicate"}, purchase(), around(others=[before]))) is breaks


def test_for_a_cost_center_anybodys_order_is_a_duplicate() -> None:
    theirs = other("O-1", "10.00", buyer="x@example.com")
    rule = {"kind": "duplicate", "same": "cost_center"}
    assert found(rule, purchase(), around(others=[theirs]))
    assert found(rule, purchase(), around(others=[replace(theirs, cost_center="4200")])) == []


@pytest.mark.parametrize(
    ("credentials", "breaks"),
    [
        ((), True), ((Credential("Women-Owned Business"),), True), ((Credential("Classified Small Business"),), False),
        ((Credential("Small Business", date(2026, 2, 2)),), False), ((Credential("Small Business", date(2026, 2, 1)),), True),
        ((Credential("Small Business", date(2026, 2, 1)), Credential("Small Business", date(2027, 1, 1))), False),
    ],
)  # fmt: skip
def test_a_demanded_certification_holds_to_its_last_day(credentials: tuple[Credential, ...], breaks: bool) -> None:
    rule = {"kind": "expired_certification", "certifications": ["small business"]}
    assert bool(found(rule, purchase(line(credentials=credentials)), around())) is breaks


WHEN = [
    ({"min_amount": "10.00"}, {"min_amount": "10.01"}), ({"unspsc": "4412"}, {"unspsc": "43"}), ({"commodity": "Office"}, {"commodity": "IT"}),
    ({"cost_center": "4100"}, {"cost_center": "4200"}), ({"buyer": "JANE@example.com"}, {"buyer": "x@example.com"}),
    ({"seller": "PEN TRADERS"}, {"seller": "Voltline"}), ({"country": "US"}, {"country": "DE"}), ({"currency": "USD"}, {"currency": "EUR"}),
    ({"seller_country": "US"}, {"seller_country": "CN"}), ({"supplier": "AMZN-US"}, {"supplier": "AMZN-DE"}),
]  # fmt: skip


@pytest.mark.parametrize(("fits", "fits_not"), WHEN, ids=lambda one: next(iter(one)))
@pytest.mark.parametrize("kind", ["no_po", "unlisted_seller"])
def test_a_rule_is_only_for_what_its_when_says(kind: str, fits: dict[str, str], fits_not: dict[str, str]) -> None:
    one = purchase(country="US", supplier="AMZN-US")
    assert found({"kind": kind, "when": fits}, one, around(po=None))
    assert found({"kind": kind, "when": fits_not}, one, around(po=None)) == []


def test_a_cancelled_order_breaks_nothing_and_a_waiver_holds_to_its_last_day() -> None:
    rule = {"name": "r", "kind": "no_po"}
    assert judge(purchase(cancelled=True), around(po=None), file(rule), today=TODAY) == []
    for waiver, allowed in (
        ({"order": "O-9"}, True), ({"po": "PO-9"}, True), ({"order": "O-8"}, False), ({"order": "O-9", "until": TODAY}, True),
        ({"order": "O-9", "until": TODAY - timedelta(days=1)}, False),
    ):  # fmt: skip
        waived = {"rule": "r", "by": "me", "reason": "so", **waiver}
        assert (judge(purchase(), around(po=None), file(rule, waivers=[waived]), today=TODAY) == []) is allowed, waiver


def test_what_stops_an_order_before_it_is_sent() -> None:
    rules = file(
        {"name": "said", "kind": "restricted", "asins": ["B01"], "before_order": True},
        {
            "name": "asked",
            "kind": "restricted",
            "asins": ["B01"],
            "before_order": True,
            "action": "route",
            "approver": "boss",
        },
        {"name": "never", "kind": "restricted", "asins": ["B01"], "before_order": True, "action": "block"},
        {"name": "after", "kind": "restricted", "asins": ["B01"], "action": "block"},
    )
    violations = judge(purchase(), around(), rules, today=TODAY, before_order=True)
    assert {one.rule for one in violations} == {"said", "asked", "never"}
    assert {one.rule for one in unapproved(violations, rules, [])} == {"said", "asked", "never"}
    assert {one.rule for one in unapproved(violations, rules, ["boss"])} == {"said", "never"}
    told = {one.rule: who_must_act(one) for one in judge(purchase(), around(), rules, today=TODAY)}
    assert told["after"].startswith(
        "Amazon Business offers no call to cancel an order: jane@example.com cancels it on Amazon's order page by 2026-02-06"
    )
    assert "has it approved" in told["asked"] and "explains it by 2026-02-06" in told["said"]


def test_of_what_is_not_ordered_yet_only_articles_tell_what_is_beside_the_contracts() -> None:
    rule = {"kind": "unlisted_seller", "before_order": True}
    assert found(rule, purchase(line(seller=None)), around(agreements=agreed())) == []
    (one,) = found(rule, purchase(line(seller=None, asin="B09")), around(agreements=agreed()))
    assert "no contract has it" in one.sentence


def test_active_suppliers_of_coupa_count_by_name_and_address_where_they_may() -> None:
    raw = {
        "name": "Voltline Supply",
        "number": "V-1",
        "status": "active",
        "primary-address": {"city": "Denver", "country": {"code": "US"}},
    }
    parties = [
        party
        for one in (raw, {**raw, "name": "Old Ones", "status": "inactive"})
        if (party := read_supplier(one)) is not None
    ]
    recognise = recogniser(Agreements(), file({"name": "x", "kind": "no_po"}), AT.date(), parties)
    assert recognise(Party("VOLTLINE SUPPLY, LLC", Place(city="Denver", country="US"))).verdict is Verdict.SAME
    assert recognise(Party("Voltline Supply", Place(city="Shenzhen", country="CN"))).verdict is not Verdict.SAME
    assert recognise(Party("Old Ones")).verdict is Verdict.DIFFERENT
