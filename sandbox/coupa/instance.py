"""One Coupa instance: its records, its settings, its clock, and what it would have mailed.

`now()` is the sandbox's clock, or the moment at which a seeded record is being created: `as_of`.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sandbox.coupa.budget_models import BUDGET_MODELS
from sandbox.coupa.buying_documents import BUYING_DOCUMENTS
from sandbox.coupa.catalog_models import CATALOG_MODELS
from sandbox.coupa.documents import DOCUMENTS
from sandbox.coupa.monitoring import MONITORING
from sandbox.coupa.reference_data import REFERENCE_DATA
from sandbox.coupa.schema import Record, Resource
from sandbox.coupa.store import Store, Table
from sandbox.coupa.supplier_models import SUPPLIER_MODELS

RESOURCES: Mapping[str, Resource] = {
    resource.name: resource
    for resource in (
        *REFERENCE_DATA,
        *DOCUMENTS,
        *BUYING_DOCUMENTS,
        *MONITORING,
        *BUDGET_MODELS,
        *CATALOG_MODELS,
        *SUPPLIER_MODELS,
    )
}
SWITCHES: Mapping[str, Any] = {
    "soft_close_when_complete": False,  # close a PO once everything is received and invoiced (a company setting)
    "ignore_unknown_references": False,  # an optional reference that names nothing changes nothing, instead of 400
    "show_catalog_status": False,  # supplier items tell their catalog's status: the published models do not, some instances do
}
API_USER_ID = 999_000_001  # outside the ordinary series, so that a seed's ids stay free


@dataclass
class Instance:
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    store: Store = field(default_factory=lambda: Store(RESOURCES.values()))
    tolerances: dict[str, dict[str, str | None]] = field(default_factory=dict)
    invoice_approvers: list[str] = field(default_factory=list)
    requisition_approvers: list[str] = field(default_factory=list)  # none: the requester's managers
    requisition_approval_levels: int = 1  # how many managers, one above the other
    order_change_approvers: list[str] = field(default_factory=list)
    currencies_without_rate: list[str] = field(default_factory=list)  # orders in them are put on currency_hold
    po_number_prefix: str = ""
    po_series: int = 1001  # the next number for an order whose requisition asks for none
    switches: dict[str, Any] = field(default_factory=lambda: dict(SWITCHES))
    required_to_submit: tuple[str, ...] = ("account-type", "bill-to-address", "remit-to-address")
    notifications: list[dict[str, Any]] = field(default_factory=list)  # to people: mentions, approvals, disputes
    mails: list[dict[str, Any]] = field(default_factory=list)  # to integration contacts
    trusted: bool = False  # true while Coupa's own doing is replayed from a seed: output columns may be set
    _moment: datetime | None = None

    def __post_init__(self) -> None:
        user = {
            "login": "sandbox.integration",
            "email": "sandbox.integration@example.com",
            "firstname": "Sandbox",
            "lastname": "Integration",
        }
        self.table("users").add(
            {
                "id": API_USER_ID,
                **user,
                "fullname": "Sandbox Integration",
                "active": True,
                "api-user": True,
                "roles": [],
            },
            outside_series=True,
        )

    def now(self) -> datetime:
        return (self._moment or self.clock()).replace(microsecond=0)  # Coupa's columns hold whole seconds

    def table(self, resource: str) -> Table:
        return self.store[resource]

    def get(self, resource: str, record_id: Any) -> Record | None:
        return self.store[resource].rows.get(record_id)

    @contextmanager
    def as_of(self, moment: datetime, *, trusted: bool = True) -> Iterator[None]:
        """Within, time stands at `moment` and (by default) Coupa itself acts."""
        before = (self._moment, self.trusted)
        self._moment, self.trusted = moment, trusted
        try:
            yield
        finally:
            self._moment, self.trusted = before

    def change(self, resource: str, record: Record, /, **changes: Any) -> None:
        """Sets attributes (written with underscores) and moves `updated-at`."""
        spelled = {name if name.startswith("_") else name.replace("_", "-"): value for name, value in changes.items()}
        self.store[resource].update(record, {**spelled, "updated-at": self.now(), "updated-by": API_USER_ID})

    def next_po_number(self) -> str:
        """The next number of the series that no order has yet."""
        while True:
            number = f"{self.po_number_prefix}{self.po_series}"
            self.po_series += 1
            if not self.table("purchase_orders").by("po-number", number):
                return number

    def notify(self, user: Record, subject: str, text: str, *, document: str) -> None:
        self.notifications.append(
            {
                "to": user.get("email"),
                "user-id": user["id"],
                "subject": subject,
                "text": text,
                "document": document,
                "at": self.now().isoformat(),
            }
        )
