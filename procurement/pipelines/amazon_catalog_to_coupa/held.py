"""Articles that wait for a person, as the ledger holds them: what owners are told of, and what a release accepts."""

from procurement.catalog.entries import Entry, read_entry
from procurement.ledger import Ledger
from procurement.ledger.types import DeadLetter
from procurement.pipelines.amazon_catalog_to_coupa.names import ENTRY, PIPELINE


def held_entries(ledger: Ledger, source: str) -> list[tuple[Entry, str]]:
    """Every article of the account that waits for a person, whichever run held it, with the reason."""
    letters = ledger.dead_letters.list(states=("held",), pipeline=PIPELINE)
    reasons = {_record_id(one): one.reason or "" for one in letters if _record_id(one) is not None}
    records = ledger.records.load(sorted(id for id in reasons if id is not None))
    return [
        (read_entry(record.raw), reasons[record.id])
        for record in records
        if (record.source, record.kind) == (source, ENTRY)
    ]


def _record_id(letter: DeadLetter) -> int | None:
    kind, _, number = letter.key.partition("-")
    return int(number) if kind == "R" else None
