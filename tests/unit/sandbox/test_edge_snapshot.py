"""A snapshot holds everything: a sandbox restored from it goes on as if it had never stopped."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.amazon.vendor import AmazonBusiness
from sandbox.clock import Timeline
from sandbox.seed import AmazonSeed, CoupaSeed, Timed, World
from sandbox.system import Origin, Sandbox, SnapshotError, read_snapshot, write_snapshot

if TYPE_CHECKING:
    from tests.unit.sandbox.conftest import Amazon, StartAmazon

START = datetime(2026, 1, 1, tzinfo=UTC)
MONEY = {"currencyCode": "USD", "amount": "10.00"}
LINE = {
    "orderId": "1",
    "orderLineItemId": "1",
    "shipmentId": "1",
    "itemQuantity": 1,
    "principalAmount": MONEY,
    "totalAmount": MONEY,
}
CHARGE = {"transactionId": "tx-1", "transactionType": "CHARGE", "amount": MONEY, "transactionLineItems": [LINE]}


def _snapshot(amazon: Amazon) -> dict[str, Any]:
    """Through JSON, as a file would."""
    snapshot: dict[str, Any] = json.loads(json.dumps(amazon.sandbox.snapshot()))
    return snapshot


def test_state_clock_counts_switches_and_tokens_survive_a_restart(start_amazon: StartAmazon) -> None:
    first = start_amazon(speed=1)
    first.sign_in()
    first.event("cancel", orderId="112-2")
    first.event("refund", transactionId="tx-1", quantity=1)
    first.event("duplicate", transactionId="tx-2")
    first.switch(reporting_page_size=1)
    first.advance(seconds=1000)
    feed, state = first.transactions().json(), first.control("GET", "state").json()

    second = start_amazon(speed=1, snapshot=_snapshot(first))
    second.headers = first.headers
    assert second.transactions().json() == feed
    assert second.control("GET", "state").json() == state
    assert second.control("GET", "switches").json()["reporting_page_size"] == 1
    assert second.calls()["by_operation"]["getTransactions"] == {"2xx": 2}
    assert second.control("GET", "clock").json()["now"].startswith("2026-02-10T12:16:4")


def test_what_was_in_the_future_still_happens_after_a_restart(start_amazon: StartAmazon) -> None:
    first = start_amazon()
    first.event("duplicate", transactionId="tx-1")
    second = start_amazon(snapshot=_snapshot(first))
    second.advance(days=3)
    second.sign_in()
    assert second.transactions().json()["transactions"][-1]["transactionId"] == "tx-4"


class Refunding(AmazonBusiness):
    """Amazon Business with a refund of tx-1 on the timeline, a day after the start."""

    def load(self, world: World, timeline: Timeline) -> None:
        super().load(world, timeline)
        timeline.add(world.now + timedelta(days=1), lambda: self.state.event("refund", {"transactionId": "tx-1"}))


def test_what_already_happened_does_not_happen_again_after_a_restart() -> None:
    def build(origin: Origin) -> World:
        return World("refunding", 1, START, AmazonSeed(transactions=[Timed(CHARGE, START)]), CoupaSeed())

    first = Sandbox(Origin("refunding"), build, [Refunding])
    first.clock.advance(2 * 86400)
    snapshot = json.loads(json.dumps(first.snapshot()))
    second = Sandbox(Origin("refunding"), build, [Refunding], snapshot=snapshot)
    second.clock.advance(86400)
    second.services[0].run_timeline()
    kinds = [row["transactionType"] for row in second.services[0].vendor.state.parts()["transactions"]()]
    assert kinds == ["CHARGE", "REFUND"]


def test_an_untouched_world_is_rebuilt_rather_than_stored(start_amazon: StartAmazon) -> None:
    amazon = start_amazon()
    assert "documents" not in _snapshot(amazon)["services"]["amazon_business"]["state"]


def test_a_snapshot_holds_no_token(start_amazon: StartAmazon) -> None:
    amazon = start_amazon()
    amazon.sign_in()
    assert amazon.headers["x-amz-access-token"] not in json.dumps(amazon.sandbox.snapshot())


def test_a_state_file_is_written_whole_and_read_back(start_amazon: StartAmazon, tmp_path: Path) -> None:
    snapshot = _snapshot(start_amazon())
    path = tmp_path / "state" / "sandbox.json"
    write_snapshot(snapshot, path)
    assert read_snapshot(path) == snapshot
    assert [entry.name for entry in path.parent.iterdir()] == ["sandbox.json"]


@pytest.mark.parametrize("content", ["", "not json", "[1]"])
def test_a_file_that_is_no_snapshot_is_refused_by_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SnapshotError, match=r"state\.json is no state file"):
        read_snapshot(path)


def test_a_snapshot_of_another_form_is_refused(start_amazon: StartAmazon) -> None:
    snapshot = _snapshot(start_amazon()) | {"form": 99}
    with pytest.raises(SnapshotError, match="form 99"):
        start_amazon(snapshot=snapshot)
