"""Invoices that Amazon wants paid soon and Coupa has not approved yet: one mail a day to accounts payable.

Amazon's payment status and due date serve this report only; Coupa's `paid` is never set from them. The same look at
Coupa brings its verdicts up to date.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.amazon_business.client import AmazonBusiness
from connectors.amazon_business.payloads import InvoicePayment
from connectors.coupa.client import Coupa
from procurement.ledger import Ledger
from procurement.ledger.types import Known, Run
from procurement.pipelines.amazon_invoices_to_coupa.comments import ruled
from procurement.pipelines.amazon_invoices_to_coupa.drafts import CREATE, PIPELINE, SUBMIT, number_of
from procurement.pipelines.amazon_invoices_to_coupa.verdicts import compare_verdicts, later_facts, verdict_of
from procurement.policies import Rules

PAID = frozenset({"closed", "payment processing"})
MOST_LISTED = 100

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DueInvoice:
    """`blocked_by` is what stands between the invoice and its approval, in words."""

    number: str
    amount: str
    payment: InvoicePayment
    coupa_status: str
    blocked_by: str


def watch_due_dates(amazon: AmazonBusiness, coupa: Coupa, ledger: Ledger, *, run: Run, rules: Rules) -> Json:
    """Writes the day's notice when an unapproved invoice is due within `invoice_due_warning_days`; writes to no vendor.

    Asks only after invoices that were not finished when Coupa last told: 50 a call at Coupa, 25 a call at Amazon.
    """
    if run.dry_run:
        return {"run": run.id, "unapproved": 0, "due": 0, "verdicts_differ": 0}
    unapproved = still_unapproved(coupa, ledger, rules)
    differing = compare_verdicts(ledger, run=run)
    due = list(due_soon(amazon, ledger, unapproved=unapproved, run=run, rules=rules)) if unapproved else []
    if due:
        ledger.notices.add(f"{PIPELINE}/due/{run.now:%Y-%m-%d}", "due_dates", due_mail(due, rules))
    return {"run": run.id, "unapproved": len(unapproved), "due": len(due), "verdicts_differ": differing}


def still_unapproved(coupa: Coupa, ledger: Ledger, rules: Rules) -> list[tuple[Known, str]]:
    """Our submitted invoices with the status Coupa gives them now; what it has finished with is never asked for again."""
    finished = rules.reconciliation.statuses.finished
    submitted = {
        known.business_key: known for known in ledger.deliveries.unfinished(PIPELINE, SUBMIT, finished=finished)
    }
    created = ledger.deliveries.known(PIPELINE, CREATE, submitted)
    facts = coupa_facts(coupa, list(created.values()))
    ledger.deliveries.note_facts(
        {submitted[key].id: later_facts(submitted[key].facts, now) for key, now in facts.items()}
    )
    statuses = {key: str(now["status"]) for key, now in facts.items()}
    return [
        (known, statuses.get(key, "not found"))
        for key, known in created.items()
        if statuses.get(key) not in finished
        and known.amount is not None
        and known.amount > 0  # credit notes are never due
    ]


def due_soon(
    amazon: AmazonBusiness, ledger: Ledger, *, unapproved: Sequence[tuple[Known, str]], run: Run, rules: Rules
) -> Iterator[DueInvoice]:
    """Soonest first."""
    by_number = {number_of(known.business_key): (known, status) for known, status in unapproved}
    findings = ledger.findings.of_deliveries([known.id for known, _ in unapproved])
    breached = [finding for finding in reversed(findings) if finding.breached]
    reasons = {finding.delivery_id: ruled(finding.sentence, finding.rule) for finding in breached}
    latest = run.now + timedelta(days=rules.policies.invoice_due_warning_days)
    due = [
        (payment.due_date, details.invoice_id, payment)
        for details in amazon.payment_details(by_number)
        if (payment := details.payment_details) is not None and is_due(payment, latest)
    ]
    for _, number, payment in sorted(due, key=lambda row: row[:2]):
        known, status = by_number[number]
        blocked_by = reasons.get(known.id) or f"Coupa says {status.replace('_', ' ')}"
        yield DueInvoice(number, f"{known.currency} {known.amount:,.2f}", payment, status, blocked_by)


def is_due(payment: InvoicePayment, latest: datetime) -> bool:
    """Unpaid at Amazon, and due by `latest`."""
    unpaid = (payment.status or "").lower() not in PAID
    return unpaid and payment.due_date is not None and payment.due_date <= latest


def coupa_facts(coupa: Coupa, unapproved: Sequence[Known]) -> Mapping[str, Json]:
    """Coupa's present status and failed tolerances by business key."""
    by_supplier: dict[str, dict[str, str]] = {}
    for known in unapproved:
        _, supplier, number = known.business_key.split("/", 2)
        by_supplier.setdefault(supplier, {})[number] = known.business_key
    return {
        keys[str(raw["invoice-number"])]: verdict_of(raw)
        for supplier, keys in sorted(by_supplier.items())
        for page in coupa.invoices(supplier, keys)
        for raw in page
    }


def due_mail(due: Sequence[DueInvoice], rules: Rules) -> Json:
    """Recipients, subject and text: what is due when, and what blocks it."""
    lines = [
        f"{invoice.number}  {invoice.amount}  due {invoice.payment.due_date:%Y-%m-%d}, Amazon: {invoice.payment.status}, "
        f"Coupa: {invoice.coupa_status.replace('_', ' ')}\n    {invoice.blocked_by}"
        for invoice in due[:MOST_LISTED]
    ]
    if len(due) > MOST_LISTED:
        lines.append(f"... and {len(due) - MOST_LISTED} more")
    plural = "s" if len(due) > 1 else ""
    return {
        "to": list(rules.policies.alert_recipients),
        "subject": f"{len(due)} Amazon invoice{plural} due within {rules.policies.invoice_due_warning_days} days and not approved",
        "text": "Amazon wants these paid soon, and something still blocks them in Coupa.\n\n" + "\n\n".join(lines),
    }
