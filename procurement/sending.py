"""The only place that sends: permit, gate, claim (commit), one HTTP attempt, outcome (commit).

A write without an answer is never repeated blindly: the row stays `sending`, and after the wait the target is asked for
it, by this call or a later run. What cannot go now (rate, outage, time budget) stays planned for the next run. The risk
that remains: a process frozen between its claim and its socket for longer than the wait may send what another run was
told does not exist; only the target's own uniqueness covers that.
"""

import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Protocol, runtime_checkable

from connectors.errors import AuthError, ConnectorError, NotSent, RejectedError, TransientError
from connectors.http import Permit
from procurement.errors import ConfigurationError, DuplicateTarget, NotPermitted
from procurement.ledger import Ledger
from procurement.ledger.types import Claimed, Found, Peeked, Sent, Stop


class Action(Protocol):
    """One kind of write, and how to ask whether it happened.

    It may also have `gate(delivery: Peeked) -> Stop | None`: what must hold in that moment, looked at between permit and
    claim. A gate that cannot tell (an outage) raises the connectors' errors, and the row stays planned; RejectedError holds it.
    """

    def permit(self) -> Permit:
        """Waits for the rate and a fresh token; raises TransientError when that is too far off, AuthError."""
        ...

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        """Exactly one HTTP attempt; raises NotSent, RejectedError, NotPermitted, AuthError or UncertainOutcome."""
        ...

    def ask(self, delivery: Claimed) -> Found | None:
        """What stands where the document would; DuplicateTarget when there are two."""
        ...


@runtime_checkable
class Gated(Protocol):
    """An action with a gate."""

    def gate(self, delivery: Peeked) -> Stop | None: ...


@runtime_checkable
class Exclusive(Gated, Protocol):
    """An action whose gate judges a write beside others of its kind: each must see what was claimed before it."""

    def alone(self) -> AbstractContextManager[object]:
        """Held from the gate's look to the claim's commit, by one process and thread at a time."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SendPolicy:
    """Seconds of machine time. `timeout` is the hard limit of one attempt; "not found" counts `ask_again_after` beyond it.

    `patience`: how long a load idles for a row that will be due. `outage_after`: writes in a row that were turned away or got
    no answer, and end the load: an outage must not turn the whole queue into questions.
    """

    timeout: float = 60.0
    ask_again_after: float = 600.0
    max_attempts: int = 5
    retry_not_sent_after: float = 5.0
    patience: float = 30.0
    outage_after: int = 5

    @property
    def wait(self) -> float:
        return self.timeout + self.ask_again_after


@dataclass(slots=True)
class SendCounts:
    """What one load did. `unanswered` rows will be asked for later; `stopped` says why it ended before the queue did."""

    delivered: int = 0
    refused: int = 0
    stopped_at_gate: int = 0
    found: int = 0
    not_found: int = 0
    not_sent: int = 0
    uncertain: int = 0
    dead: int = 0
    held: int = 0
    late: int = 0
    left: int = 0
    unanswered: int = 0
    stopped: str | None = None

    def as_summary(self) -> dict[str, int | str | None]:
        return asdict(self)


def send_due(
    ledger: Ledger,
    pipeline: str,
    actions: Mapping[str, Action],
    *,
    policy: SendPolicy,
    stop_at: datetime,
    workers: int = 1,
    ask_only: bool = False,
    scope: str | None = None,
) -> SendCounts:
    """Sends what is due and asks where an answer is missing, until nothing is left or `stop_at` (machine time, aware).

    Several calls, in several processes, share one queue. `ask_only` sends nothing: a pipeline that was switched off only
    settles what it had sent. `scope`: the account whose connection the actions use; rows of another are left to it. Raises
    AuthError when a person must act, and whatever a defect raised: the row concerned is then asked for, never sent again
    unasked.
    """
    if stop_at.tzinfo is None:
        raise ValueError(f"stop_at {stop_at} has no offset")
    load = _Load(ledger, pipeline, actions, policy, stop_at, ask_only, scope)
    with ThreadPoolExecutor(max_workers=max(1, workers), thread_name_prefix="load") as pool:
        for future in [pool.submit(load.work) for _ in range(max(1, workers))]:
            future.result()
    ledger.deliveries.settle_chains(pipeline)
    load.counts.left = ledger.deliveries.left(pipeline)
    load.counts.unanswered = ledger.deliveries.unanswered(pipeline)
    if load.error is not None:
        raise load.error
    return load.counts


_BATCH = 50


class _Load:
    """One call of `send_due`: its threads share the rows fetched, the counts and the reason to stop."""

    def __init__(
        self,
        ledger: Ledger,
        pipeline: str,
        actions: Mapping[str, Action],
        policy: SendPolicy,
        stop_at: datetime,
        ask_only: bool,
        scope: str | None,
    ) -> None:
        self._deliveries, self._pipeline, self._actions, self._policy, self._stop_at = (
            ledger.deliveries,
            pipeline,
            actions,
            policy,
            stop_at,
        )
        self._ask_only, self._scope = ask_only, scope
        self._lock = threading.Lock()
        self._questions: list[Claimed] = []
        self._rows: list[tuple[int, str]] = []
        self._asked: set[tuple[int, int]] = set()
        self._busy: set[int] = set()
        self._turned_away = 0
        self.counts = SendCounts()
        self.error: Exception | None = None

    def work(self) -> None:
        """One thread: question or row, until there is none."""
        permit: tuple[str, Permit] | None = None
        while not self._finished():
            task = self._next()
            if task is None:
                permit = None  # gives its place in flight back
                if not self._worth_waiting():
                    return
                continue
            id = task.id if isinstance(task, Claimed) else task[0]
            try:
                if isinstance(task, Claimed):
                    self._ask(task)
                else:
                    permit = self._send(task, permit)
            except Exception as error:  # a defect or a lost ledger: every thread stops, and the task fails with it
                self._stop(type(error).__name__)
                raise
            finally:
                with self._lock:
                    self._busy.discard(id)

    def _finished(self) -> bool:
        if self.counts.stopped is None and datetime.now(UTC) >= self._stop_at:
            self._stop("time budget")
        return self.counts.stopped is not None

    def _stop(self, reason: str, error: Exception | None = None) -> None:
        with self._lock:
            self.counts.stopped = self.counts.stopped or reason
            self.error = self.error or error

    def _count(self, name: str) -> None:
        with self._lock:
            setattr(self.counts, name, getattr(self.counts, name) + 1)

    def _next(self) -> Claimed | tuple[int, str] | None:
        with self._lock:
            if not self._questions and not self._rows:
                self._refill()
            if self._questions:
                question = self._questions.pop(0)
                self._asked.add((question.id, question.attempt))
                self._busy.add(question.id)
                return question
            if self._rows:
                row = self._rows.pop(0)
                self._busy.add(row[0])
                return row
            return None

    def _refill(self) -> None:
        self._deliveries.settle_chains(self._pipeline)
        asked = self._deliveries.to_ask(self._pipeline, wait=self._policy.wait, scope=self._scope)
        self._questions = [
            row for row in asked if (row.id, row.attempt) not in self._asked and row.id not in self._busy
        ]
        self._rows = (
            []
            if self._ask_only
            else self._deliveries.due(self._pipeline, _BATCH, excluding=self._busy, scope=self._scope)
        )

    def _worth_waiting(self) -> bool:
        """Sleeps a moment while other threads may free a row, or a row will be due soon; False when neither."""
        with self._lock:
            busy = bool(self._busy)
        if busy:
            time.sleep(0.02)
            return True
        if self._ask_only:
            return False
        seconds = self._deliveries.due_in(self._pipeline, wait=self._policy.wait, asked=self._asked, scope=self._scope)
        if seconds is None or seconds > self._policy.patience:
            return False
        time.sleep(min(max(seconds, 0.02), 0.5))
        return True

    def _send(self, row: tuple[int, str], permit: tuple[str, Permit] | None) -> tuple[str, Permit] | None:
        """Returns the permit where it was not used: the row was somebody else's by then."""
        id, name = row
        action = self._actions.get(name)
        if action is None:
            raise ConfigurationError(
                f"{self._pipeline} has planned {name!r}, which it cannot send; it sends {', '.join(sorted(self._actions))}"
            )
        try:
            if permit is not None and permit[0] != name:
                permit[1].release()  # it still holds a place in flight: keeping it while asking for another would block
                permit = None
            if permit is None:
                permit = (name, action.permit())
        except TransientError as error:
            self._wait_for_rate(error)
            return None
        except AuthError as error:
            self._stop("permission", error)
            return None
        with action.alone() if isinstance(action, Exclusive) else nullcontext():
            claimed = self._claim(action, id)
        if claimed is None:
            return permit
        self._attempt(action, claimed, permit[1])
        return None

    def _claim(self, action: Action, id: int) -> Claimed | None:
        """None: it is somebody else's, its gate stopped it, or the time is over."""
        if self._finished():
            return None
        if not isinstance(action, Gated):
            return self._deliveries.claim(id)
        peeked = self._deliveries.peek(id)
        if peeked is None or not self._passes(action, peeked):
            return None
        return self._deliveries.claim(id, hash=peeked.hash)

    def _passes(self, action: Gated, peeked: Peeked) -> bool:
        """Whether the row may be claimed now. What the gate cannot see closes it: the row stays planned, the load ends. A question
        that the target refuses for good is this row's alone, and a person's: it is held, and the others go on."""
        try:
            stop = action.gate(peeked)
        except AuthError as error:
            self._stop("permission", error)
            return False
        except ConnectorError as error:
            if isinstance(error, RejectedError) and getattr(error, "explained", True):
                self._hold_at_gate(peeked, error)
                return False
            self._stop(f"the gate of {peeked.action} cannot be looked at: {error}")
            return False
        if stop is not None and self._deliveries.stop(peeked, stop):
            self._count("stopped_at_gate")
        return stop is None

    def _hold_at_gate(self, peeked: Peeked, error: RejectedError) -> None:
        reason = f"the gate of {peeked.action} cannot be looked at: {error}"
        if self._deliveries.stop(peeked, Stop("held", reason, error.reasons)):
            self._count("stopped_at_gate")

    def _attempt(self, action: Action, claimed: Claimed, permit: Permit) -> None:
        """Nothing that can wait lies between the claim and `send`."""
        try:
            sent = action.send(claimed, permit)
        except NotSent as error:
            wait = self._policy.retry_not_sent_after if error.retry_after is None else error.retry_after
            self._deliveries.release(claimed, str(error), retry_after=wait)
            self._count("not_sent")
            if error.retry_after is None or wait > self._policy.patience:
                self._turn_away(str(error))
        except RejectedError as error:
            self._deliveries.dead(claimed, error.reasons or (str(error),), error_class="data")
            self._count("dead")
            self._turned_away = 0
        except NotPermitted as error:
            self._deliveries.dead(claimed, (str(error),), error_class="permission")
            self._count("dead")
            self._turned_away = 0
        except AuthError as error:
            self._deliveries.release(claimed, str(error))
            self._count("not_sent")
            self._stop("permission", error)
        except ConnectorError as error:  # UncertainOutcome, and anything else that leaves it open
            self._deliveries.uncertain(claimed, str(error))
            self._count("uncertain")
            self._turn_away(str(error))
        except Exception as error:
            self._deliveries.uncertain(claimed, f"{type(error).__name__} while sending")
            self._count("uncertain")
            raise
        else:
            counted = self._deliveries.delivered(claimed, sent)
            self._count(("delivered" if sent.refused is None else "refused") if counted else "late")
            self._turned_away = 0

    def _turn_away(self, reason: str) -> None:
        with self._lock:
            self._turned_away += 1
            outage = self._turned_away >= self._policy.outage_after
        if outage:
            self._stop(f"turned away {self._policy.outage_after} times in a row, last: {reason}")

    def _wait_for_rate(self, error: TransientError) -> None:
        if error.retry_after is None or error.retry_after > self._policy.patience:
            self._stop(str(error))
            return
        time.sleep(min(error.retry_after, max(0.0, (self._stop_at - datetime.now(UTC)).total_seconds())))

    def _ask(self, question: Claimed) -> None:
        action = self._actions.get(question.action)
        if action is None:
            raise ConfigurationError(f"{self._pipeline} has sent {question.action!r}, which it can no longer ask for")
        try:
            found = action.ask(question)
        except (DuplicateTarget, RejectedError) as error:
            self._count("held" if self._deliveries.hold(question, f"cannot be settled by asking: {error}") else "late")
        except AuthError as error:
            self._stop("permission", error)
        except ConnectorError:
            return  # stays unanswered: the next run asks
        else:
            self._answer(question, found)

    def _answer(self, question: Claimed, found: Found | None) -> None:
        if found is None:
            changed, name = self._deliveries.not_found(question, max_attempts=self._policy.max_attempts), "not_found"
        else:
            changed, name = self._deliveries.found(question, found), "found" if found.ours else "held"
        self._count(name if changed else "late")
