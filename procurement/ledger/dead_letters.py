"""Dead letters and held documents: list, show, replay, discard.

A key is `D-<id>` for a delivery, `R-<id>` for a record that no delivery carries; the invoice number or source key works
too where it means one thing. Replaying only changes states: the owning pipeline's next run plans and sends, and asks
first where an attempt has no answer.
"""

import re
from collections.abc import Sequence

import sqlalchemy as sa

from procurement.ledger import delivery_statements as sql
from procurement.ledger.changes import DISCARDED
from procurement.ledger.encoding import clean
from procurement.ledger.events import add_event
from procurement.ledger.types import DeadLetter, Json, Run

_KEY = re.compile(r"([DR])-(\d+)")
REFUSED = sql.REFUSED
ORDER_AGAIN = (
    "start its pipeline by hand with the document's number to plan anew what was refused, or discard it with the reason"
)
_TO_DO = {
    REFUSED: f"The target said no for good: {ORDER_AGAIN}.",
    "data": "Correct the document or its mapping, then replay it; if it must never be sent, discard it with the reason.",
    "transient": "The target kept failing. When it is well again, replay it; the target is asked first where an answer is missing.",
    "policy": "Decide: change the policy or the documents and replay it, or discard it with the reason.",
    "permission": "Have the credentials, scope or role corrected, then replay it.",
}

_SELECT = f"""
    SELECT 'D-' || d.id AS key, d.pipeline, d.action || ' ' || d.business_key AS document, d.state,
        CASE WHEN d.outcome = '{REFUSED}' THEN '{REFUSED}' ELSE d.error_class END AS to_do, d.error_class, d.reason, d.errors,
        d.amount, d.currency, d.changed_at AS since, d.payload, d.business_key AS name
    FROM deliveries d WHERE d.state = ANY(:states)
    UNION ALL
    SELECT 'R-' || r.id, a.pipeline, r.kind || ' ' || r.key, a.state, a.error_class, a.error_class, a.reason, a.errors,
        a.amount, a.currency, a.changed_at, v.raw, coalesce(r.group_key, r.key)
    FROM allocations a JOIN source_records r ON r.id = a.record_id
    JOIN source_versions v ON v.record_id = r.id AND v.hash = r.hash
    WHERE a.state = ANY(:states)
"""


class DeadLetters:
    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def list(
        self, *, states: Sequence[str] = ("dead",), pipeline: str | None = None, since_run: Run | None = None
    ) -> Sequence[DeadLetter]:
        """Oldest first, without payloads; `states` may add `held`; `since_run` leaves out what was there when that run opened."""
        query = f"""SELECT * FROM ({_SELECT}) AS letters WHERE (CAST(:pipeline AS text) IS NULL OR pipeline = :pipeline)
            AND (CAST(:run AS bigint) IS NULL OR since >= (SELECT opened_at FROM runs WHERE id = :run)) ORDER BY since, key"""
        values = {"states": [*states], "pipeline": pipeline, "run": since_run.id if since_run else None}
        with self._engine.begin() as connection:
            return [_letter(row, payload=None) for row in connection.execute(sa.text(query), values)]

    def show(self, key: str) -> DeadLetter:
        """One of them with its payload or raw record; LookupError says why a key means none or several."""
        query = sa.text(f"SELECT * FROM ({_SELECT}) AS letters WHERE key = :key")
        with self._engine.begin() as connection:
            row = connection.execute(query, {"states": ["dead", "held"], "key": self._resolve(connection, key)}).first()
        if row is None:
            raise LookupError(f"{key} is neither dead nor held")
        return _letter(row, payload=row.payload)

    def replay(self, key: str) -> str:
        """Planned, or to be planned, again; returns what will happen. LookupError when it is no longer dead or held."""
        with self._engine.begin() as connection:
            letter, id = _KEY.fullmatch(self._resolve(connection, key)).groups()  # type: ignore[union-attr]
            if letter == "D":
                return _replay_delivery(connection, int(id))
            return _replay_record(connection, int(id))

    def discard(self, key: str, reason: str) -> None:
        """Skipped for good, with the reason; ValueError without one, LookupError when it is no longer dead or held."""
        reason = (clean(reason) or "").strip()
        if not reason:
            raise ValueError("a dead letter is discarded with a reason")
        with self._engine.begin() as connection:
            letter, id = _KEY.fullmatch(self._resolve(connection, key)).groups()  # type: ignore[union-attr]
            if letter == "D":
                _require(connection.execute(sql.DISCARD, {"id": int(id), "reason": reason}).rowcount, key)
                connection.execute(sql.DISCARD_CHAIN, {"id": int(id), "reason": reason})
                add_event(connection, delivery_id=int(id), kind="discarded", sentence=reason)
            else:
                _require(connection.execute(_DISCARD_RECORD, {"id": int(id), "reason": reason}).rowcount, key)
                _record_event(connection, int(id), "discarded", reason)

    def _resolve(self, connection: sa.Connection, key: str) -> str:
        if _KEY.fullmatch(key):
            return key
        query = sa.text(f"SELECT DISTINCT key FROM ({_SELECT}) AS letters WHERE name = :key OR right(name, length(:key) + 1) = '/' || :key "
                        "OR document = :key ORDER BY key")  # fmt: skip
        found = [row.key for row in connection.execute(query, {"states": ["dead", "held"], "key": key})]
        if not found:
            raise LookupError(f"no dead letter {key}: list them to see the keys")
        if len(found) > 1:
            raise LookupError(f"{key} means {len(found)} of them: choose {', '.join(found)}")
        return str(found[0])


def _letter(row: sa.Row[tuple[object, ...]], *, payload: Json | None) -> DeadLetter:
    return DeadLetter(
        key=row.key, pipeline=row.pipeline, document=row.document, state=row.state, error_class=row.error_class, reason=row.reason,
        errors=tuple(row.errors), amount=row.amount, currency=row.currency, since=row.since,
        to_do=_TO_DO[row.to_do or ("policy" if row.state == "held" else "data")], payload=payload,
    )  # fmt: skip


def _require(changed: int, key: str) -> None:
    if not changed:
        raise LookupError(f"{key} is neither dead nor held any more; nothing was changed")


def _replay_delivery(connection: sa.Connection, id: int) -> str:
    if connection.execute(sql.IS_REFUSED, {"id": id}).scalar_one_or_none():
        raise LookupError(f"D-{id} was refused for good and is not sent again under its key; {ORDER_AGAIN}")
    _require(connection.execute(sql.REPLAY, {"id": id}).rowcount, f"D-{id}")
    asked = connection.execute(
        sa.text("SELECT count(*) FROM attempts WHERE delivery_id = :id AND outcome IS NULL"), {"id": id}
    ).scalar_one()
    if asked:
        sentence = "asked for first, then sent if the target does not have it"
    else:
        planned = connection.execute(_PLAN_RECORDS, {"id": id}).rowcount
        sentence = "planned again from its records, then sent" if planned else "sent again"
    add_event(connection, delivery_id=id, kind="replayed", sentence=sentence)
    return f"In the next run of its pipeline it is {sentence}."


def _replay_record(connection: sa.Connection, id: int) -> str:
    _require(connection.execute(_REPLAY_RECORD, {"id": id}).rowcount, f"R-{id}")
    _record_event(connection, id, "replayed", "to be planned again")
    return "In the next run of its pipeline it is planned again."


def _record_event(connection: sa.Connection, id: int, kind: str, sentence: str) -> None:
    connection.execute(_RECORD_EVENT, {"id": id, "kind": kind, "sentence": sentence})


_PLAN_RECORDS = sa.text(
    "UPDATE source_records r SET to_plan = true FROM allocations a WHERE a.record_id = r.id AND a.delivery_id = :id AND a.role = 'bills'"
)
_REPLAY_RECORD = sa.text("""
    UPDATE source_records r SET to_plan = true
    WHERE r.id = :id AND EXISTS (SELECT FROM allocations a WHERE a.record_id = r.id AND a.state IN ('dead', 'held'))
""")
_DISCARD_RECORD = sa.text(f"""
    WITH discarded AS (
        UPDATE allocations SET state = 'skipped', reason = '{DISCARDED}' || CAST(:reason AS text), changed_at = clock_timestamp()
        WHERE record_id = :id AND state IN ('dead', 'held') RETURNING record_id
    )
    UPDATE source_records s SET to_plan = EXISTS (SELECT FROM allocations a WHERE a.record_id = s.id AND a.state = 'waiting')
    WHERE s.id IN (SELECT record_id FROM discarded)
""")
_RECORD_EVENT = sa.text(
    "INSERT INTO events (document, kind, sentence) SELECT source || '/' || kind || '/' || key, :kind, :sentence "
    "FROM source_records WHERE id = :id"
)
