"""From the settings of a connection to a ready Amazon Business client."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from connectors.amazon_business.client import AmazonBusiness
from connectors.amazon_business.operations import ALL_OPERATIONS
from connectors.auth import TokenSource
from connectors.http import Edge, Service
from connectors.limits import Limiter
from connectors.retries import USUAL_PATIENCE, Patience
from connectors.wire import USUAL_TIMEOUTS, Timeouts, Wire

TOKEN_URL = "https://api.amazon.com/auth/o2/token"  # noqa: S105 - an address, no secret
RENEWED_EARLY = 60.0  # seconds before the hour of a token is over
USER_AGENT = "amazon-coupa-pipelines/0.1 (Language=Python)"


@dataclass(frozen=True, slots=True, kw_only=True)
class AmazonBusinessSettings:
    """`base_url` is the region's host; `rate_multiplier` scales the rates (the sandbox's --speed)."""

    base_url: str
    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)
    account: str
    region: str
    user_email: str = ""
    token_url: str = TOKEN_URL
    rate_multiplier: float = 1.0


def connect(
    settings: AmazonBusinessSettings,
    limiter: Limiter,
    *,
    timeouts: Timeouts = USUAL_TIMEOUTS,
    patience: Patience = USUAL_PATIENCE,
) -> AmazonBusiness:
    """A client that shares `limiter`'s buckets with every other process; nothing is called yet."""
    wire = Wire(timeouts=timeouts, user_agent=USER_AGENT)
    tokens = TokenSource(
        wire=wire,
        url=settings.token_url,
        form={
            "grant_type": "refresh_token",
            "refresh_token": settings.refresh_token,
            "client_id": settings.client_id,
            "client_secret": settings.client_secret,
        },
        early=RENEWED_EARLY,
        speed=settings.rate_multiplier,
    )
    service = Service(
        base_url=settings.base_url,
        owner=settings.account,
        sign=_sign,
        stale_statuses=frozenset({401, 403}),  # Amazon answers 403 for an expired token, as for a missing role
        rate_multiplier=settings.rate_multiplier,
    )
    edge = Edge(service, operations=ALL_OPERATIONS, wire=wire, tokens=tokens, limiter=limiter, patience=patience)
    return AmazonBusiness(edge, account=settings.account, region=settings.region, user_email=settings.user_email)


def _sign(token: str) -> Mapping[str, str]:
    """Amazon wants the bare token in a header of its own, and the time of the request beside it."""
    return {"x-amz-access-token": token, "x-amz-date": f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"}
