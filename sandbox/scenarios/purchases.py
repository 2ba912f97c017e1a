"""What happened to one purchase, decided in full before a single document of either system is written.

A `Purchase` is one Amazon order; a `PurchaseOrder` is Coupa's, and may be behind several. Situations change these
plans, `amazon_documents` and `coupa_documents` turn them into wire form. Moments are aware UTC, amounts exact.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sandbox.scenarios.amounts import Amounts, add_up
from sandbox.scenarios.catalog import Article
from sandbox.scenarios.people import Person
from sandbox.seed import Json


@dataclass(frozen=True, slots=True)
class Marketplace:
    region: str
    id: str
    currency: str
    zone: str
    tax_rate: Decimal  # sales tax or VAT at the company's place, as a fraction


US = Marketplace("US", "ATVPDKIKX0DER", "USD", "America/Los_Angeles", Decimal("0.0825"))
DE = Marketplace("DE", "A1PA6795UKMFR9", "EUR", "Europe/Berlin", Decimal("0.19"))
JP = Marketplace("JP", "A1VC38T7YXB528", "JPY", "Asia/Tokyo", Decimal("0.10"))
MARKETPLACES = {  # by the name that Amazon's reports give the website
    "Amazon.com": US,
    "Amazon.ca": Marketplace("CA", "A2EUQ1WTGCTBG2", "CAD", "America/Toronto", Decimal("0.13")),
    "Amazon.co.uk": Marketplace("UK", "A1F83G8C2ARO7P", "GBP", "Europe/London", Decimal("0.20")),
    "Amazon.de": DE,
    "Amazon.fr": Marketplace("FR", "A13V1IB3VIYZZH", "EUR", "Europe/Paris", Decimal("0.20")),
    "Amazon.it": Marketplace("IT", "APJ6JRA9NG5V4", "EUR", "Europe/Rome", Decimal("0.22")),
    "Amazon.es": Marketplace("ES", "A1RKKUPIHCS9HS", "EUR", "Europe/Madrid", Decimal("0.21")),
}


@dataclass(frozen=True, slots=True)
class Instrument:
    type: str
    last_digits: str | None = None


PAY_BY_INVOICE = Instrument("Pay by Invoice")


@dataclass(slots=True)
class OrderLine:
    """A line of Coupa's PO: what was approved."""

    number: str
    article: Article
    quantity: Decimal
    price: Decimal
    account: str
    match_type: str | None = None
    without_part_number: bool = False


@dataclass(slots=True)
class PurchaseOrder:
    number: str
    requester: Person
    issued_at: datetime
    lines: list[OrderLine] = field(default_factory=list)
    payment_method: str = "invoice"
    currency: str = "USD"


@dataclass(slots=True)
class Line:
    """A line of the Amazon order. The ids may differ between the two APIs; `po_line` is None without a PO in Coupa."""

    article: Article
    quantity: int
    unit_price: Decimal
    reporting_id: str
    reconciliation_id: str
    gl_account: str
    po_line: OrderLine | None = None
    po_line_number: str | None = None  # what Amazon says
    tax_exempt: bool = False


@dataclass(slots=True)
class Parcel:
    """Units of one line in one shipment, with the money charged for them."""

    line: Line
    quantity: int
    amounts: Amounts


@dataclass(slots=True)
class InvoiceNumber:
    """`known_at`: when the number appears (None: with the charge). `consolidated`: it gathers several orders and reads
    Pending until then."""

    number: str
    dated_at: datetime
    known_at: datetime | None = None
    consolidated: bool = False


@dataclass(slots=True)
class Transaction:
    """One CHARGE, REFUND or OVERREFUND; refunds carry negative amounts. `authorised` stands as `amount` until it settles."""

    id: str
    kind: str
    at: datetime
    feed_at: datetime
    parcels: list[Parcel]
    invoice: InvoiceNumber | None
    instrument: Instrument = PAY_BY_INVOICE
    associated: list[str] = field(default_factory=list)
    authorised: Decimal | None = None
    refund_reason: str | None = None

    @property
    def total(self) -> Decimal:
        return add_up([parcel.amounts for parcel in self.parcels]).total


@dataclass(slots=True)
class Receipt:
    """`last`: the PO line is soft-closed for receiving with it, nothing more can come."""

    po_line: OrderLine
    quantity: Decimal
    at: datetime
    shipment_id: str
    external_id: str
    last: bool = False


@dataclass(slots=True)
class Shipment:
    reporting_id: str
    reconciliation_id: str
    shipped_at: datetime
    delivered_at: datetime
    parcels: list[Parcel]
    transactions: list[Transaction]
    tracking: list[str]
    carrier: str = "AMZN_US"
    receipts: list[Receipt] = field(default_factory=list)

    @property
    def amounts(self) -> Amounts:
        return add_up([parcel.amounts for parcel in self.parcels])


@dataclass(slots=True)
class Purchase:
    order_id: str
    ordered_at: datetime
    requester: Person
    lines: list[Line]
    shipments: list[Shipment] = field(default_factory=list)
    po: PurchaseOrder | None = None
    po_number: str | None = None  # what Amazon says; may be missing, or unknown to Coupa
    instrument: Instrument = PAY_BY_INVOICE
    marketplace: Marketplace = US
    cancelled: bool = False
    group: str = "Coupa group"
    cost_center: str = ""  # blank: the requester's
    ship_to: Json | None = None
    refunds: list[tuple[Shipment, Transaction]] = field(default_factory=list)

    @property
    def coded_to(self) -> str:
        return self.cost_center or self.requester.cost_center

    @property
    def amounts(self) -> Amounts:
        return add_up([shipment.amounts for shipment in self.shipments])

    @property
    def charges(self) -> list[Transaction]:
        return [charge for shipment in self.shipments for charge in shipment.transactions]

    @property
    def transactions(self) -> list[Transaction]:
        return [*self.charges, *(refund for _, refund in self.refunds)]

    @property
    def invoices(self) -> list[InvoiceNumber]:
        found = {charge.invoice.number: charge.invoice for charge in self.charges if charge.invoice}
        return list(found.values())
