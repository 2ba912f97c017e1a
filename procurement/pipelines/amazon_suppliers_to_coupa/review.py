"""The review list: sellers that a person must decide on, stored as held records, mailed once a week with a CSV."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from connectors.amazon_business.sellers import KIND
from procurement.ledger import Ledger
from procurement.ledger.types import DeadLetter, Run
from procurement.pipelines.amazon_suppliers_to_coupa.names import CERTIFICATE, PIPELINE, PURCHASE
from procurement.pipelines.amazon_suppliers_to_coupa.planning import usual_country
from procurement.pipelines.amazon_suppliers_to_coupa.records import known_sellers
from procurement.policies import Rules
from procurement.sellers.facts import SellerFacts

Json = dict[str, Any]
NOTICE = "supplier_review"
MOST_LISTED = 50
COLUMNS = ("seller", "question", "evidence", "key")
TO_DO = (
    "Decide in mappings/suppliers.yml: `same` or `different` for two spellings, `known_as` for a Coupa supplier, `take_on` to"
    " create a supplier, `leave_out` for none; the next run follows. Or create the supplier in Coupa: it is recognised."
)


@dataclass(frozen=True, slots=True)
class Entry:
    """`key` is what `make dead-letters` calls it, one for each spelling."""

    seller: str
    question: str
    evidence: tuple[str, ...]
    key: str


def review_list(ledger: Ledger, *, rules: Rules) -> list[Entry]:
    """Everything that waits for a person, by name: sellers, once under all their spellings, writes that are held,
    certificates to enter in Coupa, and those whose word nobody listed."""
    asked: dict[tuple[str, ...], list[DeadLetter]] = {}
    for letter in ledger.dead_letters.list(states=("held",), pipeline=PIPELINE):
        asked.setdefault(letter.errors or (letter.key, letter.reason or "no reason was kept"), []).append(letter)
    sellers = sorted(map(_entry, asked.values()), key=lambda entry: (entry.seller, entry.key))
    return [*sellers, *_unknown_certificates(ledger, rules)]


def _unknown_certificates(ledger: Ledger, rules: Rules) -> list[Entry]:
    holders: dict[str, set[str]] = {}
    for record in known_sellers(ledger):
        facts = SellerFacts.read(record.raw)
        country = facts.place.country or usual_country(rules, record.source)
        for word in facts.credentials:
            if rules.suppliers.certified(word, country) is None and not rules.suppliers.ignores(word):
                holders.setdefault(word, set()).add(facts.name)
    question = "a certificate of an unknown kind: list it under `certifications` or `not_diversity`"
    return [
        Entry(f"Certificate {word!r}", question, (f"Held by {', '.join(sorted(names))}.",), "-")
        for word, names in sorted(holders.items())
    ]


def _entry(letters: Sequence[DeadLetter]) -> Entry:
    """Letters of one seller: they carry the same question and evidence."""
    first = letters[0]
    question, *evidence = first.errors or (first.reason or "no reason was kept",)
    kinds = (KIND, CERTIFICATE, PURCHASE)
    names = [reduce(lambda name, kind: name.removeprefix(f"{kind} "), kinds, letter.document) for letter in letters]
    return Entry(max(names, key=len), question, tuple(evidence), " ".join(letter.key for letter in letters))


def digest(ledger: Ledger, *, run: Run, rules: Rules) -> list[Entry]:
    """The list; in the first run of a week in which it is not empty, it is written to the notices, too."""
    entries = review_list(ledger, rules=rules)
    if entries:
        year, week, _ = run.now.isocalendar()
        ledger.notices.add(f"{PIPELINE}/review/{year}-W{week:02}", NOTICE, mail(entries, rules))
    return entries


def mail(entries: Sequence[Entry], rules: Rules) -> Json:
    shown = "\n\n".join(
        "\n".join([entry.seller, f"    {entry.question}", *(f"    {one}" for one in entry.evidence)])
        for entry in entries[:MOST_LISTED]
    )
    rest = len(entries) - MOST_LISTED
    return {
        "to": list(rules.suppliers.procurement_team or rules.policies.alert_recipients),
        "subject": f"Sellers to review: {len(entries)}",
        "text": f"{TO_DO}\n\n{shown}" + (f"\n\n... and {rest} more in the list attached." if rest > 0 else ""),
        "attachments": [{"name": "sellers-to-review.csv", "text": as_csv(entries)}],
    }


def as_csv(entries: Sequence[Entry]) -> str:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for entry in entries:
        writer.writerow(
            [
                _plain(one)
                for one in (
                    entry.seller,
                    entry.question,
                    " ".join(entry.evidence),
                    entry.key,
                )
            ]
        )
    return file.getvalue()


def _plain(text: str) -> str:
    """A seller chooses its name: a spreadsheet must not take it for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text
