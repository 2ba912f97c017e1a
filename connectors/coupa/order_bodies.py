"""What we send to Coupa about purchase orders: notes of our own on them, actions, and change requests.

Coupa made these orders from approved requisitions, so their quantities and prices change only through a change
request, which Coupa approves or not.
"""

from pydantic import Field, field_validator, model_validator

from connectors.coupa.bodies import CustomFields
from connectors.payload_types import CoupaBody, Exact


class OrderLineUpdate(CoupaBody):
    """What we note on a line: Amazon's order number, and custom fields."""

    id: int
    supplier_order_number: str | None = Field(None, max_length=255)
    external_reference_number: str | None = Field(None, max_length=255)
    custom_fields: CustomFields | None = None


class PurchaseOrderUpdate(CoupaBody):
    """What we note on an order; what is left out stays."""

    custom_fields: CustomFields | None = None
    acknowledged_flag: bool | None = None
    order_lines: tuple[OrderLineUpdate, ...] | None = None

    @model_validator(mode="after")
    def _something(self) -> "PurchaseOrderUpdate":
        if not self.body():
            raise ValueError("an update says what is to change")
        return self


class OrderActionPayload(CoupaBody):
    """Why an order is reopened."""

    reason_insight_id: int | None = None
    reason_insight_code: str | None = None
    reason_insight_event_comment: str | None = None


class OrderLineChangePayload(CoupaBody):
    """What is to become of one line: another quantity, another price (per unit), or nothing at all."""

    order_line_id: int
    quantity: Exact | None = None
    price: Exact | None = None
    pending_delete: bool | None = None

    @field_validator("quantity", "price")
    @classmethod
    def _not_negative(cls, number: Exact | None) -> Exact | None:
        if number is not None and number < 0:
            raise ValueError("neither quantity nor price is negative")
        return number

    @model_validator(mode="after")
    def _something(self) -> "OrderLineChangePayload":
        kept = self.quantity is not None or self.price is not None
        if kept == bool(self.pending_delete):
            raise ValueError("a line change says quantity or price, or that the line goes")
        return self


class PurchaseOrderChangePayload(CoupaBody):
    """A change request for an issued order."""

    order_header_id: int
    order_line_changes: tuple[OrderLineChangePayload, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _once(self) -> "PurchaseOrderChangePayload":
        ids = [line.order_line_id for line in self.order_line_changes]
        if len(set(ids)) < len(ids):
            raise ValueError("a line is changed once in a request")
        return self
