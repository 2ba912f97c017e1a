"""1,000,000 catalog entries compared, 1 % of them changed, on one core: seconds and memory.

Each entry comes as the JSON text that the ledger keeps, one after the other, and is read, compared and, where it differs,
made into its writes. Nothing is kept but counts.
"""

import json
import resource
import time
from collections.abc import Iterator
from decimal import Decimal

from bench.figures import Figure, Result
from procurement.catalog.comparing import compare
from procurement.catalog.entries import (
    Article,
    Contract,
    Entry,
    ItemRow,
    PriceRow,
    Surroundings,
    Term,
    Tier,
    read_entry,
    write_entry,
)
from procurement.pipelines.amazon_catalog_to_coupa.payloads import writes_of
from procurement.policies import read_rules

ENTRIES, CHANGED_PERCENT = 1_000_000, 1
TEMPLATES = 1_000
SECONDS, MEGABYTES = 60, 1_000
PLACEHOLDER = "B0XXXXXXXX"
IMAGE = "https://images.example.com/article.jpg"


def measure() -> Result:
    rules = read_rules()
    catalog, lookups = rules.catalog, rules.lookups
    terms = (Term(3, (Decimal(9), Decimal(49))),)
    around = Surroundings({"C-1": Contract("C-1", True, terms)}, lookups["commodities"].find, lookups["units"].find)
    counts: dict[str, int] = {}
    writes = 0
    started, cpu = time.perf_counter(), time.process_time()
    for text in texts(ENTRIES):
        entry = read_entry(json.loads(text))
        decision = compare(entry, catalog, around)
        counts[decision.kind] = counts.get(decision.kind, 0) + 1
        if decision.writes:
            writes += len(writes_of(decision, entry, supplier="AMZN-US"))
    seconds, busy = time.perf_counter() - started, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    expected = ENTRIES * CHANGED_PERCENT // 100
    figures = [
        Figure(
            "changed entries found",
            counts.get("changed", 0),
            "entries",
            f"{expected}",
            counts.get("changed") == expected,
        ),
        Figure("writes planned", writes, "writes", f"{expected}", writes == expected),
        Figure("wall time", seconds, "s", f"< {SECONDS}", seconds < SECONDS),
        Figure("CPU time", busy, "s", f"< {SECONDS}", busy < SECONDS),
        Figure("peak memory of the process", peak, "MB", f"< {MEGABYTES}", peak < MEGABYTES),
        Figure("entries a second of one core", ENTRIES / busy, "per s"),
    ]
    return Result("catalog_comparing", figures, {"entries": ENTRIES, "changed_percent": CHANGED_PERCENT})


def texts(entries: int) -> Iterator[str]:
    """As the ledger keeps them: a thousand different articles in turn, every hundredth with a price that moved."""
    every = 100 // CHANGED_PERCENT
    same = [json.dumps(write_entry(_entry(n, moved=False))) for n in range(TEMPLATES)]
    moved = [json.dumps(write_entry(_entry(n, moved=True))) for n in range(TEMPLATES)]
    for n in range(entries):
        text = (moved if n % every == 0 else same)[n % TEMPLATES]
        yield text.replace(PLACEHOLDER, f"B{n:09d}")


def _entry(n: int, *, moved: bool) -> Entry:
    price = Decimal(1000 + n).scaleb(-2)
    tiers = (Tier(10, price - Decimal("0.30"), "10+"), Tier(50, price - Decimal("0.60"), "50+")) if n % 10 == 0 else ()
    article = Article(
        offers=2, title=f"Article {n}, box of {n % 12 + 1}", price=price, currency="USD", guidance="NEGOTIATED",
        seller="Pen Traders LLC", tiers=tiers, least=1, most=500, availability="In Stock.", unspsc="44121704", image=IMAGE,
        manufacturer="Acme", pack="Box", package="Box",
    )  # fmt: skip
    shown = (price * Decimal("0.97")).quantize(Decimal("0.01")) if moved else price
    row = PriceRow(
        id=n, contract="C-1", price=shown, currency="USD", preferred=True, catalog="Amazon Business contract items",
        term=3 if tiers else None, tiers=(price, *(tier.price for tier in tiers)) if tiers else (), item_id=n,
    )  # fmt: skip
    item = ItemRow(
        n, f"ITM-{n}", article.title, article.title, commodity="Office Supplies", manufacturer="Acme", unit="BX"
    )
    return Entry(PLACEHOLDER, article, (row,), item, pack_agreed="Box")
