"""What happens in a demo, in acts: the business's clock moves on, pipelines run, deliveries wake the invoices that wait.

Each act first runs its pipelines side by side, then receipts, which start the invoice pipeline by themselves, and last what
governs: catalog, budgets, suppliers, compliance.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import requests

from local.stack import Running
from local.world import BUYING, CATALOG, INVOICES, RECONCILIATION, World

ORDERS, STATUS, RECEIPTS = BUYING
BY_HAND: Mapping[str, Mapping[str, object]] = {
    CATALOG: {"scope": "full"}
}  # after its first run, its own schedule compares everything at night
LONGEST_RUN = 900.0
WOKEN_WITHIN = 60.0  # seconds until the scheduler has made the run that an asset or a schedule starts
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Act:
    """`days` after the world's beginning; `title` as people read it."""

    days: int
    title: str
    first: Sequence[str]
    receive: bool = True
    govern: bool = False


ACTS = (
    Act(
        0,
        "approved requisitions are ordered, and what history left is invoiced",
        (ORDERS, INVOICES),
        receive=False,
        govern=True,
    ),
    Act(3, "three days later: parcels arrive", (ORDERS, STATUS, INVOICES)),
    Act(10, "a week later: the rest arrives, is cancelled or comes back", (ORDERS, STATUS, INVOICES), govern=True),
)


class FailedRun(RuntimeError):
    """A pipeline's run that ended red, with what its failed tasks said."""


@dataclass(frozen=True, slots=True)
class Theatre:
    """Plays the acts of a world on a running stack. `say` gets a line whenever something moved."""

    running: Running
    say: Say

    def play(self, world: World) -> None:
        """What was not yet played of a scenario; a report, or a world that is over, runs its pipelines once. FailedRun when one is red."""
        self._play(world)
        self._reconcile()

    def _play(self, world: World) -> None:
        if world.orders_report is not None:
            return self._run(world.pipelines)
        ahead = ACTS[world.played :]
        if not ahead:
            self._run(ACTS[-1].first)
            self._receive()
            return self._run(world.governing)
        for act in ahead:
            self.say(f"-- {act.title}")
            self.move(world, timedelta(days=act.days))
            self._run(act.first)
            if act.receive:
                self._receive()
            if act.govern:
                self._run(world.governing)
            world.keep_played(world.played + ahead.index(act) + 1)
        return None

    def move(self, world: World, after: timedelta) -> None:
        """Both vendors' clock and the business's own: to the same moment, never back."""
        assert world.now is not None
        moment = datetime.fromisoformat(world.now) + after
        if after:
            clock = {"set": moment.isoformat()}
            requests.post(f"{self.running.coupa_url}/_sandbox/clock", json=clock, timeout=60).raise_for_status()
        world.move_to(moment.isoformat())

    def _run(self, dag_ids: Sequence[str]) -> None:
        self.follow({dag_id: self.start(dag_id) for dag_id in dag_ids})

    def _receive(self) -> None:
        """Receipts, and the invoices they wake: none where nothing new was received."""
        before = set(self.running.rest.runs(INVOICES))
        run_id = self.start(RECEIPTS)
        self.follow({RECEIPTS: run_id})
        announced = {task["task_id"]: task["state"] for task in self.running.rest.tasks(RECEIPTS, run_id)}["announce"]
        if announced == "success":
            self.say("receipts wake the invoices that wait")
            self.follow({INVOICES: self.appeared(INVOICES, before, "asset_triggered")})

    def _reconcile(self) -> None:
        """Both sides held against each other at the end. Red is what it has to say; a task before its end that failed is not."""
        run_id = self.start(RECONCILIATION)
        try:
            self.follow({RECONCILIATION: run_id})
        except FailedRun:
            failed = [
                task["task_id"] for task in self.running.rest.tasks(RECONCILIATION, run_id) if task["state"] == "failed"
            ]
            if failed != ["close"]:
                raise

    def start(self, dag_id: str) -> str:
        """The first run is the schedule's own, which comes as soon as the DAG is switched on; later ones are triggered, with the
        form (`BY_HAND`) where there is one to fill in."""
        rest, before = self.running.rest, set(self.running.rest.runs(dag_id))
        if rest.unpause(dag_id):
            return self.appeared(dag_id, before, "scheduled")
        return rest.trigger(dag_id, BY_HAND.get(dag_id, {}))

    def appeared(self, dag_id: str, before: set[str], kind: str) -> str:
        """The run of this kind that the scheduler makes by itself and that was not there `before`; FailedRun when none comes."""
        deadline = time.monotonic() + WOKEN_WITHIN
        while time.monotonic() < deadline:
            new = [run for run in self.running.rest.runs(dag_id) if run not in before and run.startswith(kind)]
            if new:
                return new[0]
            time.sleep(0.5)
        raise FailedRun(f"{dag_id}: no {kind.replace('_', ' ')} run came within {WOKEN_WITHIN:.0f} s")

    def follow(self, runs: Mapping[str, str]) -> None:
        """Until all are over; FailedRun with the failed tasks' logs."""
        rest, deadline = self.running.rest, time.monotonic() + LONGEST_RUN
        states: dict[str, str] = {}
        told: set[tuple[str, str, int]] = set()
        while any(states.get(dag_id) not in ("success", "failed") for dag_id in runs):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{', '.join(runs)} still running after {LONGEST_RUN:.0f} s")
            for dag_id, run_id in runs.items():
                state = rest.state(dag_id, run_id)
                if state != states.get(dag_id):
                    states[dag_id] = state
                    self.say(f"{dag_id:<37} {state}")
                self._tell_retries(dag_id, run_id, told)
            time.sleep(1)
        failed = {dag_id: run_id for dag_id, run_id in runs.items() if states[dag_id] == "failed"}
        if failed:
            raise FailedRun("\n".join(self._failure(dag_id, run_id) for dag_id, run_id in failed.items()))

    def _tell_retries(self, dag_id: str, run_id: str, told: set[tuple[str, str, int]]) -> None:
        """A task that will be tried again in minutes is no reason to wonder in silence."""
        for task in self.running.rest.tasks(dag_id, run_id):
            this = (dag_id, task["task_id"], int(task.get("try_number") or 0))
            if task["state"] == "up_for_retry" and this not in told:
                told.add(this)
                last = self.running.rest.log(dag_id, run_id, task).strip().splitlines()
                problem = next((line for line in reversed(last) if "rror" in line), "see its log")
                self.say(f"{dag_id:<37} {task['task_id']} is tried again soon: {problem[:200]}")

    def _failure(self, dag_id: str, run_id: str) -> str:
        rest = self.running.rest
        logs = [
            f"{task['task_id']} failed:\n{rest.log(dag_id, run_id, task)[-3000:]}"
            for task in rest.tasks(dag_id, run_id)
            if task["state"] == "failed"
        ]
        return "\n".join([f"{dag_id} failed", *logs])
