"""Deliveries on their way: claim, outcome, and the question that an unanswered attempt demands.

Every transition is a compare-and-set, so whoever comes late changes nothing and leaves an event. `sending` means: nobody
knows; such a row, and any row with an unanswered attempt whatever its state, is never claimed before it was asked for.
All waiting here is measured by PostgreSQL's clock.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import sqlalchemy as sa

from procurement.ledger import delivery_statements as sql
from procurement.ledger.encoding import clean, dump_json
from procurement.ledger.events import add_event
from procurement.ledger.types import Alike, Claimed, ErrorClass, Found, Known, Peeked, Run, Sent, Stop

Json = dict[str, object]


class Deliveries:
    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def due(
        self, pipeline: str, limit: int, *, excluding: Iterable[int] = (), scope: str | None = None
    ) -> list[tuple[int, str]]:
        """(id, action) of rows that may be claimed now, in the order they were planned; of `scope` and of no scope, if given."""
        values = {"pipeline": pipeline, "limit": limit, "excluding": sorted(excluding), "scope": scope}
        with self._engine.begin() as connection:
            return [(row.id, row.action) for row in connection.execute(sql.DUE, values)]

    def settle_chains(self, pipeline: str) -> None:
        """Rows behind one that is dead, held or skipped wait, with that reason; rows behind one that was delivered go on."""
        for statement in (sql.BLOCK_CHAINS, sql.RELEASE_CHAINS):
            with self._engine.begin() as connection:
                while connection.execute(statement, {"pipeline": pipeline}).rowcount:
                    pass

    def peek(self, id: int) -> Peeked | None:
        """A planned row for its gate to look at; None when it is not its turn."""
        with self._engine.begin() as connection:
            row = connection.execute(sql.PEEK, {"id": id}).one_or_none()
        return Peeked(**row._asdict()) if row is not None else None

    def stop(self, peeked: Peeked, stop: Stop) -> bool:
        """Set aside by its gate; False when the row changed meanwhile. `waiting` lets its records be planned again."""
        values = {
            "id": peeked.id, "hash": peeked.hash, "state": stop.state, "reason": _short(stop.reason),
            "errors": dump_json([clean(error) for error in stop.errors]),
            "error_class": "policy" if stop.state == "held" else None,
        }  # fmt: skip
        with self._engine.begin() as connection:
            if connection.execute(sql.STOP, values).rowcount == 0:
                return False
            if stop.state == "skipped":
                connection.execute(sql.SKIP_CHAIN, {"id": peeked.id, "reason": values["reason"]})
            if stop.state == "waiting":
                connection.execute(sql.PLAN_AGAIN, {"id": peeked.id})
            add_event(
                connection, delivery_id=peeked.id, kind=stop.state, sentence=_short(f"at the gate: {stop.reason}")
            )
        return True

    def claim(self, id: int, *, hash: str | None = None) -> Claimed | None:
        """The one attempt that this commit allows; None when somebody else has it, or it is not its turn, or it must be asked for first.

        With `hash` (`Peeked.hash`) only the payload that was looked at is claimed.
        """
        with self._engine.begin() as connection:
            row = connection.execute(sql.CLAIM, {"id": id, "hash": hash}).one_or_none()
        return Claimed(**row._asdict()) if row is not None else None

    def delivered(self, claimed: Claimed, sent: Sent) -> bool:
        """The target's confirmation; False when it came too late to count. A total that differs from the payload's is a finding."""
        return self._deliver(claimed, sent, question=False)

    def release(self, claimed: Claimed, error: str, *, retry_after: float | None = None) -> bool:
        """It certainly did not happen: planned again, due in `retry_after` seconds."""
        values = {"state": "planned", "answer": "not_sent", "error": error, "due_in": retry_after or 0.0}
        return self._answer(claimed, values, event=None)

    def uncertain(self, claimed: Claimed, error: str) -> None:
        """Nobody knows whether it happened: stays `sending` until it was asked for."""
        with self._engine.begin() as connection:
            connection.execute(sql.NOTE_ERROR, {"id": claimed.id, "n": claimed.attempt, "error": clean(error[:2000])})
            add_event(
                connection,
                delivery_id=claimed.id,
                kind="uncertain",
                sentence=_short(f"attempt {claimed.attempt}: {error}"),
            )

    def dead(self, claimed: Claimed, errors: Sequence[str], *, error_class: ErrorClass) -> bool:
        """The target refused it, or trying again is pointless: a dead letter with all its errors."""
        reason = errors[0] if errors else "refused without a reason"
        values = {
            "state": "dead", "reason": reason, "answer": "rejected", "error": "; ".join(errors), "error_class": error_class,
            "errors": list(errors),
        }  # fmt: skip
        return self._answer(claimed, values, event=f"{error_class}: {'; '.join(errors) or reason}")

    def hold(self, claimed: Claimed, reason: str, *, error_class: ErrorClass = "policy") -> bool:
        """A person must decide. The attempt stays unanswered, so a replay asks again before anything is sent."""
        values = {"state": "held", "reason": reason, "answer": None, "error_class": error_class, "errors": [reason]}
        return self._answer(claimed, values, event=reason, question=True)

    def skip(self, id: int, reason: str) -> bool:
        """Not to be sent after all; only what was never attempted or certainly did not happen."""
        with self._engine.begin() as connection:
            changed = connection.execute(sql.SKIP, {"id": id, "reason": clean(reason)}).rowcount == 1
            if changed:
                add_event(connection, delivery_id=id, kind="skipped", sentence=reason)
        return changed

    def to_ask(self, pipeline: str, *, wait: float, limit: int = 1000, scope: str | None = None) -> list[Claimed]:
        """Rows with an unanswered attempt, `wait` seconds (time-out and ask_again_after) after it was sent; oldest first."""
        with self._engine.begin() as connection:
            rows = connection.execute(sql.TO_ASK, {"pipeline": pipeline, "wait": wait, "limit": limit, "scope": scope})
            return [Claimed(**row._asdict()) for row in rows]

    def unanswered(self, pipeline: str) -> int:
        """How many rows still lack an answer, whether or not their wait has passed."""
        with self._engine.begin() as connection:
            return int(connection.execute(sql.UNANSWERED, {"pipeline": pipeline}).scalar_one())

    def left(self, pipeline: str) -> int:
        """How many rows are planned and not sent."""
        with self._engine.begin() as connection:
            return int(connection.execute(sql.LEFT, {"pipeline": pipeline}).scalar_one())

    def due_in(
        self, pipeline: str, *, wait: float, asked: Iterable[tuple[int, int]] = (), scope: str | None = None
    ) -> float | None:
        """Seconds until a row may be claimed or asked for (those in `asked`, by id and attempt, apart); None: nothing to come."""
        values = {
            "pipeline": pipeline,
            "wait": wait,
            "asked": [f"{id}/{attempt}" for id, attempt in asked],
            "scope": scope,
        }
        with self._engine.begin() as connection:
            seconds = connection.execute(sql.DUE_IN, values).scalar_one()
        return None if seconds is None else float(seconds)

    def found(self, asked: Claimed, found: Found) -> bool:
        """The target has a document there: ours is delivered, anybody else's holds the row."""
        if not found.ours:
            return self.hold(asked, f"the target already has {found.target_id}, and it does not carry our delivery id")
        return self._deliver(asked, Sent(found.target_id, found.total, found.facts, found.refused), question=True)

    def not_found(self, asked: Claimed, *, max_attempts: int) -> bool:
        """The target has nothing after the wait: planned again, or dead when that was the last of `max_attempts`."""
        with self._engine.begin() as connection:
            row = connection.execute(
                sql.NOT_FOUND, {"id": asked.id, "n": asked.attempt, "most": max_attempts}
            ).one_or_none()
            if row is None:
                return False
            connection.execute(sql.CLOSE_ATTEMPTS, {"id": asked.id, "outcome": "not_found"})
            add_event(
                connection,
                delivery_id=asked.id,
                kind="not_found",
                sentence=f"attempt {asked.attempt} did not happen: {row.state}",
            )
        return True

    def known(self, pipeline: str, action: str, business_keys: Iterable[str]) -> dict[str, Known]:
        """What the ledger has of these keys, by business key; unknown keys are absent."""
        values = {"pipeline": pipeline, "action": action, "keys": sorted(set(business_keys))}
        with self._engine.begin() as connection:
            return {row.business_key: Known(**row._asdict()) for row in connection.execute(sql.KNOWN, values)}

    def of_keys_like(self, pipeline: str, action: str, prefixes: Iterable[str]) -> list[Known]:
        """All deliveries of `action` whose business key begins with one of `prefixes`, in the order they were planned."""
        escaped = [
            prefix.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
            for prefix in sorted(set(prefixes))
        ]
        values = {"pipeline": pipeline, "action": action, "prefixes": escaped}
        with self._engine.begin() as connection:
            return [Known(**row._asdict()) for row in connection.execute(sql.KNOWN_PREFIXED, values)]

    def latest(self, pipeline: str, action: str, *, delivered: bool = False) -> dict[str, Known]:
        """The newest delivery of each numbered series of business keys (`<series>/<number>`), by series; with `delivered`
        the newest that the target confirmed."""
        values = {"pipeline": pipeline, "action": action, "delivered": delivered}
        with self._engine.begin() as connection:
            found = [Known(**row._asdict()) for row in connection.execute(sql.LATEST, values)]
        return {one.business_key.rpartition("/")[0]: one for one in found}

    def alike(
        self,
        pipeline: str,
        action: str,
        *,
        source: str,
        order_lines: Iterable[tuple[str, str]],
        po_lines: Iterable[int],
        amounts: Iterable[Decimal],
        numbers: Iterable[str],
    ) -> list[Alike]:
        """Invoices that stand, or will: of these (order id, order line id) of `source`, of one of the amounts on one of the
        PO lines, or with nearly one of the numbers (case, zeros and punctuation apart), in the order they were planned."""
        pairs = sorted(set(order_lines))
        values = {
            "pipeline": pipeline, "action": action, "source": source, "orders": [order for order, _ in pairs],
            "lines": [line for _, line in pairs], "po_lines": sorted(set(map(str, po_lines))), "amounts": sorted(set(amounts)),
             "numbers": sorted(set(numbers)),
        }  # fmt: skip
        with self._engine.begin() as connection:
            return [Alike(**row._asdict()) for row in connection.execute(sql.ALIKE, values)]

    def of_targets(self, pipeline: str, action: str, target_ids: Iterable[str]) -> list[Known]:
        """Delivered rows of `action` whose target is one of these, in order; one that made several (joined by ", ") counts for each."""
        values = {"pipeline": pipeline, "action": action, "targets": sorted(set(target_ids))}
        with self._engine.begin() as connection:
            return [Known(**row._asdict()) for row in connection.execute(sql.OF_TARGETS, values)]

    def without_follower(self, pipeline: str, action: str, follower: str) -> list[Known]:
        """Deliveries of `action` that the target answered, delivered or refused, with no `follower` of the same business key yet."""
        values = {"pipeline": pipeline, "action": action, "follower": follower}
        with self._engine.begin() as connection:
            return [Known(**row._asdict()) for row in connection.execute(sql.WITHOUT_FOLLOWER, values)]

    def settle_refused(self, pipeline: str, action: str, business_key: str, reason: str) -> bool:
        """A refusal that something newer answers for: held becomes skipped; False when it is no open refusal."""
        values = {"pipeline": pipeline, "action": action, "key": business_key, "reason": _short(reason)}
        with self._engine.begin() as connection:
            row = connection.execute(sql.SETTLE_REFUSED, values).one_or_none()
            if row is not None:
                add_event(connection, delivery_id=row.id, kind="skipped", sentence=_short(reason))
        return row is not None

    def list_by_outcome(self, pipeline: str, outcome: str) -> list[Known]:
        """Deliveries whose match came out so, in order: `exception`, `waiting_for_receipt`, …"""
        with self._engine.begin() as connection:
            return [
                Known(**row._asdict())
                for row in connection.execute(sql.BY_OUTCOME, {"pipeline": pipeline, "outcome": outcome})
            ]

    def payloads(self, ids: Iterable[int]) -> dict[int, Json]:
        """What was, or will be, sent, by delivery id."""
        with self._engine.begin() as connection:
            rows = connection.execute(sql.PAYLOADS, {"ids": sorted(set(ids))})
            return {row.id: row.payload for row in rows}

    def delivered_in(self, run: Run, actions: Iterable[str]) -> int:
        """How many deliveries of these actions were delivered since the run was opened."""
        values = {"pipeline": run.dag_id, "actions": sorted(set(actions)), "run": run.id}
        with self._engine.begin() as connection:
            return int(connection.execute(sql.DELIVERED_IN, values).scalar_one())

    def waiting(self, pipeline: str, actions: Iterable[str]) -> list[int]:
        """Rows of these actions that wait to be planned again, as their gate said; not those behind a stuck one."""
        values = {"pipeline": pipeline, "actions": sorted(set(actions))}
        with self._engine.begin() as connection:
            return list(connection.execute(sql.WAITING, values).scalars())

    def look_again(self, ids: Iterable[int]) -> int:
        """What its gate made wait is due again as it was planned: the gate looks anew. How many."""
        with self._engine.begin() as connection:
            return connection.execute(sql.LOOK_AGAIN, {"ids": sorted(set(ids))}).rowcount

    def unfinished(self, pipeline: str, action: str, *, finished: Iterable[str]) -> list[Known]:
        """Deliveries whose document was in none of the `finished` statuses when the target last told, in order."""
        values = {"pipeline": pipeline, "action": action, "finished": sorted(finished)}
        with self._engine.begin() as connection:
            return [Known(**row._asdict()) for row in connection.execute(sql.UNFINISHED, values)]

    def note_facts(self, facts: Mapping[int, Json]) -> None:
        """What the target says of these deliveries' documents by now; facts that are not named stay."""
        rows = [{"id": id, "facts": dump_json(_cleaned(facts[id]))} for id in sorted(facts)]
        if rows:
            with self._engine.begin() as connection:
                connection.execute(sql.NOTE_FACTS, rows)

    def variances(self, ids: Iterable[int]) -> dict[int, Json]:
        """The difference of documents in money by its causes, by delivery id, as their match kept it; where one did."""
        with self._engine.begin() as connection:
            rows = connection.execute(sql.VARIANCES, {"ids": sorted(set(ids))})
            return {row.id: row.variance for row in rows}

    def set_outcome(self, id: int, outcome: str, variance: Json, *, kind: str = "matched") -> None:
        """A later word about a document, whatever its state: a match's, or (event `kind` decided) that of people in the target."""
        with self._engine.begin() as connection:
            values = {"id": id, "outcome": outcome, "variance": dump_json(variance)}
            connection.execute(sql.SET_OUTCOME, values)
            add_event(connection, delivery_id=id, kind=kind, sentence=outcome)

    def _deliver(self, claimed: Claimed, sent: Sent, *, question: bool) -> bool:
        values = {
            "id": claimed.id, "n": claimed.attempt, "question": question, "target": clean(sent.target_id),
            "total": sent.total.amount if sent.total else None, "facts": dump_json(dict(sent.facts)),
            "refused": _short(sent.refused) if sent.refused is not None else None,
        }  # fmt: skip
        with self._engine.begin() as connection:
            row = connection.execute(sql.DELIVERED, values).one_or_none()
            if row is None:
                _note_late(connection, claimed, sent)
                return False
            word = "delivered" if sent.refused is None else "refused"
            values["outcome"] = "found" if question else word
            connection.execute(sql.ANSWER_DELIVERED, values)
            found = ", found" if question else ""
            sentence = f"as {sent.target_id}{found}" if sent.refused is None else _short(f"{sent.refused}{found}")
            add_event(connection, delivery_id=claimed.id, kind=word, sentence=sentence)
            connection.execute(sql.COMPARE_TOTAL, {**values, "currency": sent.total.currency if sent.total else None})
            _alarm(connection, claimed, sent.target_id)
        return True

    def _answer(
        self, claimed: Claimed, values: Mapping[str, object], *, event: str | None, question: bool = False
    ) -> bool:
        bound = {
            "id": claimed.id, "n": claimed.attempt, "question": question, "due_in": 0.0, "reason": None, "error_class": None, **values,
            "errors": dump_json([clean(str(error)) for error in _listed(values.get("errors"))]),
        }  # fmt: skip
        bound["reason"] = clean(_short(str(bound["reason"]))) if bound["reason"] is not None else None
        error = values.get("error")
        with self._engine.begin() as connection:
            if connection.execute(sql.OUTCOME, bound).rowcount == 0:
                sentence = f"attempt {claimed.attempt} ended as {values['state']} when that no longer mattered"
                add_event(connection, delivery_id=claimed.id, kind="late", sentence=sentence)
                return False
            if values["answer"] is not None:
                answer = {
                    "id": claimed.id,
                    "n": claimed.attempt,
                    "outcome": values["answer"],
                    "error": clean(str(error)[:2000]),
                }
                connection.execute(sql.ANSWER, answer)
            if event is not None:
                add_event(
                    connection, delivery_id=claimed.id, kind=str(values["state"]), sentence=clean(event[:2000]) or ""
                )
        return True


def _listed(errors: object) -> Sequence[object]:
    return errors if isinstance(errors, list) else ()


def _cleaned(value: object) -> object:
    """What `jsonb` takes: the target's words without NUL."""
    if isinstance(value, Mapping):
        return {key: _cleaned(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(inner) for inner in value]
    return clean(value) if isinstance(value, str) else value


def _short(sentence: str) -> str:
    return clean(sentence if len(sentence) <= 500 else f"{sentence[:499]}…") or ""


def _note_late(connection: sa.Connection, claimed: Claimed, sent: Sent) -> None:
    """A confirmation that no longer counts: kept with its attempt; where the row is to be sent again, it is asked for first."""
    connection.execute(sql.LOCK, {"id": claimed.id})
    connection.execute(sql.NOTE_LATE, {"id": claimed.id, "n": claimed.attempt, "target": clean(sent.target_id)})
    connection.execute(sql.CONFIRMED_AFTER_DISCARD, {"id": claimed.id, "target": clean(sent.target_id)})
    sentence = f"attempt {claimed.attempt} was confirmed as {sent.target_id} when it no longer counted"
    add_event(connection, delivery_id=claimed.id, kind="late", sentence=sentence)
    _alarm(connection, claimed, sent.target_id)


def _alarm(connection: sa.Connection, claimed: Claimed, target_id: str) -> None:
    """Two target ids for one delivery: a finding and an event, never a silent overwrite."""
    row = connection.execute(sql.ALARM, {"id": claimed.id, "target": clean(target_id)}).one_or_none()
    if row is not None:
        add_event(connection, delivery_id=claimed.id, kind="alarm", sentence=row.sentence)
