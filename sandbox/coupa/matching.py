"""Matching invoices to receipts, and what follows: wait, hold, approve.

The level of a line is its PO line's match type, else its supplier's. `3-way` and `3-way-fifo` consume the oldest
unmatched
receipts of the PO line; `direct_matching` and `3-way-direct` only receipts with the invoice line's match reference. A
line that lacks receipts waits for them, unless none can come any more: then the missing units are a breach.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sandbox.coupa import approvals, chains
from sandbox.coupa.approvals import INVOICE
from sandbox.coupa.instance import Instance
from sandbox.coupa.purchase_orders import order_of, ordered, refresh_line
from sandbox.coupa.receipt_types import remaining, sign
from sandbox.coupa.schema import Record, round_half_up
from sandbox.coupa.tolerances import (
    COUNTED,
    Breach,
    breaches,
    commodity_of,
    credited,
    invoiced_so_far,
    limit_of,
    measure,
    percent_over,
)
from sandbox.coupa.totals import ZERO

FIFO = ("3-way", "3-way-fifo")
DIRECT = ("direct_matching", "3-way-direct")


def match_level(instance: Instance, invoice: Mapping[str, Any], order_line: Mapping[str, Any]) -> str:
    if order_line["receipt-required"] is False:
        return "none"
    supplier = instance.get("suppliers", invoice["supplier"]) or {}
    return str(order_line["match-type"] or supplier.get("invoice-matching-level") or "none")


def proceed(instance: Instance, invoice: Record) -> None:
    """Takes an invoice as far as it goes now: pending_receipt, on_hold, pending_approval or approved."""
    waiting, short = False, list[Breach]()
    for line in invoice["invoice-lines"]:
        order_line = instance.get("purchase_order_lines", line["order-line-id"])
        missing = _match_line(instance, invoice, line, order_line) if order_line else ZERO
        if order_line and missing and more_can_come(instance, order_line):
            waiting = True
        elif order_line and missing:
            short.append(_shortfall(instance, line, order_line))
    if waiting:
        clear_failures(instance, invoice)
        approvals.cancel(instance, INVOICE, invoice)
        set_status(instance, invoice, "pending_receipt")
        return
    failed = short + breaches(instance, invoice)
    record_failures(instance, invoice, failed)
    if failed:
        approvals.cancel(instance, INVOICE, invoice)
        set_status(instance, invoice, "on_hold")
    else:
        begin_approval(instance, invoice)


def begin_approval(instance: Instance, invoice: Record) -> None:
    """The ordinary chain; an invoice that nobody need approve is approved."""
    asked = approvals.start(instance, INVOICE, invoice, chains.of_invoice(instance, invoice))
    set_status(instance, invoice, "pending_approval" if asked else "approved")


def _match_line(instance: Instance, invoice: Record, line: Record, order_line: Record) -> Decimal:
    """Ties the line to receipts where its level asks for it; gives back what is missing (zero: matched)."""
    level = match_level(instance, invoice, order_line)
    needed = measure(line) - credited(instance, invoice, order_line) - matched(instance, "invoice-line-id", line["id"])
    if invoice["is-credit-note"] or needed <= 0 or level not in (*FIFO, *DIRECT):
        instance.table("invoice_lines").update(line, {"status": "matched"})
        return ZERO
    free = _free_receipts(instance, line, order_line, level)
    on_hand = sum((size for _, size in free), ZERO)
    allowed = limit_of(instance, "receipt_quantity", commodity_of(instance, line, order_line)) or ZERO
    if needed > on_hand + on_hand * allowed / 100:
        instance.table("invoice_lines").update(line, {"status": "new"})
        return needed - on_hand
    for receipt, size in free:
        taken = min(size, needed)
        if taken > 0:
            _allocate(instance, line, order_line, receipt, taken)
            needed -= taken
    instance.table("invoice_lines").update(line, {"status": "matched"})
    return ZERO


def more_can_come(instance: Instance, order_line: Record) -> bool:
    open_order = order_of(instance, order_line)["status"] == "issued"
    return open_order and not order_line.get("_receiving-closed") and order_line["received"] < ordered(order_line)


def _shortfall(instance: Instance, line: Record, order_line: Record) -> Breach:
    allowed = limit_of(instance, "receipt_quantity", commodity_of(instance, line, order_line)) or ZERO
    free = order_line["received"] - matched(instance, "order-line-id", order_line["id"])
    return Breach("receipt_quantity", percent_over(measure(line) - free, free), allowed, line)


def _free_receipts(instance: Instance, line: Record, order_line: Record, level: str) -> list[tuple[Record, Decimal]]:
    """What is left unmatched of each receipt, the oldest first; in sum never more than the PO line still holds."""
    rows = [
        row
        for row in instance.table("receiving_transactions").by("order-line", order_line["id"])
        if sign(row["type"]) > 0
    ]
    if level in DIRECT:
        rows = [row for row in rows if row["match-reference"] and row["match-reference"] == line["match-reference"]]
    left = order_line["received"] - matched(instance, "order-line-id", order_line["id"])
    free: list[tuple[Record, Decimal]] = []
    for row in sorted(rows, key=lambda row: (row["transaction-date"], row["id"])):
        size = min(remaining(row) - matched(instance, "inventory-transaction-id", row["id"]), left)
        if size > 0:
            free.append((row, size))
            left -= size
    return free


def matched(instance: Instance, column: str, record_id: int) -> Decimal:
    """Size of the standing allocations of a receipt, PO line or invoice line."""
    rows = instance.table("matching_allocations").by(column, record_id)
    return sum((row["quantity"] for row in rows if row["status"] == "Matched"), ZERO)


def _allocate(instance: Instance, line: Record, order_line: Record, receipt: Record, size: Decimal) -> None:
    table = instance.table("matching_allocations")
    uom = instance.get("uoms", receipt["uom"]) or {}
    now = instance.now()
    table.add({
        "created-at": now, "updated-at": now, "invoice-line-id": line["id"], "invoice-line": line["id"],
        "order-line-id": order_line["id"],
        "order-line": order_line["id"], "inventory-transaction-id": receipt["id"], "quantity": size,
        "invoice-line-total": line["total"],
        "amount": round_half_up(line["total"] * size / measure(line), 4), "status": "Matched",
        "status-reason": None, "manual-match": 0,
        "inventory-transaction-match-reference": receipt["match-reference"], "uom": uom.get("code"),
    })  # fmt: skip


def set_status(instance: Instance, invoice: Record, status: str) -> None:
    """The invoice's new status; an invoice that stops (or starts) to count moves `invoiced` and gives its receipts
    back."""
    counted = (invoice["status"] in COUNTED, status in COUNTED)
    instance.change("invoices", invoice, status=status, lock_version_key=(invoice["lock-version-key"] or 0) + 1)
    if counted[0] == counted[1]:
        return
    order_lines = lines_billed(instance, invoice)
    for order_line in order_lines:
        units, money = invoiced_so_far(instance, order_line)
        instance.table("purchase_order_lines").update(order_line, {"invoiced": units, "total-invoiced": money})
        refresh_line(instance, order_line)
    if not counted[1]:
        for line in invoice["invoice-lines"]:
            void_allocations(instance, line, f"Invoice {status}")
        for order_line in order_lines:
            receipt_arrived(instance, order_line)


def lines_billed(instance: Instance, invoice: Record) -> list[Record]:
    found = (instance.get("purchase_order_lines", line["order-line-id"]) for line in invoice["invoice-lines"])
    return [
        instance.table("purchase_order_lines").rows[line_id]
        for line_id in dict.fromkeys(line["id"] for line in found if line)
    ]


def void_allocations(instance: Instance, line: Record, reason: str) -> None:
    for row in instance.table("matching_allocations").by("invoice-line-id", line["id"]):
        if row["status"] == "Matched":
            instance.table("matching_allocations").update(
                row, {"status": "Void", "status-reason": reason, "updated-at": instance.now()}
            )


def receipt_arrived(instance: Instance, order_line: Record) -> None:
    """Waiting invoices on the PO line go on, the oldest first."""
    for invoice in _invoices_on(instance, order_line):
        if invoice["status"] == "pending_receipt":
            proceed(instance, invoice)


def receipt_gone(instance: Instance, order_line: Record, reason: str) -> None:
    """Allocations that no receipt covers any more are void, the newest first; their invoices look again unless
    approved."""
    table = instance.table("matching_allocations")
    affected: set[int] = set()
    for row in reversed(table.by("order-line-id", order_line["id"])):
        receipt = instance.table("receiving_transactions").rows[row["inventory-transaction-id"]]
        over_receipt = matched(instance, "inventory-transaction-id", receipt["id"]) > remaining(receipt)
        over_line = matched(instance, "order-line-id", order_line["id"]) > order_line["received"]
        if row["status"] == "Matched" and (over_receipt or over_line):
            table.update(row, {"status": "Void", "status-reason": reason, "updated-at": instance.now()})
            affected.add(instance.table("invoice_lines").rows[row["invoice-line-id"]]["_parent"])
    for invoice_id in sorted(affected):
        invoice = instance.table("invoices").rows[invoice_id]
        if invoice["status"] in ("pending_approval", "on_hold"):
            proceed(instance, invoice)


def _invoices_on(instance: Instance, order_line: Record) -> list[Record]:
    ids = {line["_parent"] for line in instance.table("invoice_lines").by("order-line-id", order_line["id"])}
    return [instance.table("invoices").rows[invoice_id] for invoice_id in sorted(ids)]


def clear_failures(instance: Instance, invoice: Record) -> None:
    table = instance.table("failed_tolerances")
    for row in invoice["failed-tolerances"]:
        table.remove(row)
    for holder in (invoice, *invoice["invoice-lines"]):
        holder["failed-tolerances"] = []
    instance.table("invoices").update(invoice, {"tolerance-failures": None})


def record_failures(instance: Instance, invoice: Record, failed: list[Breach]) -> None:
    """Writes the breaches where a reader looks: all on the header, a line's own also on the line."""
    clear_failures(instance, invoice)
    now = instance.now()
    for breach in failed:
        target = breach.line or invoice
        row = instance.table("failed_tolerances").add({
            "created-at": now, "updated-at": now, "code": breach.code, "breach-amount": breach.amount_text,
            "breach-limit": breach.limit_text,
            "failable-id": target["id"], "failable-type": "InvoiceLine" if breach.line else "InvoiceHeader",
            "resolution-strategy": "approval",
            "resolved": False, "account-type-id": invoice["account-type"], "_parent": invoice["id"],
        })  # fmt: skip
        invoice["failed-tolerances"].append(row)
        if breach.line:
            breach.line["failed-tolerances"].append(row)
    if failed:
        instance.table("invoices").update(
            invoice, {"tolerance-failures": "; ".join(breach.sentence for breach in failed)[:512]}
        )
