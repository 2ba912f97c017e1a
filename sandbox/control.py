"""`/_sandbox` on each server: look inside, move time, make things happen, break things, start over.

Described by its own OpenAPI page, `/_sandbox/docs`. Clock, world and reset belong to both vendors together; calls,
faults, events and switches to the one whose server is asked.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Body, FastAPI, HTTPException
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from sandbox.clock import write_moment
from sandbox.docs_page import render
from sandbox.exchange import to_json
from sandbox.faults import FAULT_KINDS, Fault, FaultKind
from sandbox.service import Service, UnknownEvent
from sandbox.system import Origin, Sandbox

Json = dict[str, Any]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FaultRequest(Strict):
    """What the next calls of an operation meet; `*` is any operation of this server."""

    kind: FaultKind
    operation: str = "*"
    times: int = Field(1, ge=1)
    skip: int = Field(0, ge=0, description="calls let through first")
    status: int = Field(500, ge=400, le=599, description="for `status`, `status_after` and `html`")
    seconds: float = Field(1.0, ge=0, description="for `slow` and `slow_after`, machine time")
    retry_after: float | None = Field(None, ge=0, description="for `rate_limit`: sent as Retry-After")
    patch: Json = Field(default_factory=dict, description="for `patch`: top-level keys of the answer; null removes")


class ClockRequest(Strict):
    """Exactly one of the two; the clock only moves forward."""

    advance: float | None = Field(None, ge=0, description="seconds of sandbox time")
    set: datetime | None = Field(None, description="a moment with zone, not in the sandbox's past")


class ResetRequest(Strict):
    """What is left out stays as it was at the last start or reset."""

    scenario: str | None = None
    orders_report: str | None = None
    seed: int | None = None
    now: datetime | None = None
    options: dict[str, str] | None = None


def control_app(sandbox: Sandbox, service: Service) -> FastAPI:
    """The control routes of one server."""
    app = FastAPI(
        title=f"Sandbox control: {service.vendor.title}",
        description=_description(service),
        openapi_url="/_sandbox/openapi.json",
        docs_url=None,  # FastAPI's page loads its script from elsewhere; ours needs no network
        redoc_url=None,
    )
    _add_docs(app)
    _add_views(app, sandbox, service)
    _add_time(app, sandbox)
    _add_faults(app, service)
    _add_events(app, service)
    return app


def _add_docs(app: FastAPI) -> None:
    @app.get("/_sandbox/docs", response_class=HTMLResponse, include_in_schema=False)
    async def docs() -> str:
        return render(app.openapi())


def _description(service: Service) -> str:
    events = "\n".join(f"- `{name}`: {text}" for name, text in service.vendor.events.items())
    return f"{__doc__}\n\nEvents:\n{events}\n\nFaults: {', '.join(FAULT_KINDS)}."


def _json(content: object) -> Response:
    return Response(to_json(content), media_type="application/json")


def _add_views(app: FastAPI, sandbox: Sandbox, service: Service) -> None:
    @app.get("/_sandbox/health", summary="Is it up, and what time is it there")
    async def health() -> Json:
        return {"status": "ok", "service": service.vendor.service, "now": write_moment(sandbox.clock.now())}

    @app.get("/_sandbox/state", summary="Everything this vendor knows; `part` picks one top-level key")
    async def state(part: str | None = None) -> Response:
        parts = service.vendor.state.parts()
        if part is None:
            return _json({name: write() for name, write in parts.items()})
        if part not in parts:
            raise HTTPException(404, f"no part {part!r}; there are {', '.join(parts)}")
        return _json({part: parts[part]()})

    @app.get("/_sandbox/calls", summary="Calls by operation and status class, and writes accepted")
    async def calls() -> Json:
        return service.calls.describe()

    @app.delete("/_sandbox/calls", summary="Counts start at zero again", status_code=204)
    async def forget_calls() -> None:
        service.calls.clear()

    @app.get("/_sandbox/world", summary="What the scenario planted, and which rows of a report were refused")
    async def world() -> Response:
        refused = [{"row": row.row, "reason": row.reason} for row in sandbox.world.refused]
        head = {"name": sandbox.world.name, "seed": sandbox.world.seed, "now": write_moment(sandbox.world.now)}
        return _json({**head, "facts": sandbox.world.facts, "refused": refused})

    @app.get("/_sandbox/switches", summary="The sandbox's choices where the vendor publishes none")
    async def switches() -> Json:
        return service.vendor.switches

    @app.post("/_sandbox/switches", summary="Change some of them")
    async def change_switches(changes: Annotated[Json, Body()]) -> Json:
        known = service.vendor.switches
        for name, value in changes.items():
            if name not in known:
                raise HTTPException(400, f"no switch {name!r}; there are {', '.join(known)}")
            if not _same_type(value, known[name]):
                raise HTTPException(400, f"{name} is a {type(known[name]).__name__}, not {value!r}")
        known.update(changes)
        service.changed = True
        return known


def _same_type(value: object, known: object) -> bool:
    if isinstance(known, bool) or isinstance(value, bool):
        return isinstance(known, bool) and isinstance(value, bool)
    return isinstance(value, int | float) if isinstance(known, float) else type(value) is type(known)


def _add_time(app: FastAPI, sandbox: Sandbox) -> None:
    @app.get("/_sandbox/clock", summary="The sandbox's time and speed")
    async def read_clock() -> Json:
        return {
            "now": write_moment(sandbox.clock.now()),
            "speed": sandbox.clock.speed,
            "due_later": len(sandbox.timeline),
        }

    @app.post("/_sandbox/clock", summary="Move time forward; what becomes due happens at once, for both vendors")
    async def move_clock(request: ClockRequest) -> Json:
        if (request.advance is None) == (request.set is None):
            raise HTTPException(400, "give either `advance` or `set`")
        try:
            if request.set is not None:
                sandbox.clock.set(request.set if request.set.tzinfo else request.set.replace(tzinfo=UTC))
            elif request.advance is not None:
                sandbox.clock.advance(request.advance)
        except ValueError as problem:
            raise HTTPException(400, str(problem)) from problem
        for service in sandbox.services:
            service.changed = True
        sandbox.timeline.run_due(sandbox.clock.now())
        return await read_clock()

    @app.post("/_sandbox/reset", summary="Both vendors start over, with the same world or another one")
    async def reset(request: ResetRequest | None = None) -> Json:
        try:
            sandbox.load(_origin(sandbox.origin, request or ResetRequest()))
        except (ValueError, OSError) as problem:
            raise HTTPException(400, f"no such world: {problem}") from problem
        return {"name": sandbox.world.name, "seed": sandbox.world.seed, "now": write_moment(sandbox.world.now)}


def _origin(origin: Origin, request: ResetRequest) -> Origin:
    same_world = request.scenario is None and request.orders_report is None
    return Origin(
        scenario=request.scenario or origin.scenario,
        orders_report=origin.orders_report if same_world else request.orders_report,
        seed=origin.seed if request.seed is None else request.seed,
        now=request.now.isoformat() if request.now else origin.now if same_world else None,
        options=request.options if request.options is not None else origin.options if same_world else {},
    )


def _add_faults(app: FastAPI, service: Service) -> None:
    @app.get("/_sandbox/faults", summary="Faults that still wait, and how many were met")
    async def list_faults() -> Response:
        rows = [{name: getattr(fault, name) for name in Fault.__slots__} for fault in service.faults.waiting]
        return _json({"waiting": rows, "met": service.faults.met})

    @app.post("/_sandbox/faults", summary="Set a fault", status_code=201)
    async def add_fault(request: FaultRequest) -> Json:
        names = service.vendor.routes.names
        if request.operation != "*" and request.operation not in names:
            raise HTTPException(400, f"no operation {request.operation!r}; there are {', '.join(sorted(names))}")
        return {"id": service.faults.add(Fault(**request.model_dump())).id}

    @app.delete("/_sandbox/faults", summary="Forget all faults", status_code=204)
    async def clear_faults() -> None:
        service.faults.clear()


def _add_events(app: FastAPI, service: Service) -> None:
    @app.get("/_sandbox/events", summary="The events this vendor knows")
    async def list_events() -> Json:
        return dict(service.vendor.events)

    @app.post("/_sandbox/events/{name}", summary="Make something happen now")
    async def run_event(name: str, body: Annotated[Json | None, Body()] = None) -> Response:
        try:
            result = service.vendor.state.event(name, body or {})
        except UnknownEvent as problem:
            raise HTTPException(404, f"no event {name!r}; there are {', '.join(service.vendor.events)}") from problem
        except (ValueError, LookupError) as problem:
            raise HTTPException(400, str(problem)) from problem
        service.changed = True
        return _json(result)
