"""The `fields` of each Coupa read: what our payload models and mappings use, and nothing else.

Coupa answers with every nested object unless told otherwise. Names have underscores here, hyphens in answers.
"""

import json
from collections.abc import Sequence
from typing import TypeAlias

Fields: TypeAlias = Sequence[str | dict[str, "Fields"]]

CUSTOM: dict[str, Fields] = {"custom_fields": {}}  # type: ignore[dict-item]  # Coupa's way to say: all of them
CODE: Fields = ["id", "code"]
NAME: Fields = ["id", "name"]
USER: Fields = ["id", "login", "email", "fullname"]
ACCOUNT: Fields = ["id", "code", "name", "active", {"account_type": NAME}]
SEGMENTS: Fields = [f"segment_{n}" for n in range(1, 11)]
CODED_ACCOUNT: Fields = [*ACCOUNT, *SEGMENTS]
SPLIT: dict[str, Fields] = {"account_allocations": ["id", "pct", "amount", {"account": CODED_ACCOUNT}]}
INVOICE_SPLIT: dict[str, Fields] = {"account_allocations": ["id", "pct", "amount", {"account": ACCOUNT}]}
ADDRESS: Fields = [
    "id", "name", "location_code", "attention", "street1", "street2", "city", "state", "postal_code",
    {"country": ["id", "code", "name"]},
]  # fmt: skip
SUPPLIER: Fields = [
    "id", "number", "name", "status", "on_hold", "invoice_matching_level", "allow_cxml_invoicing", "po_method",
    "po_change_method",
]  # fmt: skip
FAILED_TOLERANCES: dict[str, Fields] = {
    "failed_tolerances": [
        "id", "code", "breach_amount", "breach_limit", "failable_id", "failable_type",
        "resolution_strategy", "resolved",
    ]
}  # fmt: skip
TAX_LINES: dict[str, Fields] = {"tax_lines": ["id", "amount", "rate", "description", {"tax_code": CODE}]}

APPROVAL: Fields = [
    "id", "position", "status", "type", "note", "approvable_id", "approvable_type", "approval_date", "approver_id",
    "approver_type", {"approver": ["id", "login", "email", "name"]}, {"approved_by": USER},
    {"delegate": ["id", "login", "email", "name"]},
]  # fmt: skip

PURCHASE_ORDER_LINE: Fields = [
    "id", "line_num", "type", "status", "description", "quantity", "price", "total", "received", "invoiced",
    "match_type", "receipt_required", "invoice_stop", "source_part_num", "supp_aux_part_num", "supplier_order_number",
    "need_by_date", "order_header_id", "order_header_number", "version", "requisition_line_id", "manufacturer_name",
    "external_reference_number", "service_type",
    {"currency": CODE}, {"uom": CODE}, {"commodity": NAME}, {"account": CODED_ACCOUNT}, SPLIT, CUSTOM,
]  # fmt: skip
PURCHASE_ORDER: Fields = [
    "id", "po_number", "status", "version", "internal_revision", "type", "created_at", "updated_at", "exported",
    "invoice_stop", "payment_method", "transmission_status", "transmission_method_override", "confirmation_status",
    "ship_to_attention",
    {"currency": CODE}, {"payment_term": CODE}, {"supplier": SUPPLIER}, {"ship_to_user": USER},
    {"supplier_site": ["id", "code", "name", "po_method", "po_change_method"]},
    {"ship_to_address": ADDRESS}, {"requisition_header": ["id", {"requested_by": USER}]},
    {"order_lines": PURCHASE_ORDER_LINE}, CUSTOM,
]  # fmt: skip
PURCHASE_ORDER_CHANGE: Fields = [
    "id", "order_header_id", "po_number", "status", "version", "total", "pending_cancel", "reject_reason",
    "supplier_initiated", "created_at", "updated_at", {"created_by": USER}, {"currency": CODE},
    {"approvals": APPROVAL},
    {"order_line_changes": ["id", "order_line_id", "line_num", "quantity", "price", "description", "pending_delete"]},
]  # fmt: skip
REQUISITION_LINE: Fields = [
    "id", "line_num", "line_type", "status", "description", "quantity", "unit_price", "total", "order_line_id",
    "source_part_num", "supp_aux_part_num", "need_by_date", "receipt_required", "manufacturer_name", "source_type",
    "transmission_method_override",
    {"currency": CODE}, {"uom": CODE}, {"commodity": NAME}, {"supplier": ["id", "number", "name"]},
    {"account": CODED_ACCOUNT}, SPLIT, CUSTOM,
]  # fmt: skip
REQUISITION: Fields = [
    "id", "status", "req_title", "total", "justification", "need_by_date", "submitted_at", "created_at", "updated_at",
    "ship_to_attention",
    {"currency": CODE}, {"requested_by": USER}, {"created_by": USER}, {"department": NAME},
    {"ship_to_address": ADDRESS}, {"approvals": APPROVAL}, {"current_approval": APPROVAL},
    {"requisition_lines": REQUISITION_LINE}, CUSTOM,
]  # fmt: skip
RECEIPT: Fields = [
    "id", "type", "status", "quantity", "price", "total", "transaction_date", "match_reference",
    "original_transaction_id", "voided_value", "notes", "created_at", "updated_at", {"created_by": USER},
    {"order_line": ["id", "line_num", "order_header_id", "order_header_number"]}, {"uom": CODE}, CUSTOM,
]  # fmt: skip
INVOICE_LINE: Fields = [
    "id", "line_num", "type", "status", "description", "quantity", "price", "total", "order_line_id", "order_line_num",
    "po_number", "match_reference", "source_part_num", "adjustment_type", {"account": ACCOUNT}, INVOICE_SPLIT, {"uom": CODE},
    TAX_LINES, FAILED_TOLERANCES, CUSTOM,
]  # fmt: skip
INVOICE: Fields = [
    "id", "invoice_number", "invoice_date", "status", "document_type", "channel", "canceled", "paid", "exported",
    "original_invoice_number", "original_invoice_date", "supplier_total", "gross_total", "total_with_taxes",
    "tax_amount", "shipping_amount", "handling_amount", "misc_amount", "tolerance_failures", "net_due_date",
    "line_level_taxation", "created_at", "updated_at",
    {"currency": CODE}, {"supplier": ["id", "number", "name"]}, {"account_type": NAME}, {"payment_term": CODE},
    {"requested_by": USER}, {"invoice_lines": INVOICE_LINE},
    {"invoice_charges": ["id", "type", "line_num", "total", "description", {"account": ACCOUNT}, INVOICE_SPLIT, TAX_LINES]},
    FAILED_TOLERANCES, CUSTOM,
]  # fmt: skip
SUPPLIER_RECORD: Fields = [
    *SUPPLIER, "account_number", "buyer_hold", "hold_invoices_for_ap_review", "send_invoices_to_approvals",
    "payment_method", {"payment_term": CODE}, {"remit_to_addresses": ["id", "remit_to_code", "name", "active"]}, CUSTOM,
]  # fmt: skip
USER_RECORD: Fields = [
    *USER, "active", "employee_number", "mention_name", "firstname", "lastname",
    {"manager": USER}, {"department": NAME},
]  # fmt: skip
ACCOUNT_TYPE: Fields = ["id", "name", "active", "dynamic_flag", "legal_entity_name", {"currency": CODE}]
LOOKUP_VALUE: Fields = [
    "id", "name", "description", "active", "depth", "external_ref_num", "external_ref_code", {"lookup": NAME},
    {"account_type": NAME}, {"parent": ["id", "name", "external_ref_num"]},
]  # fmt: skip
PAYMENT_TERM: Fields = ["id", "code", "description", "active", "days_for_net_payment"]
CURRENCY: Fields = ["id", "code", "name", "decimals", "enabled"]
COMMENT: Fields = [
    "id", "comments", "comment_type", "commentable_id", "commentable_type", "created_at", "mentionees",
    {"created_by": USER},
]  # fmt: skip
EXCHANGE_RATE: Fields = ["id", "rate", "rate_date", {"from_currency": CODE}, {"to_currency": CODE}]
MATCHING_ALLOCATION: Fields = [
    "id", "invoice_line_id", "order_line_id", "inventory_transaction_id", "quantity", "amount", "status",
    "status_reason", "inventory_transaction_match_reference",
]  # fmt: skip
INTEGRATION_RUN: Fields = [
    "id", "status", "start_time", "end_time", "total_records", "records_processed", {"integration": CODE},
]  # fmt: skip
INTEGRATION_ERROR: Fields = [
    "id", "status", "resolved", "document_id", "document_type", "document_status", "external_id",
    "contact_alert_type", "integration_run_id", "responses", "created_at",
]  # fmt: skip


def written(fields: Fields) -> str:
    """The list as the `fields` parameter."""
    return json.dumps(fields, separators=(",", ":"))
