"""The life of an access token."""

import time

import pytest

from connectors.auth import TokenSource
from connectors.errors import AuthError, TransientError, UnexpectedResponse
from connectors.retries import Patience
from connectors.wire import Timeouts, Wire
from tests.unit.connectors.scripted_vendor import Step, Vendor, answer, drop, html, raw

QUICK = Patience(attempts=3, seconds=2.0, first_pause=0.01, longest_pause=0.02)


def source(
    vendor: Vendor, *, early: float = 60.0, activation: float = 0.0, slept: list[float] | None = None
) -> TokenSource:
    def sleep(seconds: float) -> None:
        if slept is not None:
            slept.append(seconds)

    wire = Wire(timeouts=Timeouts(connect=1.0, read=0.5, total=1.0), user_agent="test")
    form = {"grant_type": "client_credentials", "client_secret": "hush", "scope": "core.invoice.read"}
    return TokenSource(
        wire=wire,
        url=f"{vendor.url}/oauth2/token",
        form=form,
        early=early,
        activation=activation,
        patience=QUICK,
        sleep=sleep,
    )


def issued(lifetime: object) -> Step:
    return answer({"access_token": "fresh", "expires_in": lifetime})


def test_credentials_travel_as_a_form_and_never_in_the_address(vendor: Vendor) -> None:
    source(vendor).current()
    call = vendor.token_calls[0]
    assert call.body == {"grant_type": "client_credentials", "client_secret": "hush", "scope": "core.invoice.read"}
    assert call.query == {}
    assert "authorization" not in call.headers


def test_a_token_is_kept_while_it_lives(vendor: Vendor) -> None:
    tokens = source(vendor)
    assert tokens.current() is tokens.current()
    assert len(vendor.token_calls) == 1


def test_a_token_is_replaced_before_its_end(vendor: Vendor) -> None:
    vendor.token_then(issued(1.0), issued(1.0))
    tokens = source(vendor, early=0.9)  # at most a fifth of its life early: usable for 0.8 s
    first = tokens.current()
    assert tokens.current() is first
    time.sleep(0.85)
    assert tokens.current() is not first


@pytest.mark.parametrize("lifetime", [None, "", "soon", "3600", [1]])
def test_a_lifetime_that_is_missing_or_odd_counts_as_an_hour(vendor: Vendor, lifetime: object) -> None:
    vendor.token_then(issued(lifetime))
    token = source(vendor).current()
    assert 3400 < token.stale_at - token.fetched <= 3600


def test_only_a_refused_token_is_replaced_and_only_once(vendor: Vendor) -> None:
    tokens = source(vendor)
    first = tokens.current()
    tokens.refuse(first)
    second = tokens.current()
    tokens.refuse(first)
    assert tokens.current() is second
    assert second.after_refusal
    assert len(vendor.token_calls) == 2


def test_a_renewed_token_gets_the_time_the_vendor_needs_to_activate_it(vendor: Vendor) -> None:
    slept: list[float] = []
    tokens = source(vendor, activation=5.0, slept=slept)
    tokens.refuse(tokens.current())
    assert slept == []
    tokens.current()
    assert slept == [5.0]


def test_a_token_the_vendor_took_has_proven_itself(vendor: Vendor) -> None:
    tokens = source(vendor)
    tokens.refuse(tokens.current())
    renewed = tokens.current()
    tokens.accept(renewed)
    assert tokens.current().value == renewed.value
    assert not tokens.current().after_refusal
    tokens.refuse(renewed)
    assert tokens.current().value != renewed.value


def test_a_token_call_is_repeated_through_faults(vendor: Vendor) -> None:
    vendor.token_then(html(503), drop)
    assert source(vendor).current().value == "secret-token-3"


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (answer({"error": "invalid_client"}, status=401), AuthError),
        (answer({"error": "invalid_scope"}, status=400), AuthError),
        (html(403), AuthError),
        (answer({"error": "slow_down"}, status=429, headers={"Retry-After": "60"}), TransientError),
        (answer({"error": "server_error"}, status=501), TransientError),
        (answer({"token": "elsewhere"}), UnexpectedResponse),
        (answer(["list"]), UnexpectedResponse),
        (raw(b"", status=302), UnexpectedResponse),
        (html(200), UnexpectedResponse),
    ],
)
def test_a_token_that_is_not_given_says_who_must_act(vendor: Vendor, step: Step, error: type[Exception]) -> None:
    vendor.token_then(step)
    with pytest.raises(error, match="^token: "):
        source(vendor).current()


def test_a_token_server_that_stays_silent_is_transient(vendor: Vendor) -> None:
    vendor.token_then(drop, drop, drop)
    with pytest.raises(TransientError, match="no answer"):
        source(vendor).current()


def test_neither_token_nor_credentials_show(vendor: Vendor) -> None:
    tokens = source(vendor)
    assert "secret-token" not in repr(tokens.current())
    assert "hush" not in repr(tokens)
    assert set(tokens.secrets) == {"hush", "secret-token-1"}
