"""What the facts claim is in the quarter is counted here again from the wire documents alone, situation by situation.

Each check names orders by looking at what a pipeline could see; the facts must name the same orders, no more, no less.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache

import pytest

from sandbox.scenarios import build
from sandbox.seed import Json, World

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
CARDS = {"Visa", "MasterCard", "AmericanExpress"}


@cache
def quarter() -> World:
    return build("quarter", 11, NOW)


class Seen:
    """The quarter's documents by order, free of how they were made."""

    def __init__(self, world: World) -> None:
        amazon, records = world.amazon, world.coupa.records
        self.transactions = [row.document for row in amazon.transactions]
        self.charges = [one for one in self.transactions if one["transactionType"] == "CHARGE"]
        self.refunds = [one for one in self.transactions if one["transactionType"] != "CHARGE"]
        self.orders = {row.document["orderMetadata"]["orderId"]: row.document for row in amazon.orders}
        self.by_order: dict[str, list[Json]] = defaultdict(list)
        for one in self.charges:
            self.by_order[order_of(one)].append(one)
        self.pos = {record.body["po-number"]: record.body for record in records if record.resource == "purchase_orders"}
        self.received: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self.late: set[str] = set()
        self.closed: set[str] = set()
        for record in records:
            if record.resource == "receiving_transactions":
                line = record.body["order-line"]
                self.received[line["order-header-number"], line["line-num"]] += Decimal(record.body["quantity"])
                if record.at > world.now:
                    self.late.add(line["order-header-number"])
                if record.body.get("soft-close-for-receiving"):
                    self.closed.add(line["order-header-number"])
        self.keyed = {record.body["invoice-number"] for record in records if record.resource == "invoices"}

    def lines(self, order: str) -> list[Json]:
        return [line for one in self.by_order[order] for line in one["transactionLineItems"]]

    def po_lines(self, order: str) -> list[Json]:
        po = self.pos.get(self.orders[order].get("purchaseOrderNumber", ""))
        return po["order-lines"] if po else []


@cache
def seen() -> Seen:
    return Seen(quarter())


def order_of(transaction: Json) -> str:
    return str(transaction["transactionLineItems"][0]["orderId"])


def money(line: Json, part: str) -> Decimal:
    return Decimal(line[part]["amount"]) if part in line else Decimal(0)


def stated(situation: str, key: str = "order") -> set[str]:
    return {str(fact[key]) for fact in quarter().facts["situations"][situation]["documents"]}


def orders_where(holds: Callable[[Seen, str], bool]) -> set[str]:
    return {order for order in seen().orders if holds(seen(), order)}


def any_line(part: str) -> Callable[[Seen, str], bool]:
    return lambda world, order: any(money(line, part) for line in world.lines(order))


def numbers(world: Seen, order: str) -> set[str]:
    return {str(one.get("invoiceNumber")) for one in world.by_order[order]}


def price_beside_po(world: Seen, order: str, sign: int) -> bool:
    """Some line is charged above (+1) or below (-1) the PO line it names."""
    prices = {line["line-num"]: Decimal(line["price"]) for line in world.po_lines(order)}
    named = [line for line in world.lines(order) if line.get("purchaseOrderLineItemId") in prices]
    return any((money(line, "unitPrice") - prices[line["purchaseOrderLineItemId"]]) * sign > 0 for line in named)


def asins_twice(world: Seen, order: str) -> bool:
    parts = [line["source-part-num"] for line in world.po_lines(order)]
    return len(set(parts)) < len(parts)


def short_of_receipts(world: Seen, order: str) -> bool:
    po = world.orders[order].get("purchaseOrderNumber", "")
    billed: Counter[str] = Counter()
    for line in world.lines(order):
        billed[line.get("purchaseOrderLineItemId", "")] += line["itemQuantity"]
    return any(
        (po, number) in world.received and world.received[po, number] < count for number, count in billed.items()
    )


CHECKS: dict[str, Callable[[Seen, str], bool]] = {
    "paid_by_card": lambda world, order: (
        {one["paymentInstrumentType"] for one in world.by_order[order]} <= CARDS
        and bool(world.by_order[order])
        and world.pos.get(world.orders[order].get("purchaseOrderNumber", ""), {}).get("payment-method") != "invoice"
    ),
    "card_on_invoice_po": lambda world, order: (
        {one["paymentInstrumentType"] for one in world.by_order[order]} <= CARDS
        and bool(world.by_order[order])
        and world.pos.get(world.orders[order].get("purchaseOrderNumber", ""), {}).get("payment-method") == "invoice"
    ),
    "unknown_instrument": lambda world, order: any(
        one["paymentInstrumentType"] not in CARDS | {"Pay by Invoice"} for one in world.by_order[order]
    ),
    "split_instruments": lambda world, order: len({one["paymentInstrumentType"] for one in world.by_order[order]}) > 1,
    "split_over_two_invoices": lambda world, order: len(numbers(world, order)) > 1,
    "free_shipping": lambda world, order: any(
        money(line, "shippingCharge") and money(line, "shippingCharge") == -money(line, "discount")
        for line in world.lines(order)
    ),
    "paid_shipping": lambda world, order: any(
        money(line, "shippingCharge") + money(line, "discount") > 0 for line in world.lines(order)
    ),
    "promotion": lambda world, order: any(
        money(line, "discount") and not money(line, "shippingCharge") for line in world.lines(order)
    ),
    "gift_wrap": any_line("giftWrappingCharge"),
    "regulatory_fee": any_line("regulatoryFee"),
    "tax_exempt": lambda world, order: (
        bool(world.lines(order)) and not any(money(line, "tax") for line in world.lines(order))
    ),
    "rounding_cent": lambda world, order: any(
        abs(money(line, "principalAmount") - money(line, "unitPrice") * line["itemQuantity"]) == Decimal("0.01")
        for line in world.lines(order)
    ),
    "price_over_po": lambda world, order: price_beside_po(world, order, 1),
    "price_under_po": lambda world, order: price_beside_po(world, order, -1),
    "asin_on_two_lines": lambda world, order: (
        asins_twice(world, order) and all("purchaseOrderLineItemId" in line for line in world.lines(order))
    ),
    "ambiguous_po_line": lambda world, order: (
        asins_twice(world, order) and not any("purchaseOrderLineItemId" in line for line in world.lines(order))
    ),
    "no_po_line": lambda world, order: (
        bool(world.po_lines(order))
        and not asins_twice(world, order)
        and bool(world.lines(order))
        and not any("purchaseOrderLineItemId" in line for line in world.lines(order))
    ),
    "unknown_po_number": lambda world, order: (
        "purchaseOrderNumber" in world.orders[order] and world.orders[order]["purchaseOrderNumber"] not in world.pos
    ),
    "cancelled": lambda world, order: world.orders[order]["orderStatus"] == "CANCELLED",
    "partial_receipt": lambda world, order: (
        short_of_receipts(world, order) and world.orders[order]["purchaseOrderNumber"] not in world.closed
    ),
    "quantity_over_receipt": lambda world, order: (
        short_of_receipts(world, order) and world.orders[order]["purchaseOrderNumber"] in world.closed
    ),
    "keyed_by_clerk": lambda world, order: bool(numbers(world, order) & world.keyed),
}


@pytest.mark.parametrize("situation", CHECKS)
def test_the_orders_in_a_situation_are_exactly_those_the_facts_name(situation: str) -> None:
    assert orders_where(CHECKS[situation]) == stated(situation)


def test_the_counts_beside_the_facts_are_their_lengths() -> None:
    for fact in quarter().facts["situations"].values():
        assert fact["count"] == len(fact["documents"])


def test_no_order_is_in_two_situations() -> None:
    orders = [fact["order"] for entry in quarter().facts["situations"].values() for fact in entry["documents"]]
    assert len(orders) == len(set(orders))


def test_orders_without_any_po_are_the_website_orders_and_every_second_card_order() -> None:
    without = orders_where(lambda world, order: "purchaseOrderNumber" not in world.orders[order])
    assert stated("no_po_number") <= without
    assert without - stated("no_po_number") <= stated("paid_by_card")
    assert len(without) == len(stated("no_po_number")) + len(stated("paid_by_card")) // 2


def test_a_fifth_of_the_orders_is_paid_by_card() -> None:
    assert len(stated("paid_by_card")) == 60
    assert abs(60 / len(seen().orders) - 0.20) < 0.01


def test_quantity_over_order_bills_more_than_the_po_line_has() -> None:
    def over(world: Seen, order: str) -> bool:
        ordered = {line["line-num"]: Decimal(line["quantity"]) for line in world.po_lines(order)}
        billed: Counter[str] = Counter()
        for line in world.lines(order):
            billed[line.get("purchaseOrderLineItemId", "")] += line["itemQuantity"]
        return any(count > ordered.get(number, count) for number, count in billed.items())

    assert orders_where(over) == stated("quantity_over_order")


def test_one_number_over_two_shipments_lies_within_five_days_and_two_numbers_lie_further_apart() -> None:
    for order in seen().orders:
        dates = sorted({datetime.fromisoformat(line["shipmentDate"]) for line in seen().lines(order)})
        if len(dates) > 1:
            shared = len(numbers(seen(), order)) == 1
            assert (dates[-1] - dates[0] <= timedelta(days=5)) == shared, order
            expected = {"one_invoice_over_two_shipments", "late_component"} if shared else {"split_over_two_invoices"}
            assert any(order in stated(one) for one in expected)


def test_refunds_are_where_the_facts_say_and_one_kind_has_no_charge() -> None:
    refunded = {order_of(one) for one in seen().refunds}
    kinds = ("returned", "partly_returned", "price_refund", "overrefund", "refund_never_invoiced")
    assert refunded == set().union(*(stated(kind) for kind in kinds))
    assert {order for order in refunded if not seen().by_order[order]} == stated("refund_never_invoiced")
    over = {order_of(one) for one in seen().refunds if one["transactionType"] == "OVERREFUND"}
    assert over == stated("overrefund")


def test_two_orders_name_the_same_po_exactly_where_stated() -> None:
    on_po: dict[str, set[str]] = defaultdict(set)
    for order, document in seen().orders.items():
        if "purchaseOrderNumber" in document:
            on_po[document["purchaseOrderNumber"]].add(order)
    shared = {frozenset(orders) for orders in on_po.values() if len(orders) > 1}
    facts = quarter().facts["situations"]["two_orders_on_one_po"]["documents"]
    assert shared == {frozenset((fact["order"], fact["second_order"])) for fact in facts}


def test_one_invoice_number_over_two_orders_is_a_consolidated_one() -> None:
    late = NOW + timedelta(days=30)
    on_number: dict[str, set[str]] = defaultdict(set)
    for row in quarter().amazon.transactions:
        document = row.at(late)
        assert document is not None
        on_number[document["invoiceNumber"]].add(order_of(document))
    shared = {frozenset(orders) for orders in on_number.values() if len(orders) > 1}
    situations = quarter().facts["situations"]
    facts = [
        fact for name in ("consolidated_pending", "consolidated_numbered") for fact in situations[name]["documents"]
    ]
    assert shared == {frozenset((fact["order"], fact["second_order"])) for fact in facts}


def test_shipments_in_two_packages_are_the_stated_ones() -> None:
    double = {
        row.document["orderMetadata"]["orderId"]
        for row in quarter().amazon.shipment_lines
        if len(row.document["packages"]) > 1
    }
    assert double == stated("two_packages")


def test_receipts_after_now_are_the_late_ones_and_those_of_orders_still_settling() -> None:
    settling = {seen().orders[order]["purchaseOrderNumber"] for order in stated("still_settling")}
    assert seen().late - settling == stated("late_receipt", "po")
    assert settling <= seen().late


def test_counts_are_those_of_the_documents() -> None:
    world, counts = quarter(), quarter().facts["counts"]
    resources = Counter(record.resource for record in world.coupa.records)
    assert counts["orders"] == len(world.amazon.orders)
    assert counts["order_lines"] == len(world.amazon.order_lines)
    assert counts["shipments"] == len(world.amazon.shipments)
    assert counts["transactions"] == len(world.amazon.transactions)
    assert counts["transaction_lines"] == sum(len(one["transactionLineItems"]) for one in seen().transactions)
    assert (counts["purchase_orders"], counts["receipts"]) == (
        resources["purchase_orders"],
        resources["receiving_transactions"],
    )
    late = {fact["known_at"] for fact in world.facts["situations"]["number_appears_later"]["documents"]}
    changes = [patch for row in world.amazon.transactions for _, patch in row.changes]
    issued = {one["invoiceNumber"] for one in [*seen().charges, *changes] if "invoiceNumber" in one}
    assert len(late) == 6
    assert counts["invoice_numbers"] == len(issued)


def test_the_quarter_looks_like_a_mid_size_company() -> None:
    lines = Counter(row.document["orderMetadata"]["orderId"] for row in quarter().amazon.order_lines)
    assert 290 <= len(seen().orders) <= 320
    assert set(lines.values()) >= {1, 2, 3, 4, 5, 6}
    ordered = [datetime.fromisoformat(one["orderMetadata"]["orderDate"]) for one in seen().orders.values()]
    assert timedelta(days=80) < NOW - min(ordered) <= timedelta(days=92)
    assert NOW - max(ordered) < timedelta(days=10)
