"""The scenarios by name: one line on each, how to build it, which options it takes."""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.scenarios.named import NAMED, build_named
from sandbox.scenarios.quarter import build_clean, build_quarter
from sandbox.seed import World


@dataclass(frozen=True, slots=True)
class Scenario:
    title: str
    build: Callable[..., World]
    options: frozenset[str] = frozenset({"ids"})


SCENARIOS = {
    "quarter": Scenario(
        "A quarter of a mid-size company: about 300 orders and everything that happens",
        build_quarter,
        frozenset({"ids", "orders"}),
    ),
    "clean": Scenario(
        "Orders without any deviation, as many as wanted", build_clean, frozenset({"ids", "orders", "lines"})
    ),
    **{name: Scenario(plan.title, build_named) for name, plan in NAMED.items()},
}
