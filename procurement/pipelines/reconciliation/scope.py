"""What a run compares: its range, and the supplier or purchase orders that a person asked for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from procurement.clock import Clock
from procurement.errors import ConfigurationError
from procurement.ledger import Ledger
from procurement.ledger.types import Run, Window
from procurement.pipelines.amazon_invoices_to_coupa import PIPELINE as INVOICES
from procurement.pipelines.windows import RunRequest, requested_window
from procurement.policies import Mode, Rules

PIPELINE = "reconciliation"
OpenRun = Callable[..., Run]


@dataclass(frozen=True, slots=True)
class Scope:
    """`supplier` is the Coupa number asked for; None: all. Empty `po_numbers`: all. `account_supplier` stands for the account.
    `now` is the run's, from which ages count."""

    source: str
    now: datetime
    window: Window | None
    began: date | None
    account_supplier: str | None
    supplier: str | None = None
    po_numbers: tuple[str, ...] = ()

    @property
    def began_at(self) -> datetime | None:
        """The first moment of the go-live day: what Amazon published earlier was never to be read."""
        return datetime.combine(self.began, time.min, UTC) if self.began else None

    def takes(self, supplier: str | None) -> bool:
        """Whether documents of this supplier are compared; those without one count for the account's."""
        return self.supplier is None or (supplier or self.account_supplier) == self.supplier

    def wants(self, po_numbers: Sequence[str]) -> bool:
        return not self.po_numbers or not set(self.po_numbers).isdisjoint(po_numbers)


def read_scope(request: RunRequest, run: Run, *, source: str, account: str, rules: Rules) -> Scope:
    """What the run compares for one Amazon account."""
    entry, supplier = rules.accounts.of(account), str(request.params.get("supplier") or "").strip()
    return Scope(
        source=source, now=run.now, window=run.window, began=rules.rollout.widest(INVOICES).go_live,
        account_supplier=entry.supplier if entry else None, supplier=supplier or None, po_numbers=request.document_numbers,
    )  # fmt: skip


def open_run(ledger: Ledger, request: RunRequest, *, rules: Rules, clock: Clock) -> Run:
    """The run, with its range resolved once; a retry gets the same one back."""
    now = clock.now()
    return ledger.runs.open(request.dag_id, request.run_id, now=now, window=range_of(request, rules=rules, now=now))


def range_of(request: RunRequest, *, rules: Rules, now: datetime) -> Window | None:
    """The form's range, a backfill's own, else the last `days`; never the newest `unread_hours`, which may still be read.

    None where no invoice was ever to be carried over, unless a range was asked for.
    """
    chosen, newest = rules.reconciliation, now - timedelta(hours=rules.reconciliation.unread_hours)
    rollout = rules.rollout.widest(INVOICES)
    window = requested_window(request, now=now) or (request.interval if request.kind == "backfill" else None)
    if window is None:
        if rollout.mode is Mode.OFF:
            return None
        since = newest - timedelta(days=chosen.days)
        began = datetime.combine(rollout.go_live, time.min, UTC) if rollout.go_live else since
        return Window(min(max(since, began), newest), newest)
    if window.start >= newest:
        raise ConfigurationError(
            f"`from` is within the newest {chosen.unread_hours} hours, which may not have been read yet: choose an earlier one"
        )
    return Window(window.start, min(window.end, newest))
