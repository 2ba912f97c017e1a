"""What the pipeline and its writes are called, and how a delivery of it is named."""

from procurement.pipelines.open_orders import RECEIPTS

PIPELINE = RECEIPTS
CREATE, VOID, RETURN, REOPEN = "create_receipt", "void_receipt", "return_goods", "reopen_order"
ASK, TELL, MARK = "ask_requester", "tell_requester", "mark_received"
NUMBERED = (CREATE, VOID, RETURN, REOPEN)  # these share the numbers of one shipped line
ASKED, ESCALATED = 1, 2  # the numbers of the two questions about a shipped line


def line_key(po_number: str, line_number: str, shipment_key: str) -> str:
    """All that is sent for a shipped line begins so."""
    return f"{po_number}/{line_number}/{shipment_key}"


def numbered(prefix: str, number: int) -> str:
    return f"{prefix}/{number}"


def order_key(po_number: str) -> str:
    """What is said of a whole purchase order: the comment once; the word by number, the odd ones "all is received", the even
    ones that it no longer is."""
    return f"{po_number}/received"
