"""The edge: every call to a vendor passes here.

Reads wait for their rate bucket, are repeated where that can help (`retries.is_retried`) and renew a refused token
once. Writes make exactly one HTTP attempt and never wait: whatever can wait (gate, token, bucket) is settled by
`permit`, before the write is claimed in the ledger.

Log records hold operation, status, attempt and seconds; never a header, a query, a body or a token.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from connectors.answers import Answer, read_sentences
from connectors.auth import Token, TokenSource
from connectors.errors import NotSent, TransientError
from connectors.limits import Limiter
from connectors.operations import Operation, owned_bucket
from connectors.outcomes import read_outcome, refusal, write_outcome
from connectors.retries import USUAL_PATIENCE, Patience, repeating
from connectors.wire import Query, Request, Sign, Wire

logger = logging.getLogger(__name__)

LONGEST_WAIT = 120.0  # seconds to wait for a rate bucket
YOUNG = 60.0  # seconds; a token refused at this age has not simply expired


@dataclass(frozen=True, slots=True)
class Service:
    """A vendor as the edge sees it: where it is, how a token is shown, which statuses may mean an expired token."""

    base_url: str
    owner: str  # the account or instance that the rates are counted for
    sign: Sign
    stale_statuses: frozenset[int] = frozenset({401})
    in_flight: int | None = None  # most calls at a time, if limited
    rate_multiplier: float = 1.0


class Permit:
    """Leave for one write: its rate, token and place in flight are settled. Unused, it gives its place back."""

    def __init__(self, bucket: str, token: Token, release: Callable[[], None]) -> None:
        self.bucket = bucket
        self._token: Token | None = token
        self._release, self._held, self._lock = release, True, threading.Lock()

    def use(self, bucket: str) -> Token:
        """The token to write with; ValueError on a second use, or for an operation of another rate bucket."""
        with self._lock:
            if self._token is None:
                raise ValueError("a permit is good for one write")
            if bucket != self.bucket:
                raise ValueError(f"this permit is for {self.bucket}, not for {bucket}")
            token, self._token = self._token, None
        return token

    def release(self) -> None:
        with self._lock:
            held, self._held = self._held, False
        if held:
            self._release()

    def __del__(self) -> None:
        self.release()


@dataclass(slots=True)
class _Reading:
    """One read over all its attempts."""

    operation: Operation
    bucket: str
    request: Request
    renewed: bool = False


class Edge:
    """Calls of one vendor with one set of credentials. Safe to share between threads."""

    def __init__(
        self,
        service: Service,
        *,
        operations: Iterable[Operation],
        wire: Wire,
        tokens: TokenSource,
        limiter: Limiter,
        patience: Patience = USUAL_PATIENCE,
        longest_wait: float = LONGEST_WAIT,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._service, self._wire, self._tokens, self._limiter = service, wire, tokens, limiter
        self._patience, self._longest_wait, self._sleep = patience, longest_wait, sleep
        self._gate = threading.BoundedSemaphore(service.in_flight) if service.in_flight else None
        buckets = {
            operation.bucket.name: owned_bucket(operation, service.owner, service.rate_multiplier)
            for operation in operations
        }
        self._buckets = buckets
        limiter.declare({bucket.name: bucket for bucket in buckets.values()}.values())

    def read(
        self,
        operation: Operation,
        *,
        path: str | None = None,
        query: Query | None = None,
        json: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The parsed JSON of a call that changes nothing, repeated until it succeeds or patience ends.

        Raises TransientError, AuthError, NotFound, RejectedError or UnexpectedResponse.
        """
        request = self._request(operation, path=path, query=query, json=json, headers=headers)
        reading = _Reading(operation, self._bucket(operation), request)

        def report(answer: Answer, attempt: int, pause: float) -> None:
            status = answer.status or answer.problem
            logger.warning("operation=%s status=%s attempt=%d wait=%.1f", operation.name, status, attempt, pause)

        run = repeating(operation, self._patience, sleep=self._sleep, on_pause=report)
        answer: Answer = run(self._attempt, reading)
        return read_outcome(operation, self._clean(answer))

    def permit(self, operation: Operation) -> Permit:
        """Waits for a place in flight, a fresh token and the bucket; TransientError or AuthError without them."""
        release = self._enter(operation)
        try:
            token = self._tokens.current()
            bucket = self._bucket(operation)
            self._limiter.take(bucket, max_wait=self._longest_wait)
        except BaseException:
            release()
            raise
        return Permit(bucket, token, release)

    def write(
        self,
        operation: Operation,
        permit: Permit,
        *,
        path: str | None = None,
        query: Query | None = None,
        json: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The parsed JSON of exactly one attempt.

        Raises NotSent (it did not happen), RejectedError or AuthError (refused), UncertainOutcome (ask before
        sending again).
        """
        bucket = self._bucket(operation)
        token = permit.use(bucket)
        try:
            request = self._request(operation, path=path, query=query, json=json, headers=headers)
            answer = self._wire.exchange(request, signed=self._service.sign(token.value))
        finally:
            permit.release()
        logger.info("operation=%s status=%s attempt=1", operation.name, answer.status or answer.problem)
        self._push_back(answer, bucket)
        self._heed_token(operation, answer, token)
        return write_outcome(operation, self._clean(answer))

    def _attempt(self, reading: _Reading) -> Answer:
        token = self._tokens.current()
        answer = self._exchange(reading, token)
        if answer.status in self._service.stale_statuses and not reading.renewed:
            reading.renewed = True
            logger.info("operation=%s status=%s: renewing the token", reading.operation.name, answer.status)
            self._tokens.refuse(token)
            token = self._tokens.current()
            answer = self._exchange(reading, token)
        if answer.succeeded:
            self._tokens.accept(token)
        return answer

    def _exchange(self, reading: _Reading, token: Token) -> Answer:
        self._limiter.take(reading.bucket, max_wait=self._longest_wait)
        leave = self._enter(reading.operation)
        try:
            answer = self._wire.exchange(reading.request, signed=self._service.sign(token.value))
        finally:
            leave()
        self._push_back(answer, reading.bucket)
        return answer

    def _enter(self, operation: Operation) -> Callable[[], None]:
        """Takes a place in flight; returns what gives it back. TransientError when none gets free."""
        if self._gate is None:
            return _nothing
        if not self._gate.acquire(timeout=self._longest_wait):
            raise TransientError("too many calls are in flight", operation=operation.name)
        return self._gate.release

    def _push_back(self, answer: Answer, bucket: str) -> None:
        """After a 429 nobody calls for as long as the vendor says, or one second where it does not."""
        if answer.status == 429:
            self._limiter.push_back(bucket, answer.retry_after if answer.retry_after is not None else 1.0)

    def _heed_token(self, operation: Operation, answer: Answer, token: Token) -> None:
        """A write refused for its token did not happen: NotSent, then AuthError if a renewed one fares no better."""
        if answer.succeeded:
            self._tokens.accept(token)
        if answer.status not in self._service.stale_statuses:
            return
        young = time.monotonic() - token.fetched < YOUNG
        said_expired = any("expire" in sentence.lower() for sentence in read_sentences(answer.body))
        if token.after_refusal or (answer.status == 403 and young and not said_expired):
            raise refusal(operation, self._clean(answer))
        self._tokens.refuse(token)
        why = "the token had expired; the next attempt takes a new one"
        raise NotSent(why, operation=operation.name, status=answer.status)

    def _clean(self, answer: Answer) -> Answer:
        """An answer that is no success, its body reduced to sentences free of our secrets."""
        if answer.succeeded:
            return answer
        return replace(answer, body=list(read_sentences(answer.body, secrets=self._tokens.secrets)))

    def _bucket(self, operation: Operation) -> str:
        return self._buckets[operation.bucket.name].name

    def _request(
        self,
        operation: Operation,
        *,
        path: str | None,
        query: Query | None,
        json: object,
        headers: Mapping[str, str] | None,
    ) -> Request:
        url = self._service.base_url.rstrip("/") + (path or operation.path)
        return Request(operation.method, url, query=query or {}, body=json, headers=headers or {})


def _nothing() -> None:
    return None
