"""What Coupa has already: the documents that a batch must not make again, that its credit notes take back, or that it may be
once more.

Asked for are the numbers, as Amazon prints them and as people shorten them, 50 a call; and the documents on those PO lines
of which Coupa counts other units than the ledger handed over: somebody else billed there, or took one of ours back. Where
nobody did, that costs no call.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from procurement.duplicates import spellings
from procurement.pipelines.amazon_invoices_to_coupa.surroundings import InvoiceTarget, Json
from procurement.reconciliation_rules import Statuses

Key = tuple[str, str]  # supplier number, invoice number


@dataclass(frozen=True, slots=True)
class Existing:
    """As Coupa shows them, whoever made them. `gone` are those that stand for nothing."""

    standing: dict[Key, Json] = field(default_factory=dict)
    gone: dict[Key, Json] = field(default_factory=dict)

    def add(self, supplier: str, raw: Json, statuses: Statuses) -> None:
        kept = self.standing if statuses.stands(raw) else self.gone
        kept[supplier, str(raw["invoice-number"])] = raw

    @property
    def gone_ids(self) -> frozenset[str]:
        return frozenset(str(raw["id"]) for raw in self.gone.values())


def read_existing(
    coupa: InvoiceTarget,
    numbers: Mapping[str, Iterable[str]],
    *,
    po_lines: Iterable[int],
    since: date,
    statuses: Statuses,
) -> Existing:
    """The documents with these numbers, by supplier, and those on the PO lines that are dated from `since` on."""
    found = Existing()
    for supplier, wanted in sorted(numbers.items()):
        for page in coupa.invoices(supplier, sorted({one for number in wanted for one in spellings(number)})):
            for raw in page:
                found.add(supplier, raw, statuses)
    for page in coupa.invoices_on_po_lines(sorted(lines), since) if (lines := set(po_lines)) else ():
        for raw in page:
            found.add(str((raw.get("supplier") or {}).get("number") or ""), raw, statuses)
    return found


def described(raw: Json) -> str:
    """The document in words, for people who look for it in Coupa."""
    total, currency = raw.get("total-with-taxes") or raw.get("gross-total"), (raw.get("currency") or {}).get("code")
    money = f" over {currency} {total}" if total and currency else ""
    return f"{raw.get('id')}{money}, which is {str(raw.get('status') or 'canceled').replace('_', ' ')}"
