"""What this pipeline writes to Coupa, and how Coupa is asked whether it already happened."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.coupa.client import Coupa
from connectors.http import Permit
from procurement.ledger.types import Claimed, Found, Peeked, Sent, Stop
from procurement.pipelines.amazon_invoices_to_coupa.routing_actions import ResolveException
from procurement.pipelines.compliance_rollout import reports_only, rollout_of
from procurement.pipelines.coupa_actions import Comment
from procurement.pipelines.coupa_requisitions_to_amazon_orders.actions import OpenIntegrationRun
from procurement.pipelines.permitted import APPROVALS, COMMENTS, INTEGRATIONS, REQUISITIONS, Permitted, goes
from procurement.pipelines.proposals import SHADOW
from procurement.pipelines.purchase_compliance.names import (
    ADD_APPROVER,
    ALERT,
    CLOSE_ORDER,
    COMMENT,
    COMMENT_REQUISITION,
    OPEN_RUN,
    PENDING,
    REJECT,
    REPORTED,
    RESOLVE,
    SWITCHED_OFF,
)
from procurement.policies import Mode, Rules
from procurement.sending import Action

Json = dict[str, Any]
APPROVABLE = "RequisitionHeader"


@dataclass(frozen=True, slots=True)
class AlertViolation:
    """An integration error that Coupa mails to the integration's contacts, under our key as `external-id`. Payload: {body}; its
    run is the delivery before it."""

    coupa: Coupa

    def permit(self) -> Permit:
        return self.coupa.permit("alert_integration_error")

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        run = _run_id(delivery)
        raw = self.coupa.create_integration_error({**delivery.payload["body"], "integration-run-id": run}, permit)
        return Sent(target_id=str(raw["id"]), facts={"run": run})

    def ask(self, delivery: Claimed) -> Found | None:
        run, key = _run_id(delivery), delivery.payload["body"]["external-id"]
        for page in self.coupa.integration_errors(run_id=run):
            for raw in page:
                if raw.get("external-id") == key:
                    return Found(target_id=str(raw["id"]), ours=True, facts={"run": run})
        return None


@dataclass(frozen=True, slots=True)
class AddApprover:
    """Payload: {id, login}: one more person in the requisition's own chain. Skipped where nobody is asked any more."""

    coupa: Coupa

    def permit(self) -> Permit:
        return self.coupa.permit("act_on_requisition")

    def gate(self, delivery: Peeked) -> Stop | None:
        status = self.coupa.get_requisition(int(delivery.payload["id"])).get("status")
        if status != PENDING:
            return Stop("skipped", f"no approver can be added: the requisition is {status} by now")
        return None

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        body = {"approver": {"login": delivery.payload["login"]}}
        raw = self.coupa.act_on_requisition(int(delivery.payload["id"]), "add_approver", permit, body)
        return Sent(target_id=str(raw["id"]), facts={"status": raw.get("status")})

    def ask(self, delivery: Claimed) -> Found | None:
        id = int(delivery.payload["id"])
        for page in self.coupa.approvals(APPROVABLE, [id]):
            if any((raw.get("approver") or {}).get("login") == delivery.payload["login"] for raw in page):
                return Found(target_id=str(id), ours=True)
        return None


@dataclass(frozen=True, slots=True)
class RejectApproval:
    """Payload: {approval, requisition, reason}. Only while it is that approval's turn: whoever decided meanwhile has decided."""

    coupa: Coupa

    def permit(self) -> Permit:
        return self.coupa.permit("act_on_approval")

    def gate(self, delivery: Peeked) -> Stop | None:
        row = self._approval(delivery.payload)
        if row is None or row.get("status") != PENDING:
            return Stop("skipped", f"nothing is left to reject: the approval is {row.get('status') if row else 'gone'}")
        return None

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        payload = delivery.payload
        raw = self.coupa.act_on_approval(int(payload["approval"]), "reject", permit, payload["reason"])
        return Sent(target_id=str(payload["approval"]), facts={"status": raw.get("status")})

    def ask(self, delivery: Claimed) -> Found | None:
        """Rejected with our words: people reject with their own."""
        payload = delivery.payload
        row = self._approval(payload)
        if row is not None and row.get("status") == "rejected":
            return Found(target_id=str(payload["approval"]), ours=row.get("note") == payload["reason"])
        return None

    def _approval(self, payload: Json) -> Json | None:
        rows = (raw for page in self.coupa.approvals(APPROVABLE, [int(payload["requisition"])]) for raw in page)
        return next((raw for raw in rows if int(raw["id"]) == int(payload["approval"])), None)


def _run_id(delivery: Claimed) -> int:
    assert delivery.after_target_id is not None  # claimed only once its run is open
    return int(delivery.after_target_id)


@dataclass(frozen=True, slots=True)
class StillLive:
    """Whether rollout.yml, as it is now, still lets a planned write go: by the `scope` that its payload kept."""

    rules: Rules
    now: datetime

    def __call__(self, delivery: Peeked) -> Stop | None:
        scope = delivery.payload.get("scope")
        if scope is None:
            return None
        rollout = rollout_of(self.rules, **scope)
        if rollout.mode is Mode.OFF:
            return Stop("skipped" if delivery.action in (CLOSE_ORDER, RESOLVE) else "waiting", SWITCHED_OFF)
        if rollout.mode is Mode.SHADOW:
            return Stop("skipped", SHADOW)
        return Stop("skipped", REPORTED) if reports_only(rollout, self.rules, self.now) else None


def actions(coupa: Coupa, live: Callable[[Peeked], Stop | None] = goes) -> dict[str, Action]:
    writes: dict[str, tuple[Action, str]] = {
        OPEN_RUN: (OpenIntegrationRun(coupa), INTEGRATIONS),
        ALERT: (AlertViolation(coupa), INTEGRATIONS),
        RESOLVE: (ResolveException(coupa), INTEGRATIONS),
        COMMENT: (Comment(coupa), COMMENTS),
        CLOSE_ORDER: (Comment(coupa), COMMENTS),
        COMMENT_REQUISITION: (Comment(coupa), COMMENTS),
        ADD_APPROVER: (AddApprover(coupa), REQUISITIONS),
        REJECT: (RejectApproval(coupa), APPROVALS),
    }
    return {name: Permitted(action, needs, live) for name, (action, needs) in writes.items()}
