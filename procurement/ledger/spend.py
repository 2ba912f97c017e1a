"""Lines of spend in typed columns, summed where they lie: whole minor units, so every sum is exact.

A line is kept when it is planned, and kept again when it is planned again. Nothing here decides anything: `counted` and
the segment are the spend rules' words.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa

from procurement.ledger.bulk import analyze_once, copy_rows
from procurement.ledger.changes import CHANGED_PART, open_to_change
from procurement.money import MINOR_UNITS, Money

DIMENSIONS = ("legal_entity", "cost_center", "department", "gl_account", "commodity")
ADJUSTMENT = "d.pipeline = 'amazon_spend_to_coupa_budgets' AND d.action = 'adjust_budget'"
INVOICE = "d.pipeline = 'amazon_invoices_to_coupa' AND d.action = 'create_invoice'"
COLUMNS = ("record_id", "line", "spent_on", "period", "counted", "currency", "minor", *DIMENSIONS)
Segment = tuple[str | None, ...]  # in the order of DIMENSIONS
OrderLine = tuple[str, str]  # Amazon's order id, and its line's, which may be empty


@dataclass(frozen=True, slots=True)
class SpendLine:
    """One line of a transaction; `minor` in the currency's minor unit, negative for refunds."""

    record_id: int
    line: int
    spent_on: date
    period: str
    counted: str
    currency: str
    minor: int
    segment: Segment


@dataclass(frozen=True, slots=True)
class SpendTotal:
    """All lines of a period, segment, currency and way of counting."""

    period: str
    counted: str
    currency: str
    segment: Segment
    lines: int
    minor: int


@dataclass(frozen=True, slots=True)
class Part:
    """Where a part of a record stands. `delivery`: it is billed by one; `fixed`: that one may have been sent. `target` and
    `period`: the budget line that it adjusts."""

    record_id: int
    part: str
    state: str
    reason: str | None
    amount: Decimal | None
    delivery: bool
    fixed: bool
    target: int | None = None
    period: str | None = None


@dataclass(frozen=True, slots=True)
class Charged:
    """What the source's records of an invoice number come to, charges and (negative) refunds apart."""

    charges: Money
    refunds: Money

    @property
    def net(self) -> Money:
        return self.charges + self.refunds


@dataclass(frozen=True, slots=True)
class OwnInvoice:
    """The document that the invoice pipeline has of a transaction, unless it was put aside."""

    state: str
    number: str


class Spend:
    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def keep(self, lines: Sequence[SpendLine], *, of: Collection[int], sent: Collection[tuple[int, int]] = ()) -> None:
        """Replaces the lines of the records `of`, apart from the lines `sent`, by (record, line): those stay as they are."""
        if not of:
            return
        stay = sorted(sent)
        values = {"ids": sorted(of), "records": [record for record, _ in stay], "lines": [line for _, line in stay]}
        with self._engine.begin() as connection:
            connection.execute(_FORGET, values)
            rows = sorted(lines, key=lambda line: (line.record_id, line.line))
            copy_rows(connection, "spend_lines", COLUMNS, map(_row, rows))
        with self._engine.begin() as connection:
            analyze_once(connection, "spend_lines")

    def by_segment(self, *, period: str | None = None) -> list[SpendTotal]:
        """Every total, of one period or of all, in the order of its words."""
        with self._engine.begin() as connection:
            connection.execute(ROOM)
            rows = connection.execute(_BY_SEGMENT, {"period": period})
            totals = [
                SpendTotal(row.period, row.counted, row.currency, tuple(row[3:8]), row.lines, int(row.minor))
                for row in rows
            ]
        return sorted(
            totals, key=lambda one: (one.period, one.counted, one.currency, [word or "" for word in one.segment])
        )

    def outside_by_day(self, instance: str, line_ids: Iterable[int]) -> dict[int, dict[date, Decimal]]:
        """What these budget lines were adjusted by and Coupa has, in the line's currency, spend positive, by the day it was spent."""
        values = {"instance": instance, "lines": [str(id) for id in sorted(set(line_ids))]}
        found: dict[int, dict[date, Decimal]] = {}
        with self._engine.begin() as connection:
            for row in connection.execute(_BY_DAY, values):
                found.setdefault(int(row.target), {})[row.spent_on] = row.amount
        return found

    def posted(self, source: str, keys: Iterable[str]) -> frozenset[str]:
        """Those of these transactions with a line that stands, or is about to, on a budget line. Asks nothing for no keys."""
        wanted = sorted(set(keys))
        if not wanted:
            return frozenset()
        with self._engine.begin() as connection:
            return frozenset(connection.execute(_POSTED, {"source": source, "keys": wanted}).scalars())

    def to_ask_again(
        self, source: str, kind: str, since: datetime, *, left: Collection[str], never: Collection[str]
    ) -> list[int]:
        """Records of which a run since then (business time) posted something, or read them, a line being skipped for one of the
        reasons `left`; of the latter none that was paid with an instrument of `never`."""
        values = {"source": source, "kind": kind, "since": since, "left": sorted(left), "never": sorted(never)}
        with self._engine.begin() as connection:
            return list(connection.execute(_TO_ASK_AGAIN, values).scalars())

    def put_aside(self, source: str, kind: str, reason: str) -> list[int]:
        """Records with a line that is skipped for this reason."""
        with self._engine.begin() as connection:
            return list(connection.execute(_PUT_ASIDE, {"source": source, "kind": kind, "reason": reason}).scalars())

    def own_invoices(self, source: str, keys: Iterable[str]) -> dict[str, OwnInvoice]:
        """What the invoice pipeline made, or has planned, of these transactions; of several the one that is furthest from done."""
        values = {"source": source, "keys": sorted(set(keys))}
        with self._engine.begin() as connection:
            rows = connection.execute(_OWN_INVOICES, values)
            return {row.key: OwnInvoice(row.state, row.number) for row in rows}

    def charged(self, source: str, kind: str, numbers: Iterable[str]) -> dict[str, Charged | None]:
        """What was charged and refunded under each invoice number; None where in several currencies."""
        values = {"source": source, "kind": kind, "numbers": sorted(set(numbers))}
        with self._engine.begin() as connection:
            rows = connection.execute(_CHARGED, values)
            return {
                row.number: Charged(Money.of(row.charges, row.currency), Money.of(row.refunds, row.currency))
                if row.currency
                else None
                for row in rows
            }

    def charge_days(self, source: str, orders: Collection[str], *, since: date, until: date) -> dict[OrderLine, date]:
        """The last day, from `since` to `until`, on which each order line of these orders was charged, as far as it was read."""
        values = {"source": source, "orders": sorted(orders), "since": since, "until": until}
        with self._engine.begin() as connection:
            return {(row.order_id, row.order_line): row.day for row in connection.execute(_CHARGE_DAYS, values)}

    def adjustments_by_period(self, instance: str) -> dict[str, int]:
        """How many adjustments Coupa has from here, by the name of their period."""
        with self._engine.begin() as connection:
            return {row.period: row.times for row in connection.execute(_BY_PERIOD, {"instance": instance})}

    def posted_days(self) -> list[date]:
        """The days on which something was spent that went to a budget."""
        query = sa.text("SELECT DISTINCT spent_on FROM spend_lines WHERE counted = 'budget' ORDER BY 1")
        with self._engine.begin() as connection:
            return list(connection.execute(query).scalars())

    def unbalanced(self) -> list[str]:
        """Keys of records whose lines do not come to what the ledger's account has of them, to the cent.

        None unless something is broken. That the account comes to the source is what `completeness` proves.
        """
        values = {
            "currencies": list(MINOR_UNITS),
            "factors": [10**places for places in MINOR_UNITS.values()],
        }
        with self._engine.begin() as connection:
            return list(connection.execute(_UNBALANCED, values).scalars())

    def parts(self, record_ids: Iterable[int]) -> dict[int, list[Part]]:
        """What earlier plans made of these records."""
        found: dict[int, list[Part]] = {}
        with self._engine.begin() as connection:
            for row in connection.execute(_PARTS, {"ids": sorted(set(record_ids))}):
                found.setdefault(row.record_id, []).append(Part(*row))
        return found


def _row(line: SpendLine) -> tuple[object, ...]:
    return (
        line.record_id, line.line, line.spent_on.isoformat(), line.period, line.counted, line.currency, line.minor,
        *line.segment,
    )  # fmt: skip


_FORGET = sa.text("""
    DELETE FROM spend_lines s WHERE s.record_id = ANY(:ids) AND NOT EXISTS (
        SELECT FROM unnest(CAST(:records AS bigint[]), CAST(:lines AS int[])) AS stay (record_id, line)
        WHERE stay.record_id = s.record_id AND stay.line = s.line
    )
""")
# Enough to keep every total in memory while the lines pass once; with the server's default they would be sorted on disk.
ROOM = sa.text("SET LOCAL work_mem = '96MB'")
_BY_SEGMENT = sa.text(f"""
    SELECT period, counted, currency, {", ".join(DIMENSIONS)}, count(*) AS lines, sum(minor) AS minor FROM spend_lines
    WHERE CAST(:period AS text) IS NULL OR period = :period
    GROUP BY period, counted, currency, {", ".join(DIMENSIONS)}
""")
# A line's deliveries post it, take it back, post it again: an odd number of them stands on a budget line.
_POSTED = sa.text(f"""
    SELECT DISTINCT r.key FROM source_records r
    JOIN allocations a ON a.record_id = r.id AND a.role = 'bills'
    JOIN deliveries d ON d.id = a.delivery_id AND {ADJUSTMENT} AND d.state NOT IN ('skipped', 'dead')
    WHERE r.source = :source AND r.key = ANY(:keys)
    GROUP BY r.key, r.id, split_part(a.part, '/', 1) HAVING count(*) % 2 = 1
""")
_TO_ASK_AGAIN = sa.text(f"""
    SELECT DISTINCT r.id FROM deliveries d JOIN runs u ON u.id = d.planned_by AND u.now >= :since
    JOIN allocations a ON a.delivery_id = d.id AND a.role = 'bills'
    JOIN source_records r ON r.id = a.record_id AND r.source = :source AND r.kind = :kind
    WHERE {ADJUSTMENT} AND d.state = 'delivered'
    UNION
    SELECT r.id FROM source_records r JOIN source_versions v ON v.record_id = r.id AND v.hash = r.hash
    WHERE r.source = :source AND r.kind = :kind AND NOT coalesce(v.raw ->> 'paymentInstrumentType', '') = ANY(:never)
    AND EXISTS (
        SELECT FROM allocations a
        WHERE a.record_id = r.id AND a.role = 'bills' AND a.state = 'skipped' AND a.reason = ANY(:left)
    ) AND EXISTS (
        SELECT FROM run_records l JOIN runs u ON u.id = l.run_id WHERE l.record_id = r.id AND u.now >= :since
    ) ORDER BY 1
""")
_PUT_ASIDE = sa.text("""
    SELECT DISTINCT r.id FROM allocations a JOIN source_records r ON r.id = a.record_id AND r.source = :source AND r.kind = :kind
    WHERE a.role = 'bills' AND a.state = 'skipped' AND a.reason = :reason ORDER BY 1
""")
_OWN_INVOICES = sa.text(f"""
    SELECT DISTINCT ON (r.key) r.key, d.state, regexp_replace(d.business_key, '^[^/]*/[^/]*/', '') AS number
    FROM source_records r JOIN allocations a ON a.record_id = r.id AND a.role = 'bills'
    JOIN deliveries d ON d.id = a.delivery_id AND {INVOICE} AND d.state <> 'skipped'
    WHERE r.source = :source AND r.key = ANY(:keys) ORDER BY r.key, d.state = 'delivered', d.id
""")
_CHARGED = sa.text("""
    SELECT group_key AS number, sum(greatest(amount, 0)) AS charges, sum(least(amount, 0)) AS refunds,
        CASE WHEN count(DISTINCT currency) = 1 THEN min(currency) END AS currency
    FROM source_records WHERE source = :source AND kind = :kind AND group_key = ANY(:numbers) AND amount IS NOT NULL GROUP BY group_key
""")
_BY_DAY = sa.text(f"""
    SELECT d.payload ->> 'line' AS target, l.spent_on, sum(a.amount) AS amount
    FROM deliveries d JOIN allocations a ON a.delivery_id = d.id AND a.role = 'bills'
    JOIN spend_lines l ON l.record_id = a.record_id AND CAST(l.line AS text) = split_part(a.part, '/', 1)
    WHERE {ADJUSTMENT} AND d.state = 'delivered' AND split_part(d.business_key, '/', 1) = :instance
    AND d.payload ->> 'line' = ANY(:lines) GROUP BY 1, 2 ORDER BY 1, 2
""")
_CHARGE_DAYS = sa.text("""
    SELECT item ->> 'orderId' AS order_id, coalesce(item ->> 'orderLineItemId', '') AS order_line, max(s.spent_on) AS day
    FROM (SELECT DISTINCT record_id, spent_on FROM spend_lines WHERE spent_on BETWEEN :since AND :until) s
    JOIN source_records r ON r.id = s.record_id AND r.source = :source AND r.subkind = 'CHARGE'
    JOIN source_versions v ON v.record_id = r.id AND v.hash = r.hash
    CROSS JOIN json_array_elements(
        CASE WHEN json_typeof(v.raw -> 'transactionLineItems') = 'array' THEN v.raw -> 'transactionLineItems' END
    ) AS item
    WHERE item ->> 'orderId' = ANY(:orders) GROUP BY 1, 2
""")
_BY_PERIOD = sa.text(f"""
    SELECT d.payload ->> 'period' AS period, count(*) AS times FROM deliveries d
    WHERE {ADJUSTMENT} AND d.state = 'delivered' AND split_part(d.business_key, '/', 1) = :instance GROUP BY 1
""")
_UNBALANCED = sa.text(f"""
    SELECT r.key FROM (SELECT record_id, currency, sum(minor) AS minor FROM spend_lines GROUP BY 1, 2) l
    JOIN source_records r ON r.id = l.record_id
    JOIN unnest(CAST(:currencies AS text[]), CAST(:factors AS bigint[])) AS unit (currency, factor) ON unit.currency = l.currency
    WHERE NOT r.to_plan AND (
        SELECT sum(a.amount) FROM allocations a
        WHERE a.record_id = r.id AND a.role = 'bills' AND a.part <> '{CHANGED_PART}' AND a.currency = l.currency
    ) * unit.factor IS DISTINCT FROM CAST(l.minor AS numeric) ORDER BY 1
""")
_PARTS = sa.text(f"""
    SELECT a.record_id, a.part, coalesce(a.state, d.state) AS state, coalesce(a.reason, d.reason) AS reason, a.amount,
        d.id IS NOT NULL AS delivery, coalesce(NOT {open_to_change("d")}, false) AS fixed,
        CAST(d.payload ->> 'line' AS bigint) AS target, d.payload ->> 'period' AS period
    FROM allocations a LEFT JOIN deliveries d ON d.id = a.delivery_id
    WHERE a.role = 'bills' AND a.record_id = ANY(:ids) ORDER BY a.record_id, a.part
""")
