"""Whether a run can account for every document and every cent it saw.

S, what the run saw, comes from the tally of the raw pages, not from what was staged. Each document of S has one
disposition as the ledger stands now, whichever run did the work: the worst of its required deliveries and decisions,
dead > held > waiting > delivered > skipped; planned, sending and undecided count as waiting. Money follows each
allocation. One statement takes the snapshot.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa

from procurement.ledger.account import Account, Completeness
from procurement.ledger.changes import SUPERSEDED
from procurement.ledger.types import Disposition, Run

_SEEN_BY_RUN = """
    SELECT s.source, d.kind, d.key, r.id AS record_id, d.currency, CASE
        WHEN d.amount IS DISTINCT FROM r.amount AND (SELECT count(*) FROM source_versions v WHERE v.record_id = r.id) > 1
        THEN r.amount ELSE d.amount END AS amount
    FROM runs u CROSS JOIN LATERAL jsonb_each(u.tally) AS s (source, tally)
    CROSS JOIN LATERAL jsonb_to_recordset(s.tally -> 'documents') AS d (kind text, key text, amount numeric, currency text)
    LEFT JOIN source_records r ON (r.source, r.kind, r.key) = (s.source, d.kind, d.key)
        AND EXISTS (SELECT FROM run_records l WHERE l.run_id = u.id AND l.record_id = r.id)
    WHERE u.id = :run
"""
_SEEN_BY_ALL = """
    SELECT r.source, r.kind, r.key, r.id AS record_id, r.currency, r.amount FROM source_records r
    WHERE EXISTS (SELECT FROM run_records l JOIN runs u ON u.id = l.run_id WHERE l.record_id = r.id AND u.dag_id = :pipeline)
"""
_SEEN_AMONG = """
    SELECT r.source, r.kind, r.key, r.id AS record_id, r.currency, r.amount FROM source_records r
    WHERE r.source = :source AND r.kind = :kind AND r.key = ANY(CAST(:keys AS text[]))
"""
# Rank of a state: the worst decides. The chain of a delivery is what follows it under the same business key.
_RANK = "CASE {state} WHEN 'dead' THEN 5 WHEN 'held' THEN 4 WHEN 'delivered' THEN 2 WHEN 'skipped' THEN 1 ELSE 3 END"
_SNAPSHOT = """
    CREATE TEMPORARY TABLE settled ON COMMIT DROP AS
    WITH RECURSIVE seen AS MATERIALIZED ({seen}), billed AS MATERIALIZED (
        SELECT a.* FROM allocations a JOIN seen s ON s.record_id = a.record_id WHERE a.role = 'bills'
    ), chain AS (
        SELECT DISTINCT d.id AS root, d.id, d.pipeline, d.business_key, d.state, d.reason, d.changed_at
        FROM billed b JOIN deliveries d ON d.id = b.delivery_id
        UNION ALL
        SELECT c.root, d.id, d.pipeline, d.business_key, d.state, d.reason, d.changed_at FROM chain c JOIN deliveries d
        ON d.after_id = c.id AND d.required AND d.pipeline = c.pipeline AND d.business_key = c.business_key
        AND d.reason IS DISTINCT FROM '{superseded}'
    ), worst AS (
        SELECT DISTINCT ON (root) root, {chain_rank} AS rank, CASE state WHEN 'planned' THEN 'not sent yet'
            WHEN 'sending' THEN 'sent, the answer is still missing' ELSE coalesce(reason, state) END AS reason,
            max(changed_at) OVER (PARTITION BY root) AS finished_at
        FROM chain ORDER BY root, rank DESC, id
    )
    SELECT s.source, s.kind, s.key, s.record_id, s.amount AS seen, s.currency AS seen_currency, b.id AS allocation_id, b.amount, b.currency,
        coalesce(w.rank, {own_rank}) AS rank, coalesce(w.reason, b.reason, 'not planned yet') AS reason, w.finished_at
    FROM seen s LEFT JOIN billed b ON b.record_id = s.record_id LEFT JOIN worst w ON w.root = b.delivery_id
"""
_BY_DOCUMENT = sa.text("""
    SELECT source || '/' || kind || '/' || key AS document, key, record_id, max(seen) AS seen, max(seen_currency) AS currency, max(rank) AS rank,
        sum(amount) AS allocated, count(allocation_id) AS parts,
        bool_and(currency IS NOT DISTINCT FROM seen_currency) AS same_currency, max(finished_at) AS finished_at,
        (array_agg(reason ORDER BY rank DESC, reason))[1] AS reason
    FROM settled GROUP BY source, kind, key, record_id
""")
_DISPOSITIONS: dict[int, Disposition] = {5: "dead", 4: "held", 3: "waiting", 2: "delivered", 1: "skipped"}


class CompletenessCheck:
    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def settle(self, run: Run) -> Completeness:
        """What became of everything the run saw. Reads only; `require()` on the result raises IncompleteRun."""
        with self._engine.begin() as connection:
            _snapshot(connection, _SEEN_BY_RUN, {"run": run.id})
            carried = connection.execute(_CARRIED_IN, {"run": run.id, "pipeline": run.dag_id}).scalar_one()
            repeats = connection.execute(_REPEATS, {"run": run.id}).scalar_one()
            return _settled(
                connection, opened_at=_opened(connection, run), carried_in=int(carried), repeats=int(repeats or 0)
            )

    def population(self, pipeline: str) -> Completeness:
        """The distinct documents of all runs of `pipeline`; runs are never summed."""
        with self._engine.begin() as connection:
            _snapshot(connection, _SEEN_BY_ALL, {"pipeline": pipeline})
            return _settled(connection, opened_at=None)

    def fates(self, pipeline: str) -> dict[str, tuple[Disposition, str]]:
        """By source key: disposition and reason (empty when delivered) of every document of the population."""
        with self._engine.begin() as connection:
            _snapshot(connection, _SEEN_BY_ALL, {"pipeline": pipeline})
            rows = connection.execute(_BY_DOCUMENT).all()
        return {row.key: (_DISPOSITIONS[row.rank], "" if row.rank == 2 else row.reason) for row in rows}


@dataclass(frozen=True, slots=True)
class Disposed:
    """What became of one record. `allocated` is the sum of its parts in its own currency; None: not planned yet."""

    key: str
    state: Disposition
    reason: str
    amount: Decimal | None
    currency: str | None
    allocated: Decimal | None
    group_key: str | None = None


def disposed(
    connection: sa.Connection, source: str, kind: str, keys: Sequence[str]
) -> tuple[Completeness, list[Disposed]]:
    """The records of these keys that the ledger has, whichever run read them, and the account over them."""
    _snapshot(connection, _SEEN_AMONG, {"source": source, "kind": kind, "keys": list(keys)})
    rows = connection.execute(_BY_DOCUMENT).all()
    groups = connection.execute(
        sa.text("SELECT id, group_key FROM source_records WHERE id = ANY(:ids)"),
        {"ids": [row.record_id for row in rows]},
    )
    named = {row.id: row.group_key for row in groups}
    found = [
        Disposed(
            row.key, _DISPOSITIONS[row.rank], row.reason, row.seen, row.currency, row.allocated, named[row.record_id]
        )
        for row in rows
    ]
    return _settled(connection, opened_at=None), found


def _snapshot(connection: sa.Connection, seen: str, values: Mapping[str, object]) -> None:
    query = _SNAPSHOT.format(
        seen=seen, superseded=SUPERSEDED, chain_rank=_RANK.format(state="state"), own_rank=_RANK.format(state="b.state")
    )
    connection.exec_driver_sql("DROP TABLE IF EXISTS pg_temp.settled")
    connection.execute(sa.text(query), values)


def _opened(connection: sa.Connection, run: Run) -> datetime:
    moment: datetime = connection.execute(
        sa.text("SELECT opened_at FROM runs WHERE id = :run"), {"run": run.id}
    ).scalar_one()
    return moment


def _settled(
    connection: sa.Connection, *, opened_at: datetime | None, carried_in: int = 0, repeats: int = 0
) -> Completeness:
    documents = connection.execute(_BY_DOCUMENT).all()
    missing = tuple(sorted(row.document for row in documents if row.record_id is None))
    unbalanced = tuple(sorted(row.document for row in documents if row.record_id is not None and not _balanced(row)))
    reasons: dict[tuple[str, str], int] = {}
    account: dict[str, Decimal] = {"seen": Decimal(len(documents))}
    for row in documents:
        if row.record_id is None:
            continue
        disposition = _DISPOSITIONS[row.rank]
        _add(account, disposition, Decimal(1))
        if disposition == "delivered":
            _add(account, "delivered_now", Decimal(int(opened_at is not None and row.finished_at >= opened_at)))
        else:
            key = (disposition, row.reason)
            reasons[key] = reasons.get(key, 0) + 1
    money = _money(connection, opened_at)
    return Completeness(Account(**account), money, missing, unbalanced, reasons, carried_in, repeats)


def _balanced(row: sa.Row[tuple[object, ...]]) -> bool:
    """Nothing planned yet is in balance: all of it waits. Otherwise the parts add up to what was seen, in its currency."""
    if row.seen is None:
        return row.allocated is None
    return bool(not row.parts or (row.allocated == row.seen and row.same_currency))


def _add(account: dict[str, Decimal], key: str, amount: Decimal) -> None:
    account[key] = account.get(key, Decimal(0)) + amount


def _money(connection: sa.Connection, opened_at: datetime | None) -> dict[str, Account]:
    """By currency. A document without any decision waits with all it has."""
    sums: dict[str, dict[str, Decimal]] = {}
    for currency, seen in connection.execute(_MONEY_SEEN):
        _add(sums.setdefault(currency, {}), "seen", seen)
    for row in connection.execute(_MONEY, {"opened_at": opened_at}):
        account = sums.setdefault(row.currency, {})
        _add(account, _DISPOSITIONS[row.rank], row.amount)
        _add(account, "delivered_now", row.now or Decimal(0))
    return {currency: Account(**account) for currency, account in sorted(sums.items())}


_MONEY_SEEN = sa.text("""
    SELECT currency, sum(seen) FROM (
        SELECT DISTINCT source, kind, key, seen_currency AS currency, seen FROM settled WHERE seen IS NOT NULL
    ) AS documents GROUP BY currency
""")
_MONEY = sa.text("""
    SELECT currency, rank, sum(amount) AS amount, sum(amount) FILTER (WHERE rank = 2 AND finished_at >= CAST(:opened_at AS timestamptz)) AS now
    FROM (
        SELECT currency, rank, amount, finished_at FROM settled WHERE amount IS NOT NULL
        UNION ALL
        SELECT seen_currency, rank, seen, finished_at FROM settled WHERE record_id IS NOT NULL AND seen IS NOT NULL AND allocation_id IS NULL
    ) AS parts WHERE currency IS NOT NULL GROUP BY currency, rank
""")
_REPEATS = sa.text(
    "SELECT sum(CAST(s.tally ->> 'repeats' AS int)) FROM runs u, jsonb_each(u.tally) AS s (source, tally) WHERE u.id = :run"
)
_CARRIED_IN = sa.text("""
    SELECT count(DISTINCT a.record_id) FROM runs u JOIN deliveries d ON d.pipeline = :pipeline AND d.state = 'delivered'
    AND d.changed_at >= u.opened_at JOIN allocations a ON a.delivery_id = d.id
    WHERE u.id = :run AND NOT EXISTS (SELECT FROM settled s WHERE s.record_id = a.record_id)
""")
