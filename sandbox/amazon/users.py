"""On whose behalf a call is made: the people of the Amazon Business group. A world that names nobody knows everybody."""

from sandbox.amazon.errors import envelope, invalid
from sandbox.amazon.state import AmazonState
from sandbox.exchange import Call, Refusal

HEADER = "x-amz-user-email"


def is_user(state: AmazonState, email: str) -> bool:
    known = {one.lower() for one in state.seed.user_emails}
    return not known or email.strip().lower() in known


def read_user(call: Call, state: AmazonState, unknown: Refusal) -> str:
    """The header's address: 400 without one, `unknown` for a stranger."""
    email = call.headers.get(HEADER, "").strip()
    if not email:
        raise invalid(f"The header {HEADER} is missing.")
    if not is_user(state, email):
        raise unknown
    return email


def not_authorized(email: str) -> Refusal:
    return Refusal(envelope(403, "Unauthorized", "Email is not authorized", email))
