"""The match alone, from memory: 20,000 invoices of three lines, each PO line with two receipts and two earlier invoices."""

import gc
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from bench.figures import Figure, Result
from procurement.documents import GoodsReceipt, Invoice, InvoiceLine, PurchaseOrder, PurchaseOrderLine, TaxLine
from procurement.matching import Outcome, three_way_match
from procurement.money import Money
from procurement.policies import read_rules

INVOICES, LINES = 20_000, 3
TARGET = 3_000
DAY = date(2026, 2, 5)
LEVELS = ("3-way", "3-way-fifo", "direct_matching")
COMMODITIES = ("Office Supplies", "Food and Beverage", "IT Equipment")


@dataclass(frozen=True, slots=True)
class Case:
    invoice: Invoice
    order: PurchaseOrder
    receipts: list[GoodsReceipt]
    earlier: list[Invoice]


def measure() -> Result:
    """One process, one core: invoices a second, by CPU time."""
    cases, tolerances = list(_cases()), read_rules().tolerances
    gc.collect()
    gc.freeze()
    outcomes = dict.fromkeys(Outcome, 0)
    cpu, started = time.process_time(), time.perf_counter()
    for case in cases:
        match = three_way_match(
            case.invoice, {case.order.number: case.order}, case.receipts, tolerances, earlier=case.earlier
        )
        outcomes[match.outcome] += 1
    used, wall = time.process_time() - cpu, time.perf_counter() - started
    gc.unfreeze()
    rate = len(cases) / used
    figures = [
        Figure("invoices matched per second of one core", rate, "invoices/s", f">= {TARGET}", rate >= TARGET),
        Figure("CPU", used, "s"),
        Figure("elapsed", wall, "s"),
        *(Figure(outcome.value, count, "invoices") for outcome, count in outcomes.items()),
    ]
    return Result("matching", figures, {"invoices": len(cases), "lines": len(cases) * LINES})


def _cases() -> Iterator[Case]:
    for number in range(INVOICES):
        po_lines = tuple(_po_line(number, place) for place in range(LINES))
        order = PurchaseOrder(
            id=number, number=f"PO{number}", status="issued", version=1, supplier="AMZN-US", supplier_id=9, currency="USD", lines=po_lines
        )  # fmt: skip
        receipts = [
            GoodsReceipt(
                id=line.id * 2 + part, po_line_id=line.id, quantity=Decimal(5), received_on=DAY, match_reference=f"S{part}"
            )
            for line in po_lines
            for part in range(2)
        ]  # fmt: skip
        earlier = [_invoice(order, f"E{number}-{part}", 2, f"S{part}", number) for part in range(2)]
        yield Case(_invoice(order, f"I{number}", 3 if number % 10 else 7, "S1", number), order, receipts, earlier)


def _po_line(order: int, place: int) -> PurchaseOrderLine:
    price = Money(Decimal(1000 + order % 700 + place).scaleb(-2), "USD")
    return PurchaseOrderLine(
        id=order * LINES + place, number=str(place + 1), quantity=Decimal(12), unit_price=price, total=price * 12,
        received=Decimal(10), invoiced=Decimal(4), match_type=LEVELS[place], receipt_required=True, commodity=COMMODITIES[place],
    )  # fmt: skip


def _invoice(order: PurchaseOrder, number: str, units: int, reference: str, salt: int) -> Invoice:
    """One in seven is a cent off in price."""
    lines = tuple(
        _line(order, po_line, place, units=units, reference=reference, cents=0 if salt % 7 else 1)
        for place, po_line in enumerate(order.lines, 1)
    )
    total = Money.sum((line.total for line in lines), "USD")
    return Invoice(
        number=number, date=DAY, is_credit_note=False, supplier="AMZN-US", currency="USD", supplier_total=total, lines=lines,
        chart_of_accounts="US Chart",
    )  # fmt: skip


def _line(
    order: PurchaseOrder, po_line: PurchaseOrderLine, place: int, *, units: int, reference: str, cents: int
) -> InvoiceLine:
    price = po_line.unit_price.amount + Decimal(cents).scaleb(-2)
    total = Money(price * units, "USD")
    tax = TaxLine(amount=(total * Decimal("0.0825")).rounded(), rate=Decimal("8.25"), base=total)
    return InvoiceLine(
        number=place, description="Pens", quantity=Decimal(units), unit_price=price, total=total, po_number=order.number,
        po_line_number=po_line.number, po_line_id=po_line.id, match_reference=reference, tax_lines=(tax,),
    )  # fmt: skip
