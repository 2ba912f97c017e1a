"""From the settings of a connection to a ready Coupa client."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors.auth import TokenSource
from connectors.coupa.client import Coupa
from connectors.coupa.operations import ALL_OPERATIONS, IN_FLIGHT
from connectors.http import Edge, Service
from connectors.limits import Limiter
from connectors.retries import USUAL_PATIENCE, Patience
from connectors.wire import USUAL_TIMEOUTS, Timeouts, Wire

RENEWED_EARLY = 4 * 3600.0  # seconds before the day of a token is over: Coupa advises to renew after 20 hours
ACTIVATION = 5.0  # seconds a new token may need before Coupa accepts it
USER_AGENT = "amazon-coupa-pipelines/0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class CoupaSettings:
    """`scope` is the space-separated list; `rate_multiplier` scales the rate (the sandbox's --speed)."""

    base_url: str
    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    scope: str
    instance: str
    rate_multiplier: float = 1.0


def connect(
    settings: CoupaSettings,
    limiter: Limiter,
    *,
    timeouts: Timeouts = USUAL_TIMEOUTS,
    patience: Patience = USUAL_PATIENCE,
) -> Coupa:
    """A client that shares `limiter`'s bucket with every other process; nothing is called yet."""
    wire = Wire(timeouts=timeouts, user_agent=USER_AGENT)
    tokens = TokenSource(
        wire=wire,
        url=settings.base_url.rstrip("/") + "/oauth2/token",
        form={
            "grant_type": "client_credentials",
            "client_id": settings.client_id,
            "client_secret": settings.client_secret,
            "scope": settings.scope,
        },
        early=RENEWED_EARLY,
        activation=ACTIVATION,
        speed=settings.rate_multiplier,
    )
    service = Service(
        base_url=settings.base_url,
        owner=settings.instance,
        sign=_sign,
        in_flight=IN_FLIGHT,
        rate_multiplier=settings.rate_multiplier,
    )
    edge = Edge(service, operations=ALL_OPERATIONS, wire=wire, tokens=tokens, limiter=limiter, patience=patience)
    return Coupa(edge, instance=settings.instance)


def _sign(token: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token}"}
