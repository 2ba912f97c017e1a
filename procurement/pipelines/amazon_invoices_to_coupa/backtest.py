"""What other tolerances would have done to the invoices that the ledger holds: matched again with both, nothing changed.

What was billed stands in the payloads of the ledger, and beside them. Orders and receipts are read from Coupa as they are today, so both
sides of the comparison are replayed: what differs, differs by the tolerances alone. An invoice sees the units billed
before it, as the pipeline counts them (`billed_before`), never its own nor those billed later. One that people voided is
replayed in its place, since other tolerances might have paid it, and takes nothing from the others; what was never sent
and never will be is no invoice.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Self

from connectors.coupa.client import Coupa
from procurement.documents import GoodsReceipt, Invoice
from procurement.ledger import Ledger
from procurement.ledger.billings import Billing
from procurement.ledger.types import Known
from procurement.matching import Outcome, three_way_match
from procurement.money import Money
from procurement.pipelines.amazon_invoices_to_coupa.billed_before import BilledBefore, billed_before
from procurement.pipelines.amazon_invoices_to_coupa.drafts import CREATE, PIPELINE
from procurement.pipelines.amazon_invoices_to_coupa.exchange_rates import CoupaRates, coupa_rates
from procurement.pipelines.amazon_invoices_to_coupa.rematching import (
    lines_by_receipt,
    read_ordered,
    receipts_of,
)
from procurement.pipelines.amazon_invoices_to_coupa.sent_invoices import read_planned
from procurement.pipelines.amazon_invoices_to_coupa.surroundings import Orders, read_receipts
from procurement.policies import Rules
from procurement.tolerances import Tolerances

NO_COMMODITY = "(no commodity)"
NOT_SENT = frozenset({"skipped", "held", "dead"})  # and no load will send it
WITHOUT_A_TOUCH = frozenset({Outcome.MATCHED, Outcome.WITHIN_TOLERANCE})


class Move(StrEnum):
    """What the other tolerances change about an invoice."""

    NOTHING = "nothing"
    LET_THROUGH = "let through"
    NEWLY_HELD = "newly held"
    OTHERWISE = "otherwise"  # from or to waiting for a receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """One invoice with both outcomes; `reason` is the first sentence of the side that holds it."""

    invoice: Invoice
    before: Outcome
    after: Outcome
    reason: str
    commodities: Mapping[str, Money]  # what its lines and their taxes come to, by commodity of the PO line

    @property
    def move(self) -> Move:
        if self.before is self.after or {self.before, self.after} <= WITHOUT_A_TOUCH:
            return Move.NOTHING
        if self.after is Outcome.EXCEPTION:
            return Move.NEWLY_HELD
        if self.before is Outcome.EXCEPTION and self.after in WITHOUT_A_TOUCH:
            return Move.LET_THROUGH
        return Move.OTHERWISE


@dataclass(slots=True)
class Effect:
    """Counts and money of some invoices under both tolerances; money by currency."""

    documents: int = 0
    matched: tuple[int, int] = (0, 0)
    held: tuple[int, int] = (0, 0)
    let_through: dict[str, Money] = field(default_factory=dict)
    newly_held: dict[str, Money] = field(default_factory=dict)

    def add(self, one: Replayed, money: Money) -> None:
        sides = (one.before, one.after)
        self.documents += 1
        self.matched = _plus(self.matched, [side in WITHOUT_A_TOUCH for side in sides])
        self.held = _plus(self.held, [side is Outcome.EXCEPTION for side in sides])
        if one.move in (Move.LET_THROUGH, Move.NEWLY_HELD):
            sums = self.let_through if one.move is Move.LET_THROUGH else self.newly_held
            sums[money.currency] = sums.get(money.currency, Money.zero(money.currency)) + money


@dataclass(frozen=True, slots=True)
class Backtest:
    """`total` counts every invoice once; so does `suppliers`. An invoice of several commodities counts with each, its money
    is split by line, charges of the document are in no commodity."""

    replayed: tuple[Replayed, ...]
    total: Effect
    suppliers: Mapping[str, Effect]
    commodities: Mapping[str, Effect]

    @classmethod
    def of(cls, replayed: Iterable[Replayed]) -> Self:
        kept = tuple(replayed)
        total, suppliers, commodities = Effect(), defaultdict[str, Effect](Effect), defaultdict[str, Effect](Effect)
        for one in kept:
            total.add(one, one.invoice.total)
            suppliers[one.invoice.supplier].add(one, one.invoice.total)
            for commodity, money in one.commodities.items():
                commodities[commodity].add(one, money)
        return cls(kept, total, dict(suppliers), dict(commodities))


def backtest(
    coupa: Coupa,
    ledger: Ledger,
    *,
    rules: Rules,
    tolerances: Tolerances,
    since: date | None = None,
    until: date | None = None,
) -> Backtest:
    """Replays invoices and credit notes dated from `since` to `until`, both included, with `rules.tolerances` and with
    `tolerances`. Reads the ledger and Coupa (50 a call); writes to neither."""
    known = [
        one
        for outcome in Outcome
        for one in ledger.deliveries.list_by_outcome(PIPELINE, outcome)
        if one.action == CREATE and one.state not in NOT_SENT
    ]
    payloads = ledger.deliveries.payloads([one.id for one in known])
    orders, numbers = read_ordered(coupa, payloads.values())
    invoices = read_planned(payloads, ledger.deliveries.variances(payloads), numbers)
    documents = [(one, invoices[one.id]) for one in known]
    documents.sort(key=lambda pair: (pair[1].date, pair[1].is_credit_note, pair[0].id))
    receipts = read_receipts(
        coupa, lines_by_receipt((invoice for _, invoice in documents), orders, rules.tolerances, tolerances)
    )
    before = _in_order(documents, billed_before(ledger, rules))
    replay = _Replay(orders, receipts, rules, tolerances, coupa_rates(coupa, rules.policies), before)
    return Backtest.of(
        replay.of(known, invoice, place)
        for place, (known, invoice) in enumerate(documents)
        if (since is None or invoice.date >= since) and (until is None or invoice.date <= until)
    )


def _in_order(documents: Sequence[tuple[Known, Invoice]], standing: BilledBefore) -> BilledBefore:
    """What stands of these documents, each in its place among them: the ledger's ids tell one run from the next, no more."""
    places = {known.id: place for place, (known, _) in enumerate(documents)}

    def read(po_lines: Iterable[str]) -> list[Billing]:
        return [replace(row, id=places[row.id]) for row in standing.read(po_lines) if row.id in places]

    before = BilledBefore(read, standing.conversions)
    before.learn(line for _, invoice in documents for line in invoice.po_lines)
    return before


@dataclass(frozen=True, slots=True)
class _Replay:
    orders: Orders
    receipts: Mapping[int, Sequence[GoodsReceipt]]
    rules: Rules
    tolerances: Tolerances
    rates: CoupaRates | None
    billed_before: BilledBefore

    def of(self, known: Known, invoice: Invoice, place: int) -> Replayed:
        orders = self.orders.documents
        billed, earlier = self.billed_before.of(known.business_key, invoice, orders, place=place)
        before, after = (
            three_way_match(
                invoice, orders, receipts_of(invoice, self.receipts), tolerances, billed=billed, earlier=earlier,
                conversions=self.rules.conversions, rates=self.rates,
            )
            for tolerances in (self.rules.tolerances, self.tolerances)
        )  # fmt: skip
        holding = after if after.outcome is Outcome.EXCEPTION else before
        breached = [finding.sentence for finding in holding.findings if finding.breached]
        return Replayed(
            invoice=invoice, before=before.outcome, after=after.outcome, reason=breached[0] if breached else "",
            commodities=self._commodities(invoice),
        )  # fmt: skip

    def _commodities(self, invoice: Invoice) -> dict[str, Money]:
        names: dict[int | None, str | None] = {
            line.id: line.commodity
            for number in {line.po_number for line in invoice.lines}
            if (order := self.orders.documents.get(number)) is not None
            for line in order.lines
        }
        sums: dict[str, Money] = {}
        for line in invoice.lines:
            name = names.get(line.po_line_id) or NO_COMMODITY
            taxed = Money.sum((line.total, *(tax.amount for tax in line.tax_lines)), invoice.currency)
            sums[name] = sums.get(name, Money.zero(invoice.currency)) + taxed
        return sums


def report(found: Backtest) -> str:
    """The effect as lines of text: in total, by supplier, by commodity, and each invoice that changes sides."""
    if not found.replayed:
        return "The ledger holds no matched invoice of that time: nothing to replay."
    rows: list[tuple[Any, ...]] = [
        ("", "invoices", "auto-matched", "held", "let through", "newly held"),
        _row("all", found.total),
        *(_row(f"supplier {name}", effect) for name, effect in sorted(found.suppliers.items())),
        *(_row(f"commodity {name}", effect) for name, effect in sorted(found.commodities.items())),
    ]
    widths = [max(len(str(row[column])) for row in rows) for column in range(6)]
    table = [
        "  ".join(str(value).ljust(width) for value, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    moved = [one for one in found.replayed if one.move is not Move.NOTHING]
    changes = [
        f"{one.invoice.number} ({one.invoice.total}): {one.before} -> {one.after}. {one.reason}".rstrip()
        for one in sorted(moved, key=lambda one: (one.move, one.invoice.number))
    ]
    head = f"{len(changes)} of {found.total.documents} invoices would come out otherwise; nothing was changed."
    return "\n".join([*table, "", head, *changes])


def _row(name: str, effect: Effect) -> tuple[str, ...]:
    shares = " -> ".join(f"{Decimal(100 * count) / effect.documents:.1f} %" for count in effect.matched)
    held = " -> ".join(map(str, effect.held))
    return name, str(effect.documents), shares, held, _money(effect.let_through), _money(effect.newly_held)


def _money(sums: Mapping[str, Money]) -> str:
    return ", ".join(str(amount) for _, amount in sorted(sums.items())) or "-"


def _plus(counts: tuple[int, int], more: Sequence[bool]) -> tuple[int, int]:
    return counts[0] + more[0], counts[1] + more[1]
