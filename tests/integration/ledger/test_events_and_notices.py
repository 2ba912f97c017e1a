"""What happened cannot be rewritten; what people are told is sent at least once; dry runs leave only their plan."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from procurement.ledger import Ledger
from procurement.ledger.events import chain_hash
from procurement.ledger.types import OpenDocument, Sent
from tests.integration.ledger.documents import CREATE, NOW, PIPELINE, claim_next, count, open_run, plan_invoices

pytestmark = pytest.mark.integration
DOCUMENT = f"{PIPELINE}/{CREATE}/N1"


@pytest.mark.parametrize("statement", ["UPDATE events SET sentence = 'other'", "DELETE FROM events", "TRUNCATE events"])
def test_the_database_refuses_to_change_what_happened(ledger: Ledger, statement: str) -> None:
    plan_invoices(ledger, "T1")
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), ledger.engine.begin() as connection:
        connection.exec_driver_sql(statement)


def test_each_event_carries_the_hash_of_the_one_before(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    ledger.deliveries.uncertain(claim_next(ledger), "zeit überschritten\nund mehr")
    events = ledger.events.of(DOCUMENT)
    assert [event.kind for event in events] == ["planned", "uncertain"]
    assert (events[0].prev_hash, events[1].prev_hash) == ("", events[0].hash)
    assert [event.hash for event in events] == [chain_hash(event) for event in events]
    assert ledger.events.verify(DOCUMENT)


def test_a_forged_entry_shows_even_when_the_guards_were_taken_off(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    ledger.deliveries.delivered(claim_next(ledger), Sent("77"))
    with ledger.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE events DISABLE TRIGGER USER")
        connection.exec_driver_sql("UPDATE events SET sentence = 'as 78' WHERE kind = 'delivered'")
    assert not ledger.events.verify(DOCUMENT)
    assert chain_hash(replace(ledger.events.of(DOCUMENT)[-1], sentence="as 77")) == ledger.events.of(DOCUMENT)[-1].hash


def test_an_entry_that_was_taken_out_shows(ledger: Ledger) -> None:
    plan_invoices(ledger, "T1")
    ledger.deliveries.delivered(claim_next(ledger), Sent("77"))
    with ledger.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE events DISABLE TRIGGER USER")
        connection.exec_driver_sql(f"DELETE FROM events WHERE kind = 'planned' AND document = '{DOCUMENT}'")
    assert not ledger.events.verify(DOCUMENT)


def test_a_notice_is_kept_once_and_stays_pending_until_it_was_sent(ledger: Ledger) -> None:
    assert ledger.notices.add("run 1", "mail", {"subject": "two", "amount": Decimal("0.10")}) is True
    assert ledger.notices.add("run 1", "mail", {"subject": "again"}) is False
    (notice,) = ledger.notices.pending()
    assert (notice.key, notice.kind, notice.body) == ("run 1", "mail", {"subject": "two", "amount": Decimal("0.10")})
    ledger.notices.sent("run 1")
    assert ledger.notices.pending() == []
    assert ledger.notices.add("run 1", "mail", {}) is False


def test_the_plan_of_a_dry_run_is_replaced_by_its_retry_and_is_never_due(ledger: Ledger) -> None:
    run = open_run(ledger, "dry", dry_run=True)
    ledger.plans.keep(run, [{"n": 1}, {"n": 2}])
    ledger.plans.keep(run, [{"n": 3, "amount": Decimal("1.10")}])
    assert ledger.plans.of(run) == [{"n": 3, "amount": Decimal("1.10")}]
    ledger.plans.keep(run, [])
    assert ledger.plans.of(run) == []
    assert ledger.deliveries.due(PIPELINE, 9) == []
    for table in ("source_records", "deliveries", "coverage", "attempts"):
        assert count(ledger, f"SELECT count(*) FROM {table}") == 0


def test_open_documents_are_read_again_when_their_moment_comes_until_they_are_closed(ledger: Ledger) -> None:
    soon = NOW + timedelta(hours=1)
    ledger.open_documents.watch("order", {})
    ledger.open_documents.watch("order", {"O-1": ("open", NOW), "O-2": ("open", soon)})
    assert ledger.open_documents.due("order", NOW) == [OpenDocument("order", "O-1", "open", NOW)]
    ledger.open_documents.watch("order", {"O-1": ("shipped", soon)})
    assert [row.state for row in ledger.open_documents.due("order", soon)] == ["shipped", "open"]
    ledger.open_documents.close("order", ["O-1", "O-2"])
    assert ledger.open_documents.due("order", soon) == []
