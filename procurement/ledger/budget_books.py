"""What was read so far of the adjustments of Coupa's budget lines: sums, never decisions.

A book may be dropped at any time: the next run then reads the line's adjustments from the first on.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import sqlalchemy as sa

from procurement.ledger.encoding import dump_json


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetBook:
    """The adjustments of a line up to `last_id`, spend positive: what is consumed, what of it holds money, and Coupa's own by day.

    `read_as`: by which rules they were told apart. `moved`: what people took from the budget (positive) or gave to it.
    """

    line_id: int
    read_as: str
    last_id: int = 0
    consumed: Decimal = Decimal(0)
    held: Decimal = Decimal(0)
    moved: Decimal = Decimal(0)
    days: Mapping[date, Decimal] = field(default_factory=dict)


class BudgetBooks:
    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def read(self, instance: str, line_ids: Collection[int], *, read_as: str) -> dict[int, BudgetBook]:
        """By line, those that were read by the same rules."""
        values = {"instance": instance, "ids": sorted(line_ids), "read_as": read_as}
        with self._engine.begin() as connection:
            return {row.line_id: _book(row) for row in connection.execute(_READ, values)}

    def keep(self, instance: str, books: Iterable[BudgetBook]) -> None:
        rows = [
            {
                "instance": instance, "line_id": one.line_id, "read_as": one.read_as, "last_id": one.last_id, "consumed": one.consumed,
                "held": one.held, "moved": one.moved,
                "days": dump_json({day.isoformat(): str(amount) for day, amount in one.days.items()}),
            }
            for one in sorted(books, key=lambda one: one.line_id)
        ]  # fmt: skip
        if rows:
            with self._engine.begin() as connection:
                connection.execute(_KEEP, rows)


def _book(row: sa.Row[tuple[object, ...]]) -> BudgetBook:
    days = {date.fromisoformat(day): Decimal(amount) for day, amount in row.days.items()}
    return BudgetBook(**{**row._asdict(), "days": days})


# The column `unexplained` was made for another figure, and holds `moved`: `read_as` tells the books of then apart.
_READ = sa.text("""
    SELECT line_id, read_as, last_id, consumed, held, unexplained AS moved, days FROM budget_books
    WHERE instance = :instance AND line_id = ANY(:ids) AND read_as = :read_as
""")
_KEEP = sa.text("""
    INSERT INTO budget_books (instance, line_id, read_as, last_id, consumed, held, unexplained, days)
    VALUES (:instance, :line_id, :read_as, :last_id, :consumed, :held, :moved, CAST(:days AS jsonb))
    ON CONFLICT (instance, line_id) DO UPDATE SET read_as = excluded.read_as, last_id = excluded.last_id,
        consumed = excluded.consumed, held = excluded.held, unexplained = excluded.unexplained, days = excluded.days
""")
