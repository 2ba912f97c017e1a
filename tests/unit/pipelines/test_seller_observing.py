"""From Amazon's raw rows to facts: every line counts for one spelling, every cent stays, odd rows do not fall over."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.amazon_business.sellers import NOBODY, counted_order_lines, counted_transactions, key_of, order_line_key
from connectors.tally import Tally
from procurement.ledger.types import Window
from procurement.pipelines.amazon_suppliers_to_coupa.observing import fold, read_sales
from procurement.pipelines.amazon_suppliers_to_coupa.reading import whole_days
from procurement.sellers.facts import Bought, SellerFacts

JUNE = Window(datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC))
NOON = datetime(2026, 6, 4, 12, tzinfo=UTC)
RENO = {
    "addressLine1": "9 Sample St",
    "city": "Reno",
    "stateOrRegion": "NV",
    "postalCode": "89501",
    "countryCode": "US",
}


def charge(
    order: str, amount: Any, *, legal: str | None = "Pens LLC", line: str = "1", asin: str = "B0PEN", **more: Any
) -> dict[str, Any]:
    named = {"merchantLegalName": legal} if legal else {}
    item = {
        "orderId": order,
        "orderLineItemId": line,
        "asin": asin,
        "totalAmount": {"currencyCode": "USD", "amount": amount},
        **named,
    }
    return {
        "transactionType": "CHARGE", "transactionDate": "2026-06-03T21:00:00Z", "feedDate": "2026-06-04T06:00:00Z",
        "transactionLineItems": [item], **more,
    }  # fmt: skip


def order_line(order: str, name: Any, *, line: str = "1", address: Any = None, asin: str = "B0PEN") -> dict[str, Any]:
    seller = {"name": name, "primaryAddress": address if address is not None else RENO}
    article = {"asin": asin}
    return {"orderMetadata": {"orderId": order}, "orderLineItemId": line, "productDetails": article, "seller": seller}


def observed(
    transactions: list[dict[str, Any]], order_lines: list[dict[str, Any]] | None = None, *, window: Window = JUNE
) -> Any:
    return fold([sale for raw in transactions for sale in read_sales(raw)], order_lines or [], window=window)


def test_a_sale_counts_for_the_seller_of_its_order_line_and_its_legal_name_is_linked() -> None:
    found = observed(
        [charge("A-1", "43.28"), charge("A-1", "-3.00", transactionType="REFUND")], [order_line("A-1", "Pens")]
    )
    seller, legal = found.facts["Pens | 9 Sample St, Reno, NV, 89501, US"], found.facts["Pens LLC"]
    assert (seller.bought().lines, seller.bought().money) == (2, {"USD": Decimal("40.28")})
    assert (seller.bought().orders, seller.first_bought, seller.place.city) == (("A-1",), date(2026, 6, 3), "Reno")
    assert (legal.bought().lines, legal.linked) == (0, {seller.key: "A-1/1"})
    assert seller.linked == {"Pens LLC": "A-1/1"}
    assert seller.feed[date(2026, 6, 4)].until == datetime(2026, 6, 5, tzinfo=UTC)


LASER = {"legal": "Laser Scientific GmbH", "line": "2"}


@pytest.mark.parametrize(
    "rows", [[order_line("A-1", "Pens")], [order_line("A-1", "Pens"), order_line("A-1", None, line="2")]],
    ids=["missing from the report", "without a seller"],
)  # fmt: skip
def test_a_charge_whose_line_names_no_seller_counts_for_its_merchant_and_for_no_other_line_of_its_order(
    rows: list[dict[str, Any]],
) -> None:
    found = observed([charge("A-1", "10"), charge("A-1", "5000", asin="B0PEN", **LASER)], rows).facts
    pens, laser = found[order_line_key(rows[0])], found["Laser Scientific GmbH"]
    assert (pens.bought().money, laser.bought().money) == ({"USD": Decimal(10)}, {"USD": Decimal(5000)})
    assert (set(pens.linked), laser.linked) == ({"Pens LLC"}, {})


def test_where_amazons_line_ids_differ_the_article_tells_the_line() -> None:
    lines = [order_line("A-1", "Pens", line="1"), order_line("A-1", "Desks", line="2", asin="B0DESK")]
    sold = [charge("A-1", "5", line="61230000000001"), charge("A-1", "7", line="61230000000002", asin="B0DESK")]
    pens, desks = (observed(sold, lines).facts[order_line_key(row)] for row in lines)
    assert (pens.bought().money, desks.bought().money) == ({"USD": Decimal(5)}, {"USD": Decimal(7)})
    assert pens.linked == {"Pens LLC": "A-1/61230000000001"}


@pytest.mark.parametrize(
    ("line", "asin"),
    [
        ("61230000000001", "B0OTHER"),  # an article that the report does not show
        ("61230000000001", ""),
        ("", ""),
    ],
)
def test_without_the_line_or_its_article_nobody_guesses_from_the_order(line: str, asin: str) -> None:
    row = order_line("A-1", "Pens", line="1")
    assert observed([charge("A-1", "5", line=line, asin=asin)], [row]).facts["Pens LLC"].bought().lines == 1


def test_another_line_of_the_po_is_another_line_even_with_the_same_article() -> None:
    row = {**order_line("A-1", "Pens", line="1"), "purchaseOrderLineItemNumber": "10"}
    sold = charge("A-1", "5", line="61230000000001")
    for po_line, counted in (("10", 1), ("20", 0), ("", 1)):
        sold["transactionLineItems"][0]["purchaseOrderLineItemId"] = po_line
        assert len(observed([sold], [row]).facts[order_line_key(row)].feed) == counted


def test_one_article_of_two_sellers_in_one_order_tells_no_line() -> None:
    rows = [order_line("A-1", "Pens", line="1"), order_line("A-1", "Desks", line="2")]
    assert observed([charge("A-1", "5", line="61230000000001")], rows).facts["Pens LLC"].bought().lines == 1


def test_a_sale_without_any_name_is_counted_under_nobody() -> None:
    found = observed([charge("A-1", "5", legal=None), {"amount": {"currencyCode": "USD", "amount": "7"}}])
    assert found.facts[NOBODY].bought().money == {"USD": Decimal("12")}


def test_an_amount_that_cannot_be_read_is_a_line_without_money() -> None:
    found = observed([charge("A-1", "a lot"), charge("A-2", "5")])
    bought = found.facts["Pens LLC"].bought()
    assert (found.unreadable, bought.lines, bought.money) == (1, 2, {"USD": Decimal(5)})


@pytest.mark.parametrize(
    "row", [{}, {"seller": None}, {"seller": "Pens"}, {"seller": {"name": 7}}, {"seller": {"name": "Pens", "primaryAddress": 5, "credentials": {"types": None, "details": [1, {"certificateType": None}]}}}]
)  # fmt: skip
def test_an_odd_order_line_is_counted_all_the_same(row: dict[str, Any]) -> None:
    tally = Tally()
    assert list(counted_order_lines([[row]], tally)) == [[row]]
    assert {("seller", key) for key in observed([], [row]).facts} == set(tally.seen)


@given(
    st.lists(st.tuples(st.sampled_from("ABCD"), st.sampled_from(["1", "2"]), st.sampled_from(["Pens LLC", "Desks", None]), st.decimals(-500, 500, places=2))),
    st.lists(st.tuples(st.sampled_from("ABCD"), st.sampled_from(["1", "2", "9"]), st.sampled_from(["Pens", "Desks", ""]))),
)  # fmt: skip
def test_every_spelling_is_counted_and_every_cent_is_in_one_place(
    sales: list[tuple[str, str, str | None, Decimal]], rows: list[tuple[str, str, str]]
) -> None:
    transactions = [charge(order, str(amount), line=line, legal=legal) for order, line, legal, amount in sales]
    lines = [order_line(order, name, line=line) for order, line, name in rows]
    tally = Tally()
    list(counted_transactions([transactions], tally))
    list(counted_order_lines([lines], tally))
    found = observed(transactions, lines)
    assert {("seller", key) for key in found.facts} == set(tally.seen)
    bought = [facts.bought() for facts in found.facts.values()]
    assert sum(one.lines for one in bought) == len(sales)
    assert sum((one.money.get("USD", Decimal(0)) for one in bought), Decimal(0)) == sum(
        (amount for *_, amount in sales), Decimal(0)
    )


def test_a_window_is_read_by_whole_days_as_far_as_there_are_any() -> None:
    start, end = datetime(2026, 6, 3, 15, tzinfo=UTC), datetime(2026, 6, 5, 7, tzinfo=UTC)
    midnight = datetime(2026, 6, 3, tzinfo=UTC)
    assert whole_days(Window(start, end), now=end) == Window(midnight, end)
    assert whole_days(Window(start, end), now=end + timedelta(days=9)) == Window(midnight, midnight + timedelta(days=3))
    full = Window(midnight, midnight + timedelta(days=2))
    assert whole_days(full, now=end + timedelta(days=9)) == full
    assert whole_days(None, now=end) is None


SUITE = {**RENO, "addressLine2": "Suite 200"}


def readings(*read: Any) -> dict[str, SellerFacts]:
    """What is known after all of them, one after the other."""
    known: dict[str, SellerFacts] = {}
    for one in read:
        known |= one.added_to(known)
    return known


@pytest.mark.parametrize("until", [JUNE.end, NOON], ids=["read to its end before", "read to noon before"])
def test_a_day_that_is_read_again_counts_once_even_where_its_seller_is_spelled_anew(until: datetime) -> None:
    before = observed([charge("A-1", "600")], [order_line("A-1", "Pens")], window=Window(JUNE.start, until))
    after = observed([charge("A-1", "600")], [order_line("A-1", "Pens", address=SUITE)])
    for known in (readings(before, after), readings(before, after, after), readings(after, before, after)):
        bought = Bought.total(facts.bought() for facts in known.values())
        assert (bought.lines, bought.money, bought.orders) == (1, {"USD": Decimal(600)}, ("A-1",))
        assert known["Pens | 9 Sample St, Suite 200, Reno, NV, 89501, US"].bought().money == {"USD": Decimal(600)}


def test_of_a_day_that_is_read_again_only_what_it_still_says_counts() -> None:
    both = [order_line("A-1", "Pens"), order_line("A-2", "Pens")]
    before = observed([charge("A-1", "600"), charge("A-2", "50")], both)
    after = observed([charge("A-1", "600"), charge("A-2", "50")], [both[0], order_line("A-2", "Desks")])
    known = readings(before, after)
    pens, desks = known[order_line_key(both[0])], known["Desks | 9 Sample St, Reno, NV, 89501, US"]
    assert (pens.bought().money, pens.bought().orders) == ({"USD": Decimal(600)}, ("A-1",))
    assert (desks.bought().money, desks.bought().orders) == ({"USD": Decimal(50)}, ("A-2",))


def test_other_days_and_what_was_read_further_stay() -> None:
    row = order_line("A-1", "Pens")
    whole = observed([charge("A-1", "600")], [row])
    nothing_yet = observed([], window=Window(JUNE.start, NOON))
    july = observed([], window=Window(JUNE.end, JUNE.end + timedelta(days=3)))
    assert readings(whole, nothing_yet, july)[order_line_key(row)] == whole.facts[order_line_key(row)]
    assert readings(whole, observed([]))[order_line_key(row)].bought().lines == 0


def test_a_key_is_the_spelling_as_written_without_what_a_database_cannot_keep() -> None:
    assert key_of(" Pens\0  LLC ", RENO) == "Pens LLC | 9 Sample St, Reno, NV, 89501, US"
    assert key_of("Pens", {}) == "Pens" and key_of(None, RENO) == NOBODY
