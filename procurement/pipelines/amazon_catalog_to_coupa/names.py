"""What the pipeline, its records and its writes are called, and how each is named."""

from decimal import Decimal

PIPELINE = "amazon_catalog_to_coupa"
ENTRY, WAITING = "catalog_entry", "waiting_price"  # kinds of source record, each by ASIN
CREATE_ITEM, UPDATE_ITEM = "create_item", "update_item"
CREATE_PRICE, UPDATE_PRICE = "create_supplier_item", "update_supplier_item"
TELL = "tell_approver"
READING, CATALOG = "reading", "catalog"  # what a run keeps of both sides as a whole
WRITES = (CREATE_ITEM, UPDATE_ITEM, CREATE_PRICE, UPDATE_PRICE)


def price_series(supplier: str, asin: str, contract: str | None) -> str:
    """All writes of one supplier item are numbered within it, so that a price may go from A to B, back to A and again to
    B, and each is a fact of its own."""
    return f"{supplier}/{asin}/{contract or 'no contract'}"


def told_key(requisition: int, line: int, price: Decimal) -> str:
    """A price is told once about one line, however often it is seen, and with however many zeros."""
    return f"{requisition}/{line}/{format(price.normalize(), 'f')}"
