"""OAuth access tokens: fetched once for all threads, renewed early, and once more when the vendor refuses one.

Both vendors use a single form POST (Amazon's refresh-token grant, Coupa's client credentials), and neither fits a
library's session: Amazon wants the token in `x-amz-access-token`, and a refusal must renew the token exactly once
across threads. So this is our own sixty lines over the same watched wire as every other call.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from connectors.answers import Answer, read_sentences
from connectors.errors import AuthError, TransientError, UnexpectedResponse
from connectors.limits import Bucket
from connectors.operations import Operation
from connectors.retries import Patience, repeating
from connectors.wire import Request, Wire

logger = logging.getLogger(__name__)

TOKEN_PATIENCE = Patience(attempts=4, seconds=60.0)
USUAL_LIFETIME = 3600.0
TOKENS_REMEMBERED = 8  # so that a late answer to an old one is redacted too


@dataclass(frozen=True, slots=True, eq=False)
class Token:
    """An access token; its value never shows in a repr. Times are monotonic seconds."""

    value: str = field(repr=False)
    fetched: float
    stale_at: float
    after_refusal: bool = False  # fetched because the one before was refused


class TokenSource:
    """`current()` gives a token that is good for a while yet.

    `form` holds the credentials; `early` is how long before its end a token is replaced (at most a fifth of its
    life); `activation` how long a new token may need until the vendor accepts it; `speed` the factor by which the
    vendor's clock runs faster than ours (the sandbox's --speed).
    """

    def __init__(
        self,
        *,
        wire: Wire,
        url: str,
        form: Mapping[str, str],
        early: float,
        activation: float = 0.0,
        speed: float = 1.0,
        patience: Patience = TOKEN_PATIENCE,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._wire, self._request = wire, Request("POST", url, form=dict(form))
        self._early, self._activation, self._speed = early, activation, speed
        self._patience, self._sleep = patience, sleep
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._refused = False
        self._issued: deque[str] = deque(maxlen=TOKENS_REMEMBERED)
        self._operation = Operation("token", "POST", url, Bucket("token", 1, 1), read=True)

    def __repr__(self) -> str:
        return f"TokenSource({self._operation.path!r})"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown: the credentials and the tokens of late."""
        form = self._request.form or {}
        secrets = tuple(value for name, value in form.items() if name not in ("grant_type", "scope"))
        return (*secrets, *tuple(self._issued))

    def current(self) -> Token:
        """The token in use, or a new one when it is close to its end; AuthError or TransientError if none is given."""
        with self._lock:
            if self._token is None or time.monotonic() >= self._token.stale_at:
                self._token = None
                self._token = self._fetch()
            return self._token

    def refuse(self, token: Token) -> None:
        """The vendor refused `token`: the next `current()` is another. Threads refused together share one new token."""
        with self._lock:
            if self._token is not None and self._token.value == token.value:
                self._token, self._refused = None, True

    def accept(self, token: Token) -> None:
        """The vendor took `token`: a later refusal of it means that it has expired."""
        if token.after_refusal:
            with self._lock:
                if self._token is token:
                    self._token = replace(token, after_refusal=False)

    def _fetch(self) -> Token:
        asked = time.monotonic()
        run = repeating(self._operation, self._patience, sleep=self._sleep, on_pause=self._report)
        answer: Answer = run(self._wire.exchange, self._request)
        value, lifetime = self._read(answer)
        self._issued.append(value)
        lifetime /= self._speed
        after_refusal, self._refused = self._refused, False
        logger.info("operation=token status=%s lifetime=%.0f", answer.status, lifetime)
        if after_refusal and self._activation:
            self._sleep(self._activation / self._speed)
        return Token(value, asked, asked + lifetime - min(self._early / self._speed, lifetime / 5), after_refusal)

    def _read(self, answer: Answer) -> tuple[str, float]:
        if answer.succeeded and isinstance(answer.body, dict):
            value = answer.body.get("access_token")
            try:
                lifetime = float(answer.body.get("expires_in") or USUAL_LIFETIME)
            except (TypeError, ValueError):
                lifetime = USUAL_LIFETIME
            if isinstance(value, str) and value:
                return value, lifetime
        name, status = self._operation.name, answer.status
        said = "; ".join(read_sentences(answer.body, secrets=self.secrets))
        if status is None or status == 429 or status >= 500:
            why = answer.problem or said or f"status {status}"
            raise TransientError(why, operation=name, status=status, retry_after=answer.retry_after)
        if 400 <= status < 500:
            why = f"{status}, check client id, secret, refresh token and scope" + (f" ({said})" if said else "")
            raise AuthError(why, operation=name, status=status)
        raise UnexpectedResponse(answer.problem or "the answer holds no access_token", operation=name, status=status)

    @staticmethod
    def _report(answer: Answer, attempt: int, pause: float) -> None:
        logger.warning("operation=token status=%s attempt=%d wait=%.1f", answer.status, attempt, pause)
