"""The drawing board of a scenario: seeded chance, ids that never repeat, ordinary purchases, and the finished world.

An ordinary purchase has a PO, ships once, is charged once under one invoice number, arrives and is received: nothing
deviates. Situations start from it. The same seed always draws the same purchases; no chance touches an amount.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from sandbox.scenarios.amounts import Amounts
from sandbox.scenarios.catalog import ARTICLES, Article
from sandbox.scenarios.coding import account_code, gl_account_for
from sandbox.scenarios.people import PEOPLE, REQUESTERS, Person
from sandbox.scenarios.purchases import (
    PAY_BY_INVOICE,
    InvoiceNumber,
    Line,
    OrderLine,
    Parcel,
    Purchase,
    PurchaseOrder,
    Receipt,
    Shipment,
    Transaction,
)
from sandbox.seed import CoupaRecord, Json

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ123456789"
CARRIERS = (("AMZN_US", "TBA"), ("UPS", "1Z"), ("FEDEX", "7"))
QUANTITIES = (1, 1, 1, 2, 2, 3, 4, 5, 6, 10)
ID_MODES = ("equal", "different")


@dataclass(slots=True)
class Draft:
    """Purchases in the making. `ids` says whether Reporting and Reconciliation name lines and shipments alike."""

    name: str
    seed: int
    now: datetime
    ids: str = "equal"
    random: Random = field(init=False)
    purchases: list[Purchase] = field(default_factory=list)
    situations: dict[str, list[Json]] = field(default_factory=dict)
    people: list[Person] = field(default_factory=lambda: list(PEOPLE))
    records: list[CoupaRecord] = field(default_factory=list)  # what a situation adds to Coupa by itself
    _taken: set[str] = field(default_factory=set)
    _count: int = 0

    def __post_init__(self) -> None:
        if self.now.tzinfo is None:
            raise ValueError(f"scenario {self.name}: `now` has no time zone; give an aware moment")
        if self.ids not in ID_MODES:
            raise ValueError(f"scenario {self.name}: ids is {self.ids!r}; choose {' or '.join(ID_MODES)}")
        self.now = self.now.astimezone(UTC).replace(microsecond=0)
        self.random = Random(f"{self.name}/{self.seed}")

    # ids

    def next(self) -> int:
        self._count += 1
        return self._count

    def fresh(self, pattern: str) -> str:
        """`#` becomes a digit, `?` a letter or digit; never the same text twice in one world."""
        digits, letters = pattern.count("#"), pattern.count("?")
        while True:
            number = iter(f"{self.random.randrange(10**digits):0{digits}d}") if digits else iter("")
            word = iter(self.random.choices(LETTERS, k=letters))
            text = "".join(next(number) if one == "#" else next(word) if one == "?" else one for one in pattern)
            if text not in self._taken:
                self._taken.add(text)
                return text

    def order_id(self) -> str:
        return self.fresh(f"11{self.random.randrange(1, 5)}-#######-#######")

    def invoice_number(self, dated_at: datetime) -> InvoiceNumber:
        return InvoiceNumber(self.fresh("1???-????-????"), dated_at)

    def transaction_id(self) -> str:
        return f"{self.random.getrandbits(40):010x}{self.next():06d}"

    def line_ids(self, position: int) -> tuple[str, str]:
        """An order line's id in Reporting and in Reconciliation."""
        reconciliation = f"6{self.next():013d}"
        return (reconciliation if self.ids == "equal" else str(position)), reconciliation

    def shipment_ids(self) -> tuple[str, str]:
        reconciliation = self.fresh("D????????")
        return (reconciliation if self.ids == "equal" else f"401{self.next():012d}"), reconciliation

    # building blocks

    def minutes(self, low: int, high: int) -> timedelta:
        return timedelta(minutes=self.random.randrange(low, high))

    def purchase(
        self, ordered_at: datetime, *, articles: Sequence[Article] = (), line_count: int | None = None
    ) -> Purchase:
        """An ordinary purchase, kept in the draft."""
        chosen = list(articles) or self.random.sample(
            ARTICLES, line_count or self.random.choice((1, 1, 2, 2, 3, 3, 4, 5, 6))
        )
        requester = self.random.choice(REQUESTERS)
        number = str(4_500_000 + self.next())
        order = PurchaseOrder(number, requester, ordered_at - timedelta(hours=3))
        purchase = Purchase(self.order_id(), ordered_at, requester, [], po=order, po_number=number)
        for position, article in enumerate(chosen, start=1):
            self.add_line(purchase, article, self.random.choice(QUANTITIES), position=position)
        self.purchases.append(purchase)
        self.ship(
            purchase,
            ordered_at + timedelta(days=1) + self.minutes(0, 1200),
            [(line, line.quantity) for line in purchase.lines],
        )
        return purchase

    def add_line(self, purchase: Purchase, article: Article, quantity: int, *, position: int) -> Line:
        gl = gl_account_for(article.unspsc)
        reporting_id, reconciliation_id = self.line_ids(position)
        line = Line(article, quantity, article.price, reporting_id, reconciliation_id, gl)
        if purchase.po is not None:
            account = account_code(purchase.requester.cost_center, gl)
            line.po_line = OrderLine(
                str(len(purchase.po.lines) + 1), article, Decimal(quantity), article.price, account
            )
            line.po_line_number = line.po_line.number
            purchase.po.lines.append(line.po_line)
        purchase.lines.append(line)
        return line

    def ship(
        self,
        purchase: Purchase,
        at: datetime,
        units: Sequence[tuple[Line, int]],
        *,
        invoice: InvoiceNumber | None = None,
    ) -> Shipment:
        """Ships, charges and receives the units. Without `invoice` a new number is issued, dated as the goods leave."""
        rate = purchase.marketplace.tax_rate
        parcels = []
        for line, quantity in units:
            amounts = Amounts(line.unit_price * quantity)
            parcels.append(Parcel(line, quantity, amounts if line.tax_exempt else amounts.taxed(rate)))
        carrier, prefix = self.random.choice(CARRIERS)
        reporting_id, reconciliation_id = self.shipment_ids()
        tracking = [self.fresh(f"{prefix}############")]
        delivered_at = at + timedelta(days=self.random.choice((1, 2, 2, 3))) + self.minutes(0, 240)
        shipment = Shipment(reporting_id, reconciliation_id, at, delivered_at, parcels, [], tracking, carrier)
        shipment.transactions.append(
            self.charge(purchase, shipment, invoice or self.invoice_number(at + timedelta(minutes=40)))
        )
        shipment.receipts = self.receipts(shipment, delivered_at + timedelta(hours=20) + self.minutes(0, 480))
        purchase.shipments.append(shipment)
        return shipment

    def charge(self, purchase: Purchase, shipment: Shipment, invoice: InvoiceNumber | None) -> Transaction:
        at = shipment.shipped_at + timedelta(hours=1)
        feed_at = at + timedelta(hours=2) + self.minutes(0, 360)
        return Transaction(self.transaction_id(), "CHARGE", at, feed_at, shipment.parcels, invoice, purchase.instrument)

    def receipts(self, shipment: Shipment, at: datetime) -> list[Receipt]:
        return [
            Receipt(
                parcel.line.po_line,
                Decimal(parcel.quantity),
                at,
                shipment.reporting_id,
                f"AB-{shipment.reporting_id}-{parcel.line.reporting_id}",
            )
            for parcel in shipment.parcels
            if parcel.line.po_line is not None
        ]

    def refund(
        self,
        purchase: Purchase,
        shipment: Shipment,
        parcels: list[Parcel],
        at: datetime,
        *,
        kind: str = "REFUND",
        reason: str = "Customer return",
    ) -> Transaction:
        """A credit memo of its own for what `parcels` (positive) say; kept on the purchase with negative amounts."""
        negative = [Parcel(parcel.line, parcel.quantity, parcel.amounts.negative()) for parcel in parcels]
        memo = self.invoice_number(at)
        instrument = shipment.transactions[0].instrument if shipment.transactions else PAY_BY_INVOICE
        feed_at = at + timedelta(hours=2) + self.minutes(0, 360)
        refund = Transaction(self.transaction_id(), kind, at, feed_at, negative, memo, instrument, refund_reason=reason)
        purchase.refunds.append((shipment, refund))
        return refund

    def restage(self, purchase: Purchase, ordered_at: datetime) -> None:
        """Back to the moment of ordering, at `ordered_at`: nothing has shipped yet."""
        purchase.ordered_at = ordered_at
        purchase.shipments.clear()
        if purchase.po:
            purchase.po.issued_at = ordered_at - timedelta(hours=3)

    def state(self, situation: str, purchase: Purchase, **facts: str) -> None:
        """Keeps what was planted where, so that a test can hold the outcome against it."""
        fact: Json = {"order": purchase.order_id, "po": purchase.po_number}
        fact["invoices"] = [invoice.number for invoice in purchase.invoices]
        self.situations.setdefault(situation, []).append({**fact, **facts})
