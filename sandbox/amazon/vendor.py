"""Amazon Business as the shared edge sees it: which API has which operations, and how it words refusals.

A further API is one more module with an `operations()` table, added in `AmazonBusiness.__init__`.
"""

import itertools
from collections.abc import Mapping
from functools import partial
from typing import Any

from sandbox.amazon import fates, ordering, products, reconciliation, reporting, safeguards, tracking
from sandbox.amazon.errors import envelope
from sandbox.amazon.events import EVENTS, run_event
from sandbox.amazon.sign_in import EXPIRED, SignIn, denied
from sandbox.amazon.state import AmazonState
from sandbox.clock import SandboxClock, Timeline
from sandbox.exchange import Answer, Call, Operation, Routes
from sandbox.seed import Json, World
from sandbox.service import Problem, UnknownEvent
from sandbox.tokens import TokenStore

SERVER_ERRORS = {
    500: ("InternalFailure", "Something went wrong on our side."),
    503: ("ServiceUnavailable", "The service is temporarily unavailable."),
    504: ("GatewayTimeout", "The service did not answer in time."),
}
RATE_LIMITED = 429


class _State(AmazonState):
    """The state with the events that act on it."""

    def event(self, name: str, body: Json) -> Any:
        if name not in EVENTS:
            raise UnknownEvent(name)
        return run_event(self, name, body)


class AmazonBusiness:
    service = "amazon_business"
    title = "Amazon Business"

    def __init__(self, clock: SandboxClock, tokens: TokenStore) -> None:
        self.switches: dict[str, Any] = {
            "reconciliation_page_size": 100,
            "reporting_page_size": 100,
            "feed_delay_seconds": 0.0,  # from an event to its transaction's feedDate
            "retry_after": False,  # undocumented by Amazon
            "quota_code": "QuotaExceeded",
            "roles": [reconciliation.ROLE, reporting.ROLE, ordering.ROLE, products.ROLE],
            "safeguard": safeguards.REMOVE_ITEM,  # or reject_order: what a broken expectation costs
            "test_mode": False,  # the purchasing system's: every order is a trial
        }
        self.state = _State(clock, self.switches)
        self.state.unfold = partial(fates.unfold, self.state)
        self.events: Mapping[str, str] = {name: event.text for name, event in EVENTS.items()}
        self._sign_in = SignIn(tokens, self.switches)
        apis = (
            self._sign_in,
            reconciliation.Reconciliation(self.state, self.switches),
            reporting.Reporting(self.state, self.switches),
            ordering.Ordering(self.state, self.switches),
            products.ProductSearch(self.state),
            tracking.PackageTracking(self.state),
        )
        self.routes = Routes([operation for api in apis for operation in api.operations()])
        self._requests = itertools.count(1)

    def load(self, world: World, timeline: Timeline) -> None:
        self.state.load(world.amazon, timeline, key=f"{world.name}/{world.seed}")

    def authenticate(self, call: Call, operation: Operation) -> Answer | None:
        return self._sign_in.authenticate(call, operation)

    def refuse(self, problem: Problem, call: Call, *, status: int | None = None) -> Answer:
        if problem is Problem.RATE_LIMITED:
            return envelope(RATE_LIMITED, self.switches["quota_code"], "You exceeded your quota for this operation.")
        if problem is Problem.EXPIRED_TOKEN:
            return denied(EXPIRED)
        if problem is Problem.SERVER_ERROR:
            status = status or 500
            return envelope(status, *SERVER_ERRORS.get(status, ("InternalFailure", "Something went wrong.")))
        return envelope(404, "NotFound", "There is no such resource.", f"{call.method} {call.path}")

    def finish(self, call: Call, operation: Operation | None, answer: Answer) -> None:
        """Request id always; the rate on the statuses that Amazon promises it for."""
        answer.headers["x-amzn-RequestId"] = f"sandbox-{next(self._requests):08d}"
        if operation and operation.bucket and answer.status in (200, 400, 404):
            answer.headers["x-amzn-RateLimit-Limit"] = str(operation.bucket.rate)


def create_vendor(clock: SandboxClock, tokens: TokenStore) -> AmazonBusiness:
    return AmazonBusiness(clock, tokens)
