"""Coupa plugged into the sandbox's shared edge: tokens and scopes, formats, refusals, and its table of operations.

JSON only: Coupa answers in XML unless `Accept` says otherwise, and the sandbox has no XML, so a call that does not ask
for JSON is refused in a sentence. 25 calls a second with a queue of 20, then 429.
"""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sandbox.clock import SandboxClock, Timeline
from sandbox.coupa import calls, routes, scopes
from sandbox.coupa.events import DESCRIPTIONS
from sandbox.coupa.instance import SWITCHES
from sandbox.coupa.state import CoupaState
from sandbox.exchange import Answer, Call, Operation, Routes
from sandbox.limits import Bucket
from sandbox.seed import World
from sandbox.service import Problem
from sandbox.tokens import CLIENT_ID, CLIENT_SECRET, TokenStore

TOKEN_LIFE = 86399
BUCKET = Bucket("coupa", rate=25, burst=20)
TOKEN_PATHS = ("/oauth2/token", "/oauth2/access_tokens")
JSON_TYPE = "application/json"


def create_vendor(clock: SandboxClock, tokens: TokenStore) -> "CoupaVendor":
    return CoupaVendor(clock, tokens)


class CoupaVendor:
    service = "coupa"
    title = "Coupa Core API"
    events: Mapping[str, str] = DESCRIPTIONS

    def __init__(self, clock: SandboxClock, tokens: TokenStore) -> None:
        self._clock, self._tokens = clock, tokens
        self.switches: dict[str, Any] = {"retry_after": True, "token_activation_seconds": 0.0, **SWITCHES}
        self._state = CoupaState(self.switches)
        self.routes = Routes([*self._token_operations(), *map(self._operation, calls.OPERATIONS)])

    @property
    def state(self) -> CoupaState:
        return self._state

    def load(self, world: World, timeline: Timeline) -> None:
        self._state.load(world.coupa, self._clock, timeline)

    def authenticate(self, call: Call, operation: Operation) -> Answer | None:
        """401 without a token that lives, 403 without any of the scopes the call needs."""
        if "x-coupa-api-key" in call.headers:
            return _errors(401, "API keys are no longer supported; use OAuth 2.0 client credentials")
        kind, _, token = call.headers.get("authorization", "").partition(" ")
        grant = self._tokens.find(token.strip()) if kind.lower() == "bearer" else None
        if grant is None:
            return _errors(401, "Unauthorized: no valid access token")
        if self._tokens.expired(grant):
            return _errors(401, "Unauthorized: the access token has expired")
        wait = timedelta(seconds=self.switches["token_activation_seconds"])
        if self._clock.now() < grant.issued + wait:
            return _errors(401, "Unauthorized: the access token is not active yet")
        call.grants = grant.grants
        if not grant.grants & set(operation.needs):
            return _errors(403, f"Forbidden: the call needs the scope {' or '.join(operation.needs)}")
        return None

    def refuse(self, problem: Problem, call: Call, *, status: int | None = None) -> Answer:
        match problem:
            case Problem.UNKNOWN_PATH | Problem.WRONG_METHOD:
                return _errors(404, f"No route matches {call.method} {call.path}")
            case Problem.RATE_LIMITED:
                return _errors(429, "Too many requests")
            case Problem.EXPIRED_TOKEN:
                return _errors(401, "Unauthorized: the access token has expired")
            case _:
                return _errors(status or 500, "Something went wrong")

    def finish(self, call: Call, operation: Operation | None, answer: Answer) -> None:
        answer.headers.setdefault("Cache-Control", "max-age=0, private, must-revalidate")

    def _token_operations(self) -> list[Operation]:
        return [Operation("token", "POST", path, self._issue_token, public=True) for path in TOKEN_PATHS]

    def _issue_token(self, call: Call) -> Answer:
        """Client credentials as form fields, in the query, or as HTTP Basic; scopes asked for must be granted."""
        given = {**dict(call.query), **call.form(), **_basic(call)}
        if (given.get("client_id"), given.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return Answer(401, {"error": "invalid_client", "error_description": "Client authentication failed"})
        if given.get("grant_type") != "client_credentials":
            return Answer(400, {"error": "unsupported_grant_type", "error_description": "Use client_credentials"})
        requested = given.get("scope", "").split()
        refused = scopes.not_granted(requested)
        if refused or not requested:
            detail = f"Not granted: {' '.join(refused)}" if refused else "A scope is required"
            return Answer(400, {"error": "invalid_scope", "error_description": detail})
        token = self._tokens.issue(_jwt_head(requested), requested, seconds=TOKEN_LIFE)
        body = {"access_token": token, "token_type": "bearer", "expires_in": TOKEN_LIFE, "scope": " ".join(requested)}
        return Answer(200, body)

    def _operation(self, operation: calls.Operation) -> Operation:
        return Operation(
            operation.name,
            operation.method,
            f"/api{operation.path}",
            self._handler(operation),
            bucket=BUCKET,
            needs=operation.scopes,
            write=operation.method != "GET",
        )

    def _handler(self, operation: calls.Operation) -> Callable[[Call], Answer]:
        def handle(call: Call) -> Answer:
            if (refused := _wrong_format(call)) is not None:
                return refused
            if not all(value.isdecimal() for value in call.params.values()):
                return _errors(404, f"No route matches {call.method} {call.path}")
            try:
                body = json.loads(call.body, parse_float=Decimal) if call.body.strip() else None
            except ValueError:
                return _errors(400, "The body is not JSON")
            ids = {name: int(value) for name, value in call.params.items()}
            ours = calls.Call(ids, call.query, body)
            status, result = routes.answer(self._state.instance, self._state.serialiser, operation, ours)
            return Answer(status, result)

        return handle


def _errors(status: int, sentence: str) -> Answer:
    return Answer(status, {"errors": [sentence]})


def _wrong_format(call: Call) -> Answer | None:
    if JSON_TYPE not in call.headers.get("accept", ""):
        sentence = "The default format is XML, which this sandbox does not have: send Accept: application/json"
        page = f'<?xml version="1.0" encoding="UTF-8"?>\n<errors><error>{sentence}</error></errors>'
        return Answer(406, raw=page.encode(), content_type="application/xml; charset=utf-8")
    if call.body.strip() and JSON_TYPE not in call.headers.get("content-type", ""):
        return _errors(415, "Content-Type must be application/json, as Accept is")
    return None


def _basic(call: Call) -> dict[str, str]:
    kind, _, value = call.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return {}
    try:
        client_id, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return {}
    return {"client_id": client_id, "client_secret": secret}


def _jwt_head(requested: list[str]) -> str:
    """Header and claims as a JWT has them; the store appends what stands where a signature would."""
    parts = ({"alg": "RS256", "typ": "JWT"}, {"client_id": CLIENT_ID, "scope": requested})
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
    return "".join(f"{part}." for part in encoded)
