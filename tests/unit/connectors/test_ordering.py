"""Orders at Amazon Business: one attempt, on behalf of a user, and an answer that is never taken for more than it says."""

from collections.abc import Callable
from typing import Any

import pytest

from connectors.amazon_business.client import AmazonBusiness
from connectors.amazon_business.operations import OPERATIONS
from connectors.amazon_business.order_requests import PlaceOrderRequest
from connectors.answers import read_json
from connectors.errors import AuthError, NotSent, RejectedError, TransientError, UncertainOutcome, UnexpectedResponse
from connectors.limits import Bucket, LocalLimiter
from tests.unit.connectors.orders import ORDER_TEXT, PLACED_TEXT, SHIPPED_TEXT, order, order_line, sent
from tests.unit.connectors.scripted_vendor import (
    RecordingLimiter,
    Step,
    Vendor,
    answer,
    connect_amazon,
    drop,
    html,
    raw,
    silent,
)

UNKNOWN = {"errors": [{"code": "NOT_FOUND", "message": "No order with this externalId."}]}


def place(amazon: AmazonBusiness, request: Any = None) -> Any:
    return amazon.place_order(request or order(), amazon.permit("placeOrder"))


def test_an_order_is_one_call_with_exactly_this_body(
    amazon: AmazonBusiness, vendor: Vendor, limiter: RecordingLimiter
) -> None:
    vendor.usual = lambda call: sent(PLACED_TEXT)
    result = place(amazon)
    [call] = vendor.calls
    assert (call.method, call.path, call.query) == ("POST", "/ordering/2022-10-30/orders", {})
    assert call.body == sent(ORDER_TEXT)
    assert call.headers["x-amz-user-email"] == "buyer@example.com"
    assert limiter.taken == ["amazon_business/acme-us/placeOrder"]
    assert (result.order_ids, result.line_items[0].accepted) == (("112-1111111-2222222",), 2)


def test_a_ready_request_and_one_kept_as_json_order_the_same(amazon: AmazonBusiness, vendor: Vendor) -> None:
    vendor.usual = lambda call: sent(PLACED_TEXT)
    request = PlaceOrderRequest.model_validate(order())
    place(amazon, request)
    place(amazon, read_json(request.model_dump_json(by_alias=True, exclude_none=True).encode()))
    assert vendor.calls[0].body == vendor.calls[1].body == sent(ORDER_TEXT)


def test_a_full_refusal_is_an_answer_not_an_error(amazon: AmazonBusiness, vendor: Vendor) -> None:
    reason = {"rejectionArtifactType": "RejectionMessage", "message": "The group may not order."}
    vendor.usual = lambda call: {"lineItems": [], "acceptanceArtifacts": [], "rejectionArtifacts": [reason]}
    result = place(amazon)
    assert (result.signed, result.rejection_artifacts[0].raw) == (False, reason)


def test_an_order_that_breaks_our_model_is_refused_with_every_problem_and_never_sent(
    amazon: AmazonBusiness, vendor: Vendor
) -> None:
    released = []
    permit = amazon.permit("placeOrder")
    permit._release = lambda: released.append(True)
    broken = order(externalId="", lineItems=[order_line(quantity=0)])
    with pytest.raises(RejectedError) as caught:
        amazon.place_order(broken, permit)
    assert len(caught.value.reasons) == 2
    assert caught.value.operation == "placeOrder"
    assert (vendor.calls, released) == ([], [True])


@pytest.mark.parametrize(
    "step",
    [
        answer({"errors": [{"code": "InternalFailure", "message": "oops"}]}, status=500),
        html(503),
        answer({}, status=504),
        silent(0.6),
        drop,
        raw(b'{"lineItems": [', status=200),
        raw(PLACED_TEXT.encode()[:200], length=len(PLACED_TEXT)),
        answer({}),
        answer([]),
        answer({"lineItems": [{"externalId": "1", "acceptedItems": [{"quantity": "two"}]}]}),
    ],
    ids=["500", "503 page", "504", "silent", "dropped", "cut json", "cut body", "empty", "list", "no quantity"],
)
def test_an_order_whose_fate_is_not_known_is_uncertain_and_never_repeated(
    amazon: AmazonBusiness, vendor: Vendor, step: Step
) -> None:
    vendor.then(step)
    with pytest.raises(UncertainOutcome, match=r"^placeOrder: "):
        place(amazon)
    assert len(vendor.calls) == 1


def test_an_expired_token_renews_once_and_the_order_was_not_sent(amazon: AmazonBusiness, vendor: Vendor) -> None:
    vendor.usual = lambda call: sent(PLACED_TEXT)
    vendor.then(
        answer({"errors": [{"code": "Unauthorized", "message": "The access token has expired."}]}, status=403),
    )
    with pytest.raises(NotSent):
        place(amazon)
    assert place(amazon).signed
    assert [call.token for call in vendor.calls] == ["secret-token-1", "secret-token-2"]


def test_a_missing_role_is_an_auth_error(amazon: AmazonBusiness, vendor: Vendor) -> None:
    vendor.then(answer({"errors": [{"code": "Unauthorized", "message": "Email is not authorized"}]}, status=403))
    with pytest.raises(AuthError, match="Email is not authorized"):
        place(amazon)


@pytest.mark.parametrize("status", [400, 404, 415])
def test_a_refused_order_says_why_in_amazons_words(amazon: AmazonBusiness, vendor: Vendor, status: int) -> None:
    problem = {"code": "INVALID_REQUEST_PARAMETER", "message": "The externalId was used for another order."}
    vendor.then(answer({"errors": [problem]}, status=status))
    with pytest.raises(RejectedError) as caught:
        place(amazon)
    assert caught.value.reasons == ("INVALID_REQUEST_PARAMETER: The externalId was used for another order.",)
    assert len(vendor.calls) == 1


def test_over_the_rate_nothing_was_sent(amazon: AmazonBusiness, vendor: Vendor) -> None:
    vendor.then(answer({"errors": [{"code": "QuotaExceeded", "message": "slow down"}]}, status=429))
    with pytest.raises(NotSent):
        place(amazon)
    assert len(vendor.calls) == 1


# What became of it


def test_an_order_is_asked_for_by_our_key(amazon: AmazonBusiness, vendor: Vendor, limiter: RecordingLimiter) -> None:
    vendor.then(html(503))  # a read: repeated
    vendor.usual = lambda call: sent(SHIPPED_TEXT)
    result = amazon.order_details("PO 45/001-1-1")
    assert result is not None
    assert result.line_items[0].accepted_items[0].shipments[0].shipment_id == "401000000000001"
    assert vendor.calls[1].path == "/ordering/2022-10-30/orders/PO%2045%2F001-1-1"
    assert vendor.calls[1].headers["x-amz-user-email"] == "buyer@example.com"
    assert limiter.taken == ["amazon_business/acme-us/orderDetails"] * 2


def test_an_order_amazon_says_it_does_not_know_is_none(amazon: AmazonBusiness, vendor: Vendor) -> None:
    vendor.then(answer(UNKNOWN, status=404))
    assert amazon.order_details("4500123-1-1") is None


@pytest.mark.parametrize(
    "step", [html(404), raw(b"", status=404), answer({}, status=404)], ids=["page", "empty", "no reason"]
)
def test_a_bare_404_does_not_prove_that_there_is_no_order(amazon: AmazonBusiness, vendor: Vendor, step: Step) -> None:
    vendor.then(step)
    with pytest.raises(UnexpectedResponse, match="does not prove"):
        amazon.order_details("4500123-1-1")


def test_an_unknown_user_says_nothing_of_the_order(amazon: AmazonBusiness, vendor: Vendor) -> None:
    vendor.then(answer({"errors": [{"code": "EMAIL_ID_NOT_FOUND", "message": "No such user"}]}, status=404))
    with pytest.raises(AuthError, match="check user_email"):
        amazon.order_details("4500123-1-1")


def test_an_order_that_cannot_be_read_is_unexpected(amazon: AmazonBusiness, vendor: Vendor) -> None:
    vendor.usual = lambda call: {"lineItems": "none"}
    with pytest.raises(UnexpectedResponse, match=r"^orderDetails: lineItems"):
        amazon.order_details("4500123-1-1")


def test_an_order_cannot_be_asked_for_without_its_key(amazon: AmazonBusiness, vendor: Vendor) -> None:
    with pytest.raises(ValueError, match="externalId"):
        amazon.order_details(" ")
    assert vendor.calls == []


def test_an_outage_while_asking_is_transient(amazon: AmazonBusiness, vendor: Vendor) -> None:
    vendor.then(*[html(500)] * 4)
    with pytest.raises(TransientError):
        amazon.order_details("4500123-1-1")


# On behalf of whom, and how often

ON_BEHALF: dict[str, Callable[[AmazonBusiness], Any]] = {
    "permit": lambda amazon: amazon.permit("placeOrder"),
    "order details": lambda amazon: amazon.order_details("4500123-1-1"),
    "offers": lambda amazon: amazon.offers(["offer-abc"]),
    "products": lambda amazon: amazon.products(["B0SAMPLE01"]),
}


@pytest.mark.parametrize("name", ON_BEHALF)
def test_without_a_user_nothing_is_bought(amazon: AmazonBusiness, vendor: Vendor, name: str) -> None:
    amazon.user_email = " "
    with pytest.raises(ValueError, match=r"account 'acme-us' has no user_email: .* field user_email"):
        ON_BEHALF[name](amazon)
    assert vendor.calls == []


@pytest.mark.parametrize(
    "name",
    ["placeOrder", "orderDetails", "getProductsByAsins", "getOffersByOfferIds", "getPackageTrackingDetails"],
)
def test_each_call_of_buying_has_its_own_bucket_of_half_a_call_a_second(vendor: Vendor, name: str) -> None:
    declared: dict[str, Bucket] = {}

    class Listening(LocalLimiter):
        def declare(self, buckets: Any) -> None:
            declared.update({bucket.name: bucket for bucket in buckets})

    connect_amazon(vendor.url, Listening(), speed=1.0)
    assert declared[f"amazon_business/acme-us/{name}"] == Bucket(f"amazon_business/acme-us/{name}", 0.5, 10)
    assert OPERATIONS[name].read == (name != "placeOrder")


def test_a_permit_to_order_is_good_for_nothing_else(amazon: AmazonBusiness) -> None:
    with pytest.raises(KeyError):
        amazon.permit("cancelOrder")
    permit = amazon.permit("orderDetails")
    with pytest.raises(ValueError, match="this permit is for"):
        amazon.place_order(order(), permit)
