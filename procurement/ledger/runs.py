"""Runs: when they are, what they read, what they counted.

A run is opened once, however often its tasks are retried; whoever opens it again gets what was fixed the first time.
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from connectors.tally import Tally
from procurement.ledger.encoding import clean, dump_json
from procurement.ledger.tables import runs
from procurement.ledger.types import Json, Run, Window


class Runs:
    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def open(
        self, dag_id: str, run_id: str, *, now: datetime, window: Window | None = None, dry_run: bool = False
    ) -> Run:
        """The run of this name; `now` (business time), `window` and `dry_run` hold only if it is new."""
        if now.tzinfo is None:
            raise ValueError(f"run {run_id}: `now` is {now}, without an offset")
        values = {
            "dag_id": dag_id, "run_id": run_id, "now": now, "dry_run": dry_run,
            "window_from": window.start if window else None, "window_to": window.end if window else None,
        }  # fmt: skip
        with self._engine.begin() as connection:
            connection.execute(insert(runs).values(values).on_conflict_do_nothing())
        return self.get(dag_id, run_id)

    def get(self, dag_id: str, run_id: str) -> Run:
        """Raises LookupError for a run that was never opened."""
        query = sa.select(runs).where(runs.c.dag_id == dag_id, runs.c.run_id == run_id)
        with self._engine.begin() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise LookupError(f"run {run_id} of {dag_id} was never opened")
        window = Window(row.window_from, row.window_to) if row.window_from is not None else None
        return Run(row.id, row.dag_id, row.run_id, row.now, window, row.dry_run)

    def latest(self, dag_id: str) -> Run | None:
        """The run of this DAG that was opened last; None before the first."""
        query = sa.select(runs.c.run_id).where(runs.c.dag_id == dag_id).order_by(runs.c.id.desc()).limit(1)
        with self._engine.begin() as connection:
            run_id = connection.execute(query).scalar_one_or_none()
        return self.get(dag_id, run_id) if run_id is not None else None

    def keep_tally(self, run: Run, source: str, tally: Tally) -> None:
        """What the run saw of `source`; replaces what an earlier try of the same run counted there."""
        documents = [
            {"kind": clean(kind), "key": clean(key), "amount": amount, "currency": currency}
            for (kind, key), (amount, currency) in tally.seen.items()
        ]
        self._merge(run, source, {"documents": documents, "repeats": tally.repeats, "pages": tally.pages})

    def keep_facts(self, run: Run, source: str, facts: Json) -> None:
        """What the run decided or found out about `source` as a whole, beside its tally; facts of the same name are replaced."""
        self._merge(run, source, {"facts": {**self.facts(run, source), **facts}})

    def facts(self, run: Run, source: str) -> Json:
        query = sa.text("SELECT coalesce(tally -> :source -> 'facts', '{}') FROM runs WHERE id = :id")
        with self._engine.begin() as connection:
            return dict(connection.execute(query, {"source": source, "id": run.id}).scalar_one())

    def is_fact_since(self, dag_id: str, source: str, facts: Json, *, since: datetime) -> bool:
        """Whether a run that was opened at `since` (business time) or later has these facts of `source`; dry runs have none."""
        query = sa.text(
            "SELECT EXISTS (SELECT FROM runs WHERE dag_id = :dag_id AND now >= :since AND NOT dry_run"
            " AND tally -> :source -> 'facts' @> CAST(:facts AS jsonb))"
        )
        values = {"dag_id": dag_id, "source": source, "facts": dump_json(facts), "since": since}
        with self._engine.begin() as connection:
            return bool(connection.execute(query, values).scalar_one())

    def _merge(self, run: Run, source: str, values: Json) -> None:
        query = sa.text(
            "UPDATE runs SET tally = tally || jsonb_build_object(CAST(:source AS text),"
            " coalesce(tally -> :source, '{}') || CAST(:values AS jsonb)) WHERE id = :id"
        )
        with self._engine.begin() as connection:
            connection.execute(query, {"source": source, "values": dump_json(values), "id": run.id})
