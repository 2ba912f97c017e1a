"""What a benchmark leaves behind: figures with unit, target and conditions, as JSON in var/bench/ and as a table."""

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

RESULTS = Path("var/bench")


@dataclass(frozen=True, slots=True)
class Figure:
    """`target` in words; `reached` None where a figure is only reported."""

    name: str
    value: float
    unit: str
    target: str = ""
    reached: bool | None = None


@dataclass(slots=True)
class Result:
    name: str
    figures: list[Figure]
    conditions: dict[str, Any] = field(default_factory=dict)

    def write(self) -> None:
        RESULTS.mkdir(parents=True, exist_ok=True)
        conditions = {"cores": os.cpu_count(), "python": platform.python_version(), **self.conditions}
        body = {"name": self.name, "figures": [asdict(figure) for figure in self.figures], "conditions": conditions}
        (RESULTS / f"{self.name}.json").write_text(json.dumps(body, indent=2) + "\n")


def table(results: Iterable[Result]) -> str:
    """One line a figure, ratios to the target visible at a glance."""
    lines = [f"{'benchmark':<22} {'figure':<44} {'value':>12} {'unit':<14} {'target':<16} reached"]
    for result in results:
        for figure in result.figures:
            reached = {True: "yes", False: "NO", None: ""}[figure.reached]
            lines.append(
                f"{result.name:<22} {figure.name:<44} {figure.value:>12,.3f} {figure.unit:<14} {figure.target:<16} {reached}"
            )
    return "\n".join(lines)
