"""What the rules find of requisitions that wait for approval, in the register of violations: open for as long as they wait with it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from procurement.compliance.judging import Violation
from procurement.ledger import Ledger
from procurement.ledger.compliance import KeptViolation
from procurement.pipelines.compliance_stopped import kept_row
from procurement.pipelines.purchase_compliance.names import AT_ONCE, PENDING

Json = dict[str, Any]


class Requisitions(Protocol):
    """The part of the Coupa client that is read here."""

    def requisitions(self, ids: Iterable[int]) -> Iterable[Sequence[Json]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """`source`: the Coupa instance whose requisitions these are."""

    ledger: Ledger
    source: str
    now: datetime

    def note(self, found: Mapping[int, Sequence[Violation]]) -> None:
        """The violations of these requisitions, by record, as they stand: what is not among them any more is over."""
        books = self.ledger.compliance
        known = {row.key: row for row in books.open_of(found)}
        known |= books.known(self.source, [one.key for some in found.values() for one in some])
        kept = [
            kept_row(one, known.get(one.key), source=self.source, record_id=id, now=self.now, told=AT_ONCE, po_number=None)
            for id, some in found.items()
            for one in some
        ]  # fmt: skip
        books.register(kept)
        still = {row.key for row in kept}
        over = [row for row in known.values() if row.closed_at is None and row.key not in still]
        books.close({row.id: "it is not found any more" for row in over}, self.now)

    def close_decided(self, coupa: Requisitions) -> None:
        """Those whose approval is over: a requisition becomes a purchase order, whose own gate looks again, or it does not."""
        rows = {row: number_of(row) for row in self.ledger.compliance.open_from(self.source) if row.po_number is None}
        pages = coupa.requisitions(sorted(set(rows.values()))) if rows else ()
        status = {int(raw["id"]): str(raw.get("status")) for page in pages for raw in page}
        reasons = {
            row.id: f"the requisition is {status.get(number, 'gone')}"
            for row, number in rows.items()
            if status.get(number) != PENDING
        }
        self.ledger.compliance.close(reasons, self.now)


def number_of(row: KeptViolation) -> int:
    return int(row.purchase.removeprefix("requisition "))


def keyed(one: Violation, raw: Json) -> Violation:
    """A requisition that was submitted again after a rejection is a new one."""
    return replace(one, key=f"{raw['id']}/{raw.get('submitted-at') or '-'}/{one.key.split('/', 1)[1]}")
