"""The two vendors over one clock, one timeline and one world; reset, snapshot and restore of the whole.

A world is rebuilt from its `Origin` (scenario or orders report, seed, now), which is deterministic; a snapshot holds
the origin, the clock and each vendor's state, so a restored sandbox goes on where it stopped.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sandbox.clock import SandboxClock, Timeline, read_moment
from sandbox.limits import RateLimits
from sandbox.recording import Recorder
from sandbox.seed import World
from sandbox.service import Service, Vendor
from sandbox.tokens import TokenStore

Json = dict[str, Any]
CreateVendor = Callable[[SandboxClock, TokenStore], Vendor]
SNAPSHOT_FORM = 1


@dataclass(frozen=True, slots=True)
class Origin:
    """What a world is built from. `now` None means: today for a scenario, the report's own choice for a report.

    `options` are the scenario's or the report reader's own, as text: `ids`, `with_pos`.
    """

    scenario: str
    orders_report: str | None = None
    seed: int = 1
    now: str | None = None
    options: dict[str, str] = field(default_factory=dict)


BuildWorld = Callable[[Origin], World]


class SnapshotError(ValueError):
    """A state file that this sandbox cannot read."""


class Sandbox:
    """`services` in the order of the vendors given. A `snapshot` decides instead of the origin."""

    def __init__(
        self,
        origin: Origin,
        build_world: BuildWorld,
        vendors: Sequence[CreateVendor],
        *,
        speed: float = 1.0,
        recorder: Recorder | None = None,
        snapshot: Json | None = None,
    ) -> None:
        self._build_world = build_world
        self.clock, self.timeline = SandboxClock(datetime.now(UTC), speed), Timeline()
        self.recorder = recorder
        self.services = [self._service(create_vendor) for create_vendor in vendors]
        if snapshot is None:
            self.load(origin)
        else:
            self.restore(snapshot)

    def _service(self, create_vendor: CreateVendor) -> Service:
        tokens = TokenStore(self.clock)
        return Service(
            create_vendor(self.clock, tokens),
            clock=self.clock,
            timeline=self.timeline,
            tokens=tokens,
            limits=RateLimits(self.clock.speed),
            recorder=self.recorder,
        )

    def load(self, origin: Origin) -> None:
        """Starts over: clock, states, faults, counts, rates and tokens. A world that cannot be built changes nothing."""
        self._start(origin)
        for service in self.services:
            service.start_over()

    def _start(self, origin: Origin) -> None:
        world = self._build_world(origin)
        self.world = world
        self.origin = replace(origin, now=world.now.isoformat())
        self.clock.restart(world.now)
        self.timeline.clear()
        for service in self.services:
            service.vendor.load(world, self.timeline)
            service.changed = True
        self.timeline.run_due(self.clock.now())

    @property
    def changed(self) -> bool:
        return any(service.changed for service in self.services)

    def snapshot(self) -> Json:
        self.timeline.run_due(self.clock.now())
        passed = self.timeline.passed
        assert passed is not None
        services = {service.vendor.service: _service_snapshot(service) for service in self.services}
        for service in self.services:
            service.changed = False
        return {
            "form": SNAPSHOT_FORM,
            "origin": asdict(self.origin),
            "clock": self.clock.snapshot() | {"passed": passed.isoformat()},
            "services": services,
        }

    def restore(self, snapshot: Json) -> None:
        """SnapshotError for a snapshot of another form."""
        if snapshot.get("form") != SNAPSHOT_FORM:
            raise SnapshotError(f"the state file has form {snapshot.get('form')!r}; this sandbox reads {SNAPSHOT_FORM}")
        self._start(Origin(**snapshot["origin"]))
        self.clock.restore(snapshot["clock"])
        self.timeline.skip(read_moment(snapshot["clock"]["passed"]))
        for service in self.services:
            saved = snapshot["services"][service.vendor.service]
            service.vendor.state.restore(saved["state"])
            service.vendor.switches.update(saved["switches"])
            service.calls.restore(saved["calls"])
            service.tokens.restore(saved["tokens"])
            service.changed = False


def _service_snapshot(service: Service) -> Json:
    return {
        "state": service.vendor.state.snapshot(),
        "switches": dict(service.vendor.switches),
        "calls": service.calls.describe(),
        "tokens": service.tokens.snapshot(),
    }


def write_snapshot(snapshot: Json, path: Path) -> None:
    """Whole or not at all: written beside and renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(snapshot, ensure_ascii=False), encoding="utf-8")
    part.replace(path)


def read_snapshot(path: Path) -> Json:
    """SnapshotError when the file is not a snapshot."""
    try:
        snapshot = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise SnapshotError(f"{path} is no state file of the sandbox: {problem}") from problem
    if not isinstance(snapshot, dict):
        raise SnapshotError(f"{path} is no state file of the sandbox")
    return snapshot
