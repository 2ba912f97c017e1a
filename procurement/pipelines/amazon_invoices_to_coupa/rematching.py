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
from procurement.ledger.types import Known, Plan, PlannedFinding, Run
from procurement.matching import MatchResult, Outcome, reads_receipts, three_way_match
from procurement.pipelines.amazon_invoices_to_coupa.billed_before import billed_before
from procurement.pipelines.amazon_invoices_to_coupa.comments import read_owners
from procurement.pipelines.amazon_invoices_to_coupa.drafting import by_hand, match_findings
from procurement.pipelines.amazon_invoices_to_coupa.drafts import CREATE, PIPELINE
from procurement.pipelines.amazon_invoices_to_coupa.exchange_rates import coupa_rates
from procurement.pipelines.amazon_invoices_to_coupa.rivals import KIND as DUPLICATE
from procurement.pipelines.amazon_invoices_to_coupa.routing_actions import exception_deliveries
from procurement.pipelines.amazon_invoices_to_coupa.sent_invoices import read_planned, unsent
from procurement.pipelines.amazon_invoices_to_coupa.surroundings import Orders, read_orders, read_receipts
from procurement.pipelines.amazon_invoices_to_coupa.write_offs import coded
from procurement.policies import Mode, Rules
from procurement.tolerances import Tolerances

Json = Mapping[str, Any]
RECEIVED = "received"  # the finding that tells what is missing


def rematch(coupa: Coupa, ledger: Ledger, *, run: Run, rules: Rules) -> dict[str, Any]:
    """Gives each waiting invoice its new outcome and differences, one that still waits what is missing now; an exception is
    routed.

    Reads Coupa 50 a call, and nothing when no invoice waits.
    """
    live = rules.rollout.widest(PIPELINE).mode is Mode.LIVE
    waiting = [one for one in ledger.deliveries.list_by_outcome(PIPELINE, Outcome.WAITING_FOR_RECEIPT) if one.claimed]
    if run.dry_run or not live or not waiting:
        return {"run": run.id, "waiting": len(waiting), "rematched": 0}
    payloads = ledger.deliveries.payloads([known.id for known in waiting])
    orders, numbers = read_ordered(coupa, payloads.values())
    invoices = read_planned(payloads, ledger.deliveries.variances(payloads), numbers)
    receipts = read_receipts(coupa, lines_by_receipt(invoices.values(), orders, rules.tolerances))
    owners, rates = read_owners(coupa, rules.routing), coupa_rates(coupa, rules.policies)
    before = billed_before(ledger, rules)
    before.learn(line for invoice in invoices.values() for line in invoice.po_lines)
    shortages = _shortages(ledger, [known.id for known in waiting])
    moved = 0
    for known in waiting:
        invoice = invoices[known.id]
        billed, earlier = before.of(known.business_key, invoice, orders.documents)
        match = three_way_match(
            invoice, orders.documents, receipts_of(invoice, receipts), rules.tolerances, billed=billed, earlier=earlier,
            conversions=rules.conversions, rates=rates,
        )  # fmt: skip
        kept = _Kept(ledger, run, rules, owners)
        found = kept.findings(known, invoice, match, orders, sent=payloads[known.id])
        if match.outcome is not Outcome.WAITING_FOR_RECEIPT:
            moved += 1
            kept.keep(known, invoice, match, orders, found)
        elif {one.sentence for one in found if one.kind == RECEIVED} != shortages[known.id]:
            kept.keep(known, invoice, match, orders, found)
    return {"run": run.id, "waiting": len(waiting), "rematched": moved}


def _shortages(ledger: Ledger, ids: Sequence[int]) -> Mapping[int, set[str]]:
    """What was said to be missing of each."""
    said: dict[int, set[str]] = {id: set() for id in ids}
    for one in ledger.findings.of_deliveries(ids):
        if one.delivery_id is not None and one.kind == RECEIVED:
            said[one.delivery_id].add(one.sentence)
    return said


def read_ordered(coupa: Coupa, payloads: Iterable[Json]) -> tuple[Orders, dict[int, tuple[str, str]]]:
    """The POs of these invoices, and number and line number by PO line id."""
    lines = (line for payload in payloads for line in payload.get("invoice-lines") or ())
    ids = sorted({int(line["order-line-id"]) for line in lines if "order-line-id" in line})
    rows = [row for page in coupa.purchase_order_lines(ids) for row in page]
    numbers = {int(row["id"]): (str(row["order-header-number"]), str(row["line-num"])) for row in rows}
    return read_orders(coupa, {number for number, _ in numbers.values()}), numbers


def lines_by_receipt(invoices: Iterable[Invoice], orders: Orders, *tolerances: Tolerances) -> set[int]:
    """PO lines whose receipts are needed one by one, by any of the tolerances."""
    return {
        po_line.id
        for invoice in invoices
        for line in invoice.lines
        if (order := orders.documents.get(line.po_number)) is not None
        for po_line in order.lines
        if po_line.id == line.po_line_id and any(reads_receipts(order, po_line, one) for one in tolerances)
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

    def findings(
        self, known: Known, invoice: Invoice, match: MatchResult, orders: Orders, *, sent: Json
    ) -> list[PlannedFinding]:
        """Those of the match; and what it writes off and the payload does not carry, for people to code."""
        written = coded(
            invoice, match.variance.written_off, orders=orders.documents.values(), accounts=self.rules.entities.accounts,
            is_sent="internal-note" not in sent,
        )  # fmt: skip
        create = (CREATE, known.business_key)
        return [*match_findings(match, create), *by_hand(written, create)]

    def keep(
        self, known: Known, invoice: Invoice, match: MatchResult, orders: Orders, found: Sequence[PlannedFinding]
    ) -> None:
        self.ledger.findings.replace(known.id, self.run, found, keeping=[DUPLICATE])
        if match.outcome is Outcome.EXCEPTION:
            ordered = {line.po_number: orders.documents.get(line.po_number) for line in invoice.lines}
            routed = exception_deliveries(
                invoice, match, key=known.business_key, orders=[order for order in ordered.values() if order],
                routing=self.rules.routing, user_ids=self.owners, now=self.run.now,
            )  # fmt: skip
            self.ledger.planning.keep(self.run, Plan(deliveries=routed))
        self.ledger.deliveries.set_outcome(known.id, match.outcome, match.variance.kept() | unsent(invoice))
