"""What routing.yml has done about an exception: the deliveries of one route, and the writes that only exceptions need.

An exception has one comment; beside it Coupa may be asked to add an approver, the invoice may be disputed where the
supplier takes disputes, a team may get a task, and an integration error may alert the integration's contacts. Nothing here
approves anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from connectors.coupa.client import Coupa
from connectors.http import Permit
from procurement.documents import Invoice, PurchaseOrder
from procurement.ledger.types import Claimed, Found, Peeked, PlannedDelivery, Sent, Stop
from procurement.matching import Finding, MatchResult
from procurement.pipelines.amazon_invoices_to_coupa.comments import (
    DOCUMENT,
    exception_text,
    owner_id,
    supplier_message,
    task_description,
    task_title,
)
from procurement.pipelines.amazon_invoices_to_coupa.drafts import (
    ADD_APPROVER,
    ALERT,
    COMMENT,
    DISPUTE,
    ON_HOLD,
    OPEN_RUN,
    SUBMIT,
    TASK,
    delivery_id,
)
from procurement.pipelines.coupa_actions import document_id
from procurement.routing import Case, RoutingRules

Json = dict[str, Any]
INVOICE = "InvoiceHeader"  # Coupa's word for the document class
TAKES_APPROVERS = frozenset({"pending_approval", "on_hold", "ap_hold"})
TAKES_DISPUTES = frozenset({"pending_approval", "on_hold", "ap_hold", "pending_receipt", "rejected"})
OPEN_APPROVALS = frozenset({"pending_approval", "pending", "on_hold", "escalated"})


def cases_of(invoice: Invoice, match: MatchResult, orders: Sequence[PurchaseOrder]) -> list[Case]:
    """What no receipt can mend, if there is any; lines before the whole invoice, whose difference they often explain."""
    breached = [finding for finding in match.findings if finding.breached]
    lasting = [finding for finding in breached if not finding.waits] or breached
    return [_case(invoice, finding, orders) for finding in sorted(lasting, key=lambda one: one.line is None)]


def _case(invoice: Invoice, finding: Finding, orders: Sequence[PurchaseOrder]) -> Case:
    billed = [line for line in invoice.lines if finding.line in (None, line.number)]
    ids = {line.po_line_id for line in billed}
    ordered = [line for order in orders for line in order.lines if line.id in ids]
    commodities = {line.commodity for line in billed} | {line.commodity for line in ordered}
    return Case(
        kind=finding.kind, amount=abs(invoice.total.amount), supplier=invoice.supplier,
        cost_centers=frozenset(center for line in ordered for center in line.cost_centers),
        commodities=frozenset(name for name in commodities if name),
        requester=next((order.requester_email for order in orders if order.requester_email), None),
    )  # fmt: skip


def exception_deliveries(
    invoice: Invoice,
    match: MatchResult,
    *,
    key: str,
    orders: Sequence[PurchaseOrder],
    routing: RoutingRules,
    user_ids: Mapping[str, int],
    now: datetime,
) -> list[PlannedDelivery]:
    """The comment, and what the route wants beside it, all after the invoice was submitted."""
    cases = cases_of(invoice, match, orders)
    route, marker = routing.route_all(cases), delivery_id(key)
    due = (now + timedelta(days=route.due_days)).date()
    findings = [finding for finding in match.findings if finding.breached]
    complains = "dispute" in route.do
    disputes = complains and routing.may_dispute(invoice.supplier)
    message = supplier_message(invoice, findings) if complains else None
    text = exception_text(
        invoice, match, orders=orders, route=route, user_ids=user_ids, due=due,
        message=None if disputes else message, marker=marker,
    )  # fmt: skip
    about = {
        "requester": cases[0].requester, "owners": list(route.owners), "due": due.isoformat(),
        "escalate_after_days": route.escalate_after_days, "escalate_to": list(route.escalate_to),
        "sentence": findings[0].sentence, "rule": findings[0].rule,
    }  # fmt: skip
    comment = {"document": DOCUMENT, "text": text, "marker": marker, "route": about}
    planned = [PlannedDelivery(action=COMMENT, business_key=key, payload=comment, after=(SUBMIT, key))]
    if disputes:
        body = {"dispute-reason": {"code": route.dispute_reason}, "comment": message}
        planned.append(_extra(DISPUTE, key, {"body": body}))
    elif "add_approver" in route.do:
        planned.append(_extra(ADD_APPROVER, key, {"login": route.approver}))
    if route.task_group is not None:
        owner = owner_id(route.owners[0], orders, user_ids)
        planned.append(_extra(TASK, key, task_payload(invoice, match, route.task_group, key=key, due=due, owner=owner)))
    if "integration_error" in route.do and routing.integration is not None:
        planned.append(_extra(OPEN_RUN, key, {"integration": routing.integration}))
        planned.append(_extra(ALERT, key, {"body": error_body(key, findings)}, after=OPEN_RUN))
    return planned


def _extra(action: str, key: str, payload: Json, *, after: str = SUBMIT) -> PlannedDelivery:
    """The invoice counts as delivered without it."""
    return PlannedDelivery(action=action, business_key=key, payload=payload, after=(after, key), required=False)


def task_payload(invoice: Invoice, match: MatchResult, group: str, *, key: str, due: date, owner: int | None) -> Json:
    """What `CreateTask` sends; the marker is the task's own, by which it is asked for."""
    marker = delivery_id(f"{key}/task")
    payload = {
        "group": group, "title": task_title(invoice), "description": task_description(invoice, match, marker=marker),
        "marker": marker, "due": due.isoformat(),
    }  # fmt: skip
    return payload if owner is None else {**payload, "owner_id": owner}


def error_body(key: str, findings: Sequence[Finding]) -> Json:
    """`external-id` is our key: by it the error is asked for."""
    return {
        "document-type": INVOICE, "document-status": "exception", "contact-alert-type": "Functional", "status": "Error",
        "external-id": key[-255:], "responses": error_responses(findings),
    }  # fmt: skip


def error_responses(findings: Sequence[Finding]) -> list[Json]:
    return [{"response-code": one.kind.upper(), "response-message": one.sentence} for one in findings]


@dataclass(frozen=True, slots=True)
class AddApprover:
    """Payload: {login}. Skipped where Coupa is through with the invoice, or asks that person already."""

    coupa: Coupa

    def permit(self) -> Permit:
        return self.coupa.permit("act_on_invoice")

    def gate(self, delivery: Peeked) -> Stop | None:
        status = str(delivery.after_facts.get("status"))
        if status not in TAKES_APPROVERS:
            return Stop("skipped", f"no approver can be added: Coupa shows the invoice as {status.replace('_', ' ')}")
        if self._asked(int(str(delivery.after_target_id)), delivery.payload["login"]):
            return Stop("skipped", f"{delivery.payload['login']} is asked by Coupa already")
        return None

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        body = {"approver": {"login": delivery.payload["login"]}}
        raw = self.coupa.act_on_invoice(document_id(delivery), "add_approver", permit, body)
        return Sent(target_id=str(raw["id"]), facts={"status": raw.get("status")})

    def ask(self, delivery: Claimed) -> Found | None:
        found = self._asked(document_id(delivery), delivery.payload["login"])
        return Found(target_id=str(document_id(delivery)), ours=True) if found else None

    def _asked(self, invoice_id: int, login: str) -> bool:
        """Whether that person's approval is among the open ones of the invoice."""
        return any(
            (raw.get("approver") or {}).get("login") == login and raw.get("status") in OPEN_APPROVALS
            for page in self.coupa.approvals(INVOICE, [invoice_id])
            for raw in page
        )


@dataclass(frozen=True, slots=True)
class DisputeInvoice:
    """Payload: {body}: reason and comment for the supplier. Skipped where Coupa is through with the invoice."""

    coupa: Coupa

    def permit(self) -> Permit:
        return self.coupa.permit("act_on_invoice")

    def gate(self, delivery: Peeked) -> Stop | None:
        status = str(delivery.after_facts.get("status"))
        if status in TAKES_DISPUTES:
            return None
        return Stop("skipped", f"it cannot be disputed: Coupa shows the invoice as {status.replace('_', ' ')}")

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        raw = self.coupa.act_on_invoice(document_id(delivery), "dispute", permit, delivery.payload["body"])
        return Sent(target_id=str(raw["id"]), facts={"status": raw.get("status")})

    def ask(self, delivery: Claimed) -> Found | None:
        raw = self.coupa.get_invoice(document_id(delivery))
        return Found(target_id=str(raw["id"]), ours=True) if raw.get("status") == "disputed" else None


@dataclass(frozen=True, slots=True)
class OpenExceptionRun:
    """Coupa ties an integration error to a run. A run has no key of its own: one that is opened twice stands empty, which harms nobody.

    The target is `<run>/<invoice>`, so that what follows knows both.
    """

    coupa: Coupa

    def permit(self) -> Permit:
        return self.coupa.permit("create_integration_run")

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        raw = self.coupa.create_integration_run(delivery.payload["integration"], permit)
        return Sent(target_id=f"{raw['id']}/{document_id(delivery)}")

    def ask(self, delivery: Claimed) -> Found | None:
        return None


@dataclass(frozen=True, slots=True)
class AlertException:
    """An integration error that Coupa mails to the integration's contacts. Payload: {body}; the run is the one before."""

    coupa: Coupa

    def permit(self) -> Permit:
        return self.coupa.permit("alert_integration_error")

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        run, invoice = run_and_invoice(str(delivery.after_target_id))
        body = {**delivery.payload["body"], "integration-run-id": run, "document-id": invoice}
        return Sent(target_id=str(self.coupa.create_integration_error(body, permit)["id"]), facts={"run": run})

    def ask(self, delivery: Claimed) -> Found | None:
        run, _ = run_and_invoice(str(delivery.after_target_id))
        for page in self.coupa.integration_errors(run_id=run):
            for raw in page:
                if raw.get("external-id") == delivery.payload["body"]["external-id"]:
                    return Found(target_id=str(raw["id"]), ours=True, facts={"run": run})
        return None


@dataclass(frozen=True, slots=True)
class UpdateException:
    """Payload: {error, run, responses}: what differs by now, on the integration error that tells of it. A comment cannot be
    edited, an error can. Repeated it changes nothing."""

    coupa: Coupa

    def permit(self) -> Permit:
        return self.coupa.permit("update_integration_error")

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        payload = delivery.payload
        changes = {"responses": payload["responses"]}
        raw = self.coupa.update_integration_error(int(payload["error"]), changes, permit)
        return Sent(target_id=str(raw["id"]))

    def ask(self, delivery: Claimed) -> Found | None:
        payload = delivery.payload
        wanted = {one["response-message"] for one in payload["responses"]}
        for page in self.coupa.integration_errors(run_id=int(payload["run"])):
            for raw in page:
                said = {one.get("response-message") for one in raw.get("responses") or ()}
                if int(raw["id"]) == int(payload["error"]) and wanted <= said:
                    return Found(target_id=str(raw["id"]), ours=True)
        return None


@dataclass(frozen=True, slots=True)
class RevalidateInvoice:
    """Payload: {id}: Coupa checks an invoice that it holds against its own tolerances again, and decides. Skipped where it does
    not hold it any more. Repeated it changes nothing."""

    coupa: Coupa

    def permit(self) -> Permit:
        return self.coupa.permit("act_on_invoice")

    def gate(self, delivery: Peeked) -> Stop | None:
        status = self._status(delivery.payload)
        if status == ON_HOLD:
            return None
        return Stop("skipped", f"nothing to check again: Coupa shows the invoice as {status.replace('_', ' ')}")

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        raw = self.coupa.act_on_invoice(int(delivery.payload["id"]), "revalidate_tolerances", permit)
        return Sent(target_id=str(raw["id"]), facts={"status": raw.get("status")})

    def ask(self, delivery: Claimed) -> Found | None:
        status = self._status(delivery.payload)
        if status == ON_HOLD:
            return None
        return Found(target_id=str(delivery.payload["id"]), ours=True, facts={"status": status})

    def _status(self, payload: Mapping[str, Any]) -> str:
        return str(self.coupa.get_invoice(int(payload["id"])).get("status"))


@dataclass(frozen=True, slots=True)
class ResolveException:
    """Payload: {error, run}: resolves the integration error of a settled exception."""

    coupa: Coupa

    def permit(self) -> Permit:
        return self.coupa.permit("resolve_integration_error")

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        raw = self.coupa.resolve_integration_error(int(delivery.payload["error"]), permit)
        return Sent(target_id=str(raw["id"]))

    def ask(self, delivery: Claimed) -> Found | None:
        for page in self.coupa.integration_errors(run_id=int(delivery.payload["run"]), resolved=True):
            for raw in page:
                if int(raw["id"]) == int(delivery.payload["error"]):
                    return Found(target_id=str(raw["id"]), ours=True)
        return None


def run_and_invoice(target: str) -> tuple[int, int]:
    """What `OpenExceptionRun` left behind."""
    run, _, invoice = target.partition("/")
    return int(run), int(invoice)


def route_of(payload: Mapping[str, Any], routing: RoutingRules) -> Json:
    """The route that stands in a comment's payload; of comments without one, the lead's."""
    found = payload.get("route")
    if isinstance(found, dict):
        return found
    return {"requester": None, "escalate_after_days": 3, "escalate_to": [routing.lead], "due": "", "sentence": ""}
