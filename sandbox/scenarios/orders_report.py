"""A world from a customer's own orders: the rows of an Amazon order-items report as orders, shipments and charges.

Amazon's money is the report's, row by row and to the cent. Coupa is invented around it: for a share of the orders there
are purchase orders and receipts, and everything that deviates deviates there. The facts say of every row which
transaction line carries it, or why none does; rows that could not be read are in `World.refused`.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from sandbox.scenarios.amounts import ZERO
from sandbox.scenarios.drafting import Draft
from sandbox.scenarios.finishing import finish, garbage_kept
from sandbox.scenarios.purchases import Parcel, Purchase, Transaction
from sandbox.scenarios.report_orders import ReportOrder, build_order, give_purchase_order
from sandbox.scenarios.report_rows import ReportRow, read_rows
from sandbox.scenarios.report_situations import plant_deviations
from sandbox.seed import Json, RefusedRow, World

NAME = "orders-report"
SAMPLE = Path(__file__).with_name("sample-orders-report.csv")


def read_orders_report(
    path: str | Path, *, with_pos: Decimal = Decimal("0.70"), seed: int = 1, now: datetime | None = None,
    ids: str = "equal"
) -> World:  # fmt: skip
    """The report's world; dates are kept. `with_pos` is the share of orders that have a PO in Coupa (0 to 1).

    `now` defaults to the first midnight UTC after the last date in the report. Raises ReportError for a file in another
    layout and ValueError for a share outside 0 to 1.
    """
    if not isinstance(with_pos, Decimal) or not 0 <= with_pos <= 1:
        raise ValueError(f"with_pos is {with_pos!r}; give a Decimal from 0 to 1")
    rows, refused = read_rows(Path(path))
    with garbage_kept():
        return _build(rows, refused, with_pos=with_pos, seed=seed, now=now or _after(rows), ids=ids)


def _after(rows: Iterable[ReportRow]) -> datetime:
    last = max((row.ship_date or row.order_date for row in rows), default=date(2000, 1, 1))
    return datetime.combine(last + timedelta(days=1), time(0), UTC)


def _build(
    rows: Sequence[ReportRow], refused: Sequence[RefusedRow], *, with_pos: Decimal, seed: int, now: datetime, ids: str
) -> World:  # fmt: skip
    draft = Draft(NAME, seed, now, ids)
    by_order: dict[str, list[ReportRow]] = {}
    mixed: list[RefusedRow] = []
    for row in rows:
        first = by_order.setdefault(row.order_id, [row])[0]
        if row.marketplace is not first.marketplace or row.order_date != first.order_date:
            mixed.append(
                RefusedRow(row.number, f"Order {row.order_id} has another date or website in row {first.number}.")
            )
        elif row is not first:
            by_order[row.order_id].append(row)
    orders = [build_order(draft, group) for group in by_order.values()]
    _give_purchase_orders(draft, orders, with_pos)
    plant_deviations(draft, [order.purchase for order in orders if order.purchase.po])
    world = finish(draft)
    world.refused = sorted([*refused, *mixed], key=lambda one: one.row)
    world.facts["report"] = _report_facts(orders, world.refused, with_pos)
    return world


def _give_purchase_orders(draft: Draft, orders: Sequence[ReportOrder], share: Decimal) -> None:
    """Orders that name a PO in the report first, then those with several units or lines, then whom chance picks."""
    wanted = int((len(orders) * share).quantize(Decimal(1), ROUND_HALF_UP))
    shuffled = draft.random.sample(orders, len(orders))
    shuffled.sort(key=lambda order: (not order.rows[0].po_number, not any(row.quantity > 1 for row in order.rows)))
    chosen = {id(order) for order in shuffled[:wanted]}
    for order in orders:
        if id(order) in chosen:
            give_purchase_order(draft, order)


def _report_facts(orders: Sequence[ReportOrder], refused: Sequence[RefusedRow], with_pos: Decimal) -> Json:
    places = sorted((place for order in orders for place in _row_facts(order)), key=lambda place: place["row"])
    charged = [place for place in places if "transaction" in place]
    return {
        "rows": len(places) + len(refused),
        "orders": len(orders),
        "orders_with_po": sum(order.purchase.po is not None for order in orders),
        "share_with_po": str(with_pos),
        "money": _sums(places),
        "charged": _sums(charged),
        "charged_rows": len(charged),
        "refused_rows": len(refused),
        "where": places,
    }


def _sums(places: Sequence[Json]) -> dict[str, str]:
    """The rows' amounts per currency, as text."""
    sums: dict[str, Decimal] = {}
    for place in places:
        sums[place["currency"]] = sums.get(place["currency"], ZERO) + Decimal(place["amount"])
    return {currency: str(total) for currency, total in sorted(sums.items())}


def _row_facts(order: ReportOrder) -> Iterable[Json]:
    """Of each row: the transaction line that carries it, or the reason why there is none."""
    carried = {id(parcel.line): (charge.id, parcel, invoice) for charge, parcel, invoice in _charged(order.purchase)}
    for row, line in zip(order.rows, order.purchase.lines, strict=True):
        fact: Json = {
            "row": row.number,
            "order": row.order_id,
            "amount": str(row.amounts.total),
            "currency": row.marketplace.currency,
            "seller": row.seller,
            "credentials": list(row.credentials),
        }
        if id(line) in carried:
            transaction, parcel, invoice = carried[id(line)]
            fact |= {"transaction": transaction, "line": parcel.line.reconciliation_id, "invoice": invoice}
        elif row.quantity == 0:
            fact["reason"] = "cancelled: quantity 0"
        else:
            fact["reason"] = "never shipped: no shipment date"
        yield {**fact, "notes": list(row.notes)} if row.notes else fact


def _charged(purchase: Purchase) -> Iterable[tuple[Transaction, Parcel, str]]:
    for charge in purchase.charges:
        for parcel in charge.parcels:
            yield charge, parcel, charge.invoice.number if charge.invoice else ""
