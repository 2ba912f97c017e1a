"""What we send to `placeOrder`: an order of 1 to 50 lines, with everything Amazon needs to place it on account.

Strict, because this spends money: unknown fields, missing attributes, two of what can only be one, and amounts in
different currencies are refused before anything is sent. Of Amazon's attributes and expectations only those we send
exist here. Amounts are JSON numbers with exactly the digits they were given.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StrictInt, StringConstraints, field_validator, model_validator

from connectors.payload_types import AmazonBody, ExactNumber

MOST_LINES = 50

Marketplace = Literal["DE", "FR", "UK", "IT", "ES", "IN", "US", "CA", "MX", "JP", "AU"]
ChargeSource = Literal["SUBTOTAL", "SHIPPING", "TAX"]
Filled = Annotated[str, StringConstraints(strict=True, min_length=1, pattern=r"\S")]
Filled100 = Annotated[Filled, Field(max_length=100)]
Filled255 = Annotated[Filled, Field(max_length=255)]


class Amount(AmazonBody):
    """Nothing or more, in a currency's own unit (12.50 USD)."""

    currency_code: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    amount: ExactNumber

    @field_validator("amount")
    @classmethod
    def _not_negative(cls, amount: ExactNumber) -> ExactNumber:
        if amount < 0:
            raise ValueError("an amount is not negative")
        return amount


class PhysicalAddress(AmazonBody):
    address_type: Literal["PhysicalAddress"] = "PhysicalAddress"
    full_name: Filled
    phone_number: Filled | None = None
    company_name: str | None = None
    address_line1: Filled
    address_line2: str | None = Field(None, max_length=60)
    address_line3: str | None = Field(None, max_length=60)
    city: Filled
    state_or_region: Filled | None = None
    postal_code: Filled
    country_code: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]

    @model_validator(mode="after")
    def _state(self) -> "PhysicalAddress":
        if self.country_code == "US" and self.state_or_region is None:
            raise ValueError("an address in the US names its state")
        return self


class ExternalAddress(AmazonBody):
    """`address_id` is our own name of the address; Amazon gives it back for reconciliation."""

    address_type: Literal["ExternalAddress"] = "ExternalAddress"
    address_id: Filled255
    address: PhysicalAddress


Address: TypeAlias = Annotated[PhysicalAddress | ExternalAddress, Field(discriminator="address_type")]


class Region(AmazonBody):
    attribute_type: Literal["Region"] = "Region"
    region: Marketplace


class PurchaseOrderNumber(AmazonBody):
    """The model allows 255 characters; the guide 30, and that is where integrators cut it."""

    attribute_type: Literal["PurchaseOrderNumber"] = "PurchaseOrderNumber"
    purchase_order_number: Annotated[Filled, Field(max_length=30)]


class UserEmail(AmazonBody):
    user_reference_type: Literal["UserEmail"] = "UserEmail"
    email_address: Filled


class BuyerReference(AmazonBody):
    """The user must be in the buying group."""

    attribute_type: Literal["BuyerReference"] = "BuyerReference"
    user_reference: UserEmail


class GroupIdentity(AmazonBody):
    group_reference_type: Literal["GroupIdentity"] = "GroupIdentity"
    identifier: Filled


class BuyingGroupReference(AmazonBody):
    attribute_type: Literal["BuyingGroupReference"] = "BuyingGroupReference"
    group_reference: GroupIdentity


class StoredPaymentMethod(AmazonBody):
    payment_method_reference_type: Literal["StoredPaymentMethod"] = "StoredPaymentMethod"


class SelectedPaymentMethodReference(AmazonBody):
    """The payment method stored for the group."""

    attribute_type: Literal["SelectedPaymentMethodReference"] = "SelectedPaymentMethodReference"
    payment_method_reference: StoredPaymentMethod = StoredPaymentMethod()


class ShippingAddress(AmazonBody):
    """At order level for every line that names none of its own."""

    attribute_type: Literal["ShippingAddress"] = "ShippingAddress"
    address: Address


class BillingAddress(AmazonBody):
    """Pay by Invoice only; otherwise the payment method's own address holds."""

    attribute_type: Literal["BillingAddress"] = "BillingAddress"
    address: Address


class DeliveryPreference(AmazonBody):
    attribute_type: Literal["DeliveryPreference"] = "DeliveryPreference"
    ship_preference: Literal["FAST_FREE", "CONSOLIDATED", "EXPEDITED_PAID"]


class TrialMode(AmazonBody):
    """Everything is checked, tax and shipping included, and nothing is ordered."""

    attribute_type: Literal["TrialMode"] = "TrialMode"


class ProductIdentifier(AmazonBody):
    """`id` is the ASIN."""

    product_reference_type: Literal["ProductIdentifier"] = "ProductIdentifier"
    id: Filled


class SelectedProductReference(AmazonBody):
    attribute_type: Literal["SelectedProductReference"] = "SelectedProductReference"
    product_reference: ProductIdentifier


class BuyingOptionIdentifier(AmazonBody):
    """`id` is the offer's: opaque and long."""

    buying_option_reference_type: Literal["BuyingOptionIdentifier"] = "BuyingOptionIdentifier"
    id: Filled


class SelectedBuyingOptionReference(AmazonBody):
    attribute_type: Literal["SelectedBuyingOptionReference"] = "SelectedBuyingOptionReference"
    buying_option_reference: BuyingOptionIdentifier


class Segment(AmazonBody):
    id: Filled255
    type: Filled255
    description: Filled255


class Accounting(AmazonBody):
    name: Filled255
    segments: tuple[Segment, ...] = Field(min_length=1, max_length=15)


class DistributionCharge(AmazonBody):
    amount: Amount


class Distribution(AmazonBody):
    """One share of a line's cost and where it is booked; a split line has several. Echoed on e-invoices."""

    attribute_type: Literal["Distribution"] = "Distribution"
    accounting: Accounting
    charge: DistributionCharge


class AuxiliaryValue(AmazonBody):
    value: Filled100


class Auxiliary(AmazonBody):
    """The model's list of required fields wrongly says `auxiliaryValues`."""

    attribute_type: Literal["Auxiliary"] = "Auxiliary"
    values: dict[str, AuxiliaryValue] = Field(max_length=30)


class ExpectedUnitPrice(AmazonBody):
    """The most a unit may cost, within the buying group's own tolerance."""

    expectation_type: Literal["ExpectedUnitPrice"] = "ExpectedUnitPrice"
    amount: Amount


class ExpectedCharge(AmazonBody):
    expectation_type: Literal["ExpectedCharge"] = "ExpectedCharge"
    amount: Amount
    source: ChargeSource


OrderAttribute: TypeAlias = Annotated[
    Region
    | PurchaseOrderNumber
    | BuyerReference
    | BuyingGroupReference
    | SelectedPaymentMethodReference
    | ShippingAddress
    | BillingAddress
    | DeliveryPreference
    | TrialMode
    | Auxiliary,
    Field(discriminator="attribute_type"),
]
LineAttribute: TypeAlias = Annotated[
    SelectedProductReference | SelectedBuyingOptionReference | ShippingAddress | Distribution | Auxiliary,
    Field(discriminator="attribute_type"),
]
Expectation: TypeAlias = Annotated[ExpectedUnitPrice | ExpectedCharge, Field(discriminator="expectation_type")]
ALWAYS = (Region, PurchaseOrderNumber, BuyerReference, BuyingGroupReference, SelectedPaymentMethodReference)


class RequestLine(AmazonBody):
    """`external_id` is the PO line's number, in units of the product."""

    external_id: Annotated[Filled, Field(max_length=127)]
    quantity: Annotated[StrictInt, Field(ge=1)]
    attributes: tuple[LineAttribute, ...]
    expectations: tuple[Expectation, ...] = ()

    @model_validator(mode="after")
    def _one_product(self) -> "RequestLine":
        names = [one.attribute_type for one in self.attributes if not isinstance(one, Distribution)]
        refuse_repeated(names)
        refuse_repeated(map(expected, self.expectations))
        if "SelectedProductReference" not in names:
            raise ValueError("a line names its product by SelectedProductReference")
        return self


class PlaceOrderRequest(AmazonBody):
    """`external_id` is our key of the order, the one by which `orderDetails` knows it."""

    external_id: Filled255
    line_items: tuple[RequestLine, ...]
    attributes: tuple[OrderAttribute, ...]
    expectations: tuple[Expectation, ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> "PlaceOrderRequest":
        if not 1 <= len(self.line_items) <= MOST_LINES:
            raise ValueError(f"an order has 1 to {MOST_LINES} lines, not {len(self.line_items)}")
        refuse_repeated(one.attribute_type for one in self.attributes)
        refuse_repeated(map(expected, self.expectations))
        refuse_repeated((line.external_id for line in self.line_items), "line")
        names = {one.attribute_type for one in self.attributes}
        if missing := [one.__name__ for one in ALWAYS if one.__name__ not in names]:
            raise ValueError(f"an order needs {', '.join(missing)}")
        if "ShippingAddress" not in names and not all(map(ships_somewhere, self.line_items)):
            raise ValueError("an order needs ShippingAddress, or each of its lines one of its own")
        if len(currencies := sorted(set(_currencies(self.body())))) > 1:
            raise ValueError(f"the amounts of an order are in one currency, not in {', '.join(currencies)}")
        return self

    @property
    def trial(self) -> bool:
        """Whether this only asks what would happen."""
        return any(isinstance(one, TrialMode) for one in self.attributes)


def ships_somewhere(line: RequestLine) -> bool:
    return any(isinstance(one, ShippingAddress) for one in line.attributes)


def expected(expectation: ExpectedUnitPrice | ExpectedCharge) -> str:
    """What an expectation is about: two about the same contradict each other."""
    source = f" of {expectation.source}" if isinstance(expectation, ExpectedCharge) else ""
    return expectation.expectation_type + source


def refuse_repeated(names: Iterable[str], what: str = "") -> None:
    if repeated := [name for name, count in Counter(names).items() if count > 1]:
        raise ValueError(f"given more than once: {f'{what} ' if what else ''}{', '.join(repeated)}")


def _currencies(value: object) -> Iterator[str]:
    match value:
        case Mapping():
            for name, one in value.items():
                if name == "currencyCode":
                    yield one
                else:
                    yield from _currencies(one)
        case list() | tuple():
            for one in value:
                yield from _currencies(one)
