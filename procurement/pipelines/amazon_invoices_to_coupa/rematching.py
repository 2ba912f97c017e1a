"""Invoices that waited for a receipt, matched again against today's orders and receipts.

Amazon is not read: what was billed stands in the payload that was sent. Coupa counts that invoice by now, so its own
units are taken off the PO line's `invoiced` before the match.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from connectors.coupa.client import Coupa
from procurement.documents import ChargeKind, GoodsReceipt, Invoice, InvoiceCharge, InvoiceLine, TaxLine
from procurement.ledger import Ledger
from procurement.ledger.types import Known, Plan, Run
from procurement.matching import BY_RECEIPT, MatchResult, Outcome, match_level, three_way_match, units_billed
from procurement.money import Money
from procurement.pipelines.amazon_invoices_to_coupa.comments import read_owners
from procurement.pipelines.amazon_invoices_to_coupa.drafting import match_findings
from procurement.pipelines.amazon_invoices_to_coupa.drafts import CREATE, PIPELINE
from procurement.pipelines.amazon_invoices_to_coupa.exchange_rates import coupa_rates
from procurement.pipelines.amazon_invoices_to_coupa.payloads import CHARGE_TYPES
from procurement.pipelines.amazon_invoices_to_coupa.routing_actions import exception_deliveries
from procurement.pipelines.amazon_invoices_to_coupa.surroundings import Orders, read_orders, read_receipts
from procurement.policies import Mode, Rules

Json = Mapping[str, Any]
KINDS: Mapping[str, ChargeKind] = {name: kind for kind, name in CHARGE_TYPES.items()}


def rematch(coupa: Coupa, ledger: Ledger, *, run: Run, rules: Rules) -> dict[str, Any]:
    """Gives each waiting invoice its new outcome and differences; an exception is routed.

    Reads Coupa 50 a call, and nothing when no invoice waits.
    """
    live = rules.rollout.widest(PIPELINE).mode is Mode.LIVE
    waiting = [one for one in ledger.deliveries.list_by_outcome(PIPELINE, Outcome.WAITING_FOR_RECEIPT) if one.claimed]
    if run.dry_run or not live or not waiting:
        return {"run": run.id, "waiting": len(waiting), "rematched": 0}
    payloads = ledger.deliveries.payloads([known.id for known in waiting])
    orders, numbers = read_ordered(coupa, payloads.values())
    invoices = {known.id: read_invoice(payloads[known.id], numbers) for known in waiting}
    receipts = read_receipts(coupa, direct_lines(invoices.values(), orders))
    owners, rates = read_owners(coupa, rules.routing), coupa_rates(coupa, rules.policies)
    moved = 0
    for known in waiting:
        invoice = invoices[known.id]
        match = three_way_match(
            invoice, orders.documents, receipts_of(invoice, receipts), rules.tolerances,
            billed=own_units(invoice, orders, rules), conversions=rules.conversions, rates=rates,
        )  # fmt: skip
        if match.outcome is not Outcome.WAITING_FOR_RECEIPT:
            moved += 1
            _Kept(ledger, run, rules, owners).keep(known, invoice, match, orders)
    return {"run": run.id, "waiting": len(waiting), "rematched": moved}


def own_units(invoice: Invoice, orders: Orders, rules: Rules) -> dict[int, Decimal]:
    """What Coupa already counts of this very invoice, by PO line: to be taken off."""
    own = units_billed(invoice, orders.documents.values(), rules.conversions)
    return {line_id: -units for line_id, units in own.items()}


def read_ordered(coupa: Coupa, payloads: Iterable[Json]) -> tuple[Orders, dict[int, tuple[str, str]]]:
    """The POs of these invoices, and number and line number by PO line id."""
    ids = sorted({int(line["order-line-id"]) for payload in payloads for line in payload.get("invoice-lines") or ()})
    rows = [row for page in coupa.purchase_order_lines(ids) for row in page]
    numbers = {int(row["id"]): (str(row["order-header-number"]), str(row["line-num"])) for row in rows}
    return read_orders(coupa, {number for number, _ in numbers.values()}), numbers


def direct_lines(invoices: Iterable[Invoice], orders: Orders) -> set[int]:
    """PO lines whose receipts are matched one by one."""
    return {
        po_line.id
        for invoice in invoices
        for line in invoice.lines
        if (order := orders.documents.get(line.po_number)) is not None
        for po_line in order.lines
        if po_line.id == line.po_line_id and match_level(order, po_line) in BY_RECEIPT
    }


def receipts_of(invoice: Invoice, receipts: Mapping[int, Sequence[GoodsReceipt]]) -> list[GoodsReceipt]:
    lines = sorted({line.po_line_id for line in invoice.lines})
    return [receipt for line_id in lines for receipt in receipts.get(line_id, ())]


@dataclass(frozen=True, slots=True)
class _Kept:
    """Writes a new verdict into the ledger."""

    ledger: Ledger
    run: Run
    rules: Rules
    owners: Mapping[str, int]

    def keep(self, known: Known, invoice: Invoice, match: MatchResult, orders: Orders) -> None:
        self.ledger.findings.replace(known.id, self.run, list(match_findings(match, (CREATE, known.business_key))))
        if match.outcome is Outcome.EXCEPTION:
            ordered = {line.po_number: orders.documents.get(line.po_number) for line in invoice.lines}
            routed = exception_deliveries(
                invoice, match, key=known.business_key, orders=[order for order in ordered.values() if order],
                routing=self.rules.routing, user_ids=self.owners, now=self.run.now,
            )  # fmt: skip
            self.ledger.planning.keep(self.run, Plan(deliveries=routed))
        self.ledger.deliveries.set_outcome(known.id, match.outcome, match.variance.kept())


def read_invoice(payload: Json, numbers: Mapping[int, tuple[str, str]]) -> Invoice:
    """The document that was sent; the PO's own numbers come by PO line id."""
    currency = str(payload["currency"]["code"])
    return Invoice(
        number=payload["invoice-number"],
        date=date.fromisoformat(payload["invoice-date"]),
        is_credit_note=bool(payload.get("is-credit-note")),
        supplier=payload["supplier"]["number"],
        currency=currency,
        chart_of_accounts=(payload.get("account-type") or {}).get("name"),
        supplier_total=Money.of(Decimal(payload["supplier-total"]), currency),
        lines=tuple(_line(line, numbers, currency) for line in payload.get("invoice-lines") or ()),
        charges=tuple(_charge(charge, currency) for charge in payload.get("invoice-charges") or ()),
    )


def _line(raw: Json, numbers: Mapping[int, tuple[str, str]], currency: str) -> InvoiceLine:
    line_id = int(raw["order-line-id"])
    po_number, po_line_number = numbers.get(line_id, ("", ""))
    quantity, price = Decimal(raw["quantity"]), Decimal(raw["price"])
    return InvoiceLine(
        number=int(raw["line-num"]), description=raw.get("description", ""), quantity=quantity, unit_price=price,
        total=(Money(price, currency) * quantity).rounded(), po_number=po_number, po_line_number=po_line_number,
        po_line_id=line_id, match_reference=raw.get("match-reference"), adjustment_type=raw.get("adjustment-type"),
        unit_of_measure=(raw.get("uom") or {}).get("code"), tax_lines=_taxes(raw, currency),
    )  # fmt: skip


def _charge(raw: Json, currency: str) -> InvoiceCharge:
    total = Money.of(Decimal(raw["total"]), currency)
    taxes = _taxes(raw, currency)
    return InvoiceCharge(kind=KINDS[raw["type"]], total=total, description=raw.get("description", ""), tax_lines=taxes)


def _taxes(raw: Json, currency: str) -> tuple[TaxLine, ...]:
    return tuple(
        TaxLine(
            amount=Money.of(Decimal(tax["amount"]), currency),
            rate=Decimal(tax["rate"]) if tax.get("rate") is not None else None,
            code=(tax.get("tax-code") or {}).get("code"),
        )
        for tax in raw.get("tax-lines") or ()
    )
