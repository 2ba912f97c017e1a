"""How an order points at its purchase order: not at all, wrongly, incompletely, or together with another order."""

from datetime import timedelta

from sandbox.scenarios.drafting import Draft
from sandbox.scenarios.purchases import Purchase

WEBSITE_GROUP = "Website group"


def drop_po(purchase: Purchase) -> None:
    """The same purchase as if somebody had bought on the website: no PO anywhere."""
    purchase.po = purchase.po_number = None
    purchase.group = WEBSITE_GROUP
    for line in purchase.lines:
        line.po_line = line.po_line_number = None
    for shipment in purchase.shipments:
        shipment.receipts.clear()


def no_po_number(draft: Draft, purchase: Purchase) -> None:
    drop_po(purchase)
    draft.state("no_po_number", purchase)


def unknown_po_number(draft: Draft, purchase: Purchase) -> None:
    """A number typed at checkout that Coupa does not have."""
    drop_po(purchase)
    purchase.po_number = draft.fresh("99#####")
    draft.state("unknown_po_number", purchase)


def no_po_line(draft: Draft, purchase: Purchase) -> None:
    """The PO number is there, its line is not: only the ASIN tells."""
    for line in purchase.lines:
        line.po_line_number = None
    draft.state("no_po_line", purchase)


def asin_on_two_lines(draft: Draft, purchase: Purchase) -> None:
    """The same article on two PO lines of different quantity; Amazon names the lines."""
    _double(draft, purchase)
    draft.state("asin_on_two_lines", purchase, asin=purchase.lines[-1].article.asin)


def ambiguous_po_line(draft: Draft, purchase: Purchase) -> None:
    """The same article on two PO lines of equal price, and Amazon does not name the line."""
    _double(draft, purchase)
    for line in purchase.lines:
        line.po_line_number = None
    draft.state("ambiguous_po_line", purchase, asin=purchase.lines[-1].article.asin)


def _double(draft: Draft, purchase: Purchase) -> None:
    twin = purchase.lines[-1]
    draft.add_line(purchase, twin.article, twin.quantity + 1, position=len(purchase.lines) + 1)
    draft.restage(purchase, purchase.ordered_at)
    draft.ship(purchase, purchase.ordered_at + timedelta(days=1), [(line, line.quantity) for line in purchase.lines])


def has_several_lines(purchase: Purchase) -> bool:
    return len(purchase.lines) > 1


def two_orders_on_one_po(draft: Draft, purchase: Purchase) -> None:
    """Amazon split the PO over two orders, by seller or warehouse."""
    middle = len(purchase.lines) // 2
    second_lines = purchase.lines[middle:]
    del purchase.lines[middle:]
    second = Purchase(
        draft.order_id(), purchase.ordered_at + timedelta(minutes=1), purchase.requester, second_lines, po=purchase.po,
        po_number=purchase.po_number
    )  # fmt: skip
    draft.restage(purchase, purchase.ordered_at)
    draft.purchases.append(second)
    for hours, one in ((24, purchase), (40, second)):
        draft.ship(one, one.ordered_at + timedelta(hours=hours), [(line, line.quantity) for line in one.lines])
    draft.state(
        "two_orders_on_one_po", purchase, second_order=second.order_id, second_invoice=second.invoices[0].number
    )
