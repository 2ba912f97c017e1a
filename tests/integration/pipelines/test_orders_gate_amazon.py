"""Between plan and send at Amazon: somebody orders by hand, a trial orders after all. The order is never placed a second time."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.amazon_business.client import AmazonBusiness
from connectors.http import Permit
from procurement.ledger import Ledger
from tests.integration.pipelines.buying import OrderRun, switched
from tests.integration.pipelines.conftest import StartSandbox, connect_amazon
from tests.integration.pipelines.test_orders import planted
from tests.integration.pipelines.test_orders_gate import errors_of, numbers

pytestmark = pytest.mark.integration
StartRun = Callable[..., OrderRun]


@pytest.fixture
def start_run(start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path) -> StartRun:
    def start(**policies: object) -> OrderRun:
        rules = switched(mappings_directory, **policies)
        return OrderRun(start_sandbox("buying_plain", orders="2", lines="2"), ledger, rules, workers=1)

    return start


def order_by_hand(run: OrderRun, number: str) -> list[str]:
    """The same goods under the same PO number, not by us; Amazon's order ids."""
    amazon = connect_amazon(run.pair, run.ledger)
    row = run.placed(number)[0]
    request = json.loads(json.dumps(run.ledger.deliveries.payloads([row.id])[row.id]["request"], default=str))
    result = amazon.place_order({**request, "externalId": "typed-by-hand"}, amazon.permit("placeOrder"))
    return list(result.order_ids)


def test_what_somebody_ordered_by_hand_since_the_plan_is_skipped(start_run: StartRun) -> None:
    run, ordered = start_run(), []
    by_hand, other = numbers(run)
    run("one", between=lambda: ordered.extend(order_by_hand(run, by_hand)))
    (row,) = run.placed(by_hand)
    assert (row.state, row.reason) == ("skipped", f"Amazon already shows order {', '.join(ordered)} for it")
    assert [row.state for row in run.placed(other)] == ["delivered"]
    run("two")
    assert set(run.pair.state("amazon", "placed")) == {"typed-by-hand", f"{other}-1-1"}


@pytest.fixture
def run_of_two_parts(start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path) -> tuple[OrderRun, str]:
    run = OrderRun(start_sandbox("buying"), ledger, switched(mappings_directory), workers=1)
    return run, planted(run.pair)["fifty_one_lines"]["po"]


def test_a_part_is_held_when_somebody_orders_by_hand_after_another_part_was_placed(
    run_of_two_parts: tuple[OrderRun, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, number = run_of_two_parts
    place, by_hand = AmazonBusiness.place_order, []

    def and_then_by_hand(self: AmazonBusiness, request: Any, permit: Permit) -> Any:
        answer = place(self, request, permit)
        if request["externalId"] == f"{number}-1-1":
            by_hand.extend(order_by_hand(run, number))
        return answer

    monkeypatch.setattr(AmazonBusiness, "place_order", and_then_by_hand)
    run("one", po_numbers=[number])
    first, second = run.placed(number)
    assert (first.state, second.state) == ("delivered", "held")
    assert second.reason is not None and by_hand[0] in second.reason


def test_our_own_part_whose_answer_was_lost_is_not_taken_for_a_strangers(
    run_of_two_parts: tuple[OrderRun, str],
) -> None:
    run, number = run_of_two_parts
    run.pair.post("amazon", "faults", kind="drop_after", operation="placeOrder", times=1)
    run("one", po_numbers=[number])
    time.sleep(1.1)
    run("two")
    assert [row.state for row in run.placed(number)] == ["delivered", "delivered"]


@pytest.mark.parametrize(("minutes", "asked"), [(0, 2), (10, 0)])
def test_amazon_is_asked_again_only_when_it_was_asked_long_ago(start_run: StartRun, minutes: int, asked: int) -> None:
    run = start_run(look_again_minutes=minutes)
    run("one")
    answers = run.pair.calls("amazon")["by_operation"].get("getOrderReportsByPurchaseOrderNumber", {})
    assert answers.get("2xx", 0) == asked
    assert {row.state for row in run.placed()} == {"delivered"}


def test_a_trial_that_ordered_is_an_alarm_and_never_followed_by_the_order(
    start_run: StartRun, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start_run(trial_mode="always")
    number, other = numbers(run)
    place = AmazonBusiness.place_order

    def as_if_it_were_none(self: AmazonBusiness, request: Any, permit: Permit) -> Any:
        kept = [one for one in request["attributes"] if one["attributeType"] != "TrialMode"]
        mine = request["externalId"].startswith(number)
        return place(self, {**request, "attributes": kept} if mine else request, permit)

    monkeypatch.setattr(AmazonBusiness, "place_order", as_if_it_were_none)
    run("one")
    (row,), (trial,) = run.placed(number), run.of("trial_order", number)
    assert (row.state, row.reason) == ("held", "ALARM: Amazon ordered what was only a trial")
    assert any(trial.facts["orders"][0] in error for error in errors_of(ledger, number))
    assert [mail.body["subject"] for mail in run.mails if mail.kind == "alarm"] == [
        f"ALARM: {number} was stopped before it was ordered"
    ]
    assert any(sentence.startswith("ALARM: Amazon answered the trial") for sentence in run.findings(number))
    run.rules = with_trial_off(run)
    run("two", po_numbers=[number])
    assert set(run.pair.state("amazon", "placed")) == {f"{number}-1-1-T", f"{other}-1-1"}


def with_trial_off(run: OrderRun) -> Any:
    orders = run.rules.policies.orders.model_copy(update={"trial_mode": "off"})
    object.__setattr__(run.rules, "policies", run.rules.policies.model_copy(update={"orders": orders}))
    return run.rules
