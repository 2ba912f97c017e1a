"""Writing back never stands in the way of an order that is still to be sent, and never over what people wrote."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa

from connectors.coupa.client import Coupa
from procurement.ledger import Ledger
from tests.integration.pipelines.buying import OrderRun, switched
from tests.integration.pipelines.conftest import StartSandbox
from tests.integration.pipelines.test_orders import planted, purchase_order, signed

pytestmark = pytest.mark.integration


@pytest.fixture
def raising(monkeypatch: pytest.MonkeyPatch) -> list[OrderRun]:
    """A Coupa that raises the version of a purchase order that is written to; the run it belongs to goes in."""
    runs: list[OrderRun] = []
    write = Coupa.update_purchase_order

    def update(self: Coupa, id: int, payload: Any, permit: Any) -> dict[str, Any]:
        raw = write(self, id, payload, permit)
        runs[0].coupa("change_order", po_number=raw["po-number"], line_num="1", description="as it was")
        return {**raw, "version": raw["version"] + 1}

    monkeypatch.setattr(Coupa, "update_purchase_order", update)
    return runs


def due_now(run: OrderRun) -> None:
    """The time that a rate limit asked for has passed."""
    requests.delete(run.pair.control("amazon", "faults"), timeout=30)
    with run.ledger.engine.begin() as connection:
        connection.execute(sa.text("UPDATE deliveries SET due_at = clock_timestamp()"))
        connection.execute(sa.text("UPDATE rate_buckets SET next_slot = clock_timestamp() - interval '1 hour'"))
    run.now += timedelta(minutes=30)
    run.pair.post("amazon", "clock", set=run.now.isoformat())


def test_the_second_part_is_sent_although_writing_back_raises_the_version(
    start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path, raising: list[OrderRun]
) -> None:
    run = OrderRun(start_sandbox("buying"), ledger, switched(mappings_directory), workers=1)
    raising.append(run)
    number = planted(run.pair)["fifty_one_lines"]["po"]
    run.pair.post("amazon", "switches", retry_after=True)
    run.pair.post("amazon", "faults", kind="rate_limit", operation="placeOrder", skip=1, times=1000, retry_after=3600)
    run("one", po_numbers=[number])
    assert [row.state for row in run.placed(number)] == ["delivered", "planned"]
    assert run.of("write_back_order", number) == [] and len(run.of("tell_requester", number)) == 1
    due_now(run)
    run("two")
    first, second = run.placed(number)
    assert (first.state, second.state) == ("delivered", "delivered")
    assert [row.state for row in run.of("write_back_order", number)] == ["skipped", "delivered"]
    written = purchase_order(run.pair, number)["order-lines"]
    assert {line["supplier-order-number"] for line in written} == {*first.facts["orders"], *second.facts["orders"]}


def test_a_part_that_people_changed_first_is_held_then_ordered_by_name_and_all_of_it_written_back_once(
    start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path
) -> None:
    run = OrderRun(start_sandbox("buying"), ledger, switched(mappings_directory), workers=1)
    number = planted(run.pair)["fifty_one_lines"]["po"]
    run.pair.post("amazon", "switches", retry_after=True)
    run.pair.post("amazon", "faults", kind="rate_limit", operation="placeOrder", skip=1, times=1000, retry_after=3600)
    run("one", po_numbers=[number])
    run.coupa("change_order", po_number=number, line_num="1", description="said better")
    due_now(run)
    run("two")
    assert [row.state for row in run.placed(number)] == ["delivered", "held"]
    assert run.of("write_back_order", number) == []
    run("three", po_numbers=[number])
    placed = [row for row in run.placed(number) if row.state == "delivered"]
    assert sorted(line["number"] for row in placed for line in row.facts["lines"]) == sorted(map(str, range(1, 52)))
    written = purchase_order(run.pair, number)["order-lines"]
    assert {line["supplier-order-number"] for line in written} == {id for row in placed for id in row.facts["orders"]}
    assert [row.state for row in run.of("write_back_order", number)].count("delivered") == 1


def test_a_version_that_the_write_back_raised_is_said_to_be_our_own(
    start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path, raising: list[OrderRun]
) -> None:
    run = OrderRun(start_sandbox("buying_plain", orders="1"), ledger, switched(mappings_directory))
    raising.append(run)
    run("one")
    number = run.placed()[0].business_key.removesuffix("-1-1")
    run("two", po_numbers=[number])
    said = sentences(ledger, number)
    assert any(one.startswith(f"{number} was changed after it had been sent") for one in said)
    own = [one for one in said if "version 2 was raised by our own write-back" in one]
    assert len(own) == 1
    run.coupa("change_order", po_number=number, line_num="1", quantity="9")
    run("three", po_numbers=[number])
    assert [one for one in sentences(ledger, number) if "raised by our own" in one] == own


def sentences(ledger: Ledger, number: str) -> list[str]:
    record = ledger.records.find("coupa/acme", "purchase_order", [number])[number]
    return [one.sentence for one in ledger.findings.of_records([record.id])]


def test_what_a_person_writes_between_plan_and_write_is_left_alone_and_found(
    start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path
) -> None:
    run = OrderRun(start_sandbox("buying_plain", orders="1"), ledger, switched(mappings_directory), workers=1)
    (raw,) = run.pair.state("coupa", "purchase_orders")
    run.pair.post("coupa", "faults", kind="status", status=400, operation="update_purchase_order", times=1)
    run("one")
    (row,) = run.of("write_back_order")
    assert row.state == "dead"
    line = {"id": raw["order-lines"][0]["id"], "supplier-order-number": "by phone"}
    answer = requests.put(
        f"{run.pair.coupa_url}/api/purchase_orders/{raw['id']}",
        json={"order-lines": [line]},
        headers=signed(run.pair),
        timeout=30,
    )
    assert answer.ok, answer.text
    ledger.dead_letters.replay(row.business_key)
    run("two")
    order = purchase_order(run.pair, raw["po-number"])
    assert order["order-lines"][0]["supplier-order-number"] == "by phone"
    assert order["custom-fields"]["ab-order-ids"]
    (row,) = run.of("write_back_order")
    assert row.state == "delivered"
    assert any("'by phone'" in one.sentence for one in ledger.findings.of_deliveries([row.id]))
