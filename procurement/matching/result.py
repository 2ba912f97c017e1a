"""What a match comes to: an outcome, findings, allocations, and the difference in money by its causes. Frozen values."""

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from procurement.matching.variance import Variance
from procurement.money import Money


class Outcome(StrEnum):
    MATCHED = "matched"
    WITHIN_TOLERANCE = "within_tolerance"
    WAITING_FOR_RECEIPT = "waiting_for_receipt"
    EXCEPTION = "exception"


class Finding(Struct, frozen=True, kw_only=True):
    """One comparison that did not come out equal. `line` is None for the whole invoice; `limit` None: nothing is allowed
    or nothing is compared. `waits` marks a shortage that a goods receipt can still mend. `money` is what the difference comes
    to on this document, `rule` the place in the rule files that decided (None: no rule is needed to refuse it)."""

    kind: str
    line: int | None
    sentence: str
    breached: bool
    expected: Decimal | None = None
    actual: Decimal | None = None
    difference: Decimal | None = None
    limit: Decimal | None = None
    waits: bool = False
    money: Money | None = None
    rule: str | None = None


class Allocation(Struct, frozen=True, kw_only=True):
    """Units (or money, on amount lines) of one goods receipt that an invoice line uses up, in the PO line's unit."""

    line: int
    po_line_id: int
    receipt_id: int
    units: Decimal


class MatchResult(Struct, frozen=True, kw_only=True):
    """Breached findings come first, then by line: the first one is what a person must look at."""

    outcome: Outcome
    findings: tuple[Finding, ...]
    variance: Variance
    allocations: tuple[Allocation, ...] = ()


def outcome_of(findings: Iterable[Finding]) -> Outcome:
    """The worst of them."""
    outcome = Outcome.MATCHED
    for one in findings:
        if one.breached and not one.waits:
            return Outcome.EXCEPTION
        if one.waits:
            outcome = Outcome.WAITING_FOR_RECEIPT
        elif one.difference and outcome is Outcome.MATCHED:
            outcome = Outcome.WITHIN_TOLERANCE
    return outcome


def by_gravity(one: Finding) -> tuple[bool, bool, int, str, str]:
    return (not one.breached, one.waits, one.line or 0, one.kind, one.sentence)
