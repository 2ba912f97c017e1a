"""What an answer means: the JSON to hand on, or the error that says who must act.

Reads and writes differ only where the fate of a write is in doubt: what is merely transient for a read is
`UncertainOutcome` for a write, unless it certainly did not happen (`NotSent`).
"""

from typing import Any

from connectors.answers import Answer, read_sentences
from connectors.errors import (
    AuthError,
    NotFound,
    NotSent,
    RejectedError,
    TransientError,
    UncertainOutcome,
    UnexpectedResponse,
)
from connectors.operations import Operation
from connectors.retries import is_retried

REQUEST_TIMEOUT = 408  # the vendor gave up reading the request: for a write, in doubt


def read_outcome(operation: Operation, answer: Answer) -> Any:
    """The body of a read, or TransientError, AuthError, NotFound, RejectedError, UnexpectedResponse."""
    if answer.succeeded and answer.is_json:
        return answer.body
    if is_retried(operation, answer):
        raise TransientError(
            _why(answer), operation=operation.name, status=answer.status, retry_after=answer.retry_after
        )
    if answer.status is not None and 400 <= answer.status < 500:
        raise refusal(operation, answer)
    raise UnexpectedResponse(_why(answer), operation=operation.name, status=answer.status)


def write_outcome(operation: Operation, answer: Answer) -> Any:
    """The body of a write, or NotSent, AuthError, NotFound, RejectedError, UncertainOutcome."""
    if answer.succeeded and answer.is_json:
        return answer.body
    if answer.status == 429 or not answer.reached:
        raise NotSent(_why(answer), operation=operation.name, status=answer.status, retry_after=answer.retry_after)
    if answer.status is not None and 400 <= answer.status < 500 and answer.status != REQUEST_TIMEOUT:
        raise refusal(operation, answer)
    raise UncertainOutcome(_why(answer), operation=operation.name, status=answer.status)


def refusal(operation: Operation, answer: Answer) -> AuthError | RejectedError:
    """The error of a 4xx other than 429."""
    said = read_sentences(answer.body)
    sentences = said or ((answer.problem,) if answer.problem else ())
    if answer.status in (401, 403):
        hint = "check client id, secret and token" if answer.status == 401 else "check the token's scope or role"
        words = f" ({'; '.join(sentences)})" if sentences else ""
        return AuthError(f"{answer.status}, {hint}{words}", operation=operation.name, status=answer.status)
    if answer.status == 404:
        return NotFound(sentences, operation=operation.name, status=answer.status, explained=bool(said))
    return RejectedError(sentences, operation=operation.name, status=answer.status)


def _why(answer: Answer) -> str:
    parts = [f"status {answer.status}"] if answer.status is not None else []
    parts += [answer.problem] if answer.problem else []
    parts += read_sentences(answer.body) if answer.status is not None else ()
    return "; ".join(parts)
