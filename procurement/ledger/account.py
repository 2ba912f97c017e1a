"""What became of documents and money: the account that every run closes with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from procurement.errors import IncompleteRun


@dataclass(frozen=True, slots=True)
class Account:
    """Documents, or money of one currency: seen = delivered + waiting + held + skipped + dead."""

    seen: Decimal = Decimal(0)
    delivered: Decimal = Decimal(0)
    waiting: Decimal = Decimal(0)
    held: Decimal = Decimal(0)
    skipped: Decimal = Decimal(0)
    dead: Decimal = Decimal(0)
    delivered_now: Decimal = Decimal(0)

    @property
    def accounted(self) -> Decimal:
        return self.delivered + self.waiting + self.held + self.skipped + self.dead

    @property
    def balances(self) -> bool:
        return self.seen == self.accounted

    @property
    def delivered_earlier(self) -> Decimal:
        return self.delivered - self.delivered_now


@dataclass(frozen=True, slots=True)
class Completeness:
    """Every document a run saw, in exactly one disposition. `missing` never reached the ledger; `unbalanced` lost or gained
    money on the way; `reasons` counts the waiting, held, skipped and dead by reason; `carried_in` are older documents
    that finished in this run."""

    documents: Account = field(default_factory=Account)
    money: Mapping[str, Account] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    unbalanced: tuple[str, ...] = ()
    reasons: Mapping[tuple[str, str], int] = field(default_factory=dict)
    carried_in: int = 0
    repeats: int = 0

    @property
    def complete(self) -> bool:
        accounts = (self.documents, *self.money.values())
        return not self.missing and not self.unbalanced and all(account.balances for account in accounts)

    def require(self) -> None:
        """Raises IncompleteRun, naming the documents, unless everything seen is accounted for."""
        if self.complete:
            return
        parts = []
        if self.missing:
            parts.append(f"read but not in the ledger: {_named(self.missing)}")
        if self.unbalanced:
            parts.append(f"money not accounted for: {_named(self.unbalanced)}")
        if not parts:
            parts.append("the sums differ although no single document does")
        raise IncompleteRun(
            f"seen {self.documents.seen}, accounted for {self.documents.accounted}; {'; '.join(parts)}. "
            "Delete nothing; run it again over the same window, and report it if it stays."
        )


def _named(documents: tuple[str, ...]) -> str:
    shown = ", ".join(documents[:20])
    return shown if len(documents) <= 20 else f"{shown} and {len(documents) - 20} more"
