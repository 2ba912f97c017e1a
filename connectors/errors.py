"""Everything that can go wrong at the HTTP edge, grouped by consequence.

    ConnectorError
    ├── TransientError       a read failed after all its retries, or the rate limit is far off; later it may work
    ├── RejectedError        the vendor refuses this document or query (4xx); sending it again changes nothing
    │   └── NotFound         404: there is no such document
    ├── AuthError            credentials, scope or role: a person must act
    ├── UnexpectedResponse   HTML instead of JSON, malformed JSON, a repeated page token
    ├── NotSent              a write that certainly did not happen: 429, 401, refused connection
    └── UncertainOutcome     a write whose fate is unknown: the target must be asked before anything is sent again

Messages name the operation, the status and the vendor's own words, cut short. They never hold a token, a header or a
whole body.
"""


class ConnectorError(Exception):
    """Base of the tree. `operation` is the vendor's name of the call; `status` the HTTP status, if there was one."""

    def __init__(self, message: str, *, operation: str, status: int | None = None) -> None:
        super().__init__(f"{operation}: {message}")
        self.operation = operation
        self.status = status


class TransientError(ConnectorError):
    """Worth trying again later; `retry_after` (seconds) is the server's or the rate bucket's own word, if any."""

    def __init__(
        self, message: str, *, operation: str, status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, operation=operation, status=status)
        self.retry_after = retry_after


class RejectedError(ConnectorError):
    """The vendor's refusal of this request; `reasons` are its sentences."""

    def __init__(self, reasons: tuple[str, ...], *, operation: str, status: int | None = None) -> None:
        super().__init__("; ".join(reasons) or "refused without a reason", operation=operation, status=status)
        self.reasons = reasons


class NotFound(RejectedError):
    """404. `explained`: the vendor said so itself; a bare 404, or a page, may come from anything on the way to it."""

    def __init__(
        self, reasons: tuple[str, ...], *, operation: str, status: int | None = None, explained: bool = True
    ) -> None:
        super().__init__(reasons, operation=operation, status=status)
        self.explained = explained


class AuthError(ConnectorError):
    """Wrong credentials, a missing scope (Coupa) or role (Amazon Business)."""


class UnexpectedResponse(ConnectorError):
    """The answer is not what the API promises."""


class NotSent(ConnectorError):
    """The write did not reach the vendor, or was turned away before anything happened; `retry_after` in seconds."""

    def __init__(
        self, message: str, *, operation: str, status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, operation=operation, status=status)
        self.retry_after = retry_after


class UncertainOutcome(ConnectorError):
    """The write may or may not have happened: time-out, dropped connection, 5xx, unreadable answer."""
