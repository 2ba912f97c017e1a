"""Which reads are repeated, how long between them, and when to stop.

`is_retried` is the one function that decides. Writes are never repeated here: their one attempt is claimed in the
ledger first.
"""

from collections.abc import Callable
from dataclasses import dataclass

import tenacity

from connectors.answers import Answer
from connectors.operations import Operation

RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a read is tried: attempts, seconds in all, first and longest pause between attempts."""

    attempts: int = 6
    seconds: float = 180.0
    first_pause: float = 0.5
    longest_pause: float = 30.0


USUAL_PATIENCE = Patience()


def is_retried(operation: Operation, answer: Answer) -> bool:
    """Reads that met a network failure, a rate limit, a server's fault, or a gateway's page instead of an answer."""
    if not operation.read:
        return False
    if answer.status is None or answer.status in RETRIED_STATUSES:
        return True
    return answer.status >= 500 and not answer.is_json


def repeating(
    operation: Operation,
    patience: Patience,
    *,
    sleep: Callable[[float], None],
    on_pause: Callable[[Answer, int, float], None],
) -> tenacity.Retrying:
    """Runs a function that returns an Answer until it is final; the last Answer is returned, whatever it is.

    The server's Retry-After is obeyed; one that reaches past the time allowed ends the attempts. `on_pause` hears
    the answer, the attempt's number and the seconds until the next.
    """
    backoff = tenacity.wait_random_exponential(multiplier=patience.first_pause, max=patience.longest_pause)

    def pause(state: tenacity.RetryCallState) -> float:
        asked = _answer(state).retry_after
        return asked if asked is not None else backoff(state)

    def report(state: tenacity.RetryCallState) -> None:
        on_pause(_answer(state), state.attempt_number, state.upcoming_sleep)

    return tenacity.Retrying(
        retry=tenacity.retry_if_result(lambda answer: is_retried(operation, answer)),
        stop=tenacity.stop_any(
            tenacity.stop_after_attempt(patience.attempts), tenacity.stop_before_delay(patience.seconds)
        ),
        wait=pause,
        sleep=sleep,
        before_sleep=report,
        retry_error_callback=_answer,
    )


def _answer(state: tenacity.RetryCallState) -> Answer:
    assert state.outcome is not None
    answer: Answer = state.outcome.result()
    return answer
