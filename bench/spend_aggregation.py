"""Five million lines of spend, by period and segment, out of the ledger's typed columns: in SQL, and in pandas for comparison.

The lines are made up (two years, 400 combinations of segments, three currencies) and loaded by COPY, reported apart. Only
what the pipeline uses is measured against the target: `ledger.spend.by_segment`. Pandas reads the same columns and groups
whole minor units; both must come to the same totals, which must be those that were put in.
"""

import io
import resource
import time
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from bench.database import fresh_ledger
from bench.figures import Figure, Result
from procurement.ledger import Ledger
from procurement.ledger.spend import COLUMNS, DIMENSIONS, ROOM

LINES, LINES_A_RECORD, CHUNK = 5_000_000, 2, 50_000
SEGMENTS, CENTERS, ACCOUNTS, COMMODITIES = 400, 20, 10, 24
CURRENCIES, COUNTED = ("USD", "EUR", "JPY"), ("coupa", "coupa", "coupa", "budget", "wait", "uncategorised")
MOST_SECONDS, MOST_MB = 30.0, 1_500.0
KEYS = ("period", "counted", "currency", *DIMENSIONS)


def measure() -> Result:
    with fresh_ledger("bench_spend") as ledger:
        started = time.perf_counter()
        put_in = load(ledger)
        loaded = time.perf_counter() - started
        began, cpu = time.perf_counter(), time.process_time()
        totals = ledger.spend.by_segment()
        seconds, own_cpu = time.perf_counter() - began, time.process_time() - cpu
        peak, server = _peak_mb(), _server_mb(ledger)
        found = {currency: sum(one.minor for one in totals if one.currency == currency) for currency in CURRENCIES}
        assert found == put_in, "the sums are not what was put in"
        assert sum(one.lines for one in totals) == LINES
        pandas_seconds, pandas_peak, groups = in_pandas(ledger, put_in)
        assert groups == len(totals)
    figures = [
        Figure("SQL, by period and segment", seconds, "s", f"< {MOST_SECONDS:.0f}", seconds < MOST_SECONDS),
        Figure(
            "memory: our process and the server's", peak + server, "MB", f"< {MOST_MB:.0f}", peak + server < MOST_MB
        ),
        Figure("CPU of our process", own_cpu, "s"),
        Figure("loading by COPY", loaded, "s"),
        Figure("pandas on the same columns", pandas_seconds, "s"),
        Figure("pandas: peak memory of our process", pandas_peak, "MB"),
    ]
    return Result("spend_aggregation", figures, {"lines": LINES, "groups": len(totals)})


def load(ledger: Ledger) -> dict[str, int]:
    """Fills `spend_lines`, without the records behind them; the sums put in, by currency."""
    sums = dict.fromkeys(CURRENCIES, 0)
    with ledger.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE spend_lines DROP CONSTRAINT fk_spend_lines_record_id"))
        raw = connection.connection.cursor()
        for first in range(0, LINES, CHUNK):
            text = io.StringIO()
            for row in rows(first, sums):
                text.write("\t".join(map(str, row)) + "\n")
            text.seek(0)
            raw.copy_expert(f"COPY spend_lines ({', '.join(COLUMNS)}) FROM STDIN", text)
        raw.close()
    with ledger.engine.begin() as connection:
        connection.execute(sa.text("ANALYZE spend_lines"))
    return sums


def rows(first: int, sums: dict[str, int]) -> Iterator[tuple[Any, ...]]:
    start = date(2025, 1, 1)
    for n in range(first, first + CHUNK):
        mixed = n * 2_654_435_761 % 2**32  # spreads the numbers without a random generator's time
        day = start + timedelta(days=mixed % 730)
        currency = CURRENCIES[0 if mixed % 10 else 1 + mixed // 10 % 2]
        minor = mixed % 50_000 - 2_000
        sums[currency] += minor
        segment = mixed // 7 % SEGMENTS
        center = 4100 + 10 * (segment % CENTERS)
        yield (
            n // LINES_A_RECORD, n % LINES_A_RECORD + 1, day, f"FY{day:%y} Q{(day.month + 2) // 3}", COUNTED[mixed // 11 % len(COUNTED)],
            currency, minor, "Example Manufacturing Inc.", center, f"Department {center}", 6100 + 100 * (segment // CENTERS % ACCOUNTS),
            f"Commodity {segment % COMMODITIES}",
        )  # fmt: skip


def in_pandas(ledger: Ledger, put_in: dict[str, int]) -> tuple[float, float, int]:
    """Seconds, peak memory, groups. Read by COPY as CSV, texts as categories, amounts as int64."""
    import pandas as pd  # type: ignore[import-untyped]  # here: its memory is not part of what SQL needs

    began, buffer = time.perf_counter(), io.BytesIO()
    with ledger.engine.begin() as connection:
        raw = connection.connection.cursor()
        raw.copy_expert(
            f"COPY (SELECT {', '.join((*KEYS, 'minor'))} FROM spend_lines) TO STDOUT WITH CSV HEADER", buffer
        )
        raw.close()
    buffer.seek(0)
    frame = pd.read_csv(buffer, dtype={**dict.fromkeys(KEYS, "category"), "minor": "int64"})
    grouped = frame.groupby(list(KEYS), observed=True, dropna=False, sort=False)["minor"].agg(["size", "sum"])
    seconds = time.perf_counter() - began
    sums = grouped["sum"].groupby(level="currency", observed=True).sum()
    assert {currency: int(sums[currency]) for currency in CURRENCIES} == put_in
    return seconds, _peak_mb(), len(grouped)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _server_mb(ledger: Ledger) -> float:
    """What the server may take for one aggregation: its shared buffers and twice work_mem a process for hashing."""
    with ledger.engine.begin() as connection:
        connection.execute(ROOM)
        shared, work, workers = (
            int(
                connection.execute(
                    sa.text("SELECT setting::bigint FROM pg_settings WHERE name = :name"), {"name": name}
                ).scalar_one()
            )
            for name in ("shared_buffers", "work_mem", "max_parallel_workers_per_gather")
        )
    return shared * 8 / 1024 + work / 1024 * 2 * (workers + 1)
