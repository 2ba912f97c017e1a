"""Login with Amazon: the refresh-token grant, and the check of `x-amz-access-token` and of the API's role.

As published: a token lives 3600 s; an expired token, a missing one and a missing role all answer 403.
"""

import json
from collections.abc import Mapping
from typing import Any

from sandbox.amazon.errors import envelope, oauth_error
from sandbox.exchange import Answer, Call, Operation
from sandbox.tokens import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, TokenStore

TOKEN_SECONDS = 3600
TOKEN_PATHS = ("/auth/o2/token", "/auth/O2/token")
EXPIRED = "The access token has expired."


class SignIn:
    def __init__(self, tokens: TokenStore, switches: Mapping[str, Any]) -> None:
        self._tokens, self._switches = tokens, switches

    def operations(self) -> list[Operation]:
        return [Operation("token", "POST", path, self.issue_token, public=True) for path in TOKEN_PATHS]

    def issue_token(self, call: Call) -> Answer:
        form = _read_form(call)
        for name in ("grant_type", "client_id", "client_secret"):
            if not form.get(name):
                raise oauth_error(400, "invalid_request", f"The request is missing {name}.")
        if form["grant_type"] != "refresh_token":
            raise oauth_error(400, "unsupported_grant_type", "Only refresh_token is supported here.")
        if (form["client_id"], form["client_secret"]) != (CLIENT_ID, CLIENT_SECRET):
            raise oauth_error(401, "invalid_client", "Client authentication failed.")
        if form.get("refresh_token") != REFRESH_TOKEN:
            raise oauth_error(400, "invalid_grant", "The refresh token is not valid.")
        token = self._tokens.issue("Atza|", self._switches["roles"], seconds=TOKEN_SECONDS)
        body = {"access_token": token, "refresh_token": REFRESH_TOKEN, "token_type": "bearer"}
        return Answer(200, body | {"expires_in": TOKEN_SECONDS}, {"Cache-Control": "no-store"})

    def authenticate(self, call: Call, operation: Operation) -> Answer | None:
        token = call.headers.get("x-amz-access-token")
        if not token:
            return denied("The header x-amz-access-token is missing.")
        grant = self._tokens.find(token)
        if grant is None:
            return denied("The access token is not valid.")
        if self._tokens.expired(grant):
            return denied(EXPIRED)
        call.grants = grant.grants & frozenset(self._switches["roles"])
        if operation.needs and call.grants.isdisjoint(operation.needs):
            return denied(f"The application lacks the role {operation.needs[0]}.")
        return None


def denied(details: str) -> Answer:
    return envelope(403, "Unauthorized", "Access to requested resource is denied.", details)


def _read_form(call: Call) -> dict[str, str]:
    """A form, or the JSON body that one published client sends."""
    if "json" not in call.headers.get("content-type", ""):
        return call.form()
    try:
        body = json.loads(call.body)
    except ValueError:
        return {}
    return {str(name): str(value) for name, value in body.items()} if isinstance(body, dict) else {}
