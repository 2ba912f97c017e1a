"""Access tokens of one service: issued, looked up, expired by the sandbox's clock.

Only a token's hash is kept, so neither the state page nor a snapshot can leak one, and a token survives a restart.
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.clock import SandboxClock, read_moment

CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-secret"
REFRESH_TOKEN = "Atzr|sandbox"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token permits (roles or scopes) and until when."""

    grants: frozenset[str]
    issued: datetime
    expires: datetime


class TokenStore:
    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._grants: dict[str, Grant] = {}

    def issue(self, prefix: str, grants: Iterable[str], *, seconds: float) -> str:
        """A new token that begins with `prefix` and lives `seconds` of the sandbox's time."""
        token, now = prefix + secrets.token_urlsafe(32), self._clock.now()
        self._grants[_hash(token)] = Grant(frozenset(grants), now, now + timedelta(seconds=seconds))
        return token

    def find(self, token: str) -> Grant | None:
        """The grant of a token, expired or not; None if it was never issued here."""
        return self._grants.get(_hash(token))

    def expired(self, grant: Grant) -> bool:
        return self._clock.now() >= grant.expires

    def clear(self) -> None:
        self._grants.clear()

    def snapshot(self) -> dict[str, Any]:
        return {
            key: [sorted(grant.grants), grant.issued.isoformat(), grant.expires.isoformat()]
            for key, grant in self._grants.items()
            if not self.expired(grant)
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        self._grants = {
            key: Grant(frozenset(grants), read_moment(issued), read_moment(expires))
            for key, (grants, issued, expires) in snapshot.items()
        }


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
