"""Each kind of rule both ways, at its boundaries; what is shared by several orders; who must act."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procurement.compliance.contracts import (
    BY_AMOUNT,
    BY_ORDER,
    BY_QUANTITY,
    Agreements,
    Contract,
    ContractPrice,
    Tier,
    read_agreements,
)
from procurement.compliance.judging import judge, unapproved, who_must_act
from procurement.compliance.purchases import Credential, Purchase, PurchaseLine
from procurement.compliance.recognition import read_supplier, recogniser
from procurement.compliance.rules import ComplianceFile
from procurement.compliance.surroundings import Bought, PoFacts, Surroundings, Taken, po_of
from procurement.sellers.identity import Party, Place, Verdict

AT = datetime(2026, 2, 2, 9, tzinfo=UTC)
TODAY = date(2026, 2, 3)
D = Decimal


def file(
    *rules: dict[str, Any], waivers: list[dict[str, Any]] | None = None, preferred: tuple[str, ...] = ()
) -> ComplianceFile:
    example = {"name": "none", "lines": [{"price": 1}], "expect": []}
    return ComplianceFile.model_validate({
        "people": {"digest": ["a@example.com"], "queue": "q@example.com"}, "rules": list(rules), "waivers": waivers or [],
        "preferred_sellers": list(preferred), "examples": [example],
    })  # fmt: skip


def line(price: str = "10.00", quantity: int = 1, id: str = "1", **more: Any) -> PurchaseLine:
    given = {
        "asin": "B01",
        "seller": Party("Pen Traders LLC", Place(country="US")),
        "commodity": "Office",
        "unspsc": "44121704",
    } | more
    return PurchaseLine(id=id, quantity=D(quantity), unit_price=D(price), amount=D(price) * quantity, **given)


def purchase(*lines: PurchaseLine, **more: Any) -> Purchase:
    given = {
        "key": "O-9",
        "ordered_at": AT,
        "currency": "USD",
        "buyer": "jane@example.com",
        "cost_center": "4100",
        "po_number": "PO-9",
    } | more
    return Purchase(lines=lines or (line(),), **given)


def other(order: str, amount: str, *, days: float = 1, **more: Any) -> Bought:
    given = {
        "order": order, "ordered_at": AT - timedelta(days=days), "buyer": "jane@example.com", "cost_center": "4100",
        "seller": "pen traders", "commodity": "Office", "asin": "B01", "quantity": D(1), "currency": "USD",
    } | more  # fmt: skip
    return Bought(amount=D(amount), **given)


def around(**more: Any) -> Surroundings:
    given = {"po": PoFacts("PO-9", AT - timedelta(hours=1))} | more
    agreements = given.get("agreements", Agreements())
    return Surroundings(
        recognise=recogniser(agreements, file({"name": "x", "kind": "no_po"}, preferred=("Amazon.com",)), AT.date()),
        **given,
    )


def found(rule: dict[str, Any], one: Purchase, at: Surroundings) -> list[Any]:
    return judge(one, at, file({"name": "r", **rule}), today=TODAY)


def agreed(price: str = "10.00", **more: Any) -> Agreements:
    contract = Contract(
        number="C", supplier="", supplier_name="Pen Traders", currency="USD", most=more.pop("most", None)
    )
    one = ContractPrice(contract="C", supplier="", asin="B01", price=D(price), currency="USD", **more)
    return Agreements((contract,), {"B01": (one,)})


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


def offers(*prices: ContractPrice) -> Agreements:
    contracts = [Contract(number=one.contract, supplier="", supplier_name="", currency="USD") for one in prices]
    return Agreements(tuple(contracts), {"B01": prices})


def price(contract: str, base: str, **more: Any) -> ContractPrice:
    return ContractPrice(contract=contract, supplier="", asin="B01", price=D(base), currency="USD", **more)


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
