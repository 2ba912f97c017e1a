"""Source records: each document as read, in every version seen.

An unchanged re-read only moves `last_seen`. A changed one is a new version and is planned again, unless a delivery that
bills it was already claimed: then it is a finding, and the difference in money is held for a person.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import sqlalchemy as sa

from procurement.ledger.bulk import analyze, analyze_once, copy_rows, create_temporary
from procurement.ledger.changes import HOLD_CHANGED_AFTER_CLAIM, REPORT_CHANGED_AFTER_CLAIM, open_to_change
from procurement.ledger.encoding import clean, dump_json, hash_text
from procurement.ledger.types import Charge, Pending, Record, Refund, Run, StageCounts, Staged

_STAGED = (
    "key text, hash text, amount numeric, currency text, group_key text, dated_at timestamptz, subkind text, "
    "record_id bigint, fresh boolean, previous text"
)
_LINES = "key text, n int, order_id text, order_line_id text, shipment_id text, quantity numeric, amount numeric"


class Records:
    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def stage(
        self,
        run: Run,
        source: str,
        kind: str,
        rows: Sequence[Staged],
        *,
        evolving: bool = False,
        for_another: bool = False,
    ) -> StageCounts:
        """Keeps `rows` and links them to the run; of one key twice, the last counts. ValueError in a dry run, which keeps nothing.

        `evolving`: the document changes by nature (an open order), so a change is planned again whatever was sent for it.
        `for_another`: another pipeline plans and accounts for these; the run does not count them.
        """
        if run.dry_run:
            raise ValueError(f"run {run.run_id} is a dry run: it writes plans only")
        distinct = {clean(row.key) or "": row for row in rows}
        if not distinct:
            return StageCounts()
        values = {"source": source, "kind": kind, "run": run.id}
        with self._engine.begin() as connection:
            texts = {key: dump_json(row.raw) for key, row in distinct.items()}
            _copy_staged(connection, distinct, texts)
            connection.execute(_UPSERT, values)
            connection.execute(_FIND_PREVIOUS, {"evolving": evolving})
            counts = connection.execute(_COUNT).one()
            if counts.changed:
                connection.execute(REPORT_CHANGED_AFTER_CLAIM, values)
                connection.execute(HOLD_CHANGED_AFTER_CLAIM, {"pipeline": run.dag_id})
                connection.execute(_CHANGE)
                connection.execute(_DROP_OLD_LINES)
            _add_versions(connection, texts)
            connection.execute(_ADD_LINES)
            if not for_another:
                connection.execute(_LINK, values)
        with self._engine.begin() as connection:
            analyze_once(connection, "record_lines", "source_records", "source_versions")
        changed = counts.changed - counts.claimed
        return StageCounts(counts.fresh, changed, len(distinct) - counts.fresh - counts.changed, counts.claimed)

    def to_plan(self, source: str, kind: str) -> list[Pending]:
        """The records that still need a plan, oldest first, without their content."""
        query = sa.text(
            "SELECT id, key, group_key, dated_at, subkind FROM source_records "
            "WHERE source = :source AND kind = :kind AND to_plan ORDER BY dated_at NULLS FIRST, id"
        )
        return self._pending(query, {"source": source, "kind": kind})

    def of_groups(self, source: str, kind: str, group_keys: Iterable[str]) -> list[Pending]:
        """All records of these groups, planned or not: what a document that is not yet sent must be planned from again."""
        query = sa.text(
            "SELECT id, key, group_key, dated_at, subkind FROM source_records "
            "WHERE source = :source AND kind = :kind AND group_key = ANY(:groups) ORDER BY dated_at NULLS FIRST, id"
        )
        return self._pending(query, {"source": source, "kind": kind, "groups": sorted(set(group_keys))})

    def _pending(self, query: sa.TextClause, values: dict[str, object]) -> list[Pending]:
        with self._engine.begin() as connection:
            return [Pending(*row) for row in connection.execute(query, values)]

    def load(self, ids: Iterable[int]) -> list[Record]:
        """The records with their content as last read, in the order of `ids`; LookupError for an unknown id."""
        wanted = list(ids)
        with self._engine.begin() as connection:
            found = {row.id: Record(**row._asdict()) for row in connection.execute(_LOAD, {"ids": wanted})}
        if missing := [str(id) for id in wanted if id not in found]:
            raise LookupError(f"no source record {', '.join(missing)}")
        return [found[id] for id in wanted]

    def find(self, source: str, kind: str, keys: Iterable[str]) -> dict[str, Record]:
        """What is known of these keys, with content, by key; unknown ones are absent."""
        values = {"source": source, "kind": kind, "keys": sorted(set(keys))}
        with self._engine.begin() as connection:
            return {row.key: Record(**row._asdict()) for row in connection.execute(_FIND, values)}

    def pages(self, kind: str, *, since: datetime, size: int) -> Iterator[list[Record]]:
        """All records of the kind dated since then, of every source, with content, `size` at a time in the order they came."""
        last = 0
        while True:
            values = {"kind": kind, "since": since, "after": last, "size": size}
            with self._engine.begin() as connection:
                found = [Record(**row._asdict()) for row in connection.execute(_PAGE, values)]
            if not found:
                return
            yield found
            last = found[-1].id

    def skipped_because(self, source: str, kind: str, keys: Iterable[str], *, reason: str) -> set[str]:
        """Those of these keys that are skipped for this very reason, by a plan of their own or with their delivery."""
        query = sa.text("""
            SELECT DISTINCT r.key FROM source_records r JOIN allocations a ON a.record_id = r.id AND a.role = 'bills'
            LEFT JOIN deliveries d ON d.id = a.delivery_id
            WHERE r.source = :source AND r.kind = :kind AND r.key = ANY(:keys)
            AND coalesce(a.state, d.state) = 'skipped' AND coalesce(a.reason, d.reason) = :reason
        """)
        values = {"source": source, "kind": kind, "keys": sorted(set(keys)), "reason": reason}
        with self._engine.begin() as connection:
            return set(connection.execute(query, values).scalars())

    def pages_of_run(self, run: Run, kind: str, *, size: int) -> Iterator[list[Record]]:
        """The records of the kind that this run read, with content, `size` at a time."""
        last = 0
        while True:
            values = {"run": run.id, "kind": kind, "after": last, "size": size}
            with self._engine.begin() as connection:
                found = [Record(**row._asdict()) for row in connection.execute(_PAGE_OF_RUN, values)]
            if not found:
                return
            yield found
            last = found[-1].id

    def link(self, run: Run, ids: Iterable[int]) -> None:
        """Counts known records among those the run is about, without reading their source again."""
        rows = [{"run": run.id, "record": id} for id in sorted(set(ids))]
        if rows:
            with self._engine.begin() as connection:
                connection.execute(_LINK_KNOWN, rows)

    def plan_again(self, ids: Iterable[int]) -> None:
        """What surrounds them may have changed, though they themselves did not."""
        query = sa.text("UPDATE source_records SET to_plan = true WHERE id = ANY(:ids) AND NOT to_plan")
        if wanted := sorted(set(ids)):
            with self._engine.begin() as connection:
                connection.execute(query, {"ids": wanted})

    def reopen(self, source: str, kind: str, group_keys: Iterable[str]) -> int:
        """Records of these groups that were skipped or held without a delivery are planned again: a person released them."""
        query = sa.text("""
            UPDATE source_records r SET to_plan = true
            WHERE r.source = :source AND r.kind = :kind AND r.group_key = ANY(:groups) AND NOT r.to_plan
            AND EXISTS (SELECT FROM allocations a WHERE a.record_id = r.id AND a.state IN ('skipped', 'held'))
            AND NOT EXISTS (SELECT FROM allocations a WHERE a.record_id = r.id AND a.delivery_id IS NOT NULL)
        """)
        with self._engine.begin() as connection:
            return connection.execute(
                query, {"source": source, "kind": kind, "groups": sorted(set(group_keys))}
            ).rowcount

    def assign_groups(self, groups: dict[int, str]) -> None:
        """Group keys learned after staging (an invoice number that appeared later); a re-read without one keeps them."""
        query = sa.text("UPDATE source_records SET group_key = :group_key WHERE id = :id")
        rows = [{"id": id, "group_key": clean(groups[id])} for id in sorted(groups)]
        if rows:
            with self._engine.begin() as connection:
                connection.execute(query, rows)

    def refunds_of(self, source: str, order_ids: Iterable[str]) -> list[Refund]:
        """The lines of REFUND and OVERREFUND records on these orders, oldest first, as the invoice pipeline staged them."""
        values = {"source": source, "orders": sorted(set(order_ids))}
        with self._engine.begin() as connection:
            return [Refund(**row._asdict()) for row in connection.execute(_REFUNDS, values)]

    def charges_of(self, source: str, order_lines: Iterable[tuple[str, str]]) -> list[Charge]:
        """The CHARGE records on these (order id, order line id), oldest first: what refunds of them refer to."""
        pairs = sorted(set(order_lines))
        values = {"source": source, "orders": [order for order, _ in pairs], "lines": [line for _, line in pairs]}
        with self._engine.begin() as connection:
            return [Charge(**row._asdict()) for row in connection.execute(_CHARGES, values)]


def _copy_staged(connection: sa.Connection, distinct: dict[str, Staged], texts: dict[str, str]) -> None:
    create_temporary(connection, "staged", _STAGED)
    create_temporary(connection, "staged_lines", _LINES)
    columns = ("key", "hash", "amount", "currency", "group_key", "dated_at", "subkind")
    rows = (
        (key, hash_text(texts[key]), row.amount, row.currency, row.group_key, row.dated_at, row.subkind)
        for key, row in distinct.items()
    )
    copy_rows(connection, "staged", columns, rows)
    copy_rows(
        connection,
        "staged_lines",
        ("key", "n", "order_id", "order_line_id", "shipment_id", "quantity", "amount"),
        (
            (key, n, line.order_id, line.order_line_id, line.shipment_id, line.quantity, line.amount)
            for key, row in distinct.items()
            for n, line in enumerate(row.lines, 1)
        ),
    )
    analyze(connection, "staged", "staged_lines")


def _add_versions(connection: sa.Connection, texts: dict[str, str]) -> None:
    """Content goes over the wire for new and changed records only: most of what overlapping windows read is known."""
    rows = connection.execute(_NEW_VERSIONS).all()
    copy_rows(
        connection,
        "source_versions",
        ("record_id", "hash", "raw"),
        ((row.record_id, row.hash, texts[row.key]) for row in rows),
    )


# Sorted by key, so that two runs over the same documents queue up instead of deadlocking. After it every row is locked.
_UPSERT = sa.text("""
    WITH kept AS (
        INSERT INTO source_records (source, kind, key, hash, amount, currency, group_key, dated_at, subkind)
        SELECT :source, :kind, key, hash, amount, currency, group_key, dated_at, subkind FROM staged ORDER BY key
        ON CONFLICT (source, kind, key) DO UPDATE SET last_seen = clock_timestamp()
        RETURNING id, key, hash, xmax = 0 AS fresh
    )
    UPDATE staged SET record_id = kept.id, fresh = kept.fresh, previous = kept.hash FROM kept WHERE kept.key = staged.key
""")
_FIND_PREVIOUS = sa.text(f"""
    CREATE TEMPORARY TABLE changed ON COMMIT DROP AS
    SELECT s.record_id, s.amount, s.currency, s.key, NOT :evolving AND EXISTS (
        SELECT FROM allocations a JOIN deliveries d ON d.id = a.delivery_id
        WHERE a.record_id = s.record_id AND a.role = 'bills' AND NOT {open_to_change("d")}
    ) AS claimed
    FROM staged s WHERE NOT s.fresh AND s.previous <> s.hash
""")
_COUNT = sa.text("""
    SELECT (SELECT count(*) FROM staged WHERE fresh) AS fresh, count(*) AS changed, count(*) FILTER (WHERE claimed) AS claimed FROM changed
""")
_CHANGE = sa.text("""
    UPDATE source_records r
    SET hash = s.hash, amount = s.amount, currency = s.currency, group_key = coalesce(s.group_key, r.group_key), dated_at = s.dated_at,
        subkind = s.subkind, to_plan = r.to_plan OR NOT c.claimed
    FROM staged s JOIN changed c ON c.record_id = s.record_id WHERE r.id = s.record_id
""")
_DROP_OLD_LINES = sa.text("DELETE FROM record_lines l USING changed c WHERE l.record_id = c.record_id")
# Its row in source_records is locked, so nobody else adds the same version; one that changed back is there already.
_NEW_VERSIONS = sa.text("""
    SELECT s.record_id, s.hash, s.key FROM staged s
    WHERE s.fresh OR s.previous <> s.hash AND NOT EXISTS (
        SELECT FROM source_versions v WHERE v.record_id = s.record_id AND v.hash = s.hash
    ) ORDER BY s.record_id
""")
_ADD_LINES = sa.text("""
    INSERT INTO record_lines (record_id, n, order_id, order_line_id, shipment_id, quantity, amount)
    SELECT s.record_id, l.n, l.order_id, l.order_line_id, l.shipment_id, l.quantity, l.amount
    FROM staged_lines l JOIN staged s USING (key) WHERE s.fresh OR s.previous <> s.hash
""")
_LINK = sa.text(
    "INSERT INTO run_records (run_id, record_id) SELECT :run, record_id FROM staged ORDER BY record_id ON CONFLICT DO NOTHING"
)
_LOAD = sa.text("""
    SELECT r.id, r.source, r.kind, r.key, r.hash, r.amount, r.currency, r.group_key, r.dated_at, r.subkind, v.raw
    FROM source_records r JOIN source_versions v ON v.record_id = r.id AND v.hash = r.hash WHERE r.id = ANY(:ids)
""")
_FIND = sa.text("""
    SELECT r.id, r.source, r.kind, r.key, r.hash, r.amount, r.currency, r.group_key, r.dated_at, r.subkind, v.raw
    FROM source_records r JOIN source_versions v ON v.record_id = r.id AND v.hash = r.hash
    WHERE r.source = :source AND r.kind = :kind AND r.key = ANY(:keys)
""")
_PAGE = sa.text("""
    SELECT r.id, r.source, r.kind, r.key, r.hash, r.amount, r.currency, r.group_key, r.dated_at, r.subkind, v.raw
    FROM source_records r JOIN source_versions v ON v.record_id = r.id AND v.hash = r.hash
    WHERE r.kind = :kind AND r.dated_at >= :since AND r.id > :after ORDER BY r.id LIMIT :size
""")
_PAGE_OF_RUN = sa.text("""
    SELECT r.id, r.source, r.kind, r.key, r.hash, r.amount, r.currency, r.group_key, r.dated_at, r.subkind, v.raw
    FROM run_records l JOIN source_records r ON r.id = l.record_id
    JOIN source_versions v ON v.record_id = r.id AND v.hash = r.hash
    WHERE l.run_id = :run AND r.kind = :kind AND r.id > :after ORDER BY r.id LIMIT :size
""")
_LINK_KNOWN = sa.text("INSERT INTO run_records (run_id, record_id) VALUES (:run, :record) ON CONFLICT DO NOTHING")
# The reason stands in the raw line only; a line is found again by its place.
_REFUNDS = sa.text("""
    SELECT r.key, r.subkind, l.order_id, l.order_line_id, l.shipment_id, l.quantity, l.amount, r.currency, r.dated_at,
        v.raw -> 'transactionLineItems' -> (l.n - 1) ->> 'refundReason' AS reason
    FROM record_lines l JOIN source_records r ON r.id = l.record_id
    JOIN source_versions v ON v.record_id = r.id AND v.hash = r.hash
    WHERE r.source = :source AND r.subkind IN ('REFUND', 'OVERREFUND') AND l.order_id = ANY(:orders) ORDER BY r.dated_at, r.id, l.n
""")
_CHARGES = sa.text("""
    SELECT r.id AS record_id, r.key, r.group_key, r.dated_at, l.order_id, l.order_line_id, l.shipment_id, l.quantity, l.amount, r.currency
    FROM unnest(CAST(:orders AS text[]), CAST(:lines AS text[])) AS wanted (order_id, order_line_id)
    JOIN record_lines l ON l.order_id = wanted.order_id AND l.order_line_id = wanted.order_line_id
    JOIN source_records r ON r.id = l.record_id
    WHERE r.source = :source AND r.subkind = 'CHARGE' ORDER BY r.dated_at NULLS FIRST, r.id, l.n
""")
