"""What this pipeline writes, and how each target is asked whether it already happened.

An order is known to Amazon by its externalId: after any doubt `orderDetails` is asked, never the order sent again unasked.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from connectors.amazon_business.client import AmazonBusiness
from connectors.coupa.client import Coupa
from connectors.errors import RejectedError, UncertainOutcome
from connectors.http import Permit
from procurement.ledger.types import Claimed, Found, Peeked, Sent, Stop
from procurement.order_results import OrderOutcome, read_outcome
from procurement.pipelines.compliance_gate import ASK
from procurement.pipelines.compliance_stopped import SETTLE_BLOCKED, TELL_BLOCKED
from procurement.pipelines.coupa_actions import ActOnOrderLine, Comment
from procurement.pipelines.coupa_requisitions_to_amazon_orders.gate import Gate
from procurement.pipelines.coupa_requisitions_to_amazon_orders.names import (
    ALERT,
    CLOSE_LINE,
    OPEN_RUN,
    PLACE,
    REPORT,
    TELL,
    TRIAL,
    WRITE_BACK,
)
from procurement.pipelines.coupa_requisitions_to_amazon_orders.payloads import asked_of
from procurement.pipelines.coupa_requisitions_to_amazon_orders.write_back_plan import WriteBackOrder
from procurement.pipelines.permitted import COMMENTS, Permitted
from procurement.sending import Action

Json = dict[str, Any]
OPERATION = "placeOrder"
PENDING = "pending"  # of an integration run as it was opened
UNSETTLED = (
    "Amazon's answer neither orders nor refuses: no signature and no order id. The buying group may be in test mode. "
    "Look at Amazon for the PO number"
)


@dataclass(frozen=True, slots=True)
class TrialOrder:
    """Amazon checks everything and orders nothing; what it refuses is in the facts, and the order's gate heeds it."""

    amazon: AmazonBusiness

    def permit(self) -> Permit:
        return self.amazon.permit(OPERATION)

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        request = delivery.payload["request"]
        outcome = read_outcome(asked_of(delivery.payload), self.amazon.place_order(request, permit))
        return Sent(target_id=request["externalId"], facts=outcome.write())

    def ask(self, delivery: Claimed) -> Found | None:
        external_id = delivery.payload["request"]["externalId"]
        result = self.amazon.order_details(external_id)
        if result is None:
            return None
        return Found(target_id=external_id, ours=True, facts=read_outcome(asked_of(delivery.payload), result).write())


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """One Amazon order, once. A refusal of all of it is an answer, too: the row is held and never sent again."""

    amazon: AmazonBusiness
    looked: Gate

    def permit(self) -> Permit:
        return self.amazon.permit(OPERATION)

    def alone(self) -> AbstractContextManager[object]:
        return self.looked.alone()

    def gate(self, delivery: Peeked) -> Stop | None:
        return self.looked.look(delivery)

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        result = self.amazon.place_order(delivery.payload["request"], permit)
        outcome = read_outcome(asked_of(delivery.payload), result)
        if not outcome.settled:
            raise UncertainOutcome(UNSETTLED, operation=OPERATION)
        facts = self._facts(delivery, outcome)
        return Sent(target_id=_target(delivery, outcome), facts=facts, refused=outcome.refused)

    def ask(self, delivery: Claimed) -> Found | None:
        """Raises RejectedError where Amazon's answer says neither yes nor no: a person must look, and nothing is sent."""
        result = self.amazon.order_details(delivery.business_key)
        if result is None:
            return None
        outcome = read_outcome(asked_of(delivery.payload), result)
        if not outcome.settled:
            raise RejectedError((UNSETTLED,), operation="orderDetails")
        facts = self._facts(delivery, outcome)
        return Found(target_id=_target(delivery, outcome), ours=True, facts=facts, refused=outcome.refused)

    def _facts(self, delivery: Claimed, outcome: OrderOutcome) -> Json:
        planned = delivery.payload.get("approved_by") or []
        most = shipping_most(delivery.payload["request"])
        return {
            **outcome.write(),
            "approved_by": self.looked.approvers.pop(delivery.id, planned),
            "shipping_most": most,
        }


def shipping_most(request: Json) -> str | None:
    """The ceiling of shipping that an order was sent with, in its currency; None: it had none."""
    expected = (one for one in request.get("expectations") or () if one.get("source") == "SHIPPING")
    return next((str(one["amount"]["amount"]) for one in expected), None)


def _target(delivery: Claimed, outcome: OrderOutcome) -> str:
    """Amazon's order ids, or our own key where it gave none."""
    return ", ".join(outcome.order_ids) or delivery.business_key


@dataclass(frozen=True, slots=True)
class OpenIntegrationRun:
    """Coupa ties an integration error to a run. One is opened a day, under the integration and the day as its key, for all that is
    refused on it. It stays open: Coupa ends no run with unresolved errors, and resolving them is for people.

    A run carries no key of ours, so any pending one of the integration answers the question whether ours was opened.
    """

    coupa: Coupa

    def permit(self) -> Permit:
        return self.coupa.permit("create_integration_run")

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        raw = self.coupa.create_integration_run(delivery.payload["integration"], permit)
        return Sent(target_id=str(raw["id"]))

    def ask(self, delivery: Claimed) -> Found | None:
        pages = self.coupa.integration_runs(integration=delivery.payload["integration"])
        pending = [int(raw["id"]) for page in pages for raw in page if raw.get("status") == PENDING]
        return Found(target_id=str(max(pending)), ours=True) if pending else None


@dataclass(frozen=True, slots=True)
class AlertRejection:
    """An integration error with an alert, under our key as `external-id`. Payload: {body}, its run the one before."""

    coupa: Coupa

    def permit(self) -> Permit:
        return self.coupa.permit("alert_integration_error")

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        body = {**delivery.payload["body"], "integration-run-id": _run_id(delivery)}
        return Sent(target_id=str(self.coupa.create_integration_error(body, permit)["id"]))

    def ask(self, delivery: Claimed) -> Found | None:
        for page in self.coupa.integration_errors(run_id=_run_id(delivery)):
            for raw in page:
                if raw.get("external-id") == delivery.payload["body"]["external-id"]:
                    return Found(target_id=str(raw["id"]), ours=True)
        return None


def _run_id(delivery: Claimed) -> int:
    assert delivery.after_target_id is not None  # claimed only once its run is open
    return int(delivery.after_target_id)


def actions(amazon: AmazonBusiness, coupa: Coupa, gate: Gate) -> dict[str, Action]:
    return {
        TRIAL: TrialOrder(amazon),
        PLACE: PlaceOrder(amazon, gate),
        WRITE_BACK: WriteBackOrder(coupa, gate.known),
        **dict.fromkeys((ASK, TELL_BLOCKED, SETTLE_BLOCKED), Permitted(Comment(coupa), COMMENTS)),
        TELL: Comment(coupa),
        REPORT: Comment(coupa),
        OPEN_RUN: OpenIntegrationRun(coupa),
        ALERT: AlertRejection(coupa),
        CLOSE_LINE: ActOnOrderLine(coupa),
    }
