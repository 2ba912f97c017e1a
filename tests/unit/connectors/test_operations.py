"""The description of a call."""

import re

import pytest

from connectors.amazon_business import operations as amazon
from connectors.coupa import operations as coupa
from connectors.http import Permit
from connectors.limits import Bucket
from connectors.operations import Operation, by_name, owned_bucket
from tests.unit.connectors.test_coupa_orders import READS as ORDER_READS
from tests.unit.connectors.test_coupa_orders import WRITES as ORDER_WRITES
from tests.unit.connectors.test_coupa_reads import READS
from tests.unit.connectors.test_coupa_writes import WRITES


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


def test_every_call_of_coupa_is_shown_with_its_path_and_body() -> None:
    shown = {("GET", path) for _, path, _ in (READS | ORDER_READS).values()}
    shown |= {(method, path) for _, _, method, path, _ in (WRITES | ORDER_WRITES).values()}
    shown |= {("GET", f"{records}/7") for records in ("invoices", "purchase_orders", "requisitions", "tasks")}
    for operation in coupa.ALL_OPERATIONS:
        path = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(operation.path.removeprefix("/api/")))
        assert any(operation.method == method and re.fullmatch(path, one) for method, one in shown), operation.name
