"""Named worlds for the sandbox: generated, seeded, with dates relative to `now`.

`build` gives the same world for the same name, seed, moment and options; `names` says what there is.
"""

from datetime import datetime
from typing import Any

from sandbox.scenarios.finishing import garbage_kept
from sandbox.scenarios.registry import SCENARIOS
from sandbox.seed import World

DEFAULT = "quarter"


def names() -> dict[str, str]:
    """Every scenario with one line on what it shows."""
    return {name: scenario.title for name, scenario in SCENARIOS.items()}


def build(name: str = DEFAULT, seed: int = 1, now: datetime | None = None, **options: Any) -> World:
    """The world `name`, up to `now` (aware; required). Raises ValueError for an unknown name or option."""
    if name not in SCENARIOS:
        raise ValueError(f"no scenario {name!r}; there are {', '.join(SCENARIOS)}")
    if now is None:
        raise ValueError(f"scenario {name}: give `now`, an aware moment; every date is relative to it")
    scenario = SCENARIOS[name]
    unknown = sorted(options.keys() - scenario.options)
    if unknown:
        known = ", ".join(sorted(scenario.options))
        raise ValueError(f"scenario {name} has no option {', '.join(unknown)}; it has {known}")
    with garbage_kept():
        return scenario.build(name, seed, now, **options)
