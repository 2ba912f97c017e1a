"""What we send to Coupa about items and supplier items: only the fields that this integration owns.

An update carries only what changed. A supplier item's supplier, part number and contract are its identity, so only a
new one names them. Prices are per unit in the currency they come with; tiers go with a contract term's bounds.
"""

from typing import Literal

from pydantic import Field, model_validator

from connectors.coupa.bodies import CustomFields, Reference
from connectors.payload_types import CoupaBody, Exact

Availability = Literal["in_stock", "out_of_stock", "backordered"]


class ItemChanges(CoupaBody):
    """What is to change on an item; what is left out stays. `image_url` is copied by Coupa and never shown."""

    name: str | None = Field(None, min_length=1, max_length=255)
    description: str | None = Field(None, min_length=1)
    active: bool | None = None
    uom: Reference | None = None
    commodity: Reference | None = None
    manufacturer_name: str | None = Field(None, min_length=1, max_length=255)
    manufacturer_part_number: str | None = Field(None, max_length=255)
    image_url: str | None = None
    custom_fields: CustomFields | None = None

    @model_validator(mode="after")
    def _something(self) -> "ItemChanges":
        if not self.body():
            raise ValueError("an update says what is to change")
        return self


class ItemPayload(ItemChanges):
    """A new item; `item_number` is unique in Coupa and finds it again."""

    item_number: str = Field(min_length=1, max_length=255)
    name: str = Field(min_length=1, max_length=255)
    description: str = Field(min_length=1)
    manufacturer_name: str = Field(min_length=1, max_length=255)


class ItemReference(CoupaBody):
    item_number: str = Field(min_length=1)


class SupplierItemChanges(CoupaBody):
    """What is to change on a supplier item; what is left out stays. `availability` is taken in and never shown."""

    price: Exact | None = Field(None, ge=0)
    currency: Reference | None = None
    availability: Availability | None = None
    preferred: bool | None = None
    catalog: Reference | None = None
    contract_term: Reference | None = None
    minimum_order_quantity: Exact | None = Field(None, gt=0)
    order_increment: Exact | None = Field(None, gt=0)
    lead_time: int | None = Field(None, ge=0)
    manufacturer: str | None = Field(None, max_length=255)
    supplier_aux_part_num: str | None = Field(None, max_length=255)
    price_tier_1: Exact | None = Field(None, ge=0)
    price_tier_2: Exact | None = Field(None, ge=0)
    price_tier_3: Exact | None = Field(None, ge=0)
    price_tier_4: Exact | None = Field(None, ge=0)
    price_tier_5: Exact | None = Field(None, ge=0)
    price_tier_6: Exact | None = Field(None, ge=0)
    price_tier_7: Exact | None = Field(None, ge=0)
    price_tier_8: Exact | None = Field(None, ge=0)
    price_tier_9: Exact | None = Field(None, ge=0)
    price_tier_10: Exact | None = Field(None, ge=0)
    custom_fields: CustomFields | None = None

    @model_validator(mode="after")
    def _something(self) -> "SupplierItemChanges":
        if not self.body():
            raise ValueError("an update says what is to change")
        return self


class SupplierItemPayload(SupplierItemChanges):
    """A new supplier item: one price of an item at a supplier, under one contract or under none."""

    item: ItemReference
    supplier: Reference
    supplier_part_num: str = Field(min_length=1, max_length=255)
    contract: Reference | None = None
    price: Exact = Field(ge=0)
    currency: Reference
