"""What goes into the ledger and what comes out of it: frozen values, free of SQL.

Moments are aware; windows are half-open. Amounts are Decimal beside an ISO currency, or both None for documents without
money. A delivery is named by `(action, business_key)` within its pipeline.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from procurement.money import Money

Json = dict[str, Any]
DeliveryName = tuple[str, str]  # (action, business key)
PlannedState = Literal["planned", "waiting", "held", "skipped", "dead"]
State = Literal["planned", "sending", "delivered", "waiting", "held", "skipped", "dead"]
ErrorClass = Literal["transient", "data", "policy", "permission"]
Disposition = Literal["dead", "held", "waiting", "delivered", "skipped"]


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """`start` <= moment < `end`; raises ValueError for naive or reversed moments."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError(f"window {self.start} .. {self.end} needs moments with an offset")
        if self.start > self.end:
            raise ValueError(f"window {self.start} .. {self.end} ends before it starts")

    @property
    def length(self) -> timedelta:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one DAG. `now` and `window` were fixed when it was first opened; a retry reads the same."""

    id: int
    dag_id: str
    run_id: str
    now: datetime
    window: Window | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class RecordLine:
    """The order line a record charges or refunds; what the source does not say is None."""

    order_id: str | None
    order_line_id: str | None
    shipment_id: str | None = None
    quantity: Decimal | int | None = None
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A source record as read. `group_key` groups records into one document, `dated_at` orders them, `subkind` is the
    source's own word for what it is (CHARGE, REFUND)."""

    key: str
    raw: Json
    amount: Decimal | None = None
    currency: str | None = None
    group_key: str | None = None
    dated_at: datetime | None = None
    subkind: str | None = None
    lines: tuple[RecordLine, ...] = ()


@dataclass(frozen=True, slots=True)
class StageCounts:
    """`new` and `changed` wait for planning; `changed_after_claim` were already sent and are findings."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    changed_after_claim: int = 0

    @property
    def staged(self) -> int:
        return self.new + self.changed + self.unchanged + self.changed_after_claim


@dataclass(frozen=True, slots=True)
class Pending:
    """A record that still needs a plan, without its content."""

    id: int
    key: str
    group_key: str | None
    dated_at: datetime | None
    subkind: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A source record with its content as last read. Hand `hash` back in `PlannedRecord`."""

    id: int
    source: str
    kind: str
    key: str
    hash: str
    raw: Json
    amount: Decimal | None = None
    currency: str | None = None
    group_key: str | None = None
    dated_at: datetime | None = None
    subkind: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """An earlier CHARGE on an order line: what a refund of it refers to."""

    record_id: int
    key: str
    group_key: str | None
    dated_at: datetime | None
    order_id: str
    order_line_id: str
    shipment_id: str | None
    quantity: Decimal | None
    amount: Decimal | None
    currency: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """A line of a REFUND or OVERREFUND as it was read. `quantity` 0: money alone; `amount` as Amazon signs it (negative)."""

    key: str
    subkind: str
    order_id: str
    order_line_id: str
    shipment_id: str | None
    quantity: Decimal | None
    amount: Decimal | None
    currency: str | None
    dated_at: datetime | None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedDelivery:
    """One intended write. `after` names the delivery it follows, planned here or earlier; the rows of one document's chain
    share its business key. `required=False`: the document counts as delivered without it. `outcome` is the match's word,
    `variance` its difference in money by cause, and what its next match needs beyond the payload. `subjects`: keys of what it is
    about (PO lines of an invoice). `scope` is the account by whose connection alone it may be sent and asked for."""

    action: str
    business_key: str
    payload: Json
    amount: Decimal | None = None
    currency: str | None = None
    after: DeliveryName | None = None
    state: PlannedState = "planned"
    reason: str | None = None
    outcome: str | None = None
    required: bool = True
    variance: Json | None = None
    subjects: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    error_class: ErrorClass | None = None
    mapping_version: str | None = None
    policy_version: str | None = None
    scope: str | None = None

    @property
    def name(self) -> DeliveryName:
        return self.action, self.business_key


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRecord:
    """Where a record's money (or one `part` of it) goes: into the delivery it `bills`, or nowhere, with state and reason.

    The parts of a record add up to its amount. `to_plan=True` keeps it waiting for later runs. With `hash` (Record.hash)
    a record that was re-read differently meanwhile stays to be planned."""

    record_id: int
    state: PlannedState
    reason: str | None = None
    part: str = "whole"
    bills: DeliveryName | None = None
    amount: Decimal | None = None
    currency: str | None = None
    errors: tuple[str, ...] = ()
    error_class: ErrorClass | None = None
    to_plan: bool = False
    hash: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFinding:
    """A difference that people should see, about a planned delivery or a record; amounts and quantities as text.

    `money` is what it comes to on the document, `rule` the place in the rule files that decided."""

    kind: str
    sentence: str
    delivery: DeliveryName | None = None
    record_id: int | None = None
    line: str | None = None
    breached: bool = True
    expected: str | None = None
    actual: str | None = None
    difference: str | None = None
    limit: str | None = None
    rule: str | None = None
    money: Money | None = None


@dataclass(slots=True)
class Plan:
    """What one transform decided, kept in one transaction."""

    deliveries: list[PlannedDelivery] = field(default_factory=list)
    records: list[PlannedRecord] = field(default_factory=list)
    findings: list[PlannedFinding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PlanCounts:
    """`late`: (record id, business key) of records whose delivery was already claimed; they stay to be planned."""

    planned: int = 0
    replaced: int = 0
    unchanged: int = 0
    records: int = 0
    late: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger already knows of a business key. `claimed`: payload and links are fixed for good."""

    id: int
    action: str
    business_key: str
    state: State
    claimed: bool
    target_id: str | None = None
    outcome: str | None = None
    reason: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    facts: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alike:
    """A delivery that may be the same document once more; `payload` is what was, or will be, sent."""

    business_key: str
    state: State
    amount: Decimal
    currency: str
    payload: Json
    target_id: str | None = None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery this process may send once; also what is asked for. `attempt` guards its outcome."""

    id: int
    action: str
    business_key: str
    payload: Json
    attempt: int
    after_target_id: str | None = None


@dataclass(frozen=True, slots=True)
class Peeked:
    """A planned delivery that is looked at before its claim; `hash` names the payload, and only that one is claimed."""

    id: int
    action: str
    business_key: str
    payload: Json
    hash: str
    attempt: int
    after_target_id: str | None = None
    after_facts: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stop:
    """A gate's refusal, with the reason people read. `waiting`: its records are planned again by the next run."""

    state: Literal["held", "waiting", "skipped"]
    reason: str
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sent:
    """The target's answer. `total` is the document's total as the target shows it; `facts` what it decided. `refused`: it
    answered definitively that it did not do it, and why; the row is held and never sent again under its key."""

    target_id: str
    total: Money | None = None
    facts: Json = field(default_factory=dict)
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A document that stands where ours would. `ours` only when it carries our delivery id. `refused` as in `Sent`."""

    target_id: str
    ours: bool
    total: Money | None = None
    facts: Json = field(default_factory=dict)
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    id: int
    kind: str
    sentence: str
    document: str
    breached: bool
    expected: str | None = None
    actual: str | None = None
    difference: str | None = None
    limit: str | None = None
    rule: str | None = None
    money: Money | None = None
    line: str | None = None
    delivery_id: int | None = None
    record_id: int | None = None


@dataclass(frozen=True, slots=True)
class Event:
    id: int
    document: str
    at: datetime
    kind: str
    sentence: str
    prev_hash: str
    hash: str


SLACK = "slack"  # kind of a notice of which only Slack is still to hear: its mail went out


@dataclass(frozen=True, slots=True)
class Notice:
    key: str
    kind: str
    body: Json
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OpenDocument:
    kind: str
    key: str
    state: str
    next_read: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """What a person must see: a delivery (key `D-…`) or a record without one (`R-…`)."""

    key: str
    pipeline: str | None
    document: str
    state: State
    error_class: ErrorClass | None
    reason: str | None
    errors: tuple[str, ...]
    amount: Decimal | None
    currency: str | None
    since: datetime
    to_do: str
    payload: Json | None = None
