"""The end of a run: every document and every cent accounted for, the two verdicts compared, people told.

Runs whatever happened before it, so that a failed load still leaves an account. Mails are written to `notices` first
and sent from there, at least once, each under its own key.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from procurement.ledger import Ledger
from procurement.ledger.types import Account, Completeness, DeadLetter, Finding, Notice, Run
from procurement.pipelines.amazon_invoices_to_coupa.drafts import PIPELINE
from procurement.policies import Rules

Summary = dict[str, Any]
SendMail = Callable[[Notice], None]
MOST_LISTED = 50


def close(ledger: Ledger, *, run: Run, rules: Rules, send_mail: SendMail, failed_upstream: Sequence[str] = ()) -> Summary:
    """Settles the run and mails what it found; raises IncompleteRun when a document or a cent is unaccounted for.

    `failed_upstream` names the tasks that failed: the run's own failure is the scheduler's to raise, after this returns.
    """
    if run.dry_run:
        return {"run": run.id, "dry_run": True, "plans": ledger.plans.count(run)}
    completeness = ledger.completeness.settle(run)
    letters = ledger.dead_letters.made_in(run, PIPELINE)
    if letters:
        ledger.notices.add(f"{PIPELINE}/dead-letters/{run.id}", "dead_letters", dead_letter_mail(letters, rules))
    for notice in ledger.notices.pending():
        send_mail(notice)
        ledger.notices.sent(notice.key)
    completeness.require()
    return {"run": run.id, **account(completeness), "dead_letters": len(letters), "failed": list(failed_upstream)}


def account(completeness: Completeness) -> Summary:
    """Documents and money by disposition, money as text, as `summary.json` writes them."""
    return {
        "documents": {word: int(amount) for word, amount in words(completeness.documents).items()},
        "money": {
            currency: {word: str(amount) for word, amount in words(money).items()} for currency, money in sorted(completeness.money.items())
        },
        "reasons": {f"{state}: {reason}": count for (state, reason), count in sorted(completeness.reasons.items())},
        "repeats": completeness.repeats,
    }


def words(account: Account) -> Mapping[str, Any]:
    return {word: getattr(account, word) for word in ("seen", "delivered", "waiting", "held", "skipped", "dead")}


def dead_letter_mail(letters: Sequence[DeadLetter], rules: Rules) -> dict[str, Any]:
    """One mail for all dead letters of a run: subject, recipients, lines."""
    lines = [
        f"{letter.key}  {letter.document}  {letter.currency or ''} {letter.amount if letter.amount is not None else ''}".rstrip()
        + "".join(f"\n    {error}" for error in letter.errors or (letter.reason or "",))
        + f"\n    To do: {letter.to_do}"
        for letter in letters[:MOST_LISTED]
    ]
    if len(letters) > MOST_LISTED:
        lines.append(f"… and {len(letters) - MOST_LISTED} more: make dead-letters")
    return {
        "to": list(rules.policies.alert_recipients),
        "subject": f"{len(letters)} dead letter{'s' if len(letters) > 1 else ''} in {PIPELINE}",
        "text": "These documents could not be carried over and wait for a person.\n\n" + "\n\n".join(lines),
    }
