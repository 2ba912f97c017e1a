"""The scenarios by name: one line on each, how to build it, which options it takes."""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.scenarios.buying_named import (
    build_buying,
    build_buying_plain,
    build_old_pos,
    build_open_orders,
    build_owed,
)
from sandbox.scenarios.catalog_world import build_catalog
from sandbox.scenarios.currencies import build_currencies
from sandbox.scenarios.named import NAMED, build_named
from sandbox.scenarios.quarter import build_clean, build_quarter
from sandbox.scenarios.sellers import build_sellers, build_sellers_in_japan
from sandbox.scenarios.verdicts import build_verdicts
from sandbox.seed import World


@dataclass(frozen=True, slots=True)
class Scenario:
    title: str
    build: Callable[..., World]
    options: frozenset[str] = frozenset({"ids"})


SCENARIOS = {
    "quarter": Scenario(
        "A quarter of a mid-size company: about 300 orders, everything that happens, and what is still to be ordered",
        build_quarter,
        frozenset({"ids", "orders"}),
    ),
    "clean": Scenario(
        "Orders without any deviation, as many as wanted", build_clean, frozenset({"ids", "orders", "lines"})
    ),
    "buying": Scenario("One open purchase in every situation, from requisition to refund", build_buying),
    "buying_plain": Scenario(
        "Approved purchases to be ordered, without any deviation, as many as wanted",
        build_buying_plain,
        frozenset({"ids", "orders", "lines"}),
    ),
    "old_pos": Scenario(
        "POs of the last year that nobody ordered, and nobody may order now",
        build_old_pos,
        frozenset({"ids", "orders"}),
    ),
    "open_orders": Scenario(
        "Orders on their way, some of them delivered today, none received yet",
        build_open_orders,
        frozenset({"ids", "orders", "delivered", "lost"}),
    ),
    "owed": Scenario(
        "Purchases that Amazon charged and then lost, took back or cancelled, with and without a credit", build_owed
    ),
    "catalog": Scenario(
        "A large contract: as many articles as wanted in Coupa's catalog, some with another price at Amazon today",
        build_catalog,
        frozenset({"ids", "articles", "changed"}),
    ),
    "verdicts": Scenario(
        "Invoices that Coupa's own tolerances judge otherwise than stricter or looser ones would", build_verdicts
    ),
    "sellers": Scenario("Sellers that Amazon spells in several ways: some are one, some may be", build_sellers),
    "sellers_in_japan": Scenario(
        "Sellers in Japan, whose invoices carry their registration number", build_sellers_in_japan
    ),
    "currencies": Scenario(
        "Purchases whose PO is in another currency than Amazon bills, with and without an exchange rate",
        build_currencies,
    ),
    **{name: Scenario(plan.title, build_named) for name, plan in NAMED.items()},
}
