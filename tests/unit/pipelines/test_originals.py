"""In which order the documents of a batch are decided."""

from types import SimpleNamespace
from typing import Any

from procurement.pipelines.amazon_invoices_to_coupa.identity import Original
from procurement.pipelines.amazon_invoices_to_coupa.originals import Originals, in_order
from procurement.pipelines.amazon_invoices_to_coupa.pairing import Named
from tests.unit.pipelines.builders import group, moment


def draft(number: str, kind: str = "CHARGE", line: str = "61") -> Any:
    found = group(number, transactionType=kind, line={"orderLineItemId": line})
    return SimpleNamespace(group=found, identity=SimpleNamespace(number=number))


def order(*drafts: Any, **named: str) -> list[str]:
    originals = Originals(Named({note: Original(number, moment(4)) for note, number in named.items()}))
    return [one.identity.number for one in in_order(drafts, originals)]


def test_a_rebill_is_decided_after_the_credit_note_that_makes_it_one() -> None:
    rebill, note, first, other = draft("REBILL"), draft("CM", "REFUND"), draft("1A"), draft("1B", line="62")
    assert order(rebill, note, first, other, CM="1A") == ["1A", "1B", "CM", "REBILL"]
    assert order(note, rebill, CM="1A") == ["CM", "REBILL"]


def test_without_credit_notes_the_order_stays() -> None:
    assert order(draft("1B"), draft("1A")) == ["1B", "1A"]
