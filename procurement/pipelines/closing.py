"""The end of a run, the same for every pipeline: every document and every cent accounted for, people told.

Runs whatever happened before it, so that a failed load still leaves an account. Mails are written to `notices` first
and sent from there, at least once, each under its own key; one that is refused stops no other.
"""

import smtplib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from procurement.errors import NoticeRefused
from procurement.ledger import Ledger
from procurement.ledger.account import Account, Completeness
from procurement.ledger.types import SLACK, DeadLetter, Notice, Run, State
from procurement.policies import Rules

Summary = dict[str, Any]
SendMail = Callable[[Notice], Mapping[str, Any] | None]  # what Slack did not take of it
MOST_LISTED = 50
NOTICES = "notices"
REFUSED = (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError)  # this mail; after any other error none would go out
PERMISSION = "permission"


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
    if any(letter.error_class == PERMISSION for letter in letters):
        _tell_missing_permissions(ledger, pipeline, rules)
    if others := [letter for letter in letters if letter.error_class != PERMISSION]:
        body = letters_mail(pipeline, others, rules)
        ledger.notices.add(f"{pipeline}/letters/{run.run_id}", "dead_letters", body)
    try:
        send_pending(ledger, send_mail)
    finally:
        completeness.require()  # an account that does not add up outranks a mail server that is away
    return {"run": run.id, **account(completeness), "dead_letters": len(letters), "failed": list(failed_upstream)}


def _tell_missing_permissions(ledger: Ledger, pipeline: str, rules: Rules) -> None:
    """One mail for each kind of write that the target does not allow, however many of them it refuses and in however many runs:
    the next one only when the first of them is settled."""
    by_action: dict[str, list[DeadLetter]] = {}
    for letter in ledger.dead_letters.list(pipeline=pipeline):
        if letter.error_class == PERMISSION:
            by_action.setdefault(letter.document.split(" ")[0], []).append(letter)
    for action, letters in sorted(by_action.items()):
        body = letters_mail(pipeline, letters, rules) | {"subject": f"{action} is not permitted: {pipeline}"}
        ledger.notices.add(f"{pipeline}/permission/{action}/{letters[0].key}", "dead_letters", body)


def send_pending(ledger: Ledger, send_mail: SendMail) -> None:
    """Every notice that was not sent yet, whoever wrote it; each at least once. What Slack refuses is tried again by the next
    run; raises NoticeRefused, after all others went out, where the mail server refused one, which stays as well."""
    refused, slack_refuses = list[str](), False
    with ledger.planning.planning_lock(NOTICES):  # pipelines that close at once would send each other's notices, too
        for notice in ledger.notices.pending():
            if slack_refuses and notice.kind == SLACK:
                continue
            try:
                left = send_mail(notice)
            except REFUSED as error:
                refused.append(
                    f"{notice.key} to {', '.join(notice.body.get('to') or ['the alert recipients'])}: {error}"
                )
                continue
            slack_refuses = slack_refuses or left is not None
            if left is not None and notice.kind == SLACK:
                continue
            if left is not None:
                ledger.notices.add(f"{notice.key}/{SLACK}", SLACK, dict(left))
            ledger.notices.sent(notice.key)
    if refused:
        raise NoticeRefused(
            f"The mail server refused {len(refused)} of the notices, which every run tries again: {'; '.join(refused)}. "
            "To do: give the address a mailbox, or name one that has one in PROCUREMENT_ALERT_TO, which is told instead."
        )


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
        f"{heading}\n\n" + grouped_lines(chosen[:MOST_LISTED]) + more(len(chosen) - MOST_LISTED)
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


def grouped_lines(letters: Sequence[DeadLetter]) -> str:
    """What several have in common is said once."""
    alike: dict[tuple[str, ...], list[DeadLetter]] = {}
    for letter in letters:
        alike.setdefault((*letter.errors, letter.reason or ""), []).append(letter)
    return "\n\n".join(
        "\n".join([*(heading(one) for one in some[:-1]), letter_lines(some[-1])]) for some in alike.values()
    )


def heading(letter: DeadLetter) -> str:
    amount = f"  {letter.currency} {letter.amount}" if letter.amount is not None else ""
    return f"{letter.key}  {letter.document}{amount}"


def letter_lines(letter: DeadLetter) -> str:
    problems = letter.errors or (letter.reason or "no reason was kept",)
    return "\n".join(
        [
            heading(letter),
            *(f"    {problem}" for problem in problems),
            f"    To do: {letter.to_do}",
        ]
    )


def counted(letters: Sequence[DeadLetter], word: str) -> str:
    return f"{len(letters)} {word}{'s' if len(letters) > 1 else ''}" if letters else ""


def more(count: int) -> str:
    return f"\n\n... and {count} more: make dead-letters" if count > 0 else ""
