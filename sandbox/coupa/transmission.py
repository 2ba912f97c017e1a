"""How a purchase order, or a change of it, reaches its supplier: `transmission-status` by the supplier's methods.

`po-method` says how an order goes out, `po-change-method` how its changes do. `prompt` leaves it to a person; a
supplier without a method, or an order marked `do_not_transmit`, leaves the status as it is. What the sandbox sends is
sent at once: it has no `scheduled_...` in between.
"""

from collections.abc import Mapping

from sandbox.coupa.errors import invalid
from sandbox.coupa.instance import Instance
from sandbox.coupa.schema import Record

MODEL = "order_header"
BY_METHOD: Mapping[str, str] = {
    "cxml": "sent_via_cxml",
    "xml": "sent_via_xml",
    "email": "sent_via_email",
    "prompt": "pending_manual",
    "mark_as_sent": "sent_manually",
    "buy_online": "awaiting_online_purchase",
}
STATUSES = (
    "created", "deferred", "deferred_processing", "pending_manual", "pending_manual_cancel",
    "awaiting_online_purchase", "scheduled_for_email", "sent_via_email", "scheduled_for_cxml", "scheduled_for_xml",
    "sent_via_cxml", "sent_via_xml", "sent_manually", "purchased_online", "transmission_failure",
)  # fmt: skip


def send_order(instance: Instance, order: Record) -> None:
    """As the order is issued."""
    _send(instance, order, "po-method")


def send_change(instance: Instance, order: Record) -> None:
    """As a change that the supplier must see takes effect; an order nobody has issued yet is not sent for it."""
    if order["status"] == "issued":
        _send(instance, order, "po-change-method")


def _send(instance: Instance, order: Record, column: str) -> None:
    supplier = instance.get("suppliers", order["supplier"]) or {}
    override = order["transmission-method-override"]
    method = "email" if override == "email" else supplier.get(column)
    if method and override != "do_not_transmit":
        instance.change("purchase_orders", order, transmission_status=BY_METHOD[method])


def mark(instance: Instance, order: Record, status: str) -> None:
    """Somebody sent the order, or failed to, by a way of their own; 400 for a status Coupa does not have."""
    if status not in STATUSES:
        raise invalid(MODEL, "Transmission status is not included in the list")
    instance.change("purchase_orders", order, transmission_status=status)
