"""An order that may exist at Amazon counts as one when Coupa transmits its purchase order as well."""

from pathlib import Path

import pytest

from procurement.ledger import Ledger
from procurement.policy_files import Sending
from tests.integration.pipelines.buying import OrderRun, switched
from tests.integration.pipelines.conftest import StartSandbox
from tests.integration.pipelines.test_orders_gate import numbers

pytestmark = pytest.mark.integration


@pytest.fixture
def run(start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path) -> OrderRun:
    return OrderRun(start_sandbox("buying_plain", orders="1", lines="1"), ledger, switched(mappings_directory))


def test_an_order_without_an_answer_that_is_transmitted_raises_the_alarm(run: OrderRun) -> None:
    patient = run.rules.policies.model_copy(update={"sending": Sending(timeout=1, ask_again_after=600)})
    object.__setattr__(run.rules, "policies", patient)
    run.pair.post("amazon", "faults", kind="drop_after", operation="placeOrder", times=1)
    run("one")
    (row,) = run.placed()
    assert row.state == "sending"
    (number,) = numbers(run)
    run.coupa("transmit_order", po_number=number, transmission_status="sent_via_cxml")
    run("two", po_numbers=[number])
    run("three", po_numbers=[number])
    (alarm,) = [mail for mail in run.mails if mail.kind == "alarm"]
    assert f"{number} was sent to Amazon as {number}-1-1 and has no clear answer yet" in alarm.body["text"]


def test_an_order_that_amazon_refused_for_good_is_on_no_second_channel(run: OrderRun) -> None:
    (number,) = numbers(run)
    (order,) = run.pair.state("coupa", "purchase_orders")
    offer = order["order-lines"][0]["supp-aux-part-num"]
    run("one", between=lambda: run.amazon("withdraw_offer", offerId=offer))
    (row,) = run.placed()
    assert (row.state, row.outcome) == ("held", "refused")
    run.coupa("transmit_order", po_number=number, transmission_status="sent_via_cxml")
    run("two", po_numbers=[number])
    assert not [mail for mail in run.mails if "two channels" in mail.body["subject"]]
