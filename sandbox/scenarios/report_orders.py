"""One order of the report as a purchase, and the purchase order that Coupa might have had for it.

The report has dates without a time: an order counts from 14:00 UTC, a shipment from 16:00, its charge is in the feed by
23:00 of the same day. Rows with the same shipment date and tracking number left together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from sandbox.scenarios.catalog import AMAZON, Article, Seller
from sandbox.scenarios.coding import account_code, gl_account_for
from sandbox.scenarios.drafting import Draft
from sandbox.scenarios.people import BUYER, PEOPLE, REQUESTERS, Person
from sandbox.scenarios.purchases import (
    Instrument,
    InvoiceNumber,
    Line,
    OrderLine,
    Parcel,
    Purchase,
    PurchaseOrder,
    Shipment,
    Transaction,
)
from sandbox.scenarios.report_rows import ReportRow
from sandbox.seed import Json

ORDERED_AT = time(14, tzinfo=UTC)
SHIPPED_AT = time(16, tzinfo=UTC)
SAME_INVOICE_WITHIN = timedelta(days=5)
LONGEST_PO_NUMBER = 20  # Coupa's column
FIRST_UNKNOWN_ID = 700
WEBSITE_GROUP = "Website group"
COUPA_GROUP = "Coupa group"


@dataclass(slots=True)
class ReportOrder:
    """`rows` and the purchase's lines are in the same order."""

    rows: list[ReportRow]
    purchase: Purchase


def build_order(draft: Draft, rows: list[ReportRow]) -> ReportOrder:
    """The order with its shipments and charges; no PO yet, except the number that the report itself names."""
    first = rows[0]
    purchase = Purchase(
        first.order_id, datetime.combine(first.order_date, ORDERED_AT), _buyer(draft, first), [],
        po_number=first.po_number or None,
        instrument=Instrument(first.instrument), marketplace=first.marketplace, group=first.group or WEBSITE_GROUP,
        ship_to=_address(first),
    )  # fmt: skip
    purchase.cancelled = all(row.quantity == 0 for row in rows)
    for position, row in enumerate(rows, start=1):
        purchase.lines.append(_line(draft, row, position))
    draft.purchases.append(purchase)
    _ship(draft, purchase, rows)
    return ReportOrder(rows, purchase)


def _buyer(draft: Draft, row: ReportRow) -> Person:
    """The person with that address; somebody Coupa does not know yet becomes a user there too."""
    known = next((person for person in draft.people if person.email.lower() == row.email.lower()), None)
    if known or not row.email:
        return known or BUYER
    first, _, last = (row.buyer or row.email).partition(" ")
    number = FIRST_UNKNOWN_ID + len(draft.people) - len(PEOPLE)
    person = Person(
        number, f"amazon.buyer{number}", first[:40], last[:40] or "-", "Finance", "4900", "helen.osei", row.email
    )
    draft.people.append(person)
    return person


def _address(row: ReportRow) -> Json:
    name, street1, street2, city, state, postal_code = row.address
    wire: Json = {
        "fullName": name,
        "addressLine1": street1,
        "city": city,
        "stateOrRegion": state,
        "postalCode": postal_code,
    }
    wire["countryCode"] = "GB" if row.marketplace.region == "UK" else row.marketplace.region
    return {**wire, "addressLine2": street2} if street2 else wire


def _line(draft: Draft, row: ReportRow, position: int) -> Line:
    reporting_id, reconciliation_id = draft.line_ids(position)
    seller = AMAZON if row.seller == AMAZON.name else Seller(row.seller, "not in the report", "", "", row.credentials)
    article = Article(
        row.asin, row.title, row.category, row.unspsc, row.unit_price, seller,
        condition=row.condition.capitalize() or "New"
    )  # fmt: skip
    line = Line(article, row.quantity, row.unit_price, reporting_id, reconciliation_id, gl_account_for(row.unspsc))
    line.tax_exempt = row.tax_exempt
    line.po_line_number = row.po_line_number or None
    return line


def _ship(draft: Draft, purchase: Purchase, rows: Sequence[ReportRow]) -> None:
    """One shipment per date and tracking number, one charge each; within five days they share an invoice number."""
    loads: dict[tuple[date, tuple[str, ...]], list[tuple[ReportRow, Line]]] = {}
    for row, line in zip(rows, purchase.lines, strict=True):
        if row.ship_date and row.quantity:
            loads.setdefault((row.ship_date, row.tracking), []).append((row, line))
    invoice: InvoiceNumber | None = None
    for (day, tracking), load in sorted(loads.items()):
        shipped_at = datetime.combine(day, SHIPPED_AT)
        if invoice is None or shipped_at - invoice.dated_at > SAME_INVOICE_WITHIN:
            invoice = draft.invoice_number(shipped_at + timedelta(minutes=40))
        reporting_id, reconciliation_id = draft.shipment_ids()
        parcels = [Parcel(line, row.quantity, row.amounts) for row, line in load]
        delivered_at = shipped_at + timedelta(days=2)
        charged_at = shipped_at + timedelta(hours=1)
        feed_at = charged_at + timedelta(hours=2) + draft.minutes(0, 240)
        charge = Transaction(
            draft.transaction_id(), "CHARGE", charged_at, feed_at, parcels, invoice, purchase.instrument
        )
        carrier = load[0][0].carrier or "unknown"
        numbers = list(tracking) or [draft.fresh("TRK##########")]
        purchase.shipments.append(
            Shipment(reporting_id, reconciliation_id, shipped_at, delivered_at, parcels, [charge], numbers, carrier)
        )


def give_purchase_order(draft: Draft, order: ReportOrder) -> None:
    """A PO issued three hours before the order, at the report's prices and quantities, received after delivery."""
    purchase = order.purchase
    number = purchase.po_number or str(4_600_000 + draft.next())
    if len(number) > LONGEST_PO_NUMBER:
        draft.state("po_number_too_long", purchase)
        return
    shared = next((one.po for one in draft.purchases if one.po and one.po.number == number), None)
    requester = shared.requester if shared else draft.random.choice(REQUESTERS)
    po = shared or PurchaseOrder(
        number, requester, purchase.ordered_at - timedelta(hours=3), currency=purchase.marketplace.currency
    )
    po.issued_at = min(po.issued_at, purchase.ordered_at - timedelta(hours=3))
    purchase.po, purchase.po_number, purchase.cost_center, purchase.group = (
        po,
        number,
        requester.cost_center,
        COUPA_GROUP,
    )
    for line in purchase.lines:
        add_po_line(po, line)
    for shipment in purchase.shipments:
        shipment.receipts = draft.receipts(
            shipment, shipment.delivered_at + timedelta(hours=20) + draft.minutes(0, 240)
        )


def add_po_line(po: PurchaseOrder, line: Line) -> None:
    """The PO line of an order line; a cancelled line was approved for one unit."""
    taken = {one.number for one in po.lines}
    number = line.po_line_number or str(len(po.lines) + 1)
    while number in taken:
        number = str(int(number) + 1) if number.isdigit() else str(len(taken) + 1)
    account = account_code(po.requester.cost_center, line.gl_account)
    line.po_line = OrderLine(number, line.article, Decimal(max(line.quantity, 1)), line.unit_price, account)
    line.po_line_number = number
    po.lines.append(line.po_line)
