"""When an invoice number appears, what day it bears, and who else already entered it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sandbox.scenarios.coupa_documents import keyed_invoice_record
from sandbox.scenarios.drafting import Draft
from sandbox.scenarios.purchases import InvoiceNumber, Purchase
from sandbox.scenarios.situations.deliveries import halves


def number_appears_later(draft: Draft, purchase: Purchase) -> None:
    """The charge is in the feed, its invoice number comes 6 to 30 hours after `now`."""
    invoice = purchase.invoices[0]
    invoice.known_at = draft.now + timedelta(hours=6) + draft.minutes(0, 1440)
    draft.state("number_appears_later", purchase, known_at=invoice.known_at.isoformat())


def consolidated_pending(draft: Draft, purchase: Purchase) -> None:
    """Two orders under one consolidated invoice that is Pending until 12 hours after `now`."""
    known_at = draft.now + timedelta(hours=12)
    shared = InvoiceNumber(draft.fresh("1???-????-????"), purchase.invoices[0].dated_at, known_at, consolidated=True)
    second = draft.purchase(purchase.ordered_at + timedelta(hours=5), line_count=2)
    for charge in (*purchase.charges, *second.charges):
        charge.invoice = shared
    draft.state("consolidated_pending", purchase, second_order=second.order_id, known_at=known_at.isoformat())


def consolidated_numbered(draft: Draft, purchase: Purchase) -> None:
    """Two orders under one consolidated invoice whose number is out."""
    shared = InvoiceNumber(draft.fresh("1???-????-????"), purchase.invoices[0].dated_at, consolidated=True)
    second = draft.purchase(purchase.ordered_at + timedelta(hours=5), line_count=2)
    for charge in (*purchase.charges, *second.charges):
        charge.invoice = shared
    draft.state("consolidated_numbered", purchase, second_order=second.order_id)


def end_of_month(draft: Draft, purchase: Purchase) -> None:
    """Dated 23:00 of the marketplace's last day of a month: already the next month in UTC."""
    zone = ZoneInfo(purchase.marketplace.zone)
    local = (draft.now - timedelta(days=4)).astimezone(zone)
    first = datetime(local.year, local.month, 1, tzinfo=zone)
    last_day = first - timedelta(days=1)
    dated_at = datetime(last_day.year, last_day.month, last_day.day, 23, tzinfo=zone).astimezone(UTC)
    draft.restage(purchase, dated_at - timedelta(days=2))
    invoice = draft.invoice_number(dated_at)
    draft.ship(
        purchase, dated_at - timedelta(minutes=40), [(line, line.quantity) for line in purchase.lines], invoice=invoice
    )
    draft.state("end_of_month", purchase, invoice_date=f"{last_day:%Y-%m-%d}", utc=dated_at.isoformat())


def late_component(draft: Draft, purchase: Purchase) -> None:
    """A second charge under the same number reaches the feed 30 hours after `now`, when the first has long settled."""
    first, second = halves(purchase)
    draft.restage(purchase, purchase.ordered_at)
    shipment = draft.ship(purchase, purchase.ordered_at + timedelta(days=1), first)
    other = draft.ship(
        purchase, purchase.ordered_at + timedelta(days=3), second, invoice=shipment.transactions[0].invoice
    )
    charge = other.transactions[0]
    charge.feed_at = draft.now + timedelta(hours=30)
    draft.state("late_component", purchase, transaction=charge.id, feed_at=charge.feed_at.isoformat())


def still_settling(draft: Draft, purchase: Purchase) -> None:
    """Shipped yesterday, in the feed for less than a day: more may come under the same number; not received yet."""
    draft.restage(purchase, draft.now - timedelta(days=3))
    draft.ship(purchase, draft.now - timedelta(hours=22), [(line, line.quantity) for line in purchase.lines])
    draft.state("still_settling", purchase, feed_at=purchase.charges[0].feed_at.isoformat())


def keyed_by_clerk(draft: Draft, purchase: Purchase) -> None:
    """Accounts payable entered the invoice from paper two days after it was issued."""
    charge = purchase.charges[0]
    received = max((one.at for shipment in purchase.shipments for one in shipment.receipts), default=charge.feed_at)
    at = min(max(received, charge.feed_at) + timedelta(days=1), draft.now - timedelta(hours=1))
    draft.records.append(keyed_invoice_record(purchase, charge, at))
    draft.state("keyed_by_clerk", purchase, keyed_at=at.isoformat())
