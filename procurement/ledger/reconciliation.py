"""What the ledger has, page by page, to be held against both systems. Reads only.

Transactions are asked for by key, or walked through by the moment they are dated; documents by the delivery that bills
them, in order of its id, so that a long range never stands in memory at once.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import sqlalchemy as sa

from procurement.ledger.account import Completeness
from procurement.ledger.completeness import Disposed, disposed
from procurement.ledger.types import Json, Window

PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A delivery that bills transactions, with their sum, and the state of the delivery that follows it as `follower`."""

    id: int
    business_key: str
    state: str
    reason: str | None
    allocated: Decimal | None
    currency: str | None
    total: Decimal | None
    target_id: str | None
    payload: Json = field(default_factory=dict)
    follower_state: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unbilled:
    """The transactions of one group of which no delivery bills any. State and reason are the first one's."""

    group_key: str
    state: str
    reason: str
    amount: Decimal | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class Billed:
    """The delivery that bills a record. `reference` is the source's own number where the document had to go under another."""

    business_key: str
    reference: str | None


class Reconciliation:
    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def disposed(self, source: str, kind: str, keys: Iterable[str]) -> tuple[Completeness, list[Disposed]]:
        """What became of these records, and the account over them; keys that were never read are absent from both."""
        with self._engine.begin() as connection:
            return disposed(connection, source, kind, sorted(set(keys)))

    def dated(self, source: str, kind: str, window: Window, po_numbers: Sequence[str] = ()) -> Iterator[list[str]]:
        """Pages of the keys dated in the window; with `po_numbers` only those on one of these purchase orders."""
        after = 0
        values = {"source": source, "kind": kind, "lo": window.start, "hi": window.end, "pos": list(po_numbers)}
        while rows := self._all(_DATED, {**values, "after": after, "limit": PAGE}):
            yield [row.key for row in rows]
            after = rows[-1].id

    def documents(
        self, pipeline: str, actions: tuple[str, str], source: str, window: Window, po_numbers: Sequence[str] = ()
    ) -> Iterator[list[Document]]:
        """Pages of the deliveries of `actions[0]` that bill a record dated in the window; `actions[1]` follows them."""
        after = 0
        values = {
            "pipeline": pipeline, "action": actions[0], "follower": actions[1], "source": source, "lo": window.start,
            "hi": window.end, "pos": list(po_numbers),
        }  # fmt: skip
        while rows := self._all(_DOCUMENTS, {**values, "after": after, "limit": PAGE}):
            yield [Document(**row._asdict()) for row in rows]
            after = rows[-1].id

    def unbilled(
        self, source: str, kind: str, window: Window, po_numbers: Sequence[str] = ()
    ) -> Iterator[list[Unbilled]]:
        """Pages of the groups dated in the window of which nothing is billed by a delivery."""
        after = ""
        values = {"source": source, "kind": kind, "lo": window.start, "hi": window.end, "pos": list(po_numbers)}
        while rows := self._all(_UNBILLED, {**values, "after": after, "limit": PAGE}):
            yield [Unbilled(**row._asdict()) for row in rows]
            after = rows[-1].group_key

    def known(
        self, pipeline: str, action: str, *, sources: Sequence[str], targets: Iterable[str], keys: dict[str, str]
    ) -> set[str]:
        """Which business keys the ledger knows: as a delivery, as the group of a record; and the target ids it was given.

        `keys` are the group keys by business key. Both sorts of names come back in one set: they never look alike.
        """
        values = {
            "pipeline": pipeline, "action": action, "sources": list(sources), "targets": sorted(set(targets)),
            "keys": sorted(keys), "groups": sorted(set(keys.values())),
        }  # fmt: skip
        names = {row.name for row in self._all(_KNOWN, values)}
        groups = {row.name for row in self._all(_KNOWN_GROUPS, values)}
        return names | {key for key, group in keys.items() if group in groups}

    def billed_as(
        self, pipeline: str, action: str, *, source: str, kind: str, keys: Iterable[str]
    ) -> dict[str, Billed]:
        """The delivery that bills each record; absent where none does."""
        values = {"pipeline": pipeline, "action": action, "source": source, "kind": kind, "keys": sorted(set(keys))}
        return {row.key: Billed(row.business_key, row.reference) for row in self._all(_BILLED_AS, values)}

    def likely(
        self, pipeline: str, actions: tuple[str, str], *, prefix: str, amount: Decimal | None, bare: str
    ) -> list[Document]:
        """Delivered documents under `prefix` of that amount, or whose name ends alike once only letters and digits count."""
        values = {
            "pipeline": pipeline, "action": actions[0], "follower": actions[1], "prefix": prefix, "amount": amount, "bare": bare,
        }  # fmt: skip
        return [Document(**row._asdict()) for row in self._all(_LIKELY, values)]

    def _all(self, query: sa.TextClause, values: Mapping[str, object]) -> list[sa.Row[tuple[object, ...]]]:
        with self._engine.begin() as connection:
            return list(connection.execute(query, values).all())


# A record on one of these purchase orders; no number given: every record. The number stands in the raw line only.
_ON_ORDER = """
    (cardinality(CAST(:pos AS text[])) = 0 OR EXISTS (
        SELECT FROM source_versions v, json_array_elements(
            CASE json_typeof(v.raw -> 'transactionLineItems') WHEN 'array' THEN v.raw -> 'transactionLineItems' ELSE '[]' END
        ) AS l (line) WHERE v.record_id = r.id AND v.hash = r.hash AND l.line ->> 'purchaseOrderNumber' = ANY(CAST(:pos AS text[]))
    ))
"""
_IN_RANGE = f"r.source = :source AND r.dated_at >= :lo AND r.dated_at < :hi AND {_ON_ORDER}"
_DATED = sa.text(
    f"SELECT r.id, r.key FROM source_records r WHERE r.kind = :kind AND r.id > :after AND {_IN_RANGE} ORDER BY r.id LIMIT :limit"
)
_DOCUMENT = """
    SELECT d.id, d.business_key, d.state, d.reason, d.currency, d.total, d.target_id, d.payload, s.state AS follower_state,
        (SELECT sum(a.amount) FROM allocations a WHERE a.delivery_id = d.id AND a.role = 'bills') AS allocated
    FROM deliveries d LEFT JOIN deliveries s
        ON s.pipeline = d.pipeline AND s.action = :follower AND s.business_key = d.business_key AND s.after_id = d.id
    WHERE d.pipeline = :pipeline AND d.action = :action
"""
_DOCUMENTS = sa.text(f"""
    {_DOCUMENT} AND d.id > :after AND EXISTS (
        SELECT FROM allocations a JOIN source_records r ON r.id = a.record_id
        WHERE a.delivery_id = d.id AND a.role = 'bills' AND {_IN_RANGE}
    ) ORDER BY d.id LIMIT :limit
""")
_LIKELY = sa.text(rf"""
    {_DOCUMENT} AND d.state = 'delivered' AND starts_with(d.business_key, :prefix) AND (
        d.amount = :amount
        OR :bare <> '' AND ltrim(upper(regexp_replace(substr(d.business_key, length(:prefix) + 1), '[^[:alnum:]]', '', 'g')), '0') = :bare
    ) ORDER BY d.id LIMIT 100
""")
_UNBILLED = sa.text(f"""
    SELECT g.group_key, coalesce(f.state, 'waiting') AS state, coalesce(f.reason, 'not planned yet') AS reason, f.amount, f.currency
    FROM (
        SELECT DISTINCT r.group_key FROM source_records r
        WHERE r.kind = :kind AND r.group_key > :after AND {_IN_RANGE} AND NOT EXISTS (
            SELECT FROM source_records o JOIN allocations a ON a.record_id = o.id
            WHERE o.source = r.source AND o.kind = r.kind AND o.group_key = r.group_key AND a.delivery_id IS NOT NULL
        ) ORDER BY r.group_key LIMIT :limit
    ) g CROSS JOIN LATERAL (
        SELECT (array_agg(a.state ORDER BY r.id))[1] AS state, (array_agg(a.reason ORDER BY r.id))[1] AS reason,
            sum(r.amount) AS amount, min(r.currency) AS currency
        FROM source_records r LEFT JOIN allocations a ON a.record_id = r.id AND a.role = 'bills' AND a.part = 'whole'
        WHERE r.source = :source AND r.kind = :kind AND r.group_key = g.group_key
    ) f ORDER BY g.group_key
""")
_BILLED_AS = sa.text("""
    SELECT r.key, d.business_key, d.payload ->> 'payment-order-reference' AS reference
    FROM source_records r JOIN allocations a ON a.record_id = r.id AND a.role = 'bills'
    JOIN deliveries d ON d.id = a.delivery_id AND d.pipeline = :pipeline AND d.action = :action
    WHERE r.source = :source AND r.kind = :kind AND r.key = ANY(CAST(:keys AS text[]))
""")
_KNOWN = sa.text("""
    SELECT d.business_key AS name FROM deliveries d
    WHERE d.pipeline = :pipeline AND d.action = :action AND d.business_key = ANY(CAST(:keys AS text[]))
    UNION ALL
    SELECT d.target_id FROM deliveries d
    WHERE d.pipeline = :pipeline AND d.action = :action AND d.target_id = ANY(CAST(:targets AS text[])) AND d.state = 'delivered'
""")
_KNOWN_GROUPS = sa.text("""
    SELECT DISTINCT r.group_key AS name FROM source_records r WHERE r.source = ANY(CAST(:sources AS text[]))
    AND r.kind = 'transaction' AND r.group_key = ANY(CAST(:groups AS text[]))
""")
