"""Invoices that waited for a receipt, and exceptions that nobody settled, matched again against today's orders and receipts.

Amazon is not read: what was billed stands in the payload that was sent, and beside it. Coupa counts that invoice by now, and those that
came after it, so their units are taken off the PO line's `invoiced` before the match: goods are for who waited first. An
exception takes nothing from anybody: all that stands counts before it, whenever it came, so that it matches only when the
cause is gone (a credit note, an amended order, a receipt, an invoice that was voided). Where an exception says something else by
now, its findings do, and its integration error; its comment cannot.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.coupa.client import Coupa
from procurement.documents import GoodsReceipt, Invoice
from procurement.ledger import Ledger
from procurement.ledger.types import Plan, PlannedDelivery, PlannedFinding, Run
from procurement.matching import Finding, MatchResult, Outcome, reads_receipts, three_way_match
from procurement.pipelines.amazon_invoices_to_coupa.billed_before import LAST, billed_before
from procurement.pipelines.amazon_invoices_to_coupa.comments import read_owners
from procurement.pipelines.amazon_invoices_to_coupa.drafting import by_hand, match_findings
from procurement.pipelines.amazon_invoices_to_coupa.drafts import ALERT, CREATE, PIPELINE, SUBMIT, UPDATE_ALERT
from procurement.pipelines.amazon_invoices_to_coupa.exchange_rates import coupa_rates
from procurement.pipelines.amazon_invoices_to_coupa.rivals import KIND as DUPLICATE
from procurement.pipelines.amazon_invoices_to_coupa.routing_actions import error_responses, exception_deliveries
from procurement.pipelines.amazon_invoices_to_coupa.sent_invoices import read_planned, unsent
from procurement.pipelines.amazon_invoices_to_coupa.surroundings import Orders, read_orders, read_receipts
from procurement.pipelines.amazon_invoices_to_coupa.write_offs import coded
from procurement.policies import Mode, Rules
from procurement.routing import KINDS
from procurement.tolerances import Tolerances

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Judged:
    """A document of the ledger with the outcome of its last match; `place` as in `BilledBefore.of`."""

    id: int
    business_key: str
    outcome: Outcome
    place: int | None = None


def rematch(coupa: Coupa, ledger: Ledger, *, run: Run, rules: Rules) -> dict[str, Any]:
    """Gives each waiting invoice and each open exception its new outcome and differences; a new exception is routed.

    Reads Coupa 50 a call, and nothing when no invoice waits or is an exception.
    """
    live = rules.rollout.widest(PIPELINE).mode is Mode.LIVE
    waiting = [
        Judged(one.id, one.business_key, Outcome.WAITING_FOR_RECEIPT)
        for one in ledger.deliveries.list_by_outcome(PIPELINE, Outcome.WAITING_FOR_RECEIPT)
        if one.claimed
    ]
    exceptions = [
        Judged(one.id, one.business_key, Outcome.EXCEPTION, place=LAST)
        for one in ledger.waits.by_outcome(
            PIPELINE, Outcome.EXCEPTION, create=CREATE, submit=SUBMIT, finished=rules.reconciliation.statuses.finished
        )
    ]
    judged, counts = [*waiting, *exceptions], {"waiting": len(waiting), "exceptions": len(exceptions)}
    if run.dry_run or not live or not judged:
        return {"run": run.id, **counts, "rematched": 0}
    payloads = ledger.deliveries.payloads([one.id for one in judged])
    orders, numbers = read_ordered(coupa, payloads.values())
    invoices = read_planned(payloads, ledger.deliveries.variances(payloads), numbers)
    receipts = read_receipts(coupa, lines_by_receipt(invoices.values(), orders, rules.tolerances))
    owners, rates = read_owners(coupa, rules.routing), coupa_rates(coupa, rules.policies)
    before = billed_before(ledger, rules)
    before.learn(line for invoice in invoices.values() for line in invoice.po_lines)
    moved, kept, told = 0, _Kept(ledger, run, rules, owners), told_of(ledger, judged)
    for one in judged:
        invoice = invoices[one.id]
        billed, earlier = before.of(one.business_key, invoice, orders.documents, place=one.place)
        match = three_way_match(
            invoice, orders.documents, receipts_of(invoice, receipts), rules.tolerances, billed=billed, earlier=earlier,
            conversions=rules.conversions, rates=rates,
        )  # fmt: skip
        moved += match.outcome is not one.outcome
        if match.outcome is not one.outcome or told[one.id] != {finding.sentence for finding in breached_of(match)}:
            kept.keep(one, invoice, match, orders, sent=payloads[one.id])
    return {"run": run.id, **counts, "rematched": moved}


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


def breached_of(match: MatchResult) -> list[Finding]:
    return [finding for finding in match.findings if finding.breached]


def told_of(ledger: Ledger, judged: Sequence[Judged]) -> dict[int, set[str]]:
    """What differs with each, in the sentences that stand in the ledger."""
    told: dict[int, set[str]] = {one.id: set() for one in judged}
    for found in ledger.findings.of_deliveries(told):
        if found.breached and found.kind in KINDS and found.delivery_id is not None:
            told[found.delivery_id].add(found.sentence)
    return told


@dataclass(frozen=True, slots=True)
class _Kept:
    """Writes a new verdict into the ledger; what people are to be told is planned first, so that no crash swallows it."""

    ledger: Ledger
    run: Run
    rules: Rules
    owners: Mapping[str, int]

    def keep(self, one: Judged, invoice: Invoice, match: MatchResult, orders: Orders, *, sent: Json) -> None:
        if match.outcome is Outcome.EXCEPTION:
            planned = (
                self._told_again(one, match)
                if one.outcome is match.outcome
                else self._routed(one, invoice, match, orders)
            )
            self.ledger.planning.keep(self.run, Plan(deliveries=planned))
        found = self._findings(one, invoice, match, orders, sent=sent)
        self.ledger.findings.replace(one.id, self.run, found, keeping=[DUPLICATE])
        self.ledger.deliveries.set_outcome(one.id, match.outcome, match.variance.kept() | unsent(invoice))

    def _findings(
        self, one: Judged, invoice: Invoice, match: MatchResult, orders: Orders, *, sent: Json
    ) -> list[PlannedFinding]:
        """Those of the match; and what it writes off and the payload does not carry, for people to code."""
        written = coded(
            invoice, match.variance.written_off, orders=orders.documents.values(), accounts=self.rules.entities.accounts,
            is_sent="internal-note" not in sent,
        )  # fmt: skip
        create = (CREATE, one.business_key)
        return [*match_findings(match, create), *by_hand(written, create)]

    def _routed(self, one: Judged, invoice: Invoice, match: MatchResult, orders: Orders) -> list[PlannedDelivery]:
        ordered = {line.po_number: orders.documents.get(line.po_number) for line in invoice.lines}
        return exception_deliveries(
            invoice, match, key=one.business_key, orders=[order for order in ordered.values() if order],
            routing=self.rules.routing, user_ids=self.owners, now=self.run.now,
        )  # fmt: skip

    def _told_again(self, one: Judged, match: MatchResult) -> list[PlannedDelivery]:
        """The integration error of an exception that says something else by now, if it has one."""
        error = self.ledger.deliveries.known(PIPELINE, ALERT, [one.business_key]).get(one.business_key)
        if error is None or error.target_id is None:
            return []
        responses = error_responses(breached_of(match))
        payload = {"error": int(error.target_id), "run": int(error.facts["run"]), "responses": responses}
        return [
            PlannedDelivery(
                action=UPDATE_ALERT, business_key=f"{one.business_key}/{self.run.id}", payload=payload,
                after=(ALERT, one.business_key), required=False,
            )
        ]  # fmt: skip
