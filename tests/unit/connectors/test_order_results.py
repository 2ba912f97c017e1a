"""Amazon's verdict on an order, read as it comes."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.amazon_business.order_results import AcceptedItem, Artifact, OrderResult, Price, ResultLine
from tests.unit.connectors.orders import PLACED_TEXT, SHIPPED_TEXT, parsed, usd


def accepted(*items: Any) -> ResultLine:
    return ResultLine.model_validate({"externalId": "1", "acceptedItems": list(items), "rejectedItems": []})


def ordered_as(order_id: str) -> dict[str, Any]:
    return {"acceptanceArtifactType": "OrderIdentifier", "identifier": order_id}


def single(quantity: Any, *artifacts: Any) -> dict[str, Any]:
    return {"acceptedItemType": "SingleAcceptedItem", "quantity": quantity, "artifacts": list(artifacts)}


def group(quantity: int, items: list[Any], *artifacts: Any) -> dict[str, Any]:
    return {
        "acceptedItemType": "AcceptedItemGroup",
        "quantity": quantity,
        "items": items,
        "artifacts": list(artifacts),
    }


def test_the_references_answer_to_an_order_is_two_accepted_and_one_rejected() -> None:
    result = OrderResult.model_validate(parsed(PLACED_TEXT))
    [line] = result.line_items
    [item], [refused] = line.accepted_items, line.rejected_items
    assert (line.external_id, line.accepted, line.rejected) == ("1", 2, 1)
    assert (item.order_id, item.unit_price) == ("112-1111111-2222222", Price(Decimal("19.99"), "USD"))
    assert item.promised == (datetime(2026, 3, 4, 3, tzinfo=UTC), datetime(2026, 3, 5, 3, tzinfo=UTC))
    assert item.shipments == ()
    assert [artifact.type for artifact in refused.artifacts] == ["UnavailableQuantity", "RejectionMessage"]
    assert refused.artifacts[0].units() == 1
    assert refused.artifacts[1].text("message") == "Only part of the quantity is available."
    assert result.signed
    assert result.order_ids == ("112-1111111-2222222",)


def test_the_references_order_after_shipping_says_what_was_shipped() -> None:
    result = OrderResult.model_validate(parsed(SHIPPED_TEXT))
    [item] = result.line_items[0].accepted_items
    assert item.shipments == (("401000000000001", 2, ("TBA000000000001",)),)
    assert (item.unit_price, item.promised) == (None, None)
    assert [artifact.type for artifact in result.acceptance_artifacts] == ["Signed", "Shipment"]


def test_artifacts_keep_what_amazon_said_known_or_not() -> None:
    raw = {"rejectionArtifactType": "SomethingNew", "boundary": usd("20"), "why": {"deep": [1]}}
    artifact = Artifact.model_validate(raw)
    assert (artifact.type, artifact.raw) == ("SomethingNew", raw)
    assert artifact.price("boundary") == Price(Decimal("20"), "USD")
    assert Artifact.model_validate({"odd": 1}).type == ""


def test_a_result_leaves_as_it_came() -> None:
    raw = parsed(PLACED_TEXT)
    dumped = OrderResult.model_validate(raw).model_dump(by_alias=True)
    assert dumped["acceptanceArtifacts"] == ({"acceptanceArtifactType": "Signed"},)
    assert OrderResult.model_validate(dumped) == OrderResult.model_validate(raw)


def test_a_group_counts_its_quantity_times_its_items() -> None:
    line = accepted(group(3, [single(2, ordered_as("112-1")), single(1, ordered_as("112-2"))]), single(1))
    assert [(item.quantity, item.order_id) for item in line.accepted_items] == [
        (6, "112-1"),
        (3, "112-2"),
        (1, None),
    ]
    assert line.accepted == 10


def test_what_a_group_says_holds_for_its_items_and_its_charges_are_counted_once() -> None:
    price = {"acceptanceArtifactType": "UnitPrice", "amount": usd("5")}
    charge = {"acceptanceArtifactType": "Charge", "category": "SHIPPING", "type": "PRINCIPAL", "amount": usd("4")}
    own = {"acceptanceArtifactType": "UnitPrice", "amount": usd("6")}
    line = accepted(group(2, [single(1), single(1, own)], ordered_as("112-9"), price, charge))
    assert [item.order_id for item in line.accepted_items] == ["112-9", "112-9"]
    assert [item.unit_price for item in line.accepted_items] == [(Decimal(5), "USD"), (Decimal(6), "USD")]
    assert sum(artifact.type == "Charge" for item in line.accepted_items for artifact in item.artifacts) == 1


def test_groups_within_groups_multiply() -> None:
    assert accepted(group(2, [group(3, [single(4)])])).accepted == 24


def test_a_group_without_items_counts_as_it_stands() -> None:
    assert accepted(group(2, [])).accepted == 2


def test_answers_older_than_the_item_type_are_read() -> None:
    line = accepted({"quantity": 2, "artifacts": [ordered_as("112-1")]}, {"quantity": 2, "items": [{"quantity": 3}]})
    assert [item.quantity for item in line.accepted_items] == [2, 6]


@pytest.mark.parametrize("lists", [{}, {"acceptanceArtifacts": None, "rejectionArtifacts": None}])
def test_lists_that_are_missing_are_empty(lists: dict[str, Any]) -> None:
    result = OrderResult.model_validate({"lineItems": [{"externalId": "1", "acceptedItems": None}], **lists})
    assert (result.acceptance_artifacts, result.rejection_artifacts, result.signed) == ((), (), False)
    assert (result.line_items[0].accepted, result.line_items[0].rejected) == (0, 0)


def test_an_order_refused_as_a_whole_has_its_reasons() -> None:
    reason = {"rejectionArtifactType": "RejectionCode", "code": "BUDGET"}
    result = OrderResult.model_validate({"lineItems": [], "acceptanceArtifacts": [], "rejectionArtifacts": [reason]})
    assert (result.signed, result.order_ids) == (False, ())
    assert result.rejection_artifacts[0].text("code") == "BUDGET"


def test_one_line_may_be_spread_over_several_orders() -> None:
    line = accepted(single(1, ordered_as("112-2")), single(2, ordered_as("112-1")), single(1, ordered_as("112-2")))
    result = OrderResult(line_items=(line,))
    assert result.order_ids == ("112-2", "112-1")
    assert line.accepted == 4


@pytest.mark.parametrize(
    "artifact",
    [
        {"acceptanceArtifactType": "UnitPrice"},
        {"acceptanceArtifactType": "UnitPrice", "amount": {"amount": "x", "currencyCode": "USD"}},
        {"acceptanceArtifactType": "UnitPrice", "amount": {"amount": 5}},
        {"acceptanceArtifactType": "DeliveryTimeRange", "lowerBoundary": "soon", "upperBoundary": None},
        {"acceptanceArtifactType": "ShipmentGroup", "packageReferences": "none"},
        {"acceptanceArtifactType": "OrderIdentifier", "identifier": ""},
    ],
)
def test_a_detail_that_cannot_be_read_loses_no_order(artifact: dict[str, Any]) -> None:
    [item] = accepted(single(2, artifact)).accepted_items
    assert (item.quantity, item.order_id, item.unit_price, item.shipments) == (2, None, None, ())
    assert item.promised in (None, (None, None))
    assert item.artifacts[0].raw == artifact


def test_dates_come_as_text_or_wrapped() -> None:
    wrapped = {
        "acceptanceArtifactType": "DeliveryTimeRange",
        "lowerBoundary": {"date": "2026-03-04T03:00:00Z"},
        "upperBoundary": "2026-03-05T03:00:00+01:00",
    }
    item = AcceptedItem.model_validate(single(1, wrapped))
    assert item.promised == (datetime(2026, 3, 4, 3, tzinfo=UTC), datetime(2026, 3, 5, 2, tzinfo=UTC))


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"errors": [{"code": "x", "message": "y"}]},
        {"lineItems": None},
        {"lineItems": [{"acceptedItems": []}]},
        {"lineItems": [{"externalId": "1", "acceptedItems": [single(-1)]}]},
        {"lineItems": [{"externalId": "1", "acceptedItems": [single(Decimal("1.5"))]}]},
        {"lineItems": [{"externalId": "1", "acceptedItems": [group(1, [{"artifacts": []}])]}]},
        {"lineItems": [{"externalId": "1", "acceptedItems": [group(1, ["item"])]}]},
        {"lineItems": [{"externalId": "1", "acceptedItems": 7}]},
        {"lineItems": [{"externalId": "1", "acceptedItems": [single(1, "artifact")]}]},
        [],
    ],
)
def test_what_is_no_verdict_is_refused(raw: Any) -> None:
    with pytest.raises(ValidationError):
        OrderResult.model_validate(raw)
