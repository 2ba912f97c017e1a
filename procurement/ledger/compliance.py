"""What compliance knows beside records and deliveries: purchased lines in typed columns, and the register of violations.

Lines belong to a record and are replaced with it. A violation has one key for ever; it is open until it is closed, and
what was told of it is told once.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from procurement.ledger.bulk import analyze_once, copy_rows, create_temporary
from procurement.ledger.compliance_tables import purchased_lines, violations
from procurement.ledger.encoding import dump_json
from procurement.ledger.locks import session_lock
from procurement.ledger.notices import add_notice

Json = dict[str, Any]
AGREED = " approved it"  # ends the reason why what a rule routed is over


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchasedLine:
    """`po_number`: Coupa's PO that covers it; empty: none does. `seller` as Amazon spells it, `seller_name` normalised. `standing`: on_contract,
    off_contract or cancelled. `terms`: what the contracts said when the order was first judged; written, and read apart."""

    record_id: int
    n: int
    source: str
    order_id: str
    po_number: str
    ordered_at: datetime
    buyer: str
    cost_center: str
    seller: str
    seller_name: str
    commodity: str
    asin: str
    contract: str
    quantity: Decimal
    amount: Decimal
    currency: str
    standing: str
    terms: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptViolation:
    """A violation as the register has it. `told`: at_once, weekly or report_only; `closed_at` None: it is open. `times`: how
    often it was found anew after it was over; what is written about it is written once each time. `source` is Amazon's account
    of an order, and Coupa's instance of what was stopped before it became one (`purchase`: the PO or requisition)."""

    source: str
    key: str
    record_id: int
    rule: str
    kind: str
    severity: str
    action: str
    purchase: str
    po_number: str | None
    orders: tuple[str, ...]
    subject: str
    shared: str | None
    buyer: str
    cost_center: str
    seller: str
    commodity: str
    amount: Decimal
    currency: str
    sentence: str
    evidence: tuple[str, ...]
    told: str
    found_at: datetime
    act_by: date
    told_at: datetime | None = None
    closed_at: datetime | None = None
    closed_because: str | None = None
    times: int = 1
    reminded_at: datetime | None = None
    escalated_at: datetime | None = None
    id: int = field(default=0, compare=False)

    @property
    def delivery_key(self) -> str:
        return self.key if self.times == 1 else f"{self.key}/{self.times}"


@dataclass(frozen=True, slots=True)
class Leaked:
    """Goods bought in one month for one cost center from one seller by one buyer: in all, and beside the contracts."""

    month: date
    cost_center: str
    seller: str
    buyer: str
    currency: str
    orders: int
    total: Decimal
    off_contract: Decimal
    cancelled: Decimal


class ComplianceBooks:
    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def one_order_at_a_time(self, account: str) -> AbstractContextManager[None]:
        """While an order of this account is looked at beside the others and claimed, over all processes; waits for its turn."""
        return session_lock(self._engine, f"compliance/{account}")

    def keep_lines(self, record_ids: Iterable[int], lines: Sequence[PurchasedLine]) -> None:
        """Replaces the lines of these records by `lines`, all of them theirs."""
        names = tuple(PurchasedLine.__dataclass_fields__)
        with self._engine.begin() as connection:
            connection.execute(
                sa.text("DELETE FROM purchased_lines WHERE record_id = ANY(:ids)"), {"ids": sorted(set(record_ids))}
            )
            copy_rows(connection, purchased_lines.name, names, (_line_row(line, names) for line in lines))
        with self._engine.begin() as connection:
            analyze_once(connection, "purchased_lines")

    def terms_of(self, source: str, order_ids: Iterable[str]) -> dict[str, list[tuple[str, Json]]]:
        """By order id: ASIN and kept terms of each line that has some."""
        query = sa.text("""
            SELECT l.order_id, l.asin, CAST(l.terms AS text) AS terms
            FROM source_records r JOIN purchased_lines l ON l.record_id = r.id
            WHERE r.source = :source AND r.kind = 'purchase' AND r.key = ANY(:orders) AND l.terms IS NOT NULL ORDER BY r.id, l.n
        """)
        found: dict[str, list[tuple[str, Json]]] = {}
        with self._engine.begin() as connection:
            for row in connection.execute(query, {"source": source, "orders": sorted(set(order_ids))}):
                found.setdefault(row.order_id, []).append((row.asin, json.loads(row.terms)))
        return found

    def bought_by(
        self, source: str, *, buyers: Iterable[str], cost_centers: Iterable[str], since: datetime, until: datetime
    ) -> list[PurchasedLine]:
        """Lines of these buyers or cost centers ordered from `since` to `until`, cancelled ones left out; oldest first."""
        values = {
            "source": source, "buyers": sorted(set(buyers)), "centers": sorted(set(cost_centers)), "since": since, "until": until,
        }  # fmt: skip
        with self._engine.begin() as connection:
            return [PurchasedLine(**row._asdict()) for row in connection.execute(_BOUGHT_BY, values)]

    def bought_before(
        self, source: str, wanted: Sequence[tuple[str, str, datetime, str, str]]
    ) -> dict[tuple[str, str, str], tuple[Decimal, Decimal]]:
        """Units and money bought under a contract before an order: by (contract, ASIN, order id), for each wanted (contract, ASIN,
        moment of the order, its id, a PO to leave out or ""). An ASIN of "" asks for the whole contract. Cancelled lines do not
        count."""
        values = {
            "source": source, "contracts": [one[0] for one in wanted], "asins": [one[1] for one in wanted],
            "moments": [one[2] for one in wanted], "orders": [one[3] for one in wanted], "own": [one[4] for one in wanted],
        }  # fmt: skip
        if not wanted:
            return {}
        with self._engine.begin() as connection:
            rows = connection.execute(_BOUGHT_BEFORE, values)
            return {(row.contract, row.asin, row.order_id): (row.units, row.money) for row in rows}

    def taken_beyond(
        self, source: str, limits: Iterable[tuple[str, str, Decimal, str]]
    ) -> dict[tuple[str, str, Decimal], list[tuple[str, datetime, Decimal, Decimal, Decimal]]]:
        """Orders that took more than a limit (contract, ASIN, the most, currency), oldest first: order id, moment, what it took, its
        money, and what was taken before it. Of an ASIN units count, of "" the whole contract's money. Cancelled lines do not."""
        rows = sorted(set(limits))
        values = {
            "source": source, "contracts": [one[0] for one in rows], "asins": [one[1] for one in rows],
            "most": [one[2] for one in rows], "currencies": [one[3] for one in rows],
        }  # fmt: skip
        found: dict[tuple[str, str, Decimal], list[tuple[str, datetime, Decimal, Decimal, Decimal]]] = {}
        if rows:
            with self._engine.begin() as connection:
                for row in connection.execute(_TAKEN_BEYOND, values):
                    taken = (row.order_id, row.ordered_at, row.size, row.amount, row.reached - row.size)
                    found.setdefault((row.contract, row.asin, row.most), []).append(taken)
        return found

    def sent_since(self, pipeline: str, action: str, *, scope: str, since: datetime) -> list[tuple[str, datetime]]:
        """Keys of writes of this account that were sent, or may have been, and the moment for which they were planned."""
        values = {"pipeline": pipeline, "action": action, "scope": scope, "since": since}
        with self._engine.begin() as connection:
            return [(row.business_key, row.now) for row in connection.execute(_SENT_SINCE, values)]

    def reported(self, source: str, po_numbers: Iterable[str]) -> set[str]:
        """Those of these POs that an order in the books names, whether they cover it or not."""
        query = sa.text(
            "SELECT DISTINCT r.group_key FROM source_records r JOIN purchased_lines l ON l.record_id = r.id "
            "WHERE r.source = :source AND r.kind = 'purchase' AND r.group_key = ANY(:numbers)"
        )
        with self._engine.begin() as connection:
            return set(connection.execute(query, {"source": source, "numbers": sorted(set(po_numbers))}).scalars())

    def register(self, found: Sequence[KeptViolation]) -> None:
        """New ones are added, known ones brought up to date; one that was closed is open again, and not told yet."""
        if not found:
            return
        with self._engine.begin() as connection:
            create_temporary(connection, "found", ", ".join(f"{name} {_TYPES.get(name, 'text')}" for name in _KEPT))
            copy_rows(connection, "found", _KEPT, map(_as_row, found))
            connection.execute(_REGISTER)
        with self._engine.begin() as connection:
            analyze_once(connection, "violations")

    def open_of(self, record_ids: Iterable[int]) -> list[KeptViolation]:
        return self._read("record_id = ANY(:ids) AND closed_at IS NULL", {"ids": sorted(set(record_ids))})

    def open_on(self, source: str, subjects: Iterable[str]) -> list[KeptViolation]:
        """Open violations about these subjects, whosever: the same cause is not told twice."""
        values = {"source": source, "subjects": sorted(set(subjects))}
        return self._read(
            "source = :source AND subject = ANY(:subjects) AND closed_at IS NULL AND shared IS NOT NULL", values
        )

    def open(self) -> list[KeptViolation]:
        return self._read("closed_at IS NULL", {})

    def open_from(self, source: str) -> list[KeptViolation]:
        return self._read("source = :source AND closed_at IS NULL", {"source": source})

    def known(self, source: str, keys: Iterable[str]) -> dict[str, KeptViolation]:
        """Open and closed ones, by key."""
        values = {"source": source, "keys": sorted(set(keys))}
        return {one.key: one for one in self._read("source = :source AND key = ANY(:keys)", values)}

    def agreed(self, po_numbers: Iterable[str]) -> set[tuple[str, str]]:
        """(PO, rule) of what was stopped before these were ordered, until its approver agreed."""
        query = sa.text(
            "SELECT DISTINCT po_number, rule FROM violations WHERE po_number = ANY(:numbers) AND action = 'route' "
            "AND closed_because LIKE :agreed"
        )
        with self._engine.begin() as connection:
            rows = connection.execute(query, {"numbers": sorted(set(po_numbers)), "agreed": f"%{AGREED}"})
            return {(row.po_number, row.rule) for row in rows}

    def untold(self, before: datetime) -> list[KeptViolation]:
        """Open, found before this moment, for the digest, and in none so far."""
        return self._read(
            "closed_at IS NULL AND told_at IS NULL AND told <> 'at_once' AND found_at < :before", {"before": before}
        )

    def told(self, ids: Iterable[int], at: datetime) -> None:
        query = sa.text("UPDATE violations SET told_at = :at WHERE id = ANY(:ids) AND told_at IS NULL")
        with self._engine.begin() as connection:
            connection.execute(query, {"ids": sorted(set(ids)), "at": at})

    def overdue(self, day: date) -> list[KeptViolation]:
        """Open, told to people one way or the other, and the day by which somebody had to act is over."""
        condition = "closed_at IS NULL AND told <> 'report_only' AND act_by < :day AND (told = 'at_once' OR told_at IS NOT NULL)"
        return self._read(condition, {"day": day})

    def remind(self, ids: Iterable[int], at: datetime, *, key: str, body: Json, escalated: bool = False) -> None:
        """One mail about these, and that it was written, in one transaction: nothing of it is ever mailed twice."""
        column = "escalated_at" if escalated else "reminded_at"
        mark = sa.text(f"UPDATE violations SET {column} = :at WHERE id = ANY(:ids) AND {column} IS NULL")
        with self._engine.begin() as connection:
            add_notice(connection, key, "compliance", body)
            connection.execute(mark, {"ids": sorted(set(ids)), "at": at})

    def settled(self, pipeline: str, record_ids: Iterable[int]) -> dict[int, str | None]:
        """Of these documents, those that the pipeline is through with: None where all of it was delivered, else why it was not."""
        with self._engine.begin() as connection:
            rows = connection.execute(_SETTLED, {"pipeline": pipeline, "ids": sorted(set(record_ids))})
            return {row.record_id: row.reason for row in rows}

    def close(self, reasons: Mapping[int, str], at: datetime) -> None:
        """By id: why it is over."""
        query = sa.text(
            "UPDATE violations SET closed_at = :at, closed_because = :reason WHERE id = :id AND closed_at IS NULL"
        )
        if reasons:
            with self._engine.begin() as connection:
                connection.execute(query, [{"id": id, "reason": reasons[id], "at": at} for id in sorted(reasons)])

    def leakage(
        self, *, since: datetime | None = None, until: datetime | None = None, source: str | None = None
    ) -> list[Leaked]:
        """Ordered in [since, until): by month (UTC), cost center, seller and buyer; every line counts exactly once."""
        with self._engine.begin() as connection:
            rows = connection.execute(_LEAKAGE, {"since": since, "until": until, "source": source})
            return [Leaked(**row._asdict()) for row in rows]

    def _read(self, condition: str, values: Mapping[str, object]) -> list[KeptViolation]:
        query = sa.select(violations).where(sa.text(condition)).order_by(violations.c.found_at, violations.c.id)
        with self._engine.begin() as connection:
            found = []
            for row in connection.execute(query, values):
                fields = row._asdict()
                fields |= {"orders": tuple(fields["orders"]), "evidence": tuple(fields["evidence"])}
                found.append(KeptViolation(**fields))
            return found


_LINE = ", ".join(f"l.{name}" for name in PurchasedLine.__dataclass_fields__ if name != "terms")
_BOUGHT_BY = sa.text(f"""
    SELECT {_LINE} FROM purchased_lines l
    WHERE l.source = :source AND l.ordered_at BETWEEN :since AND :until AND l.standing <> 'cancelled'
    AND (l.buyer = ANY(:buyers) OR l.cost_center = ANY(:centers)) ORDER BY l.ordered_at, l.record_id, l.n
""")
_BOUGHT_BEFORE = sa.text("""
    SELECT w.contract, w.asin, w.order_id, coalesce(sum(l.quantity), 0) AS units, coalesce(sum(l.amount), 0) AS money
    FROM unnest(CAST(:contracts AS text[]), CAST(:asins AS text[]), CAST(:moments AS timestamptz[]), CAST(:orders AS text[]),
        CAST(:own AS text[])) AS w (contract, asin, ordered_at, order_id, own)
    LEFT JOIN purchased_lines l ON l.source = :source AND l.contract = w.contract AND (w.asin = '' OR l.asin = w.asin)
        AND l.standing <> 'cancelled' AND (l.ordered_at, l.order_id) < (w.ordered_at, w.order_id)
        AND (w.own = '' OR l.po_number <> w.own)
    GROUP BY w.contract, w.asin, w.order_id
""")
_TAKEN_BEYOND = sa.text("""
    WITH taken AS (
        SELECT w.contract, w.asin, w.most, l.order_id, l.ordered_at, sum(l.amount) AS amount,
            sum(CASE WHEN w.asin = '' THEN l.amount ELSE l.quantity END) AS size
        FROM unnest(CAST(:contracts AS text[]), CAST(:asins AS text[]), CAST(:most AS numeric[]), CAST(:currencies AS text[]))
            AS w (contract, asin, most, currency)
        JOIN purchased_lines l ON l.source = :source AND l.contract = w.contract AND (w.asin = '' OR l.asin = w.asin)
            AND l.currency = w.currency AND l.standing <> 'cancelled'
        GROUP BY w.contract, w.asin, w.most, l.order_id, l.ordered_at
    ), reaching AS (
        SELECT taken.*, sum(size) OVER (PARTITION BY contract, asin, most ORDER BY ordered_at, order_id) AS reached FROM taken
    )
    SELECT * FROM reaching WHERE reached > most ORDER BY contract, asin, ordered_at, order_id
""")
_SENT_SINCE = sa.text("""
    SELECT d.business_key, r.now FROM deliveries d JOIN runs r ON r.id = d.planned_by
    WHERE d.pipeline = :pipeline AND d.action = :action AND d.state IN ('sending', 'delivered') AND d.scope = :scope AND r.now >= :since
    ORDER BY d.id
""")
# Nothing of the document is under way, held or still to be planned.
_SETTLED = sa.text("""
    SELECT a.record_id, max(coalesce(d.reason, a.reason)) FILTER (WHERE coalesce(d.state, a.state) = 'skipped') AS reason
    FROM allocations a JOIN source_records r ON r.id = a.record_id LEFT JOIN deliveries d ON d.id = a.delivery_id
    WHERE a.record_id = ANY(:ids) AND a.pipeline = :pipeline AND a.role = 'bills' AND NOT r.to_plan
    GROUP BY a.record_id HAVING bool_and(coalesce(d.state, a.state) IN ('delivered', 'skipped'))
""")
_KEPT = (
    "source", "key", "record_id", "rule", "kind", "severity", "action", "purchase", "po_number", "orders", "subject", "shared",
    "buyer", "cost_center", "seller", "commodity", "amount", "currency", "sentence", "evidence", "told", "found_at", "act_by", "times",
)  # fmt: skip
_TYPES = {
    "record_id": "bigint", "orders": "jsonb", "evidence": "jsonb", "amount": "numeric", "found_at": "timestamptz", "act_by": "date",
    "times": "integer",
}  # fmt: skip
_UPDATED = (
    "severity", "action", "po_number", "orders", "buyer", "cost_center", "seller", "commodity", "amount", "sentence", "evidence",
    "told", "found_at", "act_by", "times",
)  # fmt: skip
# In the order of keys, so that two runs queue up instead of deadlocking; of one key twice in a batch the last look counts.
_REGISTER = sa.text(f"""
    INSERT INTO violations ({", ".join(_KEPT)})
    SELECT DISTINCT ON (source, key) {", ".join(_KEPT)} FROM found ORDER BY source, key, ctid DESC
    ON CONFLICT (source, key) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _UPDATED)},
        told_at = CASE WHEN violations.closed_at IS NULL THEN violations.told_at END,
        reminded_at = CASE WHEN violations.closed_at IS NULL THEN violations.reminded_at END,
        escalated_at = CASE WHEN violations.closed_at IS NULL THEN violations.escalated_at END, closed_at = NULL, closed_because = NULL
""")


def _line_row(line: PurchasedLine, names: Iterable[str]) -> list[object]:
    terms = dump_json(line.terms) if line.terms is not None else None
    return [terms if name == "terms" else getattr(line, name) for name in names]


def _as_row(one: KeptViolation) -> list[object]:
    texts = {"orders": dump_json(list(one.orders)), "evidence": dump_json(list(one.evidence))}
    return [texts[name] if name in texts else getattr(one, name) for name in _KEPT]


_LEAKAGE = sa.text("""
    SELECT CAST(date_trunc('month', ordered_at AT TIME ZONE 'UTC') AS date) AS month, cost_center, seller_name AS seller, buyer, currency,
        count(DISTINCT order_id) AS orders, sum(amount) AS total,
        coalesce(sum(amount) FILTER (WHERE standing = 'off_contract'), 0) AS off_contract,
        coalesce(sum(amount) FILTER (WHERE standing = 'cancelled'), 0) AS cancelled
    FROM purchased_lines
    WHERE (CAST(:since AS timestamptz) IS NULL OR ordered_at >= :since) AND (CAST(:until AS timestamptz) IS NULL OR ordered_at < :until)
    AND (CAST(:source AS text) IS NULL OR source = :source)
    GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
""")
