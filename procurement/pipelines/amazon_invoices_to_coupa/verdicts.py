"""Our verdict on an invoice and Coupa's, kept side by side: where they differ it is a finding, never a correction.

Ours is the outcome of the match. Coupa's is the status that its own matching gave the invoice, with the tolerances it
failed; what people decide afterwards (an approval of a held invoice, a dispute) is no verdict and changes nothing here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from procurement.ledger import Ledger
from procurement.ledger.types import PlannedFinding, Run
from procurement.matching import Outcome
from procurement.pipelines.amazon_invoices_to_coupa.drafts import CREATE, PIPELINE, SUBMIT, number_of

Json = dict[str, Any]
KIND = "verdicts_differ"
UNDECIDED = frozenset(
    {"", "None", "new", "draft", "processing", "pending_receipt"}
)  # Coupa's matching goes on by itself
PASSED = frozenset({"approved", "pending_approval", "booking_hold", "pending_action"})


class Word(StrEnum):
    """What either side makes of an invoice."""

    PASSES = "passes"
    WAITS = "waits"
    STOPS = "stops"


OURS: Mapping[Outcome, Word] = {
    Outcome.MATCHED: Word.PASSES,
    Outcome.WITHIN_TOLERANCE: Word.PASSES,
    Outcome.WAITING_FOR_RECEIPT: Word.WAITS,
    Outcome.EXCEPTION: Word.STOPS,
}
WE_SAY: Mapping[Outcome, str] = {
    Outcome.MATCHED: "we find that it matches",
    Outcome.WITHIN_TOLERANCE: "we find it within our tolerances",
    Outcome.WAITING_FOR_RECEIPT: "we wait for a goods receipt",
    Outcome.EXCEPTION: "we find an exception",
}


@dataclass(frozen=True, slots=True)
class CoupaVerdict:
    """Status and the codes of the failed tolerances that nobody has resolved."""

    status: str
    failed: tuple[str, ...] = ()

    @property
    def word(self) -> Word | None:
        """None where the status is no verdict: not matched yet, or what people made of it."""
        if self.status == "on_hold" or (self.failed and self.status in PASSED):
            return Word.STOPS
        if self.status == "pending_receipt":
            return Word.WAITS
        return Word.PASSES if self.status in PASSED else None

    @property
    def sentence(self) -> str:
        if self.word is Word.STOPS:
            codes = f" for {', '.join(self.failed)}" if self.failed else ""
            return f"Coupa stops it{codes} ({self.status.replace('_', ' ')})"
        if self.word is Word.WAITS:
            return "Coupa waits for a goods receipt (pending receipt)"
        return f"Coupa lets it pass ({self.status.replace('_', ' ')})"


def verdict_of(raw: Mapping[str, Any]) -> Json:
    """What Coupa decided, as it is kept: the status, and each failed tolerance that is not resolved by its code."""
    rows = [*(raw.get("failed-tolerances") or ())]
    for line in raw.get("invoice-lines") or ():
        rows += line.get("failed-tolerances") or ()
    failed = sorted({str(row.get("code")) for row in rows if row.get("resolved") is not True})
    return {"status": raw.get("status"), "failed_tolerances": failed}


def later_facts(before: Mapping[str, Any], now: Mapping[str, Any]) -> Json:
    """The facts after another look. `verdict` stays what Coupa's own matching said, whatever people did since."""
    verdict = _kept(before)
    by_itself = str(before.get("status") or "") in UNDECIDED
    again = str(before.get("status")) == "on_hold" and now.get("status") in ("on_hold", "pending_receipt")
    if by_itself or again:
        verdict = {"status": now.get("status"), "failed_tolerances": list(now.get("failed_tolerances") or ())}
    return {**now, "verdict": verdict}


def coupa_verdict(facts: Mapping[str, Any]) -> CoupaVerdict:
    """Coupa's verdict out of the facts of a submitted invoice."""
    kept = _kept(facts)
    return CoupaVerdict(str(kept["status"]), tuple(kept["failed_tolerances"]))


def _kept(facts: Mapping[str, Any]) -> Json:
    verdict = facts.get("verdict")
    source = verdict if isinstance(verdict, Mapping) else facts
    return {"status": source.get("status"), "failed_tolerances": list(source.get("failed_tolerances") or ())}


def difference(document: str, ours: Outcome, theirs: CoupaVerdict, reasons: Sequence[str]) -> PlannedFinding | None:
    """A finding where the two say different things, with both in words; None where they agree or Coupa has not said."""
    if theirs.word is None or theirs.word is OURS[ours]:
        return None
    why = f" {reasons[0]}" if reasons else ""
    return PlannedFinding(
        kind=KIND, breached=False, expected=ours.value, actual=theirs.status,
        sentence=f"Invoice {document}: {WE_SAY[ours]}, {theirs.sentence}.{why}",
    )  # fmt: skip


def compare_verdicts(ledger: Ledger, *, run: Run) -> int:
    """Compares what changed since the last time; how many differ among those. Reads and writes the ledger only."""
    judged = ledger.waits.uncompared(PIPELINE, create=CREATE, submit=SUBMIT)
    reasons: dict[int, list[str]] = {}
    for finding in ledger.findings.of_deliveries(row.id for row in judged):
        if finding.breached and finding.delivery_id is not None:
            reasons.setdefault(finding.delivery_id, []).append(finding.sentence)
    differing = 0
    for row in judged:
        number = number_of(row.business_key)
        found = difference(number, Outcome(row.outcome), coupa_verdict(row.facts), reasons.get(row.id, ()))
        ledger.findings.set_kind(row.id, run, KIND, found)
        differing += found is not None
    compared: dict[int, Json] = {
        row.submit_id: {"compared": f"{row.outcome} / {row.facts.get('status') or ''}"} for row in judged
    }
    ledger.deliveries.note_facts(compared)
    return differing
