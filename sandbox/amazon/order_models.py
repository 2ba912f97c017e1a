"""placeOrder's request as Amazon's model of 2022-10-30 publishes it: which attribute and expectation has which fields.

Strict: an unknown type, an unknown field or a wrong JSON type is refused. What belongs where is in `order_request.py`.
"""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

Text = Annotated[str, Field(min_length=1)]
Text255 = Annotated[str, Field(min_length=1, max_length=255)]
Line2 = Annotated[str, Field(max_length=60)]
RegionCode = Literal["DE", "FR", "UK", "IT", "ES", "IN", "US", "CA", "MX", "JP", "AU"]


def _is_number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("must be a JSON number")
    return Decimal(value)


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, alias_generator=to_camel)


class Money(Model):
    currency_code: Annotated[str, Field(min_length=3, max_length=3)]
    amount: Annotated[Decimal, BeforeValidator(_is_number), Field(ge=0)]


class PhysicalAddress(Model):
    address_type: Literal["PhysicalAddress"]
    full_name: Text
    phone_number: Text | None = None
    company_name: str | None = None
    address_line1: Text
    address_line2: Line2 | None = None
    address_line3: Line2 | None = None
    city: Text
    state_or_region: str | None = None
    postal_code: Text
    country_code: Annotated[str, Field(min_length=2, max_length=2)]


class ExternalAddress(Model):
    address_type: Literal["ExternalAddress"]
    address_id: Text255
    address: PhysicalAddress


Address = Annotated[PhysicalAddress | ExternalAddress, Field(discriminator="address_type")]


class ProductIdentifier(Model):
    product_reference_type: Literal["ProductIdentifier"]
    id: Text


class BuyingOptionIdentifier(Model):
    buying_option_reference_type: Literal["BuyingOptionIdentifier"]
    id: Text


class StoredPaymentMethod(Model):
    payment_method_reference_type: Literal["StoredPaymentMethod"]


class GroupIdentity(Model):
    group_reference_type: Literal["GroupIdentity"]
    identifier: Text


class UserEmail(Model):
    user_reference_type: Literal["UserEmail"]
    email_address: Text


class Segment(Model):
    id: Text255
    type: Text255
    description: Text255


class Accounting(Model):
    name: Text255
    segments: Annotated[list[Segment], Field(min_length=1, max_length=15)]


class DistributionCharge(Model):
    amount: Money


class AuxiliaryValue(Model):
    value: Annotated[str, Field(min_length=1, max_length=100)]


class Region(Model):
    attribute_type: Literal["Region"]
    region: RegionCode


class PurchaseOrderNumber(Model):
    attribute_type: Literal["PurchaseOrderNumber"]
    purchase_order_number: Text255


class BlanketPurchaseOrderNumber(Model):
    attribute_type: Literal["BlanketPurchaseOrderNumber"]
    purchase_order_number: Text255


class BuyerReference(Model):
    attribute_type: Literal["BuyerReference"]
    user_reference: UserEmail


class BuyingGroupReference(Model):
    attribute_type: Literal["BuyingGroupReference"]
    group_reference: GroupIdentity


class SelectedPaymentMethodReference(Model):
    attribute_type: Literal["SelectedPaymentMethodReference"]
    payment_method_reference: StoredPaymentMethod


class ShippingAddress(Model):
    attribute_type: Literal["ShippingAddress"]
    address: Address


class BillingAddress(Model):
    attribute_type: Literal["BillingAddress"]
    address: Address


class SelectedProductReference(Model):
    attribute_type: Literal["SelectedProductReference"]
    product_reference: ProductIdentifier


class SelectedBuyingOptionReference(Model):
    attribute_type: Literal["SelectedBuyingOptionReference"]
    buying_option_reference: BuyingOptionIdentifier


class DeliveryPreference(Model):
    attribute_type: Literal["DeliveryPreference"]
    ship_preference: Literal["FAST_FREE", "CONSOLIDATED", "EXPEDITED_PAID"]


class TrialMode(Model):
    attribute_type: Literal["TrialMode"]


class PriceSuppressionDirective(Model):
    attribute_type: Literal["PriceSuppressionDirective"]


class Distribution(Model):
    attribute_type: Literal["Distribution"]
    accounting: Accounting
    charge: DistributionCharge | None = None


class Auxiliary(Model):
    attribute_type: Literal["Auxiliary"]
    values: Annotated[dict[str, AuxiliaryValue], Field(max_length=30)]


class ExpectedUnitPrice(Model):
    expectation_type: Literal["ExpectedUnitPrice"]
    amount: Money


class ExpectedCharge(Model):
    expectation_type: Literal["ExpectedCharge"]
    amount: Money
    source: Literal["SUBTOTAL", "SHIPPING", "TAX"]


Attribute = Annotated[
    Region
    | PurchaseOrderNumber
    | BlanketPurchaseOrderNumber
    | BuyerReference
    | BuyingGroupReference
    | SelectedPaymentMethodReference
    | ShippingAddress
    | BillingAddress
    | SelectedProductReference
    | SelectedBuyingOptionReference
    | DeliveryPreference
    | TrialMode
    | PriceSuppressionDirective
    | Distribution
    | Auxiliary,
    Field(discriminator="attribute_type"),
]
Expectation = Annotated[ExpectedUnitPrice | ExpectedCharge, Field(discriminator="expectation_type")]


class RequestLineItem(Model):
    external_id: Annotated[str, Field(min_length=1, max_length=127)]
    quantity: Annotated[int, Field(ge=1)]
    attributes: list[Attribute]
    expectations: list[Expectation]


class PlaceOrderRequest(Model):
    external_id: Text255
    line_items: Annotated[list[RequestLineItem], Field(min_length=1, max_length=50)]
    attributes: list[Attribute]
    expectations: list[Expectation]
