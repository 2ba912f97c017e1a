"""What Amazon still owes, from the ledger alone: one mail a week with a list, and the sums in the run's account.

The last tests play a world in which Amazon keeps money for every reason there is, and pays back in as many cases.
"""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from procurement.ledger import Ledger
from procurement.ledger.types import RecordLine, Run, Staged
from procurement.order_facts import LineFacts, OrderFacts, ShipmentFacts, write_order
from procurement.pipelines.amazon_invoices_to_coupa import PIPELINE, watch_owed
from procurement.policies import Rules, read_rules
from tests.integration.conftest import create_database
from tests.integration.pipelines.course import Course, open_course

pytestmark = pytest.mark.integration
Json = dict[str, Any]
NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
SOURCE = "amazon_business/sandbox"


@pytest.fixture(scope="module")
def rules() -> Rules:
    return read_rules(Path(__file__).parents[3] / "mappings")


def open_run(ledger: Ledger, name: str = "first", *, now: datetime = NOW, dry_run: bool = False) -> Run:
    return ledger.runs.open(PIPELINE, name, now=now, dry_run=dry_run)


def observe(
    ledger: Ledger,
    run: Run,
    *,
    status: str | None = "RETURNED",
    ordered_at: datetime = datetime(2026, 4, 1, tzinfo=UTC),
) -> None:
    """An order of two boxes, shipped, of which Package Tracking said `status`."""
    shipment = ShipmentFacts(
        order_id="112-1", shipment_id="S1", order_line_id="61", quantity=2, shipped_at=ordered_at, expected_at=ordered_at + timedelta(days=2),
        tracking_status=status, delivered_seen=None if status else ordered_at,
    )  # fmt: skip
    line = LineFacts(order_line_id="61", ordered=2, left=2, asin="B01", title='Pens, "gel"')
    facts = OrderFacts(
        order_id="112-1",
        ordered_at=ordered_at,
        po_number="4500",
        lines={"61": line},
        shipments={shipment.key: shipment},
    )
    row = Staged(key="112-1", raw=write_order(facts), group_key="4500", dated_at=ordered_at)
    ledger.records.stage(run, SOURCE, "order", [row], for_another=True)


def move(ledger: Ledger, run: Run, key: str, kind: str, amount: str, quantity: int) -> None:
    lines = (RecordLine("112-1", "61", "S1", quantity, Decimal(amount)),)
    row = Staged(
        key=key, raw={"transactionLineItems": [{"asin": "B01"}]}, amount=Decimal(amount), currency="USD", group_key=key, dated_at=NOW, subkind=kind, lines=lines
    )  # fmt: skip
    ledger.records.stage(run, SOURCE, "transaction", [row])


def test_what_was_returned_and_not_credited_is_one_mail_a_week(ledger: Ledger, rules: Rules) -> None:
    run = open_run(ledger)
    observe(ledger, run)
    move(ledger, run, "T1", "CHARGE", "43.28", 2)
    assert watch_owed(ledger, run=run, rules=rules) == {"run": run.id, "owed": 1, "amounts": {"USD": "43.28"}}
    watch_owed(ledger, run=open_run(ledger, "again", now=NOW + timedelta(days=1)), rules=rules)
    (notice,) = ledger.notices.pending()
    assert (notice.key, notice.kind) == (f"{PIPELINE}/owed/2026-W27", "owed")
    assert notice.body["to"] == ["accounts.payable@example.com"]
    assert notice.body["subject"] == "Amazon owes USD 43.28 on 1 order line"
    assert notice.body["text"].splitlines()[2:] == [
        "order,order line,PO,article,reason,units,amount,currency,since,days",
        '112-1,61,4500,"Pens, ""gel""",returned,2,43.28,USD,2026-04-03,88',
    ]
    watch_owed(ledger, run=open_run(ledger, "next", now=NOW + timedelta(days=7)), rules=rules)
    assert len(ledger.notices.pending()) == 2


def test_a_refund_takes_its_money_off_the_list(ledger: Ledger, rules: Rules) -> None:
    run = open_run(ledger)
    observe(ledger, run)
    move(ledger, run, "T1", "CHARGE", "43.28", 2)
    move(ledger, run, "T2", "REFUND", "-20.00", 0)
    assert watch_owed(ledger, run=run, rules=rules)["amounts"] == {"USD": "23.28"}
    move(ledger, run, "T3", "OVERREFUND", "-30.00", 1)
    assert watch_owed(ledger, run=run, rules=rules) == {"run": run.id, "owed": 0, "amounts": {}}


def test_nothing_owed_is_no_mail_and_a_dry_run_writes_none(ledger: Ledger, rules: Rules) -> None:
    run = open_run(ledger)
    observe(ledger, run, status=None)
    move(ledger, run, "T1", "CHARGE", "43.28", 2)
    assert watch_owed(ledger, run=run, rules=rules)["owed"] == 0
    observe(ledger, run)
    assert watch_owed(ledger, run=open_run(ledger, "dry", dry_run=True), rules=rules)["owed"] == 0
    assert ledger.notices.pending() == []


def test_old_orders_and_those_that_could_not_be_read_are_left_alone(ledger: Ledger, rules: Rules) -> None:
    run = open_run(ledger)
    observe(ledger, run, ordered_at=datetime(2024, 4, 1, tzinfo=UTC))
    move(ledger, run, "T1", "CHARGE", "43.28", 2)
    ledger.records.stage(
        run, SOURCE, "order", [Staged(key="113", raw={"problem": "no date"}, dated_at=NOW)], for_another=True
    )
    assert watch_owed(ledger, run=run, rules=rules)["owed"] == 0


DAYS = (
    0,
    3,
    12,
    40,
    50,
    60,
)  # bought; cancelled; lost or sent back; lost for a month; asked whether it came back; missed


@pytest.fixture(scope="module")
def course(server_url: sa.URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Course]:
    yield from open_course("owed", tmp_path_factory.mktemp("owed"), create_database(server_url))


def charged(course: Course) -> dict[str, Decimal]:
    """What Amazon took and keeps, by PO number, from the sandbox's own books."""
    money: dict[str, Decimal] = {}
    for row in course.pair.state("amazon", "transactions"):
        for line in row["transactionLineItems"]:
            number = line["purchaseOrderNumber"]
            money[number] = money.get(number, Decimal(0)) + Decimal(line["totalAmount"]["amount"])
    return money


def listed(course: Course) -> list[Json]:
    """The rows of the latest mail about what is owed."""
    mail = max((mail for mail in course.mails if mail.kind == "owed"), key=lambda mail: mail.key)
    return list(csv.DictReader(mail.body["text"].split("\n\n", 1)[1].splitlines()))


def test_exactly_what_amazon_keeps_is_listed_with_its_age_and_a_credit_takes_it_off(course: Course) -> None:
    for day in DAYS:
        course.day(day)
    planted = {fact["po"]: fact["owed"] for fact in course.facts if "owed" in fact}
    assert sorted(planted.values()) == ["cancelled", "returned", "undelivered", "undelivered"]
    kept, rows = charged(course), listed(course)
    assert {row["PO"]: row["reason"] for row in rows} == planted
    assert {row["PO"]: Decimal(row["amount"]) for row in rows} == {number: kept[number] for number in planted}
    assert {row["currency"] for row in rows} == {"USD"}
    now = NOW + timedelta(days=DAYS[-1])
    ages = {row["PO"]: int(row["days"]) for row in rows}
    for (
        row
    ) in rows:  # whole days of 24 hours: one less than the calendar's where the hour of the day is not reached yet
        calendar = (now.date() - datetime.fromisoformat(row["since"]).date()).days
        assert ages[row["PO"]] in (calendar - 1, calendar)
    known_on = {"cancelled": [3], "undelivered": [12, 33], "returned": [50]}  # lost: 30 days after the promise
    for reason, days in known_on.items():
        since = sorted(DAYS[-1] - ages[number] for number in planted if planted[number] == reason)
        assert all(found - day in (0, 1) for found, day in zip(since, days, strict=True)), (reason, since)

    back = next(number for number, reason in planted.items() if reason == "returned")
    charge = next(
        row["transactionId"]
        for row in course.pair.state("amazon", "transactions")
        if row["transactionLineItems"][0]["purchaseOrderNumber"] == back
    )
    course.pair.post("amazon", "events/refund", transactionId=charge, invoiceNumber="fresh")
    course.day(DAYS[-1] + 7)
    assert {row["PO"]: row["reason"] for row in listed(course)} == {
        number: reason for number, reason in planted.items() if number != back
    }
