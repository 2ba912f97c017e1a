"""Refusals in Amazon Business's envelope, `{"errors": [{"code", "message", "details"}]}`, and in OAuth's for tokens."""

from sandbox.exchange import Answer, Refusal

INVALID = "INVALID_REQUEST_PARAMETER"
INVALID_INPUT = "InvalidInput"


def envelope(status: int, code: str, message: str, details: str = "") -> Answer:
    return Answer(status, {"errors": [{"code": code, "message": message, "details": details}]})


def invalid(message: str, *, code: str = INVALID, details: str = "") -> Refusal:
    """A parameter that breaks a published rule: 400."""
    return Refusal(envelope(400, code, message, details))


def oauth_error(status: int, error: str, description: str) -> Refusal:
    return Refusal(Answer(status, {"error": error, "error_description": description}))
