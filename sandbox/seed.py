"""What a scenario hands to the two services: a world in wire form, with the moments at which each part appears.

Amazon Business documents are `Timed`: visible from `since`, patched by `changes` as the clock passes them (each patch
replaces top-level keys). Coupa records are created through the service's own rules at `at`, in that order; those in
the future happen when the clock gets there, so that a receipt that arrives later releases a waiting invoice.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Json = dict[str, Any]


@dataclass(slots=True)
class Timed:
    """`document` in Amazon Business's wire form (money as string or number exactly as that API writes it)."""

    document: Json
    since: datetime
    changes: list[tuple[datetime, Json]] = field(default_factory=list)

    def at(self, now: datetime) -> Json | None:
        """The document as it reads at `now`; None while it is not yet visible."""
        if now < self.since:
            return None
        seen = self.document
        for moment, patch in self.changes:
            if moment <= now:
                seen = {**seen, **patch}
        return {key: value for key, value in seen.items() if value is not None}


@dataclass(slots=True)
class FateStep:
    """What happens to an order that is placed, `hours` after that. `event` and `body` are those of the sandbox's events
    (`ship`, `deliver`, `cancel`, ...); `line` is a PO line number (None: all that is left), `quantity` its units.
    Documents that only the placed order knows (order id, shipment ids) are filled in."""

    hours: float
    event: str
    line: str | None = None
    quantity: int | None = None
    body: Json = field(default_factory=dict)


@dataclass(slots=True)
class Fate:
    """How Amazon will treat an order for one PO. `short`: units that are not available, by PO line number; `refused`:
    rejection artifacts for whole lines. Without steps an order ships whole, is charged and arrives."""

    short: dict[str, int] = field(default_factory=dict)
    refused: dict[str, list[Json]] = field(default_factory=dict)
    steps: list[FateStep] = field(default_factory=list)


@dataclass(slots=True)
class AmazonSeed:
    account: str = "sandbox"
    region: str = "US"
    user_emails: list[str] = field(default_factory=list)
    orders: list[Timed] = field(default_factory=list)  # OrderReport
    order_lines: list[Timed] = field(default_factory=list)  # OrderLineItemReport
    shipments: list[Timed] = field(default_factory=list)  # ShipmentReport
    shipment_lines: list[Timed] = field(default_factory=list)  # ShipmentLineItemReport
    transactions: list[Timed] = field(default_factory=list)  # Transaction; `since` is its feedDate
    # {"orderLineItem": {orderId, orderLineItemId, shipmentId}, "invoiceDetails": [InvoiceDetail, ...]}, ids as in transactions
    invoice_details: list[Timed] = field(default_factory=list)
    payments: list[Timed] = field(default_factory=list)  # {"invoiceId", "status", "dueDate"}
    # Product Search documents (ProductsResult), each with its offers in includedDataTypes.OFFERS
    products: list[Timed] = field(default_factory=list)
    fates: dict[str, Fate] = field(default_factory=dict)  # by PO number; others get the ordinary fate
    ids: str = (
        "equal"  # "different": orders placed here have other line and shipment ids in Reconciliation than in Reporting
    )


@dataclass(slots=True)
class CoupaRecord:
    """One record to create. `resource` is the path's word (`purchase_orders`, `receiving_transactions`, ...); `body` is
    what a POST would carry, references by natural key, plus what only Coupa itself may set (id, status, requisition).
    A receipt's `order-line` may be given as {"order-header-number": "...", "line-num": "..."}."""

    resource: str
    body: Json
    at: datetime


@dataclass(slots=True)
class CoupaEvent:
    """Something a person does in Coupa's pages at `at`: an event of the sandbox by name, with its body."""

    name: str
    body: Json
    at: datetime


@dataclass(slots=True)
class CoupaSeed:
    records: list[CoupaRecord] = field(default_factory=list)
    events: list[CoupaEvent] = field(default_factory=list)
    # Coupa's own tolerances: {"default": {"price_percent": "5", "price_amount": None, ...}, "<commodity name>": {...}}
    tolerances: dict[str, dict[str, str | None]] = field(default_factory=dict)
    # Approval chain for submitted invoices: logins in order; empty means auto-approval.
    invoice_approvers: list[str] = field(default_factory=list)


@dataclass(slots=True)
class RefusedRow:
    """A row of an order report that could not be used."""

    row: int
    reason: str


@dataclass(slots=True)
class World:
    name: str
    seed: int
    now: datetime
    amazon: AmazonSeed
    coupa: CoupaSeed
    facts: Json = field(default_factory=dict)  # what was planted: counts, stated deviations, where each report row went
    refused: list[RefusedRow] = field(default_factory=list)
