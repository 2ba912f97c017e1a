"""The description of a call."""

import pytest

from connectors.amazon_business import operations as amazon
from connectors.http import Permit
from connectors.limits import Bucket
from connectors.operations import Operation, by_name, owned_bucket


def test_placeholders_are_filled_with_one_escaped_segment() -> None:
    operation = Operation("x", "GET", "/a/{id}/b/{word}", Bucket("b", 1, 1), read=True)
    assert operation.at(id=7, word="a/b c") == "/a/7/b/a%2Fb%20c"
    with pytest.raises(KeyError):
        operation.at(id=7)


def test_a_bucket_carries_its_owner_and_the_connections_share() -> None:
    bucket = owned_bucket(amazon.GET_ORDERS, "acme", 1)
    assert bucket == Bucket("amazon_business/acme/getOrderReports", 0.5, 10)
    assert owned_bucket(amazon.GET_ORDERS, "acme", 4) == Bucket("amazon_business/acme/getOrderReports", 2, 40)


def test_two_operations_cannot_share_a_name() -> None:
    with pytest.raises(ValueError, match="two operations"):
        by_name([amazon.GET_ORDERS, amazon.GET_ORDERS])


def test_of_amazons_operations_only_an_order_writes() -> None:
    assert [operation.name for operation in amazon.ALL_OPERATIONS if not operation.read] == ["placeOrder"]


def test_a_permit_fits_its_bucket_only() -> None:
    permit = Permit("one", None, lambda: None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="good for one write"):
        permit.use("one")
    other = Permit("one", object(), lambda: None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="for one, not for two"):
        other.use("two")
