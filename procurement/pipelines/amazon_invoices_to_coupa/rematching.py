"""Invoices that waited for a receipt, matched again against today's orders and receipts.

Amazon is not read: what was billed stands in the payload that was sent, and beside it. Coupa counts that invoice by now, and those that
came after it, so their units are taken off the PO line's `invoiced` before the match: goods are for who waited first.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.coupa.client import Coupa
from procurement.documents import GoodsReceipt, Invoice
from procurement.ledger import Ledger
from procurement.ledger.types import Known, Plan, Run
from procurement.matching import BY_RECEIPT, MatchResult, Outcome, match_level, three_way_match
from procurement.pipelines.amazon_invoices_to_coupa.billed_before import billed_before
from procurement.pipelines.amazon_invoices_to_coupa.comments import read_owners
from procurement.pipelines.amazon_invoices_to_coupa.drafting import match_findings
from procurement.pipelines.amazon_invoices_to_coupa.drafts import CREATE, PIPELINE
from procurement.pipelines.amazon_invoices_to_coupa.exchange_rates import coupa_rates
from procurement.pipelines.amazon_invoices_to_coupa.rivals import KIND as DUPLICATE
from procurement.pipelines.amazon_invoices_to_coupa.routing_actions import exception_deliveries
from procurement.pipelines.amazon_invoices_to_coupa.sent_invoices import read_planned, unsent
from procurement.pipelines.amazon_invoices_to_coupa.surroundings import Orders, read_orders, read_receipts
from procurement.policies import Mode, Rules

Json = Mapping[str, Any]


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
    invoices = read_planned(payloads, ledger.deliveries.variances(payloads), numbers)
    receipts = read_receipts(coupa, direct_lines(invoices.values(), orders))
    owners, rates = read_owners(coupa, rules.routing), coupa_rates(coupa, rules.policies)
    before = billed_before(ledger, rules)
    before.learn(line for invoice in invoices.values() for line in invoice.po_lines)
    moved = 0
    for known in waiting:
        invoice = invoices[known.id]
        billed, earlier = before.of(known.business_key, invoice, orders.documents)
        match = three_way_match(
            invoice, orders.documents, receipts_of(invoice, receipts), rules.tolerances, billed=billed, earlier=earlier,
            conversions=rules.conversions, rates=rates,
        )  # fmt: skip
        if match.outcome is not Outcome.WAITING_FOR_RECEIPT:
            moved += 1
            _Kept(ledger, run, rules, owners).keep(known, invoice, match, orders)
    return {"run": run.id, "waiting": len(waiting), "rematched": moved}


def read_ordered(coupa: Coupa, payloads: Iterable[Json]) -> tuple[Orders, dict[int, tuple[str, str]]]:
    """The POs of these invoices, and number and line number by PO line id."""
    lines = (line for payload in payloads for line in payload.get("invoice-lines") or ())
    ids = sorted({int(line["order-line-id"]) for line in lines if "order-line-id" in line})
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
    return [receipt for line_id in sorted(invoice.po_lines) for receipt in receipts.get(line_id, ())]


@dataclass(frozen=True, slots=True)
class _Kept:
    """Writes a new verdict into the ledger."""

    ledger: Ledger
    run: Run
    rules: Rules
    owners: Mapping[str, int]

    def keep(self, known: Known, invoice: Invoice, match: MatchResult, orders: Orders) -> None:
        found = list(match_findings(match, (CREATE, known.business_key)))
        self.ledger.findings.replace(known.id, self.run, found, keeping=[DUPLICATE])
        if match.outcome is Outcome.EXCEPTION:
            ordered = {line.po_number: orders.documents.get(line.po_number) for line in invoice.lines}
            routed = exception_deliveries(
                invoice, match, key=known.business_key, orders=[order for order in ordered.values() if order],
                routing=self.rules.routing, user_ids=self.owners, now=self.run.now,
            )  # fmt: skip
            self.ledger.planning.keep(self.run, Plan(deliveries=routed))
        self.ledger.deliveries.set_outcome(known.id, match.outcome, match.variance.kept() | unsent(invoice))
