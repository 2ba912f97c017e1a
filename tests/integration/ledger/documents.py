"""A small world for the ledger's tests: charges of invoices, their plans, and a target that only remembers."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from connectors.tally import Tally
from procurement.ledger import Ledger
from procurement.ledger.types import (
    Claimed,
    Found,
    Plan,
    PlannedDelivery,
    PlannedRecord,
    Record,
    RecordLine,
    Run,
    Sent,
    Staged,
)

PIPELINE = "amazon_invoices_to_coupa"
SOURCE, KIND = "amazon_business/acme", "transaction"
NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
CREATE, SUBMIT, COMMENT = "create_invoice", "submit_invoice", "comment_on_invoice"


def charge(key: str, invoice: str | None = "N1", amount: str | None = "10.00", **changes: object) -> Staged:
    values = {
        "key": key,
        "raw": {"transactionId": key, "total": Decimal(amount) if amount else None},
        "amount": Decimal(amount) if amount else None,
        "currency": "USD" if amount else None,
        "group_key": invoice,
        "dated_at": NOW,
        "subkind": "CHARGE",
        "lines": (RecordLine("O-1", f"L-{key}", "S-1", 1, Decimal(amount) if amount else None),),
        **changes,
    }
    return Staged(**values)  # type: ignore[arg-type]


def open_run(ledger: Ledger, name: str = "first", **options: object) -> Run:
    return ledger.runs.open(PIPELINE, name, now=NOW, **options)  # type: ignore[arg-type]


def read(ledger: Ledger, run: Run, rows: Sequence[Staged]) -> list[Record]:
    """Tallied and staged as extract does it."""
    tally = Tally()
    for row in rows:
        tally.count(KIND, row.key, row.amount, row.currency)
    ledger.records.stage(run, SOURCE, KIND, rows)
    ledger.runs.keep_tally(run, SOURCE, tally)
    return pending(ledger)


def pending(ledger: Ledger) -> list[Record]:
    return ledger.records.load(row.id for row in ledger.records.to_plan(SOURCE, KIND))


def invoice_plan(records: Sequence[Record], *, comment: bool = False) -> Plan:
    """Create and submit per invoice number, each record billed whole."""
    plan = Plan()
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record.group_key or "", []).append(record)
    for number, billed in groups.items():
        total = sum((record.amount or Decimal(0) for record in billed), Decimal(0))
        plan.deliveries += [
            PlannedDelivery(
                action=CREATE, business_key=number, payload={"number": number, "keys": [record.key for record in billed]},
                amount=total, currency="USD",
            ),
            PlannedDelivery(action=SUBMIT, business_key=number, payload={}, after=(CREATE, number)),
        ]  # fmt: skip
        if comment:
            plan.deliveries.append(
                PlannedDelivery(
                    action=COMMENT,
                    business_key=number,
                    payload={"text": "look"},
                    after=(SUBMIT, number),
                    required=False,
                )
            )
        plan.records += [bill(record, number) for record in billed]
    return plan


def bill(record: Record, number: str) -> PlannedRecord:
    return PlannedRecord(
        record_id=record.id, state="planned", bills=(CREATE, number), amount=record.amount, currency=record.currency, hash=record.hash
    )  # fmt: skip


def decide(
    record: Record, state: str, reason: str = "because", *, to_plan: bool = False, **more: object
) -> PlannedRecord:
    return PlannedRecord(
        record_id=record.id, state=state, reason=reason, amount=record.amount, currency=record.currency, to_plan=to_plan,
        **more,
    )  # type: ignore[arg-type] # fmt: skip


def plan_invoices(ledger: Ledger, *keys: str, invoice: str = "N1", run: Run | None = None, **options: bool) -> Run:
    """Reads charges `keys` of one invoice and keeps their plan."""
    run = run or open_run(ledger)
    records = read(ledger, run, [charge(key, invoice) for key in keys])
    ledger.planning.keep(run, invoice_plan(records, **options))
    return run


def claim_next(ledger: Ledger) -> Claimed:
    ledger.deliveries.settle_chains(PIPELINE)
    claimed = ledger.deliveries.claim(ledger.deliveries.due(PIPELINE, 1)[0][0])
    assert claimed is not None
    return claimed


def state_of(ledger: Ledger, action: str = CREATE, key: str = "N1") -> str:
    return ledger.deliveries.known(PIPELINE, action, [key])[key].state


def count(ledger: Ledger, query: str) -> int:
    with ledger.engine.begin() as connection:
        return int(connection.exec_driver_sql(query).scalar_one())


class FreePermit:
    """Leave for one write, without a rate behind it."""

    def release(self) -> None:
        """Nothing to give back."""


@dataclass
class Target:
    """One kind of write in a target system that keeps each document once per key. `script` holds what each send does first."""

    name: str = CREATE
    documents: dict[str, str] = field(default_factory=dict)
    sends: list[str] = field(default_factory=list)
    asks: list[str] = field(default_factory=list)
    script: list[Exception | Callable[[Claimed], None]] = field(default_factory=list)
    stores: bool = True  # a scripted error comes after the document was made
    permits: int = 0
    ours: bool = True

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def permit(self) -> "FreePermit":
        self.permits += 1
        return FreePermit()

    def send(self, delivery: Claimed, permit: object) -> Sent:
        with self._lock:
            self.sends.append(delivery.business_key)
            step = self.script.pop(0) if self.script else None
        if isinstance(step, Exception):
            if self.stores:
                self._make(delivery)
            raise step
        if step is not None:
            step(delivery)
        return Sent(self._make(delivery))

    def ask(self, delivery: Claimed) -> Found | None:
        self.asks.append(delivery.business_key)
        target_id = self.documents.get(delivery.business_key)
        return Found(target_id, ours=self.ours) if target_id else None

    def _make(self, delivery: Claimed) -> str:
        with self._lock:
            target_id = f"{self.name}-{len(self.documents) + 1}"
            assert delivery.business_key not in self.documents, f"{delivery.business_key} was sent twice"
            self.documents[delivery.business_key] = target_id
            return target_id


def targets(**of: Target) -> dict[str, Target]:
    """One target per action, those given by name (create, submit, comment) as they are."""
    return {
        CREATE: of.get("create") or Target(CREATE),
        SUBMIT: of.get("submit") or Target(SUBMIT),
        COMMENT: of.get("comment") or Target(COMMENT),
    }
