"""One identified, resolved group turned into its deliveries, or into the verdict that stops it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from procurement.documents import GoodsReceipt, Invoice
from procurement.errors import DecisionNeeded, RecordError
from procurement.ledger.types import Known, Plan, PlannedDelivery, PlannedFinding, PlannedRecord
from procurement.matching import MatchResult, Outcome, three_way_match
from procurement.money import to_decimal
from procurement.pipelines.amazon_invoices_to_coupa.billed_before import BilledBefore
from procurement.pipelines.amazon_invoices_to_coupa.candidates import Verdict
from procurement.pipelines.amazon_invoices_to_coupa.difference_comments import difference_comment
from procurement.pipelines.amazon_invoices_to_coupa.drafts import (
    CREATE,
    PIPELINE,
    SUBMIT,
    Draft,
    business_key,
    delivery_id,
)
from procurement.pipelines.amazon_invoices_to_coupa.exchange_rates import CoupaRates, hold_foreign
from procurement.pipelines.amazon_invoices_to_coupa.existing import Existing, described
from procurement.pipelines.amazon_invoices_to_coupa.identity import Original
from procurement.pipelines.amazon_invoices_to_coupa.lines import Line, UnbackedLine
from procurement.pipelines.amazon_invoices_to_coupa.originals import KnownOriginal, Originals
from procurement.pipelines.amazon_invoices_to_coupa.payloads import DELIVERY_FIELD, invoice_payload
from procurement.pipelines.amazon_invoices_to_coupa.rivals import Rivals
from procurement.pipelines.amazon_invoices_to_coupa.routing_actions import exception_deliveries
from procurement.pipelines.amazon_invoices_to_coupa.sent_invoices import unsent
from procurement.pipelines.amazon_invoices_to_coupa.surroundings import Json, KnownDeliveries, Orders
from procurement.pipelines.amazon_invoices_to_coupa.unbacked import Unbacked
from procurement.pipelines.amazon_invoices_to_coupa.write_offs import Coded, coded
from procurement.policies import Mode, Rules

OVER = "refund_beyond_charge"
MOST_PARTS = 9  # an invoice and its late components


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafting:
    """What drafting a batch needs to know; `deliver` adds one document to a plan."""

    instance: str
    account: str
    rules: Rules
    existing: Existing
    known: Mapping[str, Known]
    receipts: Mapping[int, Sequence[GoodsReceipt]]
    orders: Orders
    originals: Originals
    owners: Mapping[str, int]
    known_deliveries: KnownDeliveries
    pending: frozenset[int]
    before: BilledBefore
    now: datetime
    rivals: Rivals
    rates: CoupaRates | None
    unbacked: Unbacked = field(default_factory=Unbacked)
    planned: set[tuple[Mode, str]] = field(default_factory=set)  # business keys of this batch, by how far they may go

    def deliver(self, plan: Plan, draft: Draft) -> Verdict | None:
        """Plans create, submit and, on an exception, what routing.yml wants done; or says why not."""
        if draft.rollout.mode is Mode.OFF:
            return Verdict("waiting", "switched off in rollout.yml")
        number = self.unbacked.counted(draft) or self._free_number(plan, draft)
        if isinstance(number, Verdict):
            return number
        whole, printed = draft, draft.identity.number
        if number != printed:
            draft = self._late_part(draft, number)
        original = self._original(draft, whole)
        if isinstance(original, Verdict):
            return original
        invoice = self._mapped(plan, draft, original)
        if isinstance(invoice, Verdict):
            return invoice
        if (foreign := hold_foreign(plan, draft, self.rates, invoice.date)) is not None:
            return foreign
        if (twice := self.rivals.check(plan, draft, invoice, printed=printed)) is not None:
            return twice
        match = self._matched(draft, invoice)
        reference = printed if number != printed else None
        self._plan(plan, draft, invoice=invoice, match=match, original=original, payment_reference=reference)
        return None

    def _original(self, draft: Draft, whole: Draft) -> KnownOriginal | Verdict | None:
        """`whole`: all that carries the printed number. A late refund on an invoice's own number takes that invoice back."""
        if not draft.group.is_credit_note:
            return None
        printed = whole.identity
        return self.originals.find(
            draft,
            self.originals.of(printed.number)
            if whole.group.is_credit_note
            else Original(printed.number, printed.moment),
            instance=self.instance,
            known=self.known,
            planned=self.planned,
            existing=self.existing,
            rules=self.rules,
            now=self.now,
        )

    def _free_number(self, plan: Plan, draft: Draft) -> str | Verdict:
        """The printed number, unless Coupa or the ledger already has it."""
        number, key = draft.identity.number, business_key(self.instance, draft.supplier, draft.identity.number)
        if (known := self.known.get(key)) is not None and known.claimed:
            return self._late_number(plan, draft, key)
        if (found := self.existing.standing.get((draft.supplier, number))) is not None:
            return self._already_there(plan, draft, found=found, key=key)
        dead = self.existing.gone.get((draft.supplier, number))
        if dead is not None and number not in self.rivals.released:
            return Verdict("held", used_number(draft, dead))
        return number

    def _late_number(self, plan: Plan, draft: Draft, key: str) -> str | Verdict:
        """What came after the document was sent goes under a number of its own, where the policy wants that."""
        number = draft.identity.number
        if self.rules.policies.late_component == "second_invoice":
            return self._second_number(draft)
        late = next((candidate for candidate in draft.group.candidates if candidate.record.id in self.pending), None)
        if late is not None:
            amount = f"{late.record.currency} {late.record.amount}"
            sentence = f"A component of {amount} arrived after invoice {number} was sent; it is not on that invoice."
            finding = PlannedFinding(kind="late_component", sentence=sentence, record_id=late.record.id)
            self._tell(plan, finding, draft, key=key, record=late.record.key)
        return Verdict("held", f"late component of invoice {number}, which was already sent")

    def _second_number(self, draft: Draft) -> str | Verdict:
        """The first of `<number>-2`, `-3`, ... that was not sent yet."""
        number = draft.identity.number
        keys = {
            business_key(self.instance, draft.supplier, f"{number}-{n}"): f"{number}-{n}"
            for n in range(2, MOST_PARTS + 1)
        }
        known = self.known_deliveries(keys)
        free = (second for key, second in keys.items() if key not in known or not known[key].claimed)
        return next(free, Verdict("held", f"invoice {number} has {MOST_PARTS - 1} late components already"))

    def _late_part(self, draft: Draft, number: str) -> Draft:
        """What came late, alone, under a number of its own."""
        fresh = [candidate for candidate in draft.group.candidates if candidate.record.id in self.pending]
        lines = [line for line in draft.lines if line.candidate.record.id in self.pending]
        return Draft(
            replace(draft.group, candidates=fresh), replace(draft.identity, number=number), lines, draft.rollout
        )

    def _already_there(self, plan: Plan, draft: Draft, *, found: Json, key: str) -> Verdict:
        """Made by somebody else, or by us before this ledger was set up: never a second one; the totals are compared. A refund that
        has its number from its order line only may be another one's memo: over another amount it is."""
        total = total_of(found)
        if total != draft.total.amount and draft.group.is_credit_note and not draft.group.is_numbered:
            theirs = f"{draft.identity.number} is in Coupa as {described(found)}"
            return Verdict("waiting", f"Amazon has not issued the invoice number yet: {theirs}, and not this refund")
        if total != draft.total.amount:
            finding = PlannedFinding(
                kind="amount_differs",
                sentence=f"Coupa's invoice {draft.identity.number} is {draft.total.currency} {total:,.2f}, Amazon billed {draft.total}.",
                record_id=draft.group.candidates[0].record.id,
                expected=str(draft.total.amount),
                actual=str(total),
                difference=str(total - draft.total.amount),
            )
            self._tell(plan, finding, draft, key=key, invoice_id=int(found["id"]))
        ours = (found.get("custom-fields") or {}).get(DELIVERY_FIELD) == delivery_id(key)
        return Verdict("skipped", "already in Coupa, sent by an earlier ledger" if ours else "already in Coupa")

    def _tell(
        self,
        plan: Plan,
        finding: PlannedFinding,
        draft: Draft,
        *,
        key: str,
        record: str | None = None,
        invoice_id: int | None = None,
    ) -> None:
        """A difference that no match finds: kept, and put before whom routing.yml says."""
        plan.findings.append(finding)
        plan.deliveries.append(
            difference_comment(
                finding, draft, key=key, record=record, invoice_id=invoice_id, routing=self.rules.routing,
                user_ids=self.owners, now=self.now,
            )
        )  # fmt: skip

    def _mapped(self, plan: Plan, draft: Draft, original: KnownOriginal | None) -> Invoice | Verdict:
        """Through the mapping; or every problem, or what a person must decide."""
        codings = self._codings(plan, draft, original)
        if isinstance(codings, Verdict):
            return codings
        try:
            return self._invoice(draft, original, codings)
        except DecisionNeeded as error:
            return Verdict("held", " ".join(error.problems), error.problems)
        except RecordError as error:
            return Verdict("dead", "the invoice cannot be built", error.problems)

    def _codings(
        self, plan: Plan, draft: Draft, original: KnownOriginal | None
    ) -> Sequence[Mapping[str, Any]] | Verdict:
        """What the mapping learns of the original's coding, line by line: of refunds without a PO."""
        if draft.ordered or original is None:
            return [{}] * len(draft.lines)
        key = business_key(self.instance, draft.supplier, original.number)
        found = self.existing.standing.get((draft.supplier, original.number))
        return self.unbacked.codings(plan, draft, key=key, known=self.known.get(key), found=found)

    def _invoice(self, draft: Draft, original: KnownOriginal | None, codings: Sequence[Mapping[str, Any]]) -> Invoice:
        first = draft.lines[0]
        header: dict[str, Any] = {
            "transaction": first.candidate.record.raw,
            "invoice": {
                "invoiceNumber": draft.identity.number,
                "invoiceDate": draft.identity.moment,
                "invoiceType": draft.identity.kind,
                "totalAmount": {"amount": str(draft.total.amount), "currencyCode": draft.total.currency},
            },
            **self._backing(first),
            "account": self.rules.accounts.context(self.account),
            "converted": {"currency": draft.total.currency} if self.rates is not None else {},
            "original": {"number": original.number, "date": original.moment} if original else {},
        }
        lines = [
            {
                **header,
                **self._backing(line),
                "transaction": line.candidate.record.raw,
                "line": line.raw,
                "original": {**header["original"], **coding},
            }
            for line, coding in zip(draft.lines, codings, strict=True)
        ]
        return self.rules.mapping(PIPELINE).invoice(header, lines)

    def _backing(self, line: Line) -> Json:
        """The PO and the line of it, for the mapping."""
        if isinstance(line, UnbackedLine):
            return {}
        return {"po": self.orders.raw[line.order.number], "po_line": self.orders.raw_lines[line.po_line.id]}

    def _matched(self, draft: Draft, invoice: Invoice) -> MatchResult:
        """The match, counting what was billed before and Coupa does not know yet."""
        receipts = [receipt for line_id in sorted(invoice.po_lines) for receipt in self.receipts.get(line_id, ())]
        orders = draft.orders
        key = business_key(self.instance, invoice.supplier, invoice.number)
        billed, earlier = self.before.of(key, invoice, orders)
        match = three_way_match(
            invoice, orders, receipts, self.rules.tolerances, billed=billed, earlier=earlier,
            conversions=self.rules.conversions, rates=self.rates,
        )  # fmt: skip
        self.before.plan(key, invoice, in_shadow=draft.rollout.mode is Mode.SHADOW)
        return match

    def _plan(
        self,
        plan: Plan,
        draft: Draft,
        *,
        invoice: Invoice,
        match: MatchResult,
        original: KnownOriginal | None,
        payment_reference: str | None,
    ) -> None:
        key = business_key(self.instance, invoice.supplier, invoice.number)
        create, total = (CREATE, key), invoice.total
        after = (SUBMIT, original.after) if original and original.after else None
        version, orders = self.rules.version, list(draft.orders.values())
        written = coded(invoice, match.variance.written_off, orders=orders, accounts=self.rules.entities.accounts)
        self.planned.add((draft.rollout.mode, key))
        plan.deliveries.append(
            PlannedDelivery(
                action=CREATE,
                business_key=key,
                payload=invoice_payload(
                    written.invoice,
                    delivery_id=delivery_id(key),
                    payment_reference=payment_reference,
                    internal_note=written.note,
                ),
                amount=total.amount,
                currency=total.currency,
                after=after,
                outcome=match.outcome.value,
                variance=match.variance.kept() | unsent(invoice),
                subjects=tuple(map(str, sorted(invoice.po_lines))),
                mapping_version=version,
                policy_version=version,
            )
        )
        plan.deliveries.append(PlannedDelivery(action=SUBMIT, business_key=key, payload={}, after=create))
        if match.outcome is Outcome.EXCEPTION:
            plan.deliveries += exception_deliveries(
                invoice, match, key=key, orders=orders, routing=self.rules.routing,
                user_ids=self.owners, now=self.now,
            )  # fmt: skip
        plan.findings.extend(match_findings(match, create))
        if invoice.is_credit_note and (over := self.originals.beyond_charge(draft)) is not None:
            sentence = f"Amazon refunds {over} more than it charged for these order lines."
            plan.findings.append(
                PlannedFinding(
                    kind=OVER, sentence=sentence, delivery=create, breached=False, difference=text(-over.amount)
                )
            )
        plan.findings.extend(by_hand(written, create))
        plan.records.extend(
            PlannedRecord(
                record_id=candidate.record.id,
                state="planned",
                bills=create,
                amount=candidate.record.amount,
                currency=candidate.record.currency,
                hash=candidate.record.hash,
            )
            for candidate in draft.group.candidates
        )


def total_of(found: Json) -> Decimal:
    return to_decimal(str(found.get("total-with-taxes") or found.get("gross-total") or "0"))


def used_number(draft: Draft, found: Json) -> str:
    """Why a number that only a dead document has is not used again by itself, and what to do."""
    number = draft.identity.number
    return (
        f"Coupa has {number} as {described(found)} and pays nothing of Amazon's {draft.total}; whether it takes the number again "
        f"differs. Release {number} by its number to try, or enter it there by hand and discard it here."
    )


def match_findings(match: MatchResult, create: tuple[str, str]) -> Iterator[PlannedFinding]:
    """The comparisons that did not come out equal, within tolerance or not."""
    for finding in match.findings:
        yield PlannedFinding(
            kind=finding.kind, sentence=finding.sentence, delivery=create, breached=finding.breached,
            line=text(finding.line), expected=text(finding.expected), actual=text(finding.actual),
            difference=text(finding.difference), limit=text(finding.limit), rule=finding.rule, money=finding.money,
        )  # fmt: skip


def by_hand(written: Coded, create: tuple[str, str]) -> Iterator[PlannedFinding]:
    """What is written off and people must code."""
    for sentence in written.by_hand:
        yield PlannedFinding(kind="write_off", sentence=sentence, delivery=create, breached=False)


def text(value: object) -> str | None:
    return None if value is None else str(value)
