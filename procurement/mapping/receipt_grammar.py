"""The closed grammar of `mappings/amazon_deliveries_to_coupa_receipts.yml`: how a delivered shipment line becomes
Coupa's receiving transaction, and what the PO shows when all of it is received.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field, field_validator

from procurement.mapping.reading import nearest
from procurement.money import to_decimal
from procurement.rule_model import RuleModel, Text

NOTE_LENGTH = 255
NOTE_WORDS = ("carrier", "tracking_ids", "order_id", "shipment_id", "package_count")
_PLACE = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"[^/]+/[^/]+/[^/]+/(\d+)(?:-of-(\d+))?")
Json = dict[str, Any]


def receipt_name(key: str, sequence: int) -> str:
    """How a receipt of ours is told from all others: the shipped line and its number."""
    return f"{key}/{sequence}"


def return_name(key: str, sequence: int, receipt_id: int) -> str:
    """The same for a return, with Coupa's id of the receipt that goes back."""
    return f"{key}/{sequence}-of-{receipt_id}"


def read_name(name: str) -> tuple[int, int | None]:
    """The number in a name of ours (0 in any other text), and the receipt that a return names."""
    found = _NAME.fullmatch(name)
    return (int(found[1]), int(found[2]) if found[2] else None) if found else (0, None)


class ReceivedWord(RuleModel):
    """What the PO shows once all its lines are received; Coupa has no such status of its own. `taken_back` replaces our word,
    never somebody else's, when something is no longer received."""

    field: Text = Field(description="custom field of the PO's header")
    word: Text = "Received"
    taken_back: Text = Field(
        "Not all received", description="instead of the word, once goods went back or a receipt was voided"
    )


class ReceiptSource(RuleModel):
    """A delivered shipment line as the pipeline hands it over."""

    key: Text
    sequence: int = Field(1, ge=1)
    po_line_id: int
    units: Text
    received_at: Text
    match_reference: Text
    note: Text | None = None
    carrier: Text | None = None
    tracking_ids: Text | None = None
    order_id: Text | None = None
    shipment_id: Text | None = None
    package_count: Text | None = None

    @property
    def words(self) -> dict[str, str]:
        return {name: getattr(self, name) or "" for name in NOTE_WORDS}


class ReceiptExample(RuleModel):
    """A delivery and the receipt it must become; a test that runs with `make mappings-check`."""

    name: Text
    delivery: ReceiptSource
    expect: dict[str, Any]


class ReceiptMappingFile(RuleModel):
    """How receipts are written."""

    document: Literal["receipt"]
    type: Text = Field("ReceivingQuantityConsumption", description="Coupa's type of a receipt on a quantity line")
    return_type: Text = Field("ReceivingQuantityReturnToSupplier", description="Coupa's type of goods sent back")
    external_id: Text = Field("external-id", description="custom field of receipts that names the shipped line")
    match_reference: Literal["invoice", "shipment"] = Field(
        "invoice", description="the shipment id that invoices carry (else the report's), or always the report's"
    )
    notes: Text = Field("{carrier} {tracking_ids}", description=f"a text with {', '.join(NOTE_WORDS)} in braces")
    received: ReceivedWord | None = None
    examples: list[ReceiptExample] = Field(min_length=1)

    @field_validator("notes")
    @classmethod
    def _known_words(cls, text: str) -> str:
        for word in _PLACE.findall(text):
            if word not in NOTE_WORDS:
                raise ValueError(f"{{{word}}} is not known{nearest(word, NOTE_WORDS)}")
        if "{" in _PLACE.sub("", text) or "}" in _PLACE.sub("", text):
            raise ValueError("a brace stands alone; write {carrier}")
        return text

    def receipt(
        self, *, key: str, sequence: int, po_line_id: int, units: Decimal, received_at: datetime, match_reference: str,
        words: Mapping[str, str], note: str | None = None,
    ) -> Json:  # fmt: skip
        """The body of a new receipt; `units` in the PO line's unit."""
        notes = self.notes_of(words, note)
        return {
            "type": self.type, "order-line": {"id": po_line_id}, "quantity": _plain(units),
            "transaction-date": received_at.isoformat(), "match-reference": match_reference,
            **({"notes": notes} if notes else {}), "custom-fields": {self.external_id: receipt_name(key, sequence)},
        }  # fmt: skip

    def goods_return(
        self, *, key: str, sequence: int, po_line_id: int, units: Decimal, returned_at: datetime, receipt_id: int,
        match_reference: str, note: str,
    ) -> Json:  # fmt: skip
        """The body of a return of `units` of the receipt with `receipt_id`.

        Coupa lets nobody write which receipt a return is of, so notes and our name say it.
        """
        return {
            "type": self.return_type, "order-line": {"id": po_line_id}, "quantity": _plain(units),
            "transaction-date": returned_at.isoformat(), "match-reference": match_reference,
            "notes": f"Return of receipt {receipt_id}. {note}"[:NOTE_LENGTH],
            "custom-fields": {self.external_id: return_name(key, sequence, receipt_id)},
        }  # fmt: skip

    def notes_of(self, words: Mapping[str, str], note: str | None) -> str:
        """The template filled and in one line, then the note; cut at what Coupa keeps."""
        filled = _PLACE.sub(lambda place: words.get(place[1], ""), self.notes)
        return " ".join(f"{filled} {note or ''}".split())[:NOTE_LENGTH]

    def try_example(self, source: ReceiptSource) -> Json:
        return self.receipt(
            key=source.key, sequence=source.sequence, po_line_id=source.po_line_id, units=to_decimal(source.units),
            received_at=datetime.fromisoformat(source.received_at), match_reference=source.match_reference,
            words=source.words, note=source.note,
        )  # fmt: skip


def _plain(units: Decimal) -> str:
    return f"{units.normalize():f}"
