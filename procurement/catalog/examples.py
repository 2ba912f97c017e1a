"""What the examples in catalog.yml come to: sentences about what came out otherwise, and what none of them shows."""

from collections.abc import Iterator

from procurement.catalog.pricing import Move, is_held
from procurement.catalog.rules import AvailabilityExample, CatalogExample, CatalogFile, Prices

OUTCOMES = ("unchanged", "written", "held")
LIMITS = ("hold_over_percent", "hold_over_amount")


def try_price(example: CatalogExample, rules: CatalogFile) -> list[str]:
    move = _move(example)
    found = "unchanged" if not move.difference else "held" if is_held(move, rules.prices) else "written"
    return [] if found == example.expect else [f"{move.words} is {found}, expected {example.expect}"]


def try_availability(example: AvailabilityExample, rules: CatalogFile) -> list[str]:
    means = rules.availability_of(example.text)
    return [] if means == example.expect else [f"{example.text!r} is {means}, expected {example.expect}"]


def unshown_catalog(rules: CatalogFile) -> list[str]:
    """Outcomes that no example has, limits that hold none by themselves, and rules of availability that decide about none."""
    return [*_unshown_prices(rules), *_unshown_availability(rules)]


def _unshown_prices(rules: CatalogFile) -> Iterator[str]:
    outcomes = {example.expect for example in rules.examples}
    yield from (f"a price that is {outcome}" for outcome in OUTCOMES if outcome not in outcomes)
    for limit in LIMITS:
        if getattr(rules.prices, limit) is None:
            continue
        without = _without(rules.prices, limit)
        if not any(is_held(_move(one), rules.prices) and not is_held(_move(one), without) for one in rules.examples):
            yield f"a price that prices.{limit} alone holds"


def _without(prices: Prices, limit: str) -> Prices:
    """The same without one of the limits; no example is so large."""
    return prices.model_copy(update={limit: None if limit == "hold_over_amount" else 10**9})


def _unshown_availability(rules: CatalogFile) -> Iterator[str]:
    decided = {rules.availability_rule(one.text) for one in rules.availability_examples}
    for number, rule in enumerate(rules.availability, 1):
        if rule not in decided:
            yield f"availability, rule {number} ({rule.contains})"
    if None not in decided:
        yield "availability without a rule that fits"


def _move(example: CatalogExample) -> Move:
    return Move(example.coupa, example.amazon, "USD")
