"""Coupa, one method per call. Writes take a permit, make one attempt, and answer with Coupa's record afterwards.

A body that breaks our own models is refused as `RejectedError` before anything is sent. The `bypass_*` actions on
approvals and whatever would issue an order again do not exist here on purpose.
"""

from connectors.checks import Given, checked
from connectors.coupa import fields as wanted
from connectors.coupa.approving import Approving
from connectors.coupa.bodies import (
    CommentPayload,
    IntegrationErrorChanges,
    IntegrationErrorPayload,
    InvoiceActionPayload,
    InvoiceChanges,
    InvoicePayload,
    ReceiptPayload,
    RunPayload,
)
from connectors.coupa.budgets import Budgets
from connectors.coupa.catalog_items import CatalogItems
from connectors.coupa.operations import (
    APPROVAL_ACTIONS,
    INVOICE_ACTIONS,
    ORDER_ACTIONS,
    ORDER_LINE_ACTIONS,
    RUN_ACTIONS,
)
from connectors.coupa.order_bodies import OrderActionPayload, PurchaseOrderChangePayload, PurchaseOrderUpdate
from connectors.coupa.reads import comments_path
from connectors.coupa.suppliers import SupplierOnboarding
from connectors.coupa.teamwork import Teamwork
from connectors.coupa.writes import CoupaWrites
from connectors.http import Permit
from connectors.tally import Json


class Coupa(Approving, Budgets, CatalogItems, SupplierOnboarding, Teamwork, CoupaWrites):
    """Reads and writes of one Coupa instance."""

    def create_invoice(self, payload: InvoicePayload | Given, permit: Permit) -> Json:
        """A new draft invoice or credit note."""
        body = checked(InvoicePayload, payload, "create_invoice", permit)
        return self._write("create_invoice", permit, body, fields=wanted.INVOICE)

    def update_invoice(self, id: int, payload: InvoiceChanges | Given, permit: Permit) -> Json:
        body = checked(InvoiceChanges, payload, "update_invoice", permit)
        return self._write("update_invoice", permit, body, fields=wanted.INVOICE, id=id)

    def act_on_invoice(
        self, id: int, action: str, permit: Permit, payload: InvoiceActionPayload | Given | None = None
    ) -> Json:
        """`action` is a word of INVOICE_ACTIONS; the answer is the invoice with the status that Coupa gave it."""
        known(action, INVOICE_ACTIONS)
        body = checked(InvoiceActionPayload, payload, "act_on_invoice", permit) if payload is not None else None
        return self._write("act_on_invoice", permit, body, fields=wanted.INVOICE, id=id, action=action)

    def update_purchase_order(self, id: int, payload: PurchaseOrderUpdate | Given, permit: Permit) -> Json:
        """Our notes on an order and its lines; neither quantities nor prices."""
        body = checked(PurchaseOrderUpdate, payload, "update_purchase_order", permit)
        return self._write("update_purchase_order", permit, body, fields=wanted.PURCHASE_ORDER, id=id)

    def act_on_purchase_order(
        self, id: int, action: str, permit: Permit, payload: OrderActionPayload | Given | None = None
    ) -> Json:
        """`action` is a word of ORDER_ACTIONS; `reopen` takes its reason as payload. A first close is a soft one."""
        known(action, ORDER_ACTIONS)
        body = checked(OrderActionPayload, payload or {}, "act_on_purchase_order", permit)
        fields = wanted.PURCHASE_ORDER
        return self._write("act_on_purchase_order", permit, body, fields=fields, id=id, action=action)

    def act_on_purchase_order_line(self, id: int, action: str, permit: Permit) -> Json:
        """`action` is a word of ORDER_LINE_ACTIONS; the answer is the line."""
        known(action, ORDER_LINE_ACTIONS)
        fields = wanted.PURCHASE_ORDER_LINE
        return self._write("act_on_purchase_order_line", permit, {}, fields=fields, id=id, action=action)

    def create_purchase_order_change(self, payload: PurchaseOrderChangePayload | Given, permit: Permit) -> Json:
        """A change request: `approved` at once where nobody needs to approve it, else `pending_approval`."""
        body = checked(PurchaseOrderChangePayload, payload, "create_purchase_order_change", permit)
        return self._write("create_purchase_order_change", permit, body, fields=wanted.PURCHASE_ORDER_CHANGE)

    def create_comment(self, document: str, id: int, text: str, permit: Permit) -> Json:
        """A comment on a document (`invoices`, `purchase_orders`, ...); `@[User:5]` in it notifies that user."""
        body = checked(CommentPayload, {"comments": text}, "create_comment", permit)
        path = comments_path("create_comment", document, id)
        return self._write("create_comment", permit, body, fields=wanted.COMMENT, path=path)

    def create_receipt(self, payload: ReceiptPayload | Given, permit: Permit) -> Json:
        """A receiving transaction: receipt, return or partial void, as its `type` says."""
        body = checked(ReceiptPayload, payload, "create_receipt", permit)
        return self._write("create_receipt", permit, body, fields=wanted.RECEIPT)

    def void_receipt(self, id: int, permit: Permit) -> Json:
        return self._write("void_receipt", permit, {}, fields=wanted.RECEIPT, id=id)

    def act_on_approval(self, id: int, action: str, permit: Permit, reason: str | None = None) -> Json:
        """approve, reject or hold a pending approval; the answer is the approval, or the document."""
        known(action, APPROVAL_ACTIONS)
        query = {"reason": reason} if reason else {}
        return self._write("act_on_approval", permit, None, query=query, id=id, action=action)

    def create_integration_run(self, integration: str, permit: Permit) -> Json:
        """A pending run of the integration with this code."""
        body = checked(RunPayload, {"integration": {"code": integration}}, "create_integration_run", permit)
        return self._write("create_integration_run", permit, body, fields=wanted.INTEGRATION_RUN)

    def act_on_integration_run(self, id: int, action: str, permit: Permit, *, total_records: int | None = None) -> Json:
        """`success` is refused by Coupa while the run has unresolved errors."""
        known(action, RUN_ACTIONS)
        body = {"total_records": total_records} if total_records is not None else None
        return self._write("act_on_integration_run", permit, body, fields=wanted.INTEGRATION_RUN, id=id, action=action)

    def create_integration_error(
        self, payload: IntegrationErrorPayload | Given, permit: Permit, *, alert: bool = True
    ) -> Json:
        """An error of a run; with `alert` Coupa mails the integration's contacts."""
        name = "alert_integration_error" if alert else "create_integration_error"
        body = checked(IntegrationErrorPayload, payload, name, permit)
        return self._write(name, permit, body, fields=wanted.INTEGRATION_ERROR)

    def update_integration_error(self, id: int, payload: IntegrationErrorChanges | Given, permit: Permit) -> Json:
        """What the error says from now on; nobody is mailed."""
        body = checked(IntegrationErrorChanges, payload, "update_integration_error", permit)
        return self._write("update_integration_error", permit, body, fields=wanted.INTEGRATION_ERROR, id=id)

    def resolve_integration_error(self, id: int, permit: Permit) -> Json:
        return self._write("resolve_integration_error", permit, None, fields=wanted.INTEGRATION_ERROR, id=id)


def known(action: str, actions: frozenset[str]) -> None:
    if action not in actions:
        raise ValueError(f"{action!r} is no action here; known are {', '.join(sorted(actions))}")
