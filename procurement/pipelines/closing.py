"""The end of a run, the same for every pipeline: every document and every cent accounted for, people told.

Runs whatever happened before it, so that a failed load still leaves an account. Mails are written to `notices` first
and sent from there, at least once, each under its own key.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from procurement.ledger import Ledger
from procurement.ledger.account import Account, Completeness
from procurement.ledger.types import DeadLetter, Notice, Run, State
from procurement.policies import Rules

Summary = dict[str, Any]
SendMail = Callable[[Notice], None]
MOST_LISTED = 50
NOTICES = "notices"


def close(
    ledger: Ledger,
    pipeline: str,
    *,
    run: Run,
    rules: Rules,
    send_mail: SendMail,
    failed_upstream: Sequence[str] = (),
    told: Sequence[State] = ("dead", "held"),
) -> Summary:
    """Settles the run and mails what it found; raises IncompleteRun when a document or a cent is unaccounted for.

    `told`: the states that are mailed at once; a pipeline with a digest of its own leaves out what stands there.

    `failed_upstream` names the tasks that failed: the run's own failure is the scheduler's to raise, after this returns.
    """
    if run.dry_run:
        return {"run": run.id, "dry_run": True, "plans": len(ledger.plans.of(run))}
    completeness = ledger.completeness.settle(run)
    letters = ledger.dead_letters.list(states=told, pipeline=pipeline, since_run=run)
    if letters:
        body = letters_mail(pipeline, letters, rules)
        ledger.notices.add(f"{pipeline}/letters/{run.run_id}", "dead_letters", body)
    try:
        send_pending(ledger, send_mail)
    finally:
        completeness.require()  # an account that does not add up outranks a mail server that is away
    return {"run": run.id, **account(completeness), "dead_letters": len(letters), "failed": list(failed_upstream)}


def send_pending(ledger: Ledger, send_mail: SendMail) -> None:
    """Every notice that was not sent yet, whoever wrote it; each at least once."""
    with ledger.planning.planning_lock(NOTICES):  # pipelines that close at once would send each other's notices, too
        for notice in ledger.notices.pending():
            send_mail(notice)
            ledger.notices.sent(notice.key)


def account(completeness: Completeness) -> Summary:
    """Documents and money by disposition, money as text, as `summary.json` writes them."""
    return {
        "documents": {word: int(amount) for word, amount in words(completeness.documents).items()},
        "money": {
            currency: {word: str(amount) for word, amount in words(money).items()}
            for currency, money in sorted(completeness.money.items())
        },
        "reasons": {f"{state}: {reason}": count for (state, reason), count in sorted(completeness.reasons.items())},
        "repeats": completeness.repeats,
    }


def words(account: Account) -> Mapping[str, Any]:
    return {word: getattr(account, word) for word in ("seen", "delivered", "waiting", "held", "skipped", "dead")}


def letters_mail(pipeline: str, letters: Sequence[DeadLetter], rules: Rules) -> dict[str, Any]:
    """One mail for all that this run left to people: recipients, subject, text."""
    dead = [letter for letter in letters if letter.state == "dead"]
    held = [letter for letter in letters if letter.state == "held"]
    parts = [
        f"{heading}\n\n" + "\n\n".join(map(letter_lines, chosen[:MOST_LISTED])) + more(len(chosen) - MOST_LISTED)
        for heading, chosen in (
            ("These could not be carried over and wait for a person:", dead),
            ("These are held for a decision:", held),
        )
        if chosen
    ]
    counts = " and ".join(text for text in (counted(dead, "dead letter"), counted(held, "held document")) if text)
    return {
        "to": list(rules.policies.alert_recipients),
        "subject": f"{counts} in {pipeline}",
        "text": "\n\n".join(parts),
    }


def letter_lines(letter: DeadLetter) -> str:
    amount = f"  {letter.currency} {letter.amount}" if letter.amount is not None else ""
    problems = letter.errors or (letter.reason or "no reason was kept",)
    return "\n".join(
        [
            f"{letter.key}  {letter.document}{amount}",
            *(f"    {problem}" for problem in problems),
            f"    To do: {letter.to_do}",
        ]
    )


def counted(letters: Sequence[DeadLetter], word: str) -> str:
    return f"{len(letters)} {word}{'s' if len(letters) > 1 else ''}" if letters else ""


def more(count: int) -> str:
    return f"\n\n... and {count} more: make dead-letters" if count > 0 else ""
