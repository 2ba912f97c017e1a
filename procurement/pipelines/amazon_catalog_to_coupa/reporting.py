"""What people are told of a run: the summary of a full comparison, what is held by owner, and what failed, once.

All of it is read back from the ledger, so that a retried `close`, or one in another process, tells the same. Notices are
stored with their numbers (`summary` in the body) and sent by the same call.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from procurement.catalog.entries import Entry, read_entry
from procurement.catalog.pricing import Move
from procurement.ledger import Ledger
from procurement.ledger.account import Completeness
from procurement.ledger.touched import Touched, read_touched
from procurement.ledger.types import DeadLetter, Run
from procurement.pipelines.amazon_catalog_to_coupa.names import ENTRY, PIPELINE, UPDATE_PRICE, WRITES
from procurement.pipelines.closing import MOST_LISTED, SendMail, account, more, send_pending
from procurement.pipelines.spreadsheets import csv_text
from procurement.policies import Rules

Summary = dict[str, Any]
FAILURES = "catalog-failures.csv"
COLUMNS = ("asin", "title", "write", "key", "state", "reason", "errors")
HELD_COLUMNS = ("asin", "title", "commodity", "contracts", "held because")
FAILED = ("dead",)
COUNTED = {"added": "added", "changed": "changed", "removed": "removed", "held": "held", "failures": "failed"}


def close(
    ledger: Ledger, *, run: Run, rules: Rules, send_mail: SendMail, failed_upstream: Sequence[str], full: bool
) -> Summary:
    """Settles the run and tells people; raises IncompleteRun when an article is unaccounted for."""
    if run.dry_run:
        return {"run": run.id, "dry_run": True, "plans": len(ledger.plans.of(run))}
    completeness = ledger.completeness.settle(run)
    touched = read_touched(ledger.engine, run)
    failures = [one for one in touched if one.state in FAILED]
    if failures:
        _add(ledger, run, "failures", failures_mail(failures, rules))
    summary = sync_summary(touched, completeness)
    if full:
        held = _held_entries(ledger)
        summary["held"] = len(held)
        _add(ledger, run, "summary", summary_mail(summary, failures, failed_upstream, run=run, rules=rules))
        for owners, entries in sorted(_by_owner(held, rules).items()):
            _add(ledger, run, f"held/{','.join(owners)}", held_mail(owners, entries))
    try:
        send_pending(ledger, send_mail)
    finally:
        completeness.require()  # an account that does not add up outranks a mail server that is away
    return {"run": run.id, **account(completeness), "catalog": summary, "failed": list(failed_upstream)}


def _add(ledger: Ledger, run: Run, name: str, body: Summary) -> None:
    ledger.notices.add(f"{PIPELINE}/{name}/{run.run_id}", "catalog", body)


def sync_summary(touched: Sequence[Touched], completeness: Completeness) -> Summary:
    """Counts of articles by what became of them, and how far prices moved."""
    kinds: dict[str, Counter[str]] = {"written": Counter(), "not_written": Counter()}
    asins: dict[str, set[str]] = {}
    moves: Counter[str] = Counter()
    for one in touched:
        if one.action not in WRITES:
            continue
        word = "written" if one.state == "delivered" else "not_written"
        asins.setdefault(f"{word} {one.payload['kind']}", set()).add(str(one.payload["asin"]))
        if one.action == UPDATE_PRICE and one.state == "delivered" and (move := read_move(one.payload)) is not None:
            moves[move.bucket] += 1
    for name, found in asins.items():
        word, _, kind = name.partition(" ")
        kinds[word][kind] = len(found)
    return {
        "articles": int(completeness.documents.seen),
        "added": kinds["written"]["added"], "changed": kinds["written"]["changed"], "removed": kinds["written"]["removed"],
        "not_written": dict(kinds["not_written"]),
        "price_moves": dict(sorted(moves.items())),
        "failures": sum(one.state in FAILED and one.action in WRITES for one in touched),
        "left": {f"{state}: {reason}": count for (state, reason), count in sorted(completeness.reasons.items())},
    }  # fmt: skip


def read_move(payload: Mapping[str, Any]) -> Move | None:
    raw = payload.get("move")
    return Move(Decimal(raw["old"]), Decimal(raw["new"]), raw["currency"]) if raw else None


def summary_mail(
    summary: Summary, failures: Sequence[Touched], failed_upstream: Sequence[str], *, run: Run, rules: Rules
) -> Summary:
    words = ", ".join(f"{summary[name]} {word}" for name, word in COUNTED.items())
    lines = [
        f"{summary['articles']} articles compared: {words}.", "", "Prices that moved:",
        *([f"  {bucket}: {count}" for bucket, count in summary["price_moves"].items()] or ["  none"]),
        "", "Not written:",
        *([f"  {count} {reason}" for reason, count in list(summary["left"].items())[:MOST_LISTED]] or ["  nothing"]),
    ]  # fmt: skip
    if failures:
        lines += ["", "Failed:", *(f"  {one.business_key}: {one.reason}" for one in failures[:MOST_LISTED])]
    if failed_upstream:
        lines += ["", f"The run itself is not complete: {', '.join(failed_upstream)} failed."]
    return {
        "to": list(rules.catalog.administrators),
        "subject": f"Catalog of {run.now:%Y-%m-%d}: {words}",
        "text": "\n".join(lines), "summary": summary,
    }  # fmt: skip


def failures_mail(failures: Sequence[Touched], rules: Rules) -> Summary:
    """One alert for all that failed in a run, the list attached."""
    rows = [
        (
            one.payload.get("asin"), one.payload.get("title"), one.action, one.business_key, one.state, one.reason,
            "; ".join(one.errors),
        )
        for one in failures
    ]  # fmt: skip
    articles = len({row[0] for row in rows})
    listed = "\n".join(f"  {row[0]} {row[1] or ''}: {row[5]}" for row in rows[:MOST_LISTED])
    return {
        "to": list(rules.catalog.administrators),
        "subject": f"{articles} catalog article{'s' if articles > 1 else ''} could not be written to Coupa",
        "text": f"Coupa refused these; the whole list is attached.\n\n{listed}{more(len(rows) - MOST_LISTED)}",
        "attachments": [{"name": FAILURES, "text": csv_text(COLUMNS, rows)}],
    }  # fmt: skip


def _held_entries(ledger: Ledger) -> list[tuple[Entry, str]]:
    """Every article that waits for a person, whichever run held it, with the reason."""
    letters = ledger.dead_letters.list(states=("held",), pipeline=PIPELINE)
    reasons = {_record_id(one): one.reason or "" for one in letters if _record_id(one) is not None}
    records = ledger.records.load(sorted(id for id in reasons if id is not None))
    return [(read_entry(record.raw), reasons[record.id]) for record in records if record.kind == ENTRY]


def _record_id(letter: DeadLetter) -> int | None:
    kind, _, number = letter.key.partition("-")
    return int(number) if kind == "R" else None


def _by_owner(held: Sequence[tuple[Entry, str]], rules: Rules) -> dict[tuple[str, ...], list[tuple[Entry, str]]]:
    found: dict[tuple[str, ...], list[tuple[Entry, str]]] = {}
    for entry, reason in held:
        found.setdefault(rules.catalog.owners.of(commodity_of(entry, rules)), []).append((entry, reason))
    return found


def commodity_of(entry: Entry, rules: Rules) -> str | None:
    """Coupa's word, else what Amazon's UNSPSC code stands for."""
    if entry.item is not None and entry.item.commodity:
        return entry.item.commodity
    code = entry.article.unspsc
    return rules.lookups["commodities"].find(code) if code else None


def held_mail(owners: Sequence[str], held: Sequence[tuple[Entry, str]]) -> Summary:
    """A category owner's digest: everything that waits for them, old and new side by side."""
    rows = [
        (
            entry.asin, entry.article.title, entry.item.commodity if entry.item else None,
            ", ".join(sorted({row.contract for row in entry.rows if row.contract})), reason,
        )
        for entry, reason in held
    ]  # fmt: skip
    listed = "\n".join(f"  {row[0]} {row[1] or ''}\n      {row[4]}" for row in rows[:MOST_LISTED])
    return {
        "to": list(owners),
        "subject": f"{len(rows)} catalog price{'s' if len(rows) > 1 else ''} held for your decision",
        "text": "These differ too far from Coupa to be written by themselves. A price or a changed pack is accepted by "
        f"triggering {PIPELINE} with the ASIN under `release`; another currency or unit is mended in Coupa.\n\n"
        f"{listed}{more(len(rows) - MOST_LISTED)}",
        "attachments": [{"name": "held-prices.csv", "text": csv_text(HELD_COLUMNS, rows)}],
    }  # fmt: skip
