"""What every client must do, whoever the vendor: one suite, both clients."""

import logging
import threading
import time
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.errors import (
    AuthError,
    ConnectorError,
    NotFound,
    NotSent,
    RejectedError,
    TransientError,
    UncertainOutcome,
    UnexpectedResponse,
)
from tests.unit.connectors.conformance_clients import (
    Client,
    amazon_client,
    coupa_client,
)
from tests.unit.connectors.scripted_vendor import (
    CLIENT_ID,
    CLIENT_SECRET,
    REFRESH_TOKEN,
    Call,
    Handler,
    RecordingLimiter,
    Step,
    Vendor,
    answer,
    drip,
    drop,
    html,
    raw,
    silent,
)

SECRETS = (CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, "secret-token-1", "secret-token-2")
OK = {"id": 7, "transactions": []}


@pytest.fixture(params=[amazon_client, coupa_client], ids=["amazon_business", "coupa"])
def client(request: pytest.FixtureRequest, vendor: Vendor, limiter: RecordingLimiter) -> Client:
    vendor.usual = lambda call: OK
    made: Client = request.param(vendor.url, limiter)
    return made


def always(status: int | None, call: Call) -> int | None:
    return status


# Tokens


def test_a_refused_token_is_renewed_once_and_the_read_repeated(client: Client, vendor: Vendor) -> None:
    for status in client.refusals:
        before = len(vendor.calls)
        vendor.then(answer({"errors": ["expired"]}, status=status))
        client.read()
        first, second = vendor.calls[before:]
        assert first.token != second.token


def test_a_read_refused_with_a_new_token_too_is_an_auth_error_after_two_calls(client: Client, vendor: Vendor) -> None:
    for status in client.refusals:
        vendor.calls.clear()
        vendor.token_calls.clear()
        vendor.refuses = partial(always, status)
        with pytest.raises(AuthError) as caught:
            client.read()
        assert caught.value.status == status
        assert len(vendor.calls) == 2
        vendor.refuses = partial(always, None)


def test_one_token_serves_all_threads(client: Client, vendor: Vendor) -> None:
    threads = [threading.Thread(target=client.read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(vendor.calls) == 8
    assert len(vendor.token_calls) == 1


def test_threads_refused_together_share_one_renewal(client: Client, vendor: Vendor) -> None:
    client.read()
    vendor.refuses = lambda call: 401 if call.token == "secret-token-1" else None
    threads = [threading.Thread(target=client.read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(vendor.token_calls) == 2


def test_a_write_with_an_expired_token_was_not_sent_and_the_next_one_goes_through(
    client: Client, vendor: Vendor
) -> None:
    for status in client.refusals:
        vendor.then(answer({"errors": ["The access token has expired"]}, status=status))
        with pytest.raises(NotSent):
            client.write()
        assert client.write()["id"] == 7


def test_a_write_whose_renewed_token_is_refused_too_is_an_auth_error(client: Client, vendor: Vendor) -> None:
    vendor.refuses = lambda call: 401
    with pytest.raises(NotSent):
        client.write()
    with pytest.raises(AuthError):
        client.write()
    assert len(vendor.calls) == 2


def test_wrong_credentials_are_an_auth_error_before_any_call(client: Client, vendor: Vendor) -> None:
    vendor.token_then(answer({"error": "invalid_client", "error_description": "no"}, status=401))
    with pytest.raises(AuthError, match="invalid_client: no"):
        client.read()
    assert vendor.calls == []


# Rates


def test_a_read_obeys_retry_after_and_tells_the_limiter(
    client: Client, vendor: Vendor, limiter: RecordingLimiter
) -> None:
    client.read()
    vendor.then(answer({}, status=429, headers={"Retry-After": "1"}))
    began = time.monotonic()
    client.read()
    assert 1.0 <= time.monotonic() - began < 2.0
    assert limiter.pushed_back == [(limiter.taken[-1], 1.0)]


def test_a_retry_after_beyond_patience_is_handed_on_at_once(client: Client, vendor: Vendor) -> None:
    vendor.then(answer({}, status=429, headers={"Retry-After": "3600"}))
    with pytest.raises(TransientError) as caught:
        client.read()
    assert caught.value.retry_after == 3600
    assert len(vendor.calls) == 1


def test_a_write_met_by_429_was_not_sent_and_is_not_repeated(
    client: Client, vendor: Vendor, limiter: RecordingLimiter
) -> None:
    vendor.then(answer({"errors": ["Too many"]}, status=429, headers={"Retry-After": "2"}))
    with pytest.raises(NotSent) as caught:
        client.write()
    assert caught.value.retry_after == 2
    assert len(vendor.calls) == 1
    assert limiter.pushed_back[0][1] == 2


def test_every_attempt_takes_a_permit_from_its_bucket(
    client: Client, vendor: Vendor, limiter: RecordingLimiter
) -> None:
    vendor.then(html(503), html(503))
    client.read()
    assert len(limiter.taken) == len(vendor.calls) == 3


# Reads that fail


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_read_is_repeated_through_server_faults(client: Client, vendor: Vendor, status: int) -> None:
    vendor.then(answer({}, status=status, headers={"Retry-After": "0"}), html(500), drop)
    client.read()
    assert len(vendor.calls) == 4


def test_a_read_gives_up_after_its_attempts(client: Client, vendor: Vendor) -> None:
    vendor.then(*[html(500)] * 4)
    with pytest.raises(TransientError, match="HTML page"):
        client.read()
    assert len(vendor.calls) == 4


@pytest.mark.parametrize(("status", "error"), [(400, RejectedError), (404, NotFound), (422, RejectedError)])
def test_a_refused_read_is_not_repeated(
    client: Client, vendor: Vendor, status: int, error: type[ConnectorError]
) -> None:
    vendor.then(answer({"errors": ["No such thing"]}, status=status))
    with pytest.raises(error, match="No such thing"):
        client.read()
    assert len(vendor.calls) == 1


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        (html(200), "HTML page instead of JSON"),
        (raw(b'{"transactions": [', status=200), "not valid JSON"),
        (raw(b'{"id": NaN}'), "not valid JSON"),
        (raw(b'{"id": 1e99999999999999999999}'), "not valid JSON"),
        (raw(b"[" * 100_000), "not valid JSON"),
        (raw(b"<errors><error>x</error></errors>", kind="application/xml"), "XML instead of JSON"),
        (raw(b""), "empty"),
    ],
    ids=["html", "cut json", "nan", "absurd number", "deep nesting", "xml", "empty"],
)
def test_an_unreadable_answer_is_unexpected(client: Client, vendor: Vendor, step: Any, problem: str) -> None:
    vendor.then(step)
    with pytest.raises(UnexpectedResponse, match=problem):
        client.read()
    assert len(vendor.calls) == 1


def test_a_read_ends_in_time_when_the_vendor_drips_bytes(client: Client, vendor: Vendor) -> None:
    vendor.then(drip(10.0))
    began = time.monotonic()
    client.read()
    assert time.monotonic() - began < 3.0
    assert len(vendor.calls) == 2


def test_a_redirect_is_not_followed(client: Client, vendor: Vendor) -> None:
    vendor.then(raw(b"", status=302, headers={"Location": f"{vendor.url}/elsewhere"}))
    with pytest.raises(UnexpectedResponse):
        client.read()
    assert len(vendor.calls) == 1


# Writes


@pytest.mark.parametrize(
    "step",
    [
        drop,
        silent(0.6),
        drip(5.0),
        drip(5.0, headers=True),
        raw(b'{"id": 7', length=1000, status=201),
        raw(b'{"id": 7', status=201),
        raw(b"", status=201),
        html(200),
        html(500),
        answer({"errors": ["oops"]}, status=503),
        answer({}, status=504),
        answer({}, status=408),
        raw(b"", status=302, headers={"Location": "/login"}),
    ],
    ids=[
        "dropped", "silent", "dripped body", "dripped headers", "cut body", "cut json", "empty", "html 200", "html 500",
        "503", "504", "408", "redirect",
    ],
)  # fmt: skip
def test_a_write_of_unknown_fate_is_uncertain_and_never_repeated(client: Client, vendor: Vendor, step: Any) -> None:
    permit = client.edge.permit(client.write_operation)
    vendor.then(step)
    began = time.monotonic()
    with pytest.raises(UncertainOutcome):
        client.edge.write(client.write_operation, permit, path="/write", json={"number": "INV-1"})
    assert time.monotonic() - began < 1.5, "the total time-out is hard"
    time.sleep(0.1)
    assert len(vendor.calls) == 1


def test_a_write_that_finds_nobody_was_not_sent(client: Client, vendor: Vendor) -> None:
    permit = client.edge.permit(client.write_operation)
    client.edge._service = type(client.edge._service)(
        base_url="http://127.0.0.1:1", owner="x", sign=client.edge._service.sign
    )
    with pytest.raises(NotSent, match="NewConnectionError"):
        client.edge.write(client.write_operation, permit, json={})


def test_a_refused_write_says_why_in_the_vendors_words(client: Client, vendor: Vendor) -> None:
    vendor.then(answer({"errors": {"invoice_header": ["Number is taken", "Date is missing"]}}, status=400))
    with pytest.raises(RejectedError) as caught:
        client.write()
    assert caught.value.reasons == ("Number is taken", "Date is missing")
    assert len(vendor.calls) == 1


def test_a_write_without_the_right_to_it_is_an_auth_error(client: Client, vendor: Vendor) -> None:
    vendor.then(answer({"errors": ["The call needs another role"]}, status=403))
    with pytest.raises(AuthError, match="another role"):
        client.write()
    assert len(vendor.calls) == 1


def test_a_permit_is_good_for_one_write(client: Client) -> None:
    permit = client.edge.permit(client.write_operation)
    client.edge.write(client.write_operation, permit, json={})
    with pytest.raises(ValueError, match="one write"):
        client.edge.write(client.write_operation, permit, json={})


def test_after_its_permit_a_write_waits_for_nothing(client: Client, vendor: Vendor, limiter: RecordingLimiter) -> None:
    permit = client.edge.permit(client.write_operation)
    taken, tokens = len(limiter.taken), len(vendor.token_calls)
    assert (taken, tokens) == (1, 1)
    client.edge.write(client.write_operation, permit, json={})
    assert (len(limiter.taken), len(vendor.token_calls)) == (taken, tokens)


# Pages


def test_paging_ends(client: Client, vendor: Vendor) -> None:
    vendor.then(*(answer(client.page(n)) for n in (1, 2, 3)))
    assert len(client.pages()) == 3
    assert len(vendor.calls) == 3


def test_a_page_that_repeats_ends_in_an_error_that_names_the_operation(client: Client, vendor: Vendor) -> None:
    vendor.usual = lambda call: client.repeated()
    with pytest.raises(UnexpectedResponse, match=r"^(getTransactions|list_currencies): .*repeats"):
        client.pages()
    assert len(vendor.calls) == 2


@pytest.mark.parametrize("body", ["text", 7, [["row"]], {"transactions": ["row"]}, {"transactions": {"a": 1}}, ["row"]])
def test_rows_that_are_no_objects_are_unexpected(client: Client, vendor: Vendor, body: Any) -> None:
    vendor.usual = lambda call: body
    with pytest.raises(UnexpectedResponse):
        client.pages()


# Exactness and secrecy


def test_numbers_with_a_point_arrive_exact(client: Client, vendor: Vendor) -> None:
    vendor.then(raw(b'{"id": 7, "transactions": [{"amount": 0.1}], "price": 0.1}'))
    body = client.read()
    price = body[0][0]["amount"] if isinstance(body, list) else body["price"]
    assert type(price) is Decimal
    assert price == Decimal("0.1")


def test_a_float_is_refused_for_money(client: Client) -> None:
    with pytest.raises(ValidationError, match="not a float"):
        client.money_model.model_validate(client.money_fields)


def test_no_secret_is_in_any_log_record_or_exception(
    client: Client, vendor: Vendor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    def echo(status: int) -> Step:
        """A vendor that tells us our own secrets, the token of this very call included."""

        def step(handler: Handler) -> None:
            said = f"bad token secret-token-{len(vendor.token_calls)} {' '.join(SECRETS[:3])} for body INV-1"
            answer({"errors": [said]}, status=status)(handler)

        return step

    texts = []
    for action in (client.read, client.write):
        for step in (echo(400), echo(403), echo(500), html(500), drop):
            vendor.then(*[step] * 4)
            with pytest.raises(ConnectorError) as caught:
                action()
            texts += [str(caught.value), repr(caught.value), str(caught.value.__cause__)]
            vendor.script.clear()
    vendor.token_then(*[answer({"error": "invalid_grant", "error_description": " ".join(SECRETS[:4])}, status=400)] * 2)
    vendor.refuses = lambda call: 401
    with pytest.raises(AuthError) as caught:
        client.read()
    texts += [str(caught.value), repr(client.edge), repr(client.edge._tokens)]
    texts += [f"{record.getMessage()} {record.__dict__}" for record in caplog.records]
    assert len(texts) > 40
    for secret in SECRETS:
        assert not [text for text in texts if secret in text]


def test_a_vendors_message_is_cut(client: Client, vendor: Vendor) -> None:
    vendor.then(answer({"errors": ["long " * 2_000_000]}, status=400))
    with pytest.raises(RejectedError) as caught:
        client.read()
    assert len(str(caught.value)) < 400
