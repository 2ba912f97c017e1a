"""What follows an answer from Amazon, each its own delivery: told, reported, written back. None of it can place an order.

An answered order without a word to its requester has not been followed up yet. Alarms, findings and the watch on Amazon's
order ids come first, the deliveries last: a crash between leaves it to be done again, and all of it can be. Written back is
only once every order of the PO has its answer (`write_back_plan`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from procurement.ledger import Ledger
from procurement.ledger.types import Known, Plan, PlannedDelivery, Run
from procurement.order_results import OrderOutcome, read_facts
from procurement.pipelines.coupa_requisitions_to_amazon_orders.messages import (
    alarm_mail,
    by_action,
    ordered_comment,
    refused_comment,
    result_findings,
)
from procurement.pipelines.coupa_requisitions_to_amazon_orders.names import (
    ALERT,
    CLOSE_LINE,
    OPEN_RUN,
    ORDER_KIND,
    PIPELINE,
    PLACE,
    REPORT,
    TELL,
)
from procurement.pipelines.coupa_requisitions_to_amazon_orders.surroundings import Pages
from procurement.pipelines.coupa_requisitions_to_amazon_orders.write_back_plan import plan_write_back, unwritten
from procurement.policies import Rules

Json = dict[str, Any]
OPEN = "open"


class Orders(Protocol):
    """The part of the Coupa client that following up reads."""

    def purchase_orders_by_id(self, ids: Iterable[int]) -> Pages: ...


@dataclass(slots=True, kw_only=True)
class FollowUp:
    """One answered order: its row, its payload, Amazon's verdict, and the PO as Coupa shows it now."""

    row: Known
    payload: Json
    order: Json
    outcome: OrderOutcome

    @property
    def number(self) -> str:
        return str(self.payload["gate"]["po_number"])

    @property
    def key(self) -> str:
        return self.row.business_key


def follow_up(coupa: Orders, ledger: Ledger, *, run: Run, rules: Rules) -> int:
    """Plans what follows every answer that nothing followed yet; the number of orders concerned."""
    answered = ledger.deliveries.without_follower(PIPELINE, PLACE, TELL)
    to_write = unwritten(ledger)
    if not answered and not to_write:
        return 0
    payloads = _payloads(ledger, answered)
    ids = {payloads[row.id]["gate"]["po_id"] for row in answered} | {one.po_id for one in to_write}
    orders = _read_orders(coupa, ids)
    planned = _Plan(rules, run.now)
    for row in answered:
        outcome, order = read_facts(row.facts), orders.get(payloads[row.id]["gate"]["po_id"])
        ledger.open_documents.watch(ORDER_KIND, dict.fromkeys(outcome.order_ids, (OPEN, run.now)))
        ledger.findings.replace(row.id, run, result_findings(outcome))
        if outcome.alarms:
            mail = alarm_mail(row.business_key, outcome.alarms, rules.policies.alert_recipients)
            ledger.notices.add(f"{PIPELINE}/alarm/{row.business_key}", "alarm", mail)
        if order is not None:
            planned.add(FollowUp(row=row, payload=payloads[row.id], order=order, outcome=outcome))
    for one in to_write:
        if (order := orders.get(one.po_id)) is not None:
            plan_write_back(planned.plan, one, order, rules)
    ledger.planning.keep(run, planned.plan)
    return len({delivery.business_key for delivery in planned.plan.deliveries})


def _read_orders(coupa: Orders, ids: Iterable[int]) -> dict[int, Json]:
    return {int(raw["id"]): raw for page in coupa.purchase_orders_by_id(sorted(ids)) for raw in page}


def _payloads(ledger: Ledger, rows: Iterable[Known]) -> dict[int, Json]:
    return {id: dict(payload) for id, payload in ledger.deliveries.payloads(row.id for row in rows).items()}


@dataclass(slots=True)
class _Plan:
    rules: Rules
    now: datetime
    plan: Plan = field(default_factory=Plan)

    def add(self, one: FollowUp) -> None:
        self._report(one)
        self._tell(one)

    def _delivery(self, action: str, key: str, payload: Json, **more: Any) -> PlannedDelivery:
        version = self.rules.version
        return PlannedDelivery(
            action=action, business_key=key, payload=payload, mapping_version=version, policy_version=version, **more
        )

    def _report(self, one: FollowUp) -> None:
        policies = self.rules.policies.orders
        actions = by_action(one.outcome, policies)
        if told := [rejected for _, rejected in actions.get("comment", ())]:
            payload = refused_comment(
                one.order, one.number, told, contact=policies.contact, marker=f"{one.key}/refused"
            )
            self.plan.deliveries.append(self._delivery(REPORT, one.key, payload, required=False))
        for line, _ in actions.get("soft_close", ()):
            payload = {"id": self._line_id(one, line.asked.number), "action": "soft_close_for_receiving"}
            key = f"{one.key}/{line.asked.number}"
            if not any(planned.name == (CLOSE_LINE, key) for planned in self.plan.deliveries):
                self.plan.deliveries.append(self._delivery(CLOSE_LINE, key, payload, required=False))
        if errors := [rejected for _, rejected in actions.get("integration_error", ())]:
            opened = self._open_run()
            body = {
                "document-type": "OrderHeader", "document-id": int(one.order["id"]), "document-status": one.order.get("status"),
                "contact-alert-type": "Functional", "status": "Error", "external-id": one.key,
                "responses": [
                    {"response-code": f"REFUSED-{error.kind.upper()}", "response-message": error.sentence} for error in errors
                ],
            }  # fmt: skip
            alert = self._delivery(ALERT, one.key, {"body": body}, after=opened.name, required=False)
            self.plan.deliveries.append(alert)

    def _open_run(self) -> PlannedDelivery:
        """The integration run of this day, planned once."""
        integration = self.rules.policies.orders.integration
        opened = self._delivery(
            OPEN_RUN, f"{integration}/{self.now.date()}", {"integration": integration}, required=False
        )
        if not any(planned.name == opened.name for planned in self.plan.deliveries):
            self.plan.deliveries.append(opened)
        return opened

    def _line_id(self, one: FollowUp, number: str) -> int:
        return next(int(line["line_id"]) for line in one.payload["asked"] if line["number"] == number)

    def _tell(self, one: FollowUp) -> None:
        """Planned last and for every answer, if only to say that nobody is told: it marks the answer as followed up."""
        if not one.outcome.accepted_units:
            skipped = self._delivery(TELL, one.key, {}, state="skipped", reason="nothing was ordered", required=False)
            self.plan.deliveries.append(skipped)
            return
        payload = ordered_comment(one.order, one.number, one.outcome, marker=one.key)
        if not self.rules.policies.orders.tell_requester:
            reason = "policies.yml: the requester is not told"
            self.plan.deliveries.append(
                self._delivery(TELL, one.key, payload, state="skipped", reason=reason, required=False)
            )
            return
        self.plan.deliveries.append(self._delivery(TELL, one.key, payload, required=False))
