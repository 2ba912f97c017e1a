"""The fields of the forms of manual runs, shared by the pipelines."""

from typing import Any

from airflow.sdk import Param

MOMENT: dict[str, Any] = {"type": ["null", "string"], "format": "date-time"}
WINDOW = {
    "from": Param(
        None, **MOMENT, title="From", description="first moment of the feed (UTC); empty: what is still unread"
    ),
    "to": Param(None, **MOMENT, title="To", description="end of the feed to read; empty: now"),
}
DRY_RUN = {
    "dry_run": Param(False, type="boolean", title="Plan only", description="show what would be written, write nothing")
}
INVOICE_NUMBERS = {
    "invoice_numbers": Param(
        [], type=["array", "null"], items={"type": "string"}, title="Invoice numbers",
        description="plan these again, also when they were skipped (before go-live) or held: one a line",
    )
}  # fmt: skip
PO_NUMBERS = {
    "po_numbers": Param(
        [], type=["array", "null"], items={"type": "string"}, title="PO numbers",
        description="look at these now, and order again the units that Amazon refused for good: one a line",
    )
}  # fmt: skip
ORDER_IDS = {
    "order_ids": Param(
        [], type=["array", "null"], items={"type": "string"}, title="Amazon order ids",
        description="read these orders now, also when they are finished: one a line",
    )
}  # fmt: skip
UPDATED = {
    "from": Param(None, **MOMENT, title="From", description="POs changed in Coupa since (UTC); empty: not yet read"),
    "to": Param(None, **MOMENT, title="To", description="and until; empty: now"),
}
ORDERED = {
    "from": Param(None, **MOMENT, title="From", description="look for orders placed since (UTC); empty: not yet read"),
    "to": Param(None, **MOMENT, title="To", description="and until; empty: now"),
}
COMPARED = {
    "from": Param(
        None, **MOMENT, title="From", description="compare what Amazon published since (UTC); empty: the last days"
    ),
    "to": Param(None, **MOMENT, title="To", description="and until; empty: now"),
    "supplier": Param(
        None, type=["null", "string"], title="Supplier", description="Coupa's number of one supplier; empty: all"
    ),
    "po_numbers": Param(
        [], type=["array", "null"], items={"type": "string"}, title="PO numbers",
        description="compare only what is on these purchase orders: one a line; empty: all",
    ),
}  # fmt: skip
CATALOG = {
    "scope": Param(
        "full", type="string", enum=["full", "requisitions", "released"], title="Scope",
        description="the whole catalog; articles on waiting requisitions; or only the articles released below",
    ),
    "release": Param(
        [], type=["array", "null"], items={"type": "string"}, title="Release",
        description="ASIN=price as the mail of held prices shows it, one a line; an ASIN alone accepts what the ledger holds of it",
    ),
}  # fmt: skip
DEAD_LETTERS = {
    "action": Param(
        "list", type="string", enum=["list", "show", "replay", "discard"], title="Action",
        description="replay: planned or sent again by its pipeline's next run; discard: skipped for good, with the reason",
    ),
    "keys": Param(
        [], type=["array", "null"], items={"type": "string"}, title="Keys",
        description="as the list prints them (D-12, R-34), or an invoice number where it means one thing: one a line",
    ),
    "pipeline": Param(None, type=["null", "string"], title="Pipeline", description="of this DAG only; empty: of all"),
    "kind": Param(
        None, type=["null", "string"], title="Kind",
        description="only what begins with this word: create_invoice, place_order, shipment_line, ...",
    ),
    "held": Param(False, type="boolean", title="Held, too", description="also what is held for a decision"),
    "reason": Param(None, type=["null", "string"], title="Reason", description="kept with what is discarded"),
}  # fmt: skip
