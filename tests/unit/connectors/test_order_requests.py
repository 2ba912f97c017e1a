"""What leaves for `placeOrder` is complete, unambiguous and exact, or does not leave."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.amazon_business.order_requests import (
    Amount,
    Auxiliary,
    BillingAddress,
    DeliveryPreference,
    ExternalAddress,
    PhysicalAddress,
    PlaceOrderRequest,
    ProductIdentifier,
    RequestLine,
    SelectedProductReference,
    TrialMode,
)
from connectors.answers import write_json
from tests.unit.connectors.orders import ORDER_TEXT, order, order_line, parsed, usd, without

DOCK = order()["attributes"][-1]["address"]
TO_DOCK = {"attributeType": "ShippingAddress", "address": DOCK}


def expected_charge(source: str, amount: Any = 0) -> dict[str, Any]:
    return {"expectationType": "ExpectedCharge", "source": source, "amount": {"currencyCode": "USD", "amount": amount}}


def test_the_references_example_leaves_as_it_is_written() -> None:
    request = PlaceOrderRequest.model_validate(order())
    assert parsed(write_json(request.body())) == parsed(ORDER_TEXT)
    assert not request.trial


def test_amounts_leave_as_numbers_with_the_digits_they_were_given() -> None:
    amount = Amount.model_validate({"currencyCode": "USD", "amount": "19.90"})
    assert write_json(amount.body()) == '{"currencyCode": "USD", "amount": 19.90}'


def test_a_kept_order_reads_back_as_the_same_order() -> None:
    request = PlaceOrderRequest.model_validate(order())
    kept = request.kept()
    assert kept["lineItems"][0]["expectations"][0]["amount"]["amount"] == "19.99"
    assert PlaceOrderRequest.model_validate(kept) == request


def test_an_order_is_built_by_our_names_and_leaves_by_amazons() -> None:
    product = SelectedProductReference(product_reference=ProductIdentifier(id="B0X"))
    line = RequestLine(external_id="7", quantity=2, attributes=(product,))
    assert parsed(write_json(line.body())) == {
        "externalId": "7",
        "quantity": 2,
        "attributes": [
            {
                "attributeType": "SelectedProductReference",
                "productReference": {"productReferenceType": "ProductIdentifier", "id": "B0X"},
            }
        ],
        "expectations": [],
    }


def test_a_trial_says_so() -> None:
    trial = order(attributes=[*order()["attributes"], TrialMode().body()])
    assert PlaceOrderRequest.model_validate(trial).trial


def test_every_optional_attribute_can_be_sent() -> None:
    address = ExternalAddress(address_id="DOCK-7", address=PhysicalAddress.model_validate(DOCK))
    more = [
        BillingAddress(address=address).body(),
        DeliveryPreference(ship_preference="CONSOLIDATED").body(),
        Auxiliary.model_validate({"values": {"requester": {"value": "Jane"}}}).body(),
    ]
    request = PlaceOrderRequest.model_validate(order(attributes=[*order()["attributes"], *more]))
    assert request.body()["attributes"][-3]["address"]["addressId"] == "DOCK-7"
    assert request.body()["attributes"][-1]["values"] == {"requester": {"value": "Jane"}}


def test_lines_may_each_have_their_own_address() -> None:
    line = order_line(attributes=[*order_line()["attributes"], TO_DOCK])
    request = order(attributes=without("ShippingAddress"), lineItems=[line])
    assert PlaceOrderRequest.model_validate(request)


def test_a_split_line_names_several_shares_of_its_cost() -> None:
    attributes = order_line()["attributes"]
    line = RequestLine.model_validate(order_line(attributes=[*attributes, attributes[-1]]))
    assert len(line.attributes) == 4


@pytest.mark.parametrize("count", [1, 50])
def test_an_order_has_one_to_fifty_lines(count: int) -> None:
    lines = [order_line(str(n)) for n in range(count)]
    assert len(PlaceOrderRequest.model_validate(order(lineItems=lines)).line_items) == count


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"externalId": ""}, "externalId"),
        ({"externalId": "x" * 256}, "at most 255"),
        ({"externalId": " "}, "externalId"),
        ({"lineItems": []}, "1 to 50 lines, not 0"),
        ({"lineItems": [order_line(str(n)) for n in range(51)]}, "1 to 50 lines, not 51"),
        ({"lineItems": [order_line("1"), order_line("1")]}, "given more than once: line 1"),
        ({"lineItems": [order_line(quantity=0)]}, "greater than or equal to 1"),
        ({"lineItems": [order_line(quantity=Decimal("1.5"))]}, "quantity"),
        ({"lineItems": [order_line(quantity="2")]}, "quantity"),
        ({"lineItems": [order_line("x" * 128)]}, "at most 127"),
        ({"lineItems": [order_line(attributes=[])]}, "names its product"),
        ({"lineItems": [order_line(attributes=order_line()["attributes"][:1] * 2)]}, "more than once: SelectedProduct"),
        ({"lineItems": [order_line(attributes=[*order_line()["attributes"], {"attributeType": "TrialMode"}])]}, "tag"),
        ({"lineItems": [order_line(expectations=order_line()["expectations"] * 2)]}, "ExpectedUnitPrice"),
        ({"expectations": [expected_charge("SHIPPING")] * 2}, "more than once: ExpectedCharge of SHIPPING"),
        ({"expectations": [expected_charge("GIFT")]}, "SUBTOTAL"),
        ({"expectations": [expected_charge("TAX", 1.5)]}, "not a float"),
        ({"expectations": [expected_charge("TAX", -1)]}, "not negative"),
        ({"attributes": [*order()["attributes"], order()["attributes"][0]]}, "more than once: Region"),
        ({"attributes": without("ShippingAddress")}, "or each of its lines one of its own"),
        ({"poNumber": "4500123"}, "Extra inputs"),
    ],
)
def test_an_order_that_could_be_misread_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        PlaceOrderRequest.model_validate(order(**changes))


@pytest.mark.parametrize(
    "attribute",
    ["Region", "PurchaseOrderNumber", "BuyerReference", "BuyingGroupReference", "SelectedPaymentMethodReference"],
)
def test_an_order_names_everything_amazon_needs(attribute: str) -> None:
    with pytest.raises(ValidationError, match=f"an order needs {attribute}"):
        PlaceOrderRequest.model_validate(order(attributes=without(attribute)))


@pytest.mark.parametrize(("number", "fits"), [("4" * 30, True), ("4" * 31, False), ("", False)])
def test_a_po_number_has_at_most_thirty_characters(number: str, fits: bool) -> None:
    named = {"attributeType": "PurchaseOrderNumber", "purchaseOrderNumber": number}
    request = order(attributes=[*without("PurchaseOrderNumber"), named])
    if fits:
        assert PlaceOrderRequest.model_validate(request)
    else:
        with pytest.raises(ValidationError, match="purchaseOrderNumber"):
            PlaceOrderRequest.model_validate(request)


def test_an_order_is_in_one_currency() -> None:
    euros = {"expectationType": "ExpectedUnitPrice", "amount": usd("5") | {"currencyCode": "EUR"}}
    with pytest.raises(ValidationError, match="in one currency, not in EUR, USD"):
        PlaceOrderRequest.model_validate(order(lineItems=[order_line(expectations=[euros])]))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"stateOrRegion": None}, "names its state"),
        ({"countryCode": "us"}, "countryCode"),
        ({"fullName": ""}, "fullName"),
        ({"city": " "}, "city"),
        ({"addressLine2": "x" * 61}, "at most 60"),
        ({"street": "1 Example Way"}, "Extra inputs"),
    ],
)
def test_an_address_amazon_would_refuse_is_refused(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        PhysicalAddress.model_validate(DOCK | change)


def test_only_the_us_needs_a_state() -> None:
    berlin = {key: value for key, value in DOCK.items() if key != "stateOrRegion"} | {"countryCode": "DE"}
    assert "stateOrRegion" not in PhysicalAddress.model_validate(berlin).body()
