"""The same thing billed twice: what speaks for it, with both documents named. Pure; a policy decides what follows.

Suspicious are the same number written differently; the same lines and money under another number; a consolidated invoice and
one of its parts; a number that was still pending and the real one; an invoice that was
credited and billed again. A second partial invoice is none of these: it bills another shipment, or units that the PO
line still has room for; nor is a second credit note that its original still has room for. The very same number is no suspicion
but the same document, which is never made twice.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Literal

from msgspec import Struct
from pydantic import Field

from procurement.money import Money
from procurement.rule_model import RuleModel

Kind = Literal["rewritten", "consolidated", "pending", "credit_and_rebill", "same_content"]
Answer = Literal["hold", "pass"]
PENDING = "PENDING"
ZERO = Decimal(0)
_SEPARATORS = re.compile(r"[\W_]+")
_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")


class DuplicatePolicies(RuleModel):
    """What becomes of an invoice that looks like another one: `hold` it for a person, or `pass` it with a finding."""

    rewritten: Answer = Field("hold", description="the same number with other zeros, punctuation or case")
    consolidated: Answer = Field("hold", description="a consolidated invoice and one of its parts")
    pending: Answer = Field("hold", description="a number that was still pending, and the real one")
    credit_and_rebill: Answer = Field("pass", description="the earlier invoice was credited, so one of the two stands")
    same_content: Answer = Field("hold", description="the same lines and money under another number")
    look_back_days: int = Field(400, ge=0, le=3660, description="how old a document may be to be compared")

    def answer(self, kind: Kind) -> Answer:
        found: Answer = getattr(self, kind)
        return found


class BilledUnits(Struct, frozen=True):
    """One line of a document. `shipment` None: nobody says which."""

    po_line_id: int
    quantity: Decimal
    unit_price: Decimal
    shipment: str | None = None


class BilledDocument(Struct, frozen=True, kw_only=True):
    """An invoice or credit note as far as duplicates go; `place` says in words where it stands."""

    number: str
    day: date
    total: Money
    lines: tuple[BilledUnits, ...]
    is_credit_note: bool = False
    original_number: str | None = None
    place: str = "planned"

    def __str__(self) -> str:
        return f"{'credit note' if self.is_credit_note else 'invoice'} {self.number} ({self.total}, {self.day}, {self.place})"


class Suspicion(Struct, frozen=True):
    """Why `document` may be `other` once more; `sentence` names both and the evidence."""

    kind: Kind
    document: BilledDocument
    other: BilledDocument
    sentence: str


def plain_number(number: str) -> str:
    """The number without what people write differently: case, punctuation, leading zeros of each group of digits."""
    return "".join(_ZEROS.sub("", part) for part in _SEPARATORS.split(number.upper()))


def spellings(number: str) -> frozenset[str]:
    """How people write the number down, as far as one can ask for it: as printed, without punctuation, and without zeros."""
    return frozenset({number, _SEPARATORS.sub("", number) or number, plain_number(number) or number})


class Duplicates:
    """The documents that are known, found by number and by PO line."""

    def __init__(self, documents: Iterable[BilledDocument] = ()) -> None:
        self._by_number: dict[str, list[BilledDocument]] = {}
        self._by_line: dict[int, list[BilledDocument]] = {}
        for document in documents:
            self.add(document)

    def add(self, document: BilledDocument) -> None:
        self._by_number.setdefault(plain_number(document.number), []).append(document)
        for line_id in {line.po_line_id for line in document.lines}:
            self._by_line.setdefault(line_id, []).append(document)

    def suspicions(self, document: BilledDocument, ordered: Mapping[int, Decimal]) -> list[Suspicion]:
        """At most one per other document, the gravest first. `ordered`: units by PO line; a line that is not in it has no
        room for a second invoice."""
        others = self._others(document)
        found = [
            Suspicion(kind, document, other, f"{_capital(document)} may be {other} once more: {evidence}.")
            for other in others
            if (reason := _reason(document, other, others, ordered)) is not None
            for kind, evidence in [reason]
        ]
        return sorted(found, key=lambda suspicion: GRAVITY.index(suspicion.kind))

    def _others(self, document: BilledDocument) -> list[BilledDocument]:
        near = list(self._by_number.get(plain_number(document.number), ()))
        for line_id in dict.fromkeys(line.po_line_id for line in document.lines):
            near += self._by_line.get(line_id, ())
        return [other for other in dict.fromkeys(near) if other is not document]


GRAVITY: tuple[Kind, ...] = ("rewritten", "pending", "same_content", "consolidated", "credit_and_rebill")


def _capital(document: BilledDocument) -> str:
    text = str(document)
    return text[0].upper() + text[1:]


def _reason(
    document: BilledDocument, other: BilledDocument, others: Sequence[BilledDocument], ordered: Mapping[int, Decimal]
) -> tuple[Kind, str] | None:
    if document.number == other.number:
        return None
    if plain_number(document.number) == plain_number(other.number):
        return "rewritten", "both numbers are the same but for zeros, punctuation or case"
    if document.is_credit_note != other.is_credit_note:
        return None
    if document.total == other.total and _same_lines(document, other):
        return _same_content(document, other, others, ordered)
    original = _original_of(document, others)
    if original is not None and _has_room_for_all(original, document, others):
        return None
    return _consolidated(document, other, ordered)


def _same_content(
    document: BilledDocument, other: BilledDocument, others: Sequence[BilledDocument], ordered: Mapping[int, Decimal]
) -> tuple[Kind, str] | None:
    """Both have the same lines, units, prices and total."""
    if (credit := _credit_of(other, others)) is not None:
        return "credit_and_rebill", f"the same lines and money again, after {credit} took them back"
    lines = f"the same {_count(document)} and total"
    if _is_pending(document) != _is_pending(other):
        return "pending", f"{lines}, and one of the numbers was still pending"
    if document.is_credit_note:
        return _credited_again(document, other, others, lines)
    shipments, theirs = _shipments(document), _shipments(other)
    if None not in shipments and None not in theirs:
        return ("same_content", f"{lines} for the same shipment") if shipments == theirs else None
    if document.day != other.day:
        return None
    partial = shipments == theirs and all(
        _has_room(line, twin, ordered) for line, twin in zip(_sorted(document), _sorted(other), strict=True)
    )
    return None if partial else ("same_content", f"{lines} on the same day")


def _credited_again(
    document: BilledDocument, other: BilledDocument, others: Sequence[BilledDocument], lines: str
) -> tuple[Kind, str] | None:
    """Returns unit by unit and equal goodwill refunds look alike: what the original has left decides. Where it has room, only
    the same day without a shipment is suspicious: somebody keyed it."""
    original = _original_of(document, others)
    if original is None:
        return "same_content", f"{lines}, and their original is not known"
    if not _has_room_for_all(original, document, others):
        return "same_content", f"{lines}, and invoice {original.number} has no room left for both"
    if document.day == other.day and None in (*_shipments(document), *_shipments(other)):
        return "same_content", f"{lines} on the same day"
    return None


def _original_of(document: BilledDocument, others: Iterable[BilledDocument]) -> BilledDocument | None:
    """The invoice that a credit note takes back, where it is known."""
    if not document.is_credit_note:
        return None
    return next((one for one in others if not one.is_credit_note and one.number == document.original_number), None)


def _has_room_for_all(original: BilledDocument, document: BilledDocument, others: Iterable[BilledDocument]) -> bool:
    """Whether the credit note and all others of its original take back no more than was billed, PO line by PO line."""
    credits = [one for one in others if one.is_credit_note and one.original_number == original.number]
    documents = [original, document, *credits]
    return all(_balance(documents, line.po_line_id) >= 0 for line in document.lines)


def _balance(documents: Iterable[BilledDocument], po_line_id: int) -> Decimal:
    """What the documents bill on the PO line together, to the cent, before tax."""
    lines = (line for document in documents for line in document.lines if line.po_line_id == po_line_id)
    return round(sum((line.quantity * line.unit_price for line in lines), ZERO), 2)


def _consolidated(
    document: BilledDocument, other: BilledDocument, ordered: Mapping[int, Decimal]
) -> tuple[Kind, str] | None:
    """One has all that the other has, line by line or added up, and more."""
    small, large = sorted((document, other), key=_units)
    if _units(small) == _units(large) or not _is_part(small, large, ordered):
        return None
    return "consolidated", f"all of the {_count(small)} of {small.number} also stand on {large.number}"


def _is_part(small: BilledDocument, large: BilledDocument, ordered: Mapping[int, Decimal]) -> bool:
    """Each line takes its units from one of the larger document's."""
    left = [(line, abs(line.quantity)) for line in large.lines]
    for line in small.lines:
        units = abs(line.quantity)
        place = next((n for n, (one, rest) in enumerate(left) if units <= rest and _is_twin(line, one, ordered)), None)
        if place is None:
            return False
        left[place] = left[place][0], left[place][1] - units
    return bool(small.lines)


def _is_twin(line: BilledUnits, whole: BilledUnits, ordered: Mapping[int, Decimal]) -> bool:
    """The same units once more: of the same shipment, or, where nobody says, among units that were never ordered twice."""
    if (line.po_line_id, line.unit_price) != (whole.po_line_id, whole.unit_price):
        return False
    if line.shipment is not None and whole.shipment is not None:
        return line.shipment == whole.shipment and line.quantity == whole.quantity
    return not _has_room(line, whole, ordered)


def _has_room(line: BilledUnits, other: BilledUnits, ordered: Mapping[int, Decimal]) -> bool:
    units = ordered.get(line.po_line_id)
    return units is not None and abs(line.quantity) + abs(other.quantity) <= units


def _credit_of(invoice: BilledDocument, others: Iterable[BilledDocument]) -> BilledDocument | None:
    """The credit note that took all of the invoice back."""
    return next(
        (
            other
            for other in others
            if other.is_credit_note
            and not invoice.is_credit_note
            and -other.total == invoice.total
            and (other.original_number in (None, invoice.number))
        ),
        None,
    )


def _key(line: BilledUnits) -> tuple[int, Decimal, Decimal]:
    return line.po_line_id, line.quantity, line.unit_price


def _sorted(document: BilledDocument) -> list[BilledUnits]:
    return sorted(document.lines, key=lambda line: (_key(line), line.shipment or ""))


def _same_lines(document: BilledDocument, other: BilledDocument) -> bool:
    return bool(document.lines) and list(map(_key, _sorted(document))) == list(map(_key, _sorted(other)))


def _shipments(document: BilledDocument) -> list[str | None]:
    return [line.shipment for line in _sorted(document)]


def _is_pending(document: BilledDocument) -> bool:
    return plain_number(document.number).startswith(PENDING)


def _units(document: BilledDocument) -> Decimal:
    return sum((abs(line.quantity) for line in document.lines), ZERO)


def _count(document: BilledDocument) -> str:
    return f"{len(document.lines)} line{'s' if len(document.lines) > 1 else ''}"


def reasons(suspicions: Iterable[Suspicion], policies: DuplicatePolicies) -> Iterator[Suspicion]:
    """Those for which the document is held."""
    return (one for one in suspicions if policies.answer(one.kind) == "hold")
