"""What people are told of a run: the summary of a full comparison, what is held by owner, and what failed, once.

All of it is read back from the ledger, so that a retried `close`, or one in another process, tells the same. Notices are
stored with their numbers (`summary` in the body) and sent by the same call.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from procurement.catalog.entries import Entry, read_entry
from procurement.catalog.pricing import Move
from procurement.ledger import Ledger
from procurement.ledger.account import Completeness
from procurement.ledger.touched import Touched, read_touched
from procurement.ledger.types import Run
from procurement.pipelines.amazon_catalog_to_coupa.held import held_entries
from procurement.pipelines.amazon_catalog_to_coupa.names import CATALOG, ENTRY, PIPELINE, READING, UPDATE_PRICE, WRITES
from procurement.pipelines.amazon_catalog_to_coupa.planning import SAME
from procurement.pipelines.amazon_catalog_to_coupa.scope import FULL, NIGHT, RELEASED, SUCCEEDED
from procurement.pipelines.closing import MOST_LISTED, SendMail, more, send_pending
from procurement.pipelines.closing import account as in_words
from procurement.pipelines.sources import amazon_source
from procurement.pipelines.spreadsheets import csv_text, words
from procurement.policies import Rules

Summary = dict[str, Any]
FAILURES = "catalog-failures.csv"
COLUMNS = ("asin", "title", "write", "key", "state", "reason", "errors")
HELD_COLUMNS = ("asin", "title", "commodity", "contracts", "held because", "release")
VANISHED = "catalog-vanished.csv"
UNANSWERED, UNANSWERED_COLUMNS = "catalog-unanswered.csv", ("asin", "title", "asked for")
PLACES = {"catalog": "of the catalog", "requisitions": "on waiting requisitions"}
FAILED = ("dead", "held")  # of a write; a price that is held has none
COUNTED = {"added": "added", "changed": "changed", "removed": "removed", "held": "held", "failures": "failed"}


def close(
    ledger: Ledger,
    *,
    run: Run,
    rules: Rules,
    account: str,
    send_mail: SendMail,
    failed_upstream: Sequence[str],
    switched_on: bool,
) -> Summary:
    """Settles the run and tells people; raises IncompleteRun when an article is unaccounted for."""
    if run.dry_run:
        return {"run": run.id, "dry_run": True, "plans": len(ledger.plans.of(run))}
    completeness, source = ledger.completeness.settle(run), amazon_source(account)
    facts = ledger.runs.facts(run, source)
    touched = [one for one in read_touched(ledger.engine, run) if one.scope in (None, account)]
    failures = [one for one in touched if one.state in FAILED]
    night = facts.get(NIGHT) or run.run_id  # which may be tried every hour, and is told of once
    mails: dict[str, Summary] = {}
    if failures:
        mails[f"failures/{account}/{run.run_id}"] = failures_mail(failures, rules)
    if (facts.get(CATALOG) or {}).get("why_not"):
        mails[f"not_accepted/{account}/{night}"] = not_accepted_mail(facts[CATALOG], rules)
    if doubted := (facts.get(READING) or {}).get("doubted"):
        mails[f"vanished/{account}/{night}"] = vanished_mail(_titled(ledger, source, doubted), facts[READING], rules)
    summary = sync_summary(touched, completeness, facts)
    summary["findings"] = dict(sorted(Counter(one.kind for one in ledger.findings.of_run(run)).items()))
    released = facts.get(RELEASED) or {}
    held = held_entries(ledger, source) if switched_on and (released or facts.get(FULL)) else []
    if not facts.get(FULL):  # what was released, and is not what the person saw
        held = [one for one in held if one[0].asin in released]
    for owners, entries in sorted(_by_owner(held, rules).items()) if not failed_upstream else ():
        mails[f"held/{','.join(owners)}/{account}/{run.run_id}"] = held_mail(owners, entries)
    if switched_on and facts.get(FULL):
        unanswered = _unanswered(ledger, source, facts)
        summary["held"] = len(held)
        body = summary_mail(summary, failures, unanswered, failed_upstream, run=run, rules=rules)
        mails[f"summary/{account}/{f'incomplete {night}' if failed_upstream else run.run_id}"] = body
    for name, body in mails.items():
        ledger.notices.add(f"{PIPELINE}/{name}", "catalog", body)
    try:
        send_pending(ledger, send_mail)
    finally:
        completeness.require()  # an account that does not add up outranks a mail server that is away
    if switched_on and facts.get(FULL) and not failed_upstream:
        ledger.runs.keep_facts(run, source, {SUCCEEDED: True})
    return {"run": run.id, **in_words(completeness), "catalog": summary, "failed": list(failed_upstream)}


def sync_summary(touched: Sequence[Touched], completeness: Completeness, facts: Summary) -> Summary:
    """Counts of articles by what became of them, how far prices moved, and what the reading lacks."""
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
        "articles": int(completeness.documents.seen), "unchanged": completeness.reasons.get(("skipped", SAME), 0),
        "added": kinds["written"]["added"], "changed": kinds["written"]["changed"], "removed": kinds["written"]["removed"],
        "not_written": dict(kinds["not_written"]),
        "price_moves": dict(sorted(moves.items())),
        "failures": sum(one.state in FAILED and one.action in WRITES for one in touched),
        "left": {f"{state}: {reason}": count for (state, reason), count in sorted(completeness.reasons.items())},
        **_of_reading(facts.get(READING)),
        "catalog": facts.get(CATALOG),
    }  # fmt: skip


def _of_reading(reading: Summary | None) -> Summary:
    """Nothing of a run whose reading did not end."""
    if reading is None:
        return {}
    unanswered = {"catalog": len(reading["unanswered"]), "requisitions": len(reading["unpriced"])}
    return {
        "articles": reading["asins"] - unanswered["catalog"],
        "unanswered": unanswered,
        "missing": reading["missing"],
        "absences": {"count": reading["counts"], "why_not": reading["why_not"]},
    }


def read_move(payload: Mapping[str, Any]) -> Move | None:
    raw = payload.get("move")
    return Move(Decimal(raw["old"]), Decimal(raw["new"]), raw["currency"]) if raw else None


def summary_mail(
    summary: Summary,
    failures: Sequence[Touched],
    unanswered: Sequence[Sequence[str | None]],
    failed_upstream: Sequence[str],
    *,
    run: Run,
    rules: Rules,
) -> Summary:
    counts = ", ".join(f"{summary[name]} {word}" for name, word in COUNTED.items())
    lines = [
        f"{summary['articles']} articles compared: {counts}, {summary['unchanged']} unchanged.",
        *_gaps(summary), "", "Prices that moved:",
        *([f"  {bucket}: {count}" for bucket, count in summary["price_moves"].items()] or ["  none"]),
        "", "Not written:",
        *([f"  {count} {reason}" for reason, count in list(summary["left"].items())[:MOST_LISTED]] or ["  nothing"]),
    ]  # fmt: skip
    if summary["findings"]:
        lines += ["", "Findings:", *(f"  {kind}: {count}" for kind, count in summary["findings"].items())]
    if failures:
        lines += ["", "Failed:", *(f"  {one.business_key}: {one.reason}" for one in failures[:MOST_LISTED])]
    if failed_upstream:
        lines += ["", f"The run itself is not complete: {', '.join(failed_upstream)} failed."]
    attached = [{"name": UNANSWERED, "text": csv_text(UNANSWERED_COLUMNS, unanswered)}] if unanswered else []
    return {
        "to": list(rules.catalog.administrators),
        "subject": f"Catalog of {run.now:%Y-%m-%d}: {counts}",
        "text": "\n".join(lines), "summary": summary, "attachments": attached,
    }  # fmt: skip


def _gaps(summary: Summary) -> Iterator[str]:
    """What the reading lacks, and what is wrong with the catalog."""
    unanswered, absences, catalog = (summary.get(name) or {} for name in ("unanswered", "absences", "catalog"))
    if count := sum(unanswered.values()):
        where = ", ".join(f"{n} {PLACES[place]}" for place, n in unanswered.items() if n)
        yield f"Amazon left {count} unanswered that were asked for ({where}): {UNANSWERED} lists them. They stay as they are."
    if absences and not absences["count"]:
        yield (
            f"Amazon does not know {summary['missing']}. Their absence does not count in this run, so none of them comes "
            f"nearer to being taken out: {absences['why_not']}."
        )
    if catalog and catalog["why_not"]:
        yield f"Nothing joins catalog {catalog['name']}, and what is in it cannot be bought: {catalog['why_not']}."
    elif catalog and not catalog["known"]:
        yield f"Coupa does not show whether catalog {catalog['name']} is accepted: look at it there."


def not_accepted_mail(catalog: Summary, rules: Rules) -> Summary:
    """Told after every comparison until it is mended: what cannot be bought is worth a mail a night."""
    name = catalog["name"]
    return {
        "to": list(rules.catalog.administrators),
        "subject": f"Catalog {name} is not accepted in Coupa",
        "text": f"Catalog {name}, which catalog.yml names under writing.catalog: {catalog['why_not']}. Coupa offers nothing "
        "of a catalog that is not accepted, so what is in it cannot be bought. No supplier item joins it, and articles that "
        "are new wait; prices of what is in it are kept equal as before.\n\n"
        "To do: accept the catalog in Coupa, or name another one. The next comparison goes on by itself.",
    }  # fmt: skip


def vanished_mail(articles: Sequence[tuple[str, str]], reading: Summary, rules: Rules) -> Summary:
    """Told every night until they are back, released, or believed."""
    return {
        "to": list(rules.catalog.administrators),
        "subject": f"{len(articles)} catalog articles vanished at once at Amazon",
        "text": f"{reading['why_not']}. Nothing is taken out: mostly the configured user lost a right, or Amazon's answer is not "
        f"whole. Their absence counts after {rules.catalog.removal.doubted_nights} such nights in a row.\n\n"
        f"To do: look whether the user still sees them at Amazon. What is gone for good may be believed at once: trigger {PIPELINE} "
        "with scope released and these ASINs under `release`.\n\n"
        + "\n".join(f"  {asin} {title}" for asin, title in articles[:MOST_LISTED])
        + more(len(articles) - MOST_LISTED),
        "attachments": [{"name": VANISHED, "text": csv_text(("asin", "title"), articles)}],
    }  # fmt: skip


def failures_mail(failures: Sequence[Touched], rules: Rules) -> Summary:
    """One alert for all that failed in a run, the list attached."""
    rows = [
        (
            one.payload.get("asin"), words(one.payload.get("title")), one.action, one.business_key, one.state, one.reason,
            "; ".join(one.errors),
        )
        for one in failures
    ]  # fmt: skip
    articles = len({row[0] for row in rows})
    listed = "\n".join(f"  {row[0]} {row[1] or ''}: {row[5]}" for row in rows[:MOST_LISTED])
    return {
        "to": list(rules.catalog.administrators),
        "subject": f"{articles} catalog article{'s' if articles > 1 else ''} could not be written to Coupa",
        "text": "Coupa refused these, or shows something else in their place; the whole list is attached.\n\n"
        f"{listed}{more(len(rows) - MOST_LISTED)}",
        "attachments": [{"name": FAILURES, "text": csv_text(COLUMNS, rows)}],
    }  # fmt: skip


def _unanswered(ledger: Ledger, source: str, facts: Summary) -> list[tuple[str, str, str]]:
    """(ASIN, title as last known, where it was asked for) of what Amazon left unanswered."""
    reading = facts.get(READING) or {"unanswered": (), "unpriced": ()}
    return [
        *((asin, title, PLACES["catalog"]) for asin, title in _titled(ledger, source, reading["unanswered"])),
        *((asin, "", PLACES["requisitions"]) for asin in reading["unpriced"]),
    ]


def _titled(ledger: Ledger, source: str, asins: Sequence[str]) -> list[tuple[str, str]]:
    """With the title that Amazon last showed, or else Coupa's."""
    known = {asin: read_entry(record.raw) for asin, record in ledger.records.find(source, ENTRY, asins).items()}
    return [(asin, words(_title(known.get(asin)))) for asin in asins]


def _title(entry: Entry | None) -> str | None:
    if entry is None:
        return None
    return entry.article.title or (entry.item.name if entry.item is not None else None)


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
            entry.asin, words(entry.article.title), entry.item.commodity if entry.item else None,
            ", ".join(sorted({row.contract for row in entry.rows if row.contract})), reason, _release(entry),
        )
        for entry, reason in held
    ]  # fmt: skip
    listed = "\n".join(f"  {row[5] or row[0]} {row[1] or ''}\n      {row[4]}" for row in rows[:MOST_LISTED])
    return {
        "to": list(owners),
        "subject": f"{len(rows)} catalog price{'s' if len(rows) > 1 else ''} held for your decision",
        "text": "These differ too far from Coupa to be written by themselves. A price or a changed pack is accepted by "
        f"triggering {PIPELINE} with ASIN=price, as it stands here, under `release`: only what stands here is accepted. Another "
        "currency or unit is mended in Coupa.\n\n"
        f"{listed}{more(len(rows) - MOST_LISTED)}",
        "attachments": [{"name": "held-prices.csv", "text": csv_text(HELD_COLUMNS, rows)}],
    }  # fmt: skip


def _release(entry: Entry) -> str:
    """What a person types to accept the article as it is shown here."""
    price = entry.article.price
    return f"{entry.asin}={format(price, 'f')}" if price is not None else ""
