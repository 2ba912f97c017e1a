"""Sellers recognised from memory: 5,000 sellers under 10,000 spellings, each looked for among 10,000 Coupa suppliers.

Every second seller has another spelling; one in ten is in Coupa under its own name, one in twenty under nearly its own.
A daily run of a large company shall spend no more than a minute of one core on it.
"""

import gc
import random
import resource
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

from bench.figures import Figure, Result
from procurement.pipelines.amazon_suppliers_to_coupa.coupa_suppliers import CoupaSuppliers
from procurement.policies import read_rules
from procurement.sellers.facts import Bought, FeedDay, SellerFacts
from procurement.sellers.identity import Place
from procurement.sellers.onboarding import decide, group
from procurement.sellers.rules import Purchases

SELLERS, SUPPLIERS = 5_000, 10_000
TARGET = 60
TODAY = date(2026, 6, 30)
SYLLABLES = "ba ce di fo gu ha ki lo mu na pe ri so tu va we xi yo zu bri cla dro fle gri plo sta tre".split()  # noqa: SIM905
KINDS = ("Supply", "Trading", "Goods", "Tools", "Office", "Lab", "Direct", "Foods")


def measure() -> Result:
    rules = read_rules()
    chance = random.Random(7)
    names = list(_names(chance))
    spellings = [facts for number in range(SELLERS) for facts in _spellings(names[number], number)]
    gc.collect()
    cpu, started = time.process_time(), time.perf_counter()
    coupa = CoupaSuppliers.read((_supplier(number, names) for number in range(SUPPLIERS)), rules).parties
    sellers = group(spellings, rules.suppliers)
    grouped = time.process_time() - cpu
    commodity = rules.lookups["commodities"].find
    fates = Counter(
        decide(seller, Purchases(seller.members, commodity), coupa=coupa, rules=rules.suppliers, today=TODAY).fate.value
        for seller in sellers
    )
    used, wall = time.process_time() - cpu, time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = [
        Figure("CPU for all sellers", used, "s", f"<= {TARGET}", used <= TARGET),
        Figure("of it grouping the spellings", grouped, "s"),
        Figure("elapsed", wall, "s"),
        Figure("sellers found", len(sellers), "sellers", f"{SELLERS}", len(sellers) == SELLERS),
        *(Figure(fate, count, "sellers") for fate, count in sorted(fates.items())),
        Figure("peak memory", peak, "MB"),
    ]
    return Result("suppliers", figures, {"spellings": len(spellings), "coupa_suppliers": SUPPLIERS})


def _names(chance: random.Random) -> Iterator[str]:
    seen: set[str] = set()
    while len(seen) < SELLERS + SUPPLIERS:
        name = "".join(chance.choices(SYLLABLES, k=4)).capitalize() + " " + chance.choice(KINDS)
        if name not in seen:
            seen.add(name)
            yield name


def _place(number: int) -> Place:
    return Place(
        street=f"{number} Elm St",
        city=f"City {number % 500}",
        region="TX",
        postal_code=f"{10000 + number}",
        country="US",
    )


def _spellings(name: str, number: int) -> Iterator[SellerFacts]:
    """As the order line spells it, and as the charge does: linked; every second one also in capitals."""
    key, legal = f"{name} | {number}", f"{name} LLC {number}"
    day = FeedDay(
        until=datetime(2026, 6, 30, tzinfo=UTC), bought={TODAY: Bought(lines=1, money={"USD": Decimal(number % 2000)})}
    )
    yield SellerFacts(
        key=key, name=name, place=_place(number), first_bought=TODAY, feed={TODAY: day}, linked={legal: "A/1"}
    )
    if number % 2:
        yield SellerFacts(key=f"{key} again", name=f"{name.upper()}, L.L.C.", place=_place(number), first_bought=TODAY)
    else:
        yield SellerFacts(key=legal, name=f"{name} LLC", linked={key: "A/1"})


def _supplier(number: int, names: list[str]) -> dict[str, object]:
    """Every tenth seller under its own name and address, every twentieth nearly so; the others are strangers."""
    name, place = names[SELLERS + number], _place(SELLERS + number)
    if number < SELLERS and number % 10 == 0:
        name, place = f"{names[number]}, Inc.", _place(number)
    elif number < SELLERS and number % 20 == 5:
        name, place = f"{names[number][:-1]}z Ltd", _place(SELLERS + number)
    address = {
        "street1": place.street, "city": place.city, "state": place.region, "postal-code": place.postal_code, "country": {"code": "US"},
    }  # fmt: skip
    return {"id": number, "name": name, "number": f"S{number}", "primary-address": address}
