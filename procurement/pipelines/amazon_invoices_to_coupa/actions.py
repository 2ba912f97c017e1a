"""The writes of the pipeline, and how Coupa is asked whether one already happened.

`send` makes exactly one HTTP attempt; `ask` looks for the document by the key Coupa offers: supplier and invoice number,
the invoice's own status, the marker in a comment.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.coupa.client import Coupa
from connectors.http import Permit
from procurement.ledger.types import Claimed, Found, Sent
from procurement.money import Money, to_decimal
from procurement.pipelines.amazon_invoices_to_coupa.drafts import (
    ADD_APPROVER,
    ALERT,
    CLOSE,
    CLOSE_TASK,
    COMMENT,
    COMMENT_ON_DIFFERENCE,
    CREATE,
    DISPUTE,
    OPEN_RUN,
    RESOLVE,
    REVALIDATE,
    SUBMIT,
    TASK,
    UPDATE_ALERT,
)
from procurement.pipelines.amazon_invoices_to_coupa.payloads import DELIVERY_FIELD
from procurement.pipelines.amazon_invoices_to_coupa.routing_actions import (
    AddApprover,
    AlertException,
    DisputeInvoice,
    OpenExceptionRun,
    ResolveException,
    RevalidateInvoice,
    UpdateException,
)
from procurement.pipelines.amazon_invoices_to_coupa.verdicts import verdict_of
from procurement.pipelines.coupa_actions import CloseTask, Comment, CreateTask
from procurement.sending import Action

Json = dict[str, Any]


def total_of(raw: Mapping[str, Any]) -> Money | None:
    """Coupa's total with taxes as read back; None where the answer does not say."""
    amount, currency = raw.get("total-with-taxes"), (raw.get("currency") or {}).get("code")
    return Money.of(to_decimal(str(amount)), currency) if amount not in (None, "") and currency else None


def invoice_id(delivery: Claimed) -> int:
    """Coupa's id of the invoice that an earlier delivery of the chain created."""
    assert delivery.after_target_id is not None  # the ledger claims a follower only once its predecessor is delivered
    return int(delivery.after_target_id)


@dataclass(frozen=True, slots=True)
class CreateInvoice:
    coupa: Coupa

    def permit(self) -> Permit:
        return self.coupa.permit("create_invoice")

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        raw = self.coupa.create_invoice(delivery.payload, permit)
        return Sent(target_id=str(raw["id"]), total=total_of(raw), facts=verdict_of(raw))

    def ask(self, delivery: Claimed) -> Found | None:
        supplier, number = delivery.payload["supplier"]["number"], delivery.payload["invoice-number"]
        for page in self.coupa.invoices(supplier, [number]):
            for raw in page:
                ours = (raw.get("custom-fields") or {}).get(DELIVERY_FIELD) == delivery.payload["custom-fields"][
                    DELIVERY_FIELD
                ]
                return Found(target_id=str(raw["id"]), ours=ours, total=total_of(raw), facts=verdict_of(raw))
        return None


@dataclass(frozen=True, slots=True)
class SubmitInvoice:
    coupa: Coupa

    def permit(self) -> Permit:
        return self.coupa.permit("act_on_invoice")

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        raw = self.coupa.act_on_invoice(invoice_id(delivery), "submit", permit)
        return Sent(target_id=str(raw["id"]), total=total_of(raw), facts=verdict_of(raw))

    def ask(self, delivery: Claimed) -> Found | None:
        """Submitted once it is no draft any more."""
        raw = self.coupa.get_invoice(invoice_id(delivery))
        if raw.get("status") in ("draft", "new"):
            return None
        return Found(target_id=str(raw["id"]), ours=True, total=total_of(raw), facts=verdict_of(raw))


def actions(coupa: Coupa) -> dict[str, Action]:
    return {
        CREATE: CreateInvoice(coupa),
        SUBMIT: SubmitInvoice(coupa),
        COMMENT: Comment(coupa),
        COMMENT_ON_DIFFERENCE: Comment(coupa),
        ADD_APPROVER: AddApprover(coupa),
        DISPUTE: DisputeInvoice(coupa),
        OPEN_RUN: OpenExceptionRun(coupa),
        ALERT: AlertException(coupa),
        CLOSE: Comment(coupa),
        RESOLVE: ResolveException(coupa),
        UPDATE_ALERT: UpdateException(coupa),
        REVALIDATE: RevalidateInvoice(coupa),
        TASK: CreateTask(coupa),
        CLOSE_TASK: CloseTask(coupa),
    }
