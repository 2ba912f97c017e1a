"""Conservation: the goods of an order, its lines in the books, and the rows of the leakage report are the same money."""

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connectors.amazon_business.purchases import KIND, count_purchases
from connectors.tally import Tally
from procurement.compliance.leakage import as_csv, largest, totals
from procurement.compliance.purchases import Coding, order_amount, read_purchase

CENTS = st.integers(0, 10_000_00).map(lambda cents: Decimal(cents).scaleb(-2))
NAMES = st.sampled_from(["=cmd()", "Pen Traders", "Ångström AB", "", "a,b\n", "-1"])


def raw_line(n: int, price: Decimal, quantity: int, seller: str) -> dict[str, Any]:
    return {
        "orderLineItemId": str(n), "quantity": quantity, "unitPrice": {"currencyCode": "USD", "amount": price},
        "productDetails": {"asin": f"B{n}", "unspsc": {"code": "44121704"}}, "seller": {"name": seller},
    }  # fmt: skip


@given(st.lists(st.tuples(CENTS, st.integers(0, 500), NAMES), min_size=1, max_size=30))
def test_what_the_pages_held_is_what_is_judged(rows: list[tuple[Decimal, int, str]]) -> None:
    order = {"orderMetadata": {"orderId": "O-1", "orderDate": "2026-02-02T09:15:00Z"}}
    lines = [raw_line(n, price, quantity, seller) for n, (price, quantity, seller) in enumerate(rows)]
    tally = Tally()
    count_purchases(tally, [order], {"O-1": lines})
    purchase = read_purchase({"order": order, "lines": lines}, Coding())
    assert tally.seen[KIND, "O-1"] == order_amount(lines) == (purchase.amount, "USD")
    assert purchase.amount == sum((price * quantity for price, quantity, _ in rows), Decimal(0))


@given(CENTS, st.integers(1, 500), st.integers(1, 6))
def test_unit_prices_with_more_places_than_cents_are_rounded_alike(price: Decimal, quantity: int, places: int) -> None:
    """In the connector and in the rules, which round by themselves."""
    line = raw_line(1, price + Decimal(5).scaleb(-places), quantity, "x")
    order = {"orderMetadata": {"orderId": "O-1"}}
    tally = Tally()
    count_purchases(tally, [order], {"O-1": [line]})
    assert tally.seen[KIND, "O-1"] == order_amount([line])


@dataclass(frozen=True)
class Row:
    month: datetime
    cost_center: str
    seller: str
    buyer: str
    currency: str
    orders: int
    total: Decimal
    off_contract: Decimal
    cancelled: Decimal


ROWS = st.lists(
    st.builds(
        lambda center, seller, currency, parts: Row(
            datetime(2026, 2, 1, tzinfo=UTC), center, seller, "b@example.com", currency, 1, sum(parts, Decimal(0)), parts[0], parts[1]
        ),
        NAMES, NAMES, st.sampled_from(["USD", "EUR"]), st.tuples(CENTS, CENTS, CENTS),
    ),
    max_size=40,
)  # fmt: skip


@given(ROWS)
def test_the_report_adds_up_to_the_cent_however_it_is_cut(rows: list[Row]) -> None:
    read = list(csv.DictReader(StringIO(as_csv(rows))))
    sums = totals(rows)
    for currency in {row.currency for row in rows}:
        mine = [row for row in rows if row.currency == currency]
        shown = {name: Decimal(value) for name, value in sums[currency].items()}
        assert (
            shown["total"]
            == shown["off_contract"] + shown["cancelled"] + shown["on_contract"]
            == sum(row.total for row in mine)
        )
        assert sum(Decimal(row["total"]) for row in read if row["currency"] == currency) == shown["total"]
        for by in ("cost_center", "seller"):
            cut = sum((amount for _, of, amount in largest(rows, by, most=99) if of == currency), Decimal(0))
            assert cut == shown["off_contract"]
    assert not any(row["seller"].startswith(("=", "-")) for row in read)
