"""From an `Origin` to a `World`: a named scenario, or an Amazon order-items report."""

from datetime import UTC, datetime
from pathlib import Path

from sandbox.clock import read_moment
from sandbox.scenarios import build
from sandbox.scenarios.orders_report import read_orders_report
from sandbox.seed import World
from sandbox.system import Origin


def build_world(origin: Origin) -> World:
    """LookupError or ValueError for an unknown scenario or an unusable report, OSError for a file that can't be read."""
    now = read_moment(origin.now) if origin.now else None
    if origin.orders_report is not None:
        return read_orders_report(Path(origin.orders_report), seed=origin.seed, now=now)
    return build(origin.scenario, origin.seed, now or datetime.now(UTC))
