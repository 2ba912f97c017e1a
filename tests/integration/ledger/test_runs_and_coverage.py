"""A run keeps its moment and window; what no run has read stays to be read, however old."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from procurement.ledger import Ledger
from procurement.ledger.types import Window
from tests.integration.ledger.documents import NOW, PIPELINE, SOURCE, charge, open_run, read

pytestmark = pytest.mark.integration
HOUR = timedelta(hours=1)


def day(number: int) -> datetime:
    return datetime(2026, 6, number, tzinfo=UTC)


def test_a_retried_run_gets_the_moment_and_window_of_its_first_try(ledger: Ledger) -> None:
    first = open_run(ledger, window=Window(day(1), day(2)))
    again = ledger.runs.open(PIPELINE, "first", now=NOW + HOUR, window=Window(day(5), day(6)), dry_run=True)
    assert again == first
    assert ledger.runs.get(PIPELINE, "first") == first


def test_a_run_without_a_window_has_none(ledger: Ledger) -> None:
    assert open_run(ledger).window is None


def test_a_run_that_was_never_opened_is_unknown(ledger: Ledger) -> None:
    with pytest.raises(LookupError, match="never opened"):
        ledger.runs.get(PIPELINE, "nothing")


def test_a_moment_without_an_offset_is_refused(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="without an offset"):
        ledger.runs.open(PIPELINE, "naive", now=datetime(2026, 6, 1))


def test_what_a_run_found_out_stays_beside_its_tally(ledger: Ledger) -> None:
    run = open_run(ledger)
    ledger.runs.keep_facts(run, SOURCE, {"full": True})
    read(ledger, run, [charge("T1")])
    ledger.runs.keep_facts(run, SOURCE, {"why_not": "unanswered"})
    ledger.runs.keep_facts(run, "amazon_business/other", {"full": False})
    assert ledger.runs.facts(run, SOURCE) == {"full": True, "why_not": "unanswered"}
    assert ledger.runs.facts(run, "amazon_business/other") == {"full": False}
    assert ledger.runs.facts(run, "amazon_business/nobody") == {}
    assert ledger.completeness.settle(run).documents.seen == 1, "a source with facts alone has no documents"


def test_a_fact_counts_from_the_moment_its_run_was_opened_and_never_a_dry_runs(ledger: Ledger) -> None:
    ledger.runs.keep_facts(open_run(ledger), SOURCE, {"full": True, "more": 1})
    dry = ledger.runs.open(PIPELINE, "dry", now=NOW + 2 * HOUR, dry_run=True)
    ledger.runs.keep_facts(dry, SOURCE, {"full": True})

    def known(since: datetime, source: str = SOURCE, dag_id: str = PIPELINE) -> bool:
        return ledger.runs.is_fact_since(dag_id, source, {"full": True}, since=since)

    assert known(NOW) and known(NOW - HOUR)
    assert not known(NOW + HOUR)
    assert not known(NOW, source="amazon_business/other") and not known(NOW, dag_id="another")
    assert not ledger.runs.is_fact_since(PIPELINE, SOURCE, {"full": False}, since=NOW)


def test_windows_skipped_while_a_dag_was_paused_are_read_by_the_next_run(ledger: Ledger) -> None:
    ledger.coverage.cover(PIPELINE, Window(day(1), day(2)))
    ledger.coverage.cover(PIPELINE, Window(day(20), day(21)))  # paused for weeks, then one interval only
    unread = ledger.coverage.uncovered(PIPELINE, day(22), since=day(1), overlap=2 * HOUR)
    assert unread == [Window(day(2) - 2 * HOUR, day(20)), Window(day(21) - 2 * HOUR, day(22))]


def test_adjacent_and_overlapping_ranges_become_one(ledger: Ledger) -> None:
    for window in (Window(day(1), day(2)), Window(day(4), day(6)), Window(day(2), day(3)), Window(day(3), day(5))):
        ledger.coverage.cover(PIPELINE, window)
    assert ledger.coverage.covered(PIPELINE) == [Window(day(1), day(6))]


def test_coverage_is_kept_per_pipeline_and_an_empty_window_covers_nothing(ledger: Ledger) -> None:
    ledger.coverage.cover("other", Window(day(1), day(9)))
    ledger.coverage.cover(PIPELINE, Window(day(1), day(1)))
    assert ledger.coverage.uncovered(PIPELINE, day(2), since=day(1), overlap=HOUR) == [Window(day(1), day(2))]


def test_two_runs_that_cover_at_once_leave_no_overlap(ledger: Ledger) -> None:
    windows = [Window(day(n), day(n + 2)) for n in range(1, 20)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda window: ledger.coverage.cover(PIPELINE, window), windows))
    assert ledger.coverage.covered(PIPELINE) == [Window(day(1), day(21))]


def test_the_database_itself_refuses_overlapping_coverage(ledger: Ledger) -> None:
    insert = sa.text("INSERT INTO coverage (pipeline, range) VALUES ('p', tstzrange(:lo, :hi))")
    with pytest.raises(sa.exc.IntegrityError, match="coverage_never_overlaps"), ledger.engine.begin() as connection:
        connection.execute(insert, {"lo": day(1), "hi": day(3)})
        connection.execute(insert, {"lo": day(2), "hi": day(4)})
