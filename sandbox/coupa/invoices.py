"""Invoices and credit notes: creation as a draft, what may be edited when, and what must hold before one is accepted.

What the purchase order says fills the gaps (chart, currency, terms, requester, accounts, units). A line that names a PO
line must be of its kind, on an order of the invoice's supplier that may still be invoiced, and in its currency or in one
that has an exchange rate on the invoice date.
"""

from collections.abc import Mapping
from typing import Any

from sandbox.coupa.errors import invalid
from sandbox.coupa.exchange import rate_on
from sandbox.coupa.incoming import all_or_nothing, create, read_document, remove, update
from sandbox.coupa.instance import Instance
from sandbox.coupa.purchase_orders import find_order_line, is_quantity_line, order_of
from sandbox.coupa.schema import Record, hyphenate
from sandbox.coupa.totals import CHARGE_AMOUNTS, ZERO, compute_totals

MODEL = "invoice_header"
INVOICEABLE = ("issued", "soft_closed")
FREELY_EDITABLE = ("draft", "new", "ap_hold")
LATER_HEADER = {
    "custom-fields",
    "payments",
    "paid",
    "payment-date",
    "payment-notes",
    "internal-note",
    "comments",
    "invoice-lines",
    "invoice-charges",
    "exported",
}
LATER_ROW = {"id", "account", "account-allocations", "billing-note", "commodity", "period", "custom-fields"}
HEADER_TAX = ("tax-amount", "tax-rate", "tax-code", "tax-lines")
SHORT_CHARGES = {column: kind for kind, column in CHARGE_AMOUNTS.items()}


def create_invoice(instance: Instance, body: Any) -> Record:
    """A draft. Nothing is matched before it is submitted."""
    given = read_document(instance, "invoices", body)
    _expand_short_charges(given, [])
    _resolve_order_lines(instance, given)
    given["payments"] = read_payments(given.get("payments"))
    _check_taxation(given, given.get("line-level-taxation") not in (False, "false"))
    if given.get("is-credit-note") in (True, "true"):
        _check_original(given)
    given.setdefault("account-type", None)
    invoice = create(instance, "invoices", given)
    try:
        _complete(instance, invoice)
    except Exception:
        remove(instance, "invoices", invoice)
        raise
    return invoice


def update_invoice(instance: Instance, invoice: Record, body: Any) -> Record:
    """Drafts change freely; later only coding, custom fields, notes and payments do."""
    given = read_document(instance, "invoices", body)
    if "payments" in given:
        given["payments"] = read_payments(given["payments"])
    if invoice["status"] not in FREELY_EDITABLE:
        _check_later_edit(invoice, given)
    if given.get("paid") in (True, "true") and invoice["status"] != "approved":
        raise invalid(MODEL, f"Paid cannot be set on an invoice that is {invoice['status']}")
    _expand_short_charges(given, invoice["invoice-charges"])
    _resolve_order_lines(instance, given)
    _check_taxation(given, given.get("line-level-taxation", invoice["line-level-taxation"]) not in (False, "false"))
    for row in given.get("invoice-lines") or []:
        if isinstance(row, Mapping) and row.get("order-line-id") is not None:
            _check_order_line_id(instance, invoice["supplier"], row)
    with all_or_nothing(instance, "invoices", invoice):
        update(instance, "invoices", invoice, given)
        _complete(instance, invoice)
    instance.change("invoices", invoice, lock_version_key=(invoice["lock-version-key"] or 0) + 1)
    return invoice


def read_payments(value: Any) -> list[Any]:
    """The three documented forms: a list, `{"payment": {...}}`, `{"payment": [...]}`."""
    if isinstance(value, Mapping):
        value = value.get("payment", [])
    if isinstance(value, Mapping):
        value = [value]
    return [hyphenate(one) for one in value] if isinstance(value, list) else []


def _expand_short_charges(given: Record, existing: list[Record]) -> None:
    """`shipping-amount` and its sisters are the short form of one charge of that type."""
    for column, kind in SHORT_CHARGES.items():
        amount = given.pop(column, None)
        if amount in (None, ""):
            continue
        row = next(({"id": charge["id"]} for charge in existing if charge["type"] == kind), {"type": kind})
        given["invoice-charges"] = [*(given.get("invoice-charges") or []), {**row, "total": amount}]


def _resolve_order_lines(instance: Instance, given: Record) -> None:
    """A seed may name the PO line by PO number and line number; Coupa's own column is the line's id."""
    for row in given.get("invoice-lines") or []:
        if isinstance(row, dict) and "order-line" in row:
            try:
                row["order-line-id"] = find_order_line(instance, row.pop("order-line"))["id"]
            except ValueError as problem:
                raise invalid(MODEL, f"Order line {problem}") from None


def _check_taxation(given: Mapping[str, Any], on_lines: bool) -> None:
    header = [name for name in HEADER_TAX if given.get(name) not in (None, [], "")]
    rows = [*(given.get("invoice-lines") or []), *(given.get("invoice-charges") or [])]
    line_tax = any(
        isinstance(row, Mapping) and row.get(name) not in (None, [], "") for row in rows for name in HEADER_TAX
    )
    if on_lines and header:
        raise invalid(
            MODEL, f"{header[0].replace('-', ' ').capitalize()} belongs on the lines when line level taxation is on"
        )
    if not on_lines and line_tax:
        raise invalid(MODEL, "Taxes belong on the header when line level taxation is off")


def _check_original(given: Mapping[str, Any]) -> None:
    missing = [name for name in ("original-invoice-number", "original-invoice-date") if not given.get(name)]
    if missing:
        raise invalid(
            MODEL, *(f"{name.replace('-', ' ').capitalize()} can't be blank on a credit note" for name in missing)
        )


def _check_later_edit(invoice: Record, given: Mapping[str, Any]) -> None:
    refused = sorted(given.keys() - LATER_HEADER)
    for rows in ("invoice-lines", "invoice-charges"):
        for row in given.get(rows) or []:
            refused += sorted(row.keys() - LATER_ROW) if row.get("id") else [rows]
    if refused:
        raise invalid(
            MODEL,
            *(
                f"{name.replace('-', ' ').capitalize()} cannot be changed while the invoice is {invoice['status']}"
                for name in refused
            ),
        )


def _complete(instance: Instance, invoice: Record) -> None:
    """Fills what the purchase order and the supplier know, checks the lines, computes the totals."""
    supplier = instance.table("suppliers").rows[invoice["supplier"]]
    if supplier["status"] == "inactive":
        raise invalid(MODEL, "Supplier is inactive")
    for number, line in enumerate(invoice["invoice-lines"], start=1):
        _complete_line(instance, invoice, line, number)
    _complete_header(instance, invoice, supplier)
    _check_line_money(instance, invoice)
    _link_original(instance, invoice)
    compute_totals(instance, invoice)
    if invoice["is-credit-note"]:
        positive = [line["line-num"] for line in invoice["invoice-lines"] if line["total"] > 0]
        if positive:
            raise invalid(MODEL, f"Line {positive[0]}: a credit note's total must be negative")


def _check_order_line_id(instance: Instance, supplier: int, row: Mapping[str, Any]) -> None:
    order_line = instance.get("purchase_order_lines", row["order-line-id"])
    if order_line is None:
        raise invalid(MODEL, f"Order line with id {row['order-line-id']} can't be found")
    if order_of(instance, order_line)["supplier"] != supplier:
        raise invalid(MODEL, f"Order line with id {row['order-line-id']} belongs to another supplier")


def _complete_line(instance: Instance, invoice: Record, line: Record, number: int) -> None:
    values: Record = {"line-num": line["line-num"] or number}
    if line["order-line-id"] is None:
        values["type"] = line["type"] or "InvoiceQuantityLine"
        values["currency"] = line["currency"] or invoice["currency"]
    else:
        _check_order_line_id(instance, invoice["supplier"], line)
        order_line = instance.table("purchase_order_lines").rows[line["order-line-id"]]
        values |= _from_order_line(instance, invoice, line, order_line)
    instance.table("invoice_lines").update(line, values)
    if line["type"] == "InvoiceQuantityLine" and not line["quantity"]:
        raise invalid(MODEL, f"Line {line['line-num']}: quantity can't be blank or 0")


def _from_order_line(instance: Instance, invoice: Record, line: Record, order_line: Record) -> Record:
    order = order_of(instance, order_line)
    kind = "InvoiceQuantityLine" if is_quantity_line(order_line) else "InvoiceAmountLine"
    if line["type"] not in (None, kind):
        raise invalid(
            MODEL, f"Line {line['line-num']}: type must be {kind}, as the order line is of type {order_line['type']}"
        )
    if order["status"] not in INVOICEABLE or order["invoice-stop"]:
        raise invalid(MODEL, f"Purchase order {order['po-number']} is {order['status']} and cannot be invoiced")
    if order_line.get("_invoicing-closed") or order_line["invoice-stop"]:
        raise invalid(MODEL, f"Order line {order_line['line-num']} of {order['po-number']} is closed for invoicing")
    values: Record = {
        "type": kind, "po-number": order["po-number"], "order-header-num": order["po-number"],
        "order-line-num": order_line["line-num"],
        "order-line-source-part-num": order_line["source-part-num"],
    }  # fmt: skip
    currency = line["currency"] if line["currency"] is not None else invoice["currency"]
    values["currency"] = order_line["currency"] if currency is None else currency
    for column in ("account", "commodity", "uom"):
        values[column] = line[column] if line[column] is not None else order_line[column]
    return values


def _complete_header(instance: Instance, invoice: Record, supplier: Record) -> None:
    order_lines = [
        instance.table("purchase_order_lines").rows[line["order-line-id"]]
        for line in invoice["invoice-lines"]
        if line["order-line-id"]
    ]
    order = order_of(instance, order_lines[0]) if order_lines else {}
    accounts = (instance.get("accounts", line["account"]) for line in invoice["invoice-lines"])
    account = next((account for account in accounts if account), {})
    chart_id = (
        invoice["account-type"]
        or (order_lines[0]["account-type"] if order_lines else None)
        or account.get("account-type")
    )
    chart = instance.get("account_types", chart_id) or {}
    original = invoice["currency"] or order.get("currency") or chart.get("currency")
    instance.table("invoices").update(invoice, {
        "account-type": chart_id,
        "currency": original,
        "payment-term": invoice["payment-term"] or order.get("payment-term") or supplier["payment-term"],
        "requested-by": invoice["requested-by"] or (order_lines[0]["requester"] if order_lines else None),
        "document-type": "Credit Note" if invoice["is-credit-note"] else "Invoice",
        "channel": invoice["channel"] or "api",
        "date-received": invoice["date-received"] or instance.now(),
    })  # fmt: skip
    missing = [name for name in ("account-type", "currency") if invoice[name] is None]
    if missing:
        raise invalid(MODEL, *(f"{name.replace('-', ' ').capitalize()} can't be blank" for name in missing))
    remit_to = instance.get("remit_to_addresses", invoice["remit-to-address"])
    if remit_to and remit_to["_parent"] != supplier["id"]:
        raise invalid(MODEL, "Remit to address belongs to another supplier")


def _check_line_money(instance: Instance, invoice: Record) -> None:
    for row in [*invoice["invoice-lines"], *invoice["invoice-charges"]]:
        if row["currency"] is None:
            row["currency"] = invoice["currency"]
        if row["currency"] != invoice["currency"]:
            raise invalid(MODEL, f"Line {row['line-num']}: currency differs from the invoice's")
    foreign = None
    for line in invoice["invoice-lines"]:
        order_line = instance.get("purchase_order_lines", line["order-line-id"])
        if order_line and order_line["currency"] != invoice["currency"]:
            day = invoice["invoice-date"] or instance.now().date()
            foreign = rate_on(instance, invoice["currency"], order_line["currency"], day)
            if foreign is None:
                raise invalid(
                    MODEL,
                    f"Line {line['line-num']}: currency differs from the order line's, and no exchange rate is known",
                )
    instance.table("invoices").update(invoice, {"exchange-rate": foreign})


def _link_original(instance: Instance, invoice: Record) -> None:
    """The invoice a credit note corrects: same supplier and number, and the very same date."""
    if not invoice["is-credit-note"]:
        return
    for other in instance.table("invoices").by("invoice-number", invoice["original-invoice-number"]):
        if other["supplier"] == invoice["supplier"] and other["invoice-date"] == invoice["original-invoice-date"]:
            invoice["_original"] = other["id"]


def check_complete(instance: Instance, invoice: Record) -> None:
    """What a draft may lack but a submitted invoice may not; every gap is named."""
    problems = [
        f"{name.replace('-', ' ').capitalize()} can't be blank"
        for name in instance.required_to_submit
        if invoice[name] is None
    ]
    if not invoice["invoice-lines"] and not invoice["invoice-charges"]:
        problems.append("Invoice lines can't be blank")
    for line in invoice["invoice-lines"]:
        if line["order-line-id"] is None and line["account"] is None and not line["account-allocations"]:
            problems.append(f"Line {line['line-num']}: account can't be blank on a line without a purchase order")
    if not invoice["is-credit-note"] and invoice["gross-total"] < ZERO:
        problems.append("Total of an invoice can't be negative: it needs a credit note")
    if problems:
        raise invalid(MODEL, *problems)
