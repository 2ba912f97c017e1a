"""Findings: differences and alarms that people should see, about a delivery or a record."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from procurement.ledger.types import Finding, PlannedFinding, Run
from procurement.money import Money

_SELECT = """
    SELECT f.id, f.kind, f.sentence, coalesce(d.business_key, r.key) AS document, f.breached, f.expected, f.actual, f.difference,
        f.limit_value AS "limit", f.rule, f.amount, f.currency, f.line, f.delivery_id, f.record_id
    FROM findings f LEFT JOIN deliveries d ON d.id = f.delivery_id LEFT JOIN source_records r ON r.id = f.record_id
"""


_ADD = sa.text("""
    INSERT INTO findings (delivery_id, run_id, planned, kind, line, sentence, breached, expected, actual, difference, limit_value,
        rule, amount, currency)
    VALUES (:delivery, :run, :planned, :kind, :line, :sentence, :breached, :expected, :actual, :difference, :limit,
        :rule, :amount, :currency)
""")


class Findings:
    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def of_run(self, run: Run, *, breached: bool | None = None) -> list[Finding]:
        """The findings that this run's plan or deliveries brought to light, oldest first."""
        query = f"""{_SELECT} WHERE (f.run_id = :run OR f.run_id IS NULL AND f.found_at >= (SELECT opened_at FROM runs WHERE id = :run)
            AND (d.pipeline IS NULL OR d.pipeline = :pipeline)) AND (CAST(:breached AS boolean) IS NULL OR f.breached = :breached)
            ORDER BY f.id"""
        return self._read(query, {"run": run.id, "pipeline": run.dag_id, "breached": breached})

    def of_deliveries(self, ids: Iterable[int]) -> list[Finding]:
        return self._read(f"{_SELECT} WHERE f.delivery_id = ANY(:ids) ORDER BY f.id", {"ids": sorted(ids)})

    def of_records(self, ids: Iterable[int]) -> list[Finding]:
        return self._read(f"{_SELECT} WHERE f.record_id = ANY(:ids) ORDER BY f.id", {"ids": sorted(ids)})

    def of_pipeline(self, pipeline: str, kinds: Iterable[str]) -> list[Finding]:
        """Those of some kinds that its runs brought to light, the dearest first, then the newest; a population figure."""
        query = f"""{_SELECT} LEFT JOIN runs ON runs.id = f.run_id
            WHERE coalesce(d.pipeline, runs.dag_id) = :pipeline AND f.kind = ANY(:kinds)
            ORDER BY f.amount DESC NULLS LAST, f.id DESC"""
        return self._read(query, {"pipeline": pipeline, "kinds": sorted(kinds)})

    def replace(
        self, delivery_id: int, run: Run, rows: Iterable[PlannedFinding], *, keeping: Iterable[str] = ()
    ) -> None:
        """A later look at a delivery: what its plan found gives way to `rows`; what its sending found stays, and so do the
        kinds in `keeping`, which this look does not judge."""
        values = [_values(delivery_id, run, row, planned=True) for row in rows]
        with self._engine.begin() as connection:
            connection.execute(
                sa.text("DELETE FROM findings WHERE delivery_id = :id AND planned AND kind <> ALL(:keeping)"),
                {"id": delivery_id, "keeping": sorted(keeping)},
            )
            if values:
                connection.execute(_ADD, values)

    def set_kind(self, delivery_id: int, run: Run, kind: str, row: PlannedFinding | None) -> None:
        """The one finding of this kind about a delivery, or none; a later plan leaves it alone."""
        with self._engine.begin() as connection:
            connection.execute(
                sa.text("DELETE FROM findings WHERE delivery_id = :id AND kind = :kind"),
                {"id": delivery_id, "kind": kind},
            )
            if row is not None:
                connection.execute(_ADD, _values(delivery_id, run, row, planned=False))

    def _read(self, query: str, values: dict[str, object]) -> list[Finding]:
        with self._engine.begin() as connection:
            return [_finding(row) for row in connection.execute(sa.text(query), values)]


def _values(delivery_id: int, run: Run, row: PlannedFinding, *, planned: bool) -> dict[str, object]:
    amount, currency = amount_and_currency(row.money)
    return {
        "delivery": delivery_id, "run": run.id, "planned": planned, "kind": row.kind, "line": row.line,
        "sentence": row.sentence, "breached": row.breached, "expected": row.expected, "actual": row.actual,
        "difference": row.difference, "limit": row.limit, "rule": row.rule, "amount": amount, "currency": currency,
    }  # fmt: skip


def amount_and_currency(money: Money | None) -> tuple[Decimal | None, str | None]:
    """Nothing is something else than zero."""
    return (None, None) if money is None else (money.amount, money.currency)


def _finding(row: sa.Row[Any]) -> Finding:
    values = row._asdict()
    amount, currency = values.pop("amount"), values.pop("currency")
    return Finding(**values, money=None if amount is None else Money(amount, currency))
