"""From an `Origin` to a `World`: a named scenario, or an Amazon order-items report."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from sandbox.clock import read_moment
from sandbox.scenarios import build
from sandbox.scenarios.orders_report import read_orders_report
from sandbox.seed import World
from sandbox.system import Origin


def build_world(origin: Origin) -> World:
    """ValueError for an unknown scenario or option or an unusable report, OSError for a file that can't be read."""
    now = read_moment(origin.now) if origin.now else None
    if origin.orders_report is not None:
        return read_orders_report(Path(origin.orders_report), seed=origin.seed, now=now, **_report_options(origin))
    options = {name: int(value) if value.isdigit() else value for name, value in origin.options.items()}
    return build(origin.scenario, origin.seed, now or datetime.now(UTC), **options)


def _report_options(origin: Origin) -> dict[str, Any]:
    unknown = origin.options.keys() - {"with_pos", "ids"}
    if unknown:
        raise ValueError(f"an orders report has no option {', '.join(sorted(unknown))}; it has ids and with_pos")
    options: dict[str, Any] = dict(origin.options)
    try:
        return options | ({"with_pos": Decimal(options["with_pos"])} if "with_pos" in options else {})
    except InvalidOperation:
        raise ValueError(f"with_pos is {options['with_pos']!r}; write a share such as 0.7") from None
