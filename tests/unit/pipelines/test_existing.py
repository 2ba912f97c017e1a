"""What Coupa is asked for before anything is created, and what of it stands."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from procurement.pipelines.amazon_invoices_to_coupa.existing import described, read_existing
from procurement.reconciliation_rules import Statuses

SINCE = date(2026, 1, 1)
STATUSES = Statuses.model_validate({})


def shown(number: str, status: str = "approved", id: int = 7) -> dict[str, Any]:
    return {"id": id, "invoice-number": number, "status": status, "supplier": {"number": "AMZN"}}


class Coupa:
    """Answers with everything it has, and remembers the questions."""

    def __init__(self, *invoices: dict[str, Any], on_lines: Iterable[dict[str, Any]] = ()) -> None:
        self.found, self.on_lines = list(invoices), list(on_lines)
        self.asked: list[Any] = []

    def invoices(self, supplier: str, numbers: Iterable[str]) -> Iterator[list[Any]]:
        self.asked.append((supplier, list(numbers)))
        yield self.found

    def invoices_on_po_lines(self, order_line_ids: Iterable[int], since: date) -> Iterator[list[Any]]:
        self.asked.append((list(order_line_ids), since))
        yield self.on_lines


def read(coupa: Any, numbers: Iterable[str] = ("1A-07",), po_lines: Iterable[int] = ()) -> Any:
    return read_existing(coupa, {"AMZN": numbers}, po_lines=po_lines, since=SINCE, statuses=STATUSES)


def test_a_number_is_asked_for_as_people_write_it_and_no_po_line_costs_a_call_unless_it_must() -> None:
    coupa = Coupa()
    read(coupa, ["1A-07", "1C"])
    assert coupa.asked == [("AMZN", ["1A-07", "1A07", "1A7", "1C"])]
    read(coupa, [], [5, 4, 5])
    assert coupa.asked[-1] == ([4, 5], SINCE)


def test_what_stands_for_nothing_is_kept_apart_and_never_hides_what_stands() -> None:
    found = read(Coupa(shown("N"), shown("N", "voided", 8)), po_lines=[1])
    assert found.standing["AMZN", "N"]["id"] == 7 and found.gone["AMZN", "N"]["id"] == 8
    assert found.gone_ids == {"8"}


def test_documents_found_by_their_po_line_belong_to_their_own_supplier() -> None:
    found = read(Coupa(on_lines=[shown("X")]), po_lines=[1])
    assert list(found.standing) == [("AMZN", "X")]


def test_a_document_is_described_so_that_people_find_it() -> None:
    raw = {**shown("N", "voided"), "total-with-taxes": "12.34", "currency": {"code": "USD"}}
    assert described(raw) == "7 over USD 12.34, which is voided"
    assert described({"id": 7, "canceled": True}) == "7, which is canceled"
