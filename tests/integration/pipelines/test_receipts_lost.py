"""A parcel that never arrives, without a word from Amazon: told of once, and read again only for a reason."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from procurement.ledger import Ledger
from procurement.pipelines.amazon_deliveries_to_coupa_receipts import PIPELINE
from tests.integration.pipelines.conftest import NOW, StartSandbox
from tests.integration.pipelines.receiving_runs import ReceiptRun, switched

pytestmark = pytest.mark.integration


@pytest.fixture
def run(start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path) -> ReceiptRun:
    """One order, which left today and never arrives."""
    pair = start_sandbox("open_orders", orders="1", delivered="0", lost="1")
    return ReceiptRun(pair, ledger, switched(mappings_directory, automatic_up_to=100_000))


@pytest.fixture
def order(run: ReceiptRun) -> str:
    (document,) = run.pair.state("amazon", "orders")
    return str(document["orderMetadata"]["orderId"])


def fates(run: ReceiptRun) -> set[str]:
    return {fate for fate, _ in run.fates().values()}


def reads(run: ReceiptRun) -> int:
    """How often its shipments were read."""
    return int(sum(run.pair.calls("amazon")["by_operation"]["getShipmentReports"].values()))


def state_of(ledger: Ledger) -> list[str]:
    return [one.state for one in ledger.open_documents.due("amazon_order", NOW + timedelta(days=9000))]


def test_it_is_told_of_once_and_read_again_only_when_somebody_asks(run: ReceiptRun, order: str) -> None:
    run()
    run.later(days=46)  # its promise was two days after it left
    run()
    assert (fates(run), state_of(run.ledger), run.mails) == ({"waiting"}, ["open"], [])
    run.later(days=1)
    run()
    assert (fates(run), state_of(run.ledger)) == ({"held"}, ["lost"])
    (mail,) = run.mails
    assert (
        "held document" in mail.body["subject"] and "never arrived" in mail.body["text"] and order in mail.body["text"]
    )
    (finding, *_) = run.ledger.findings.of_pipeline(PIPELINE, ["parcel_lost"])
    assert finding.actual == "0"

    before = reads(run)
    run.amazon("deliver", order)
    run.later(days=1)
    run()
    assert (fates(run), reads(run), len(run.mails)) == ({"held"}, before, 1)
    run(order_ids=[order])
    assert (fates(run), state_of(run.ledger), reads(run)) == ({"delivered"}, ["settled"], before + 1)
    assert len(run.ours(order)) == len(run.fates())


def test_asked_for_while_it_is_still_lost_it_is_not_told_of_again(run: ReceiptRun, order: str) -> None:
    run()
    run.later(days=60)
    run()
    for key in [letter.key for letter in run.ledger.dead_letters.list(states=("held",))]:
        run.ledger.dead_letters.discard(key, "Amazon sends it again")
    run(order_ids=[order])
    assert (fates(run), len(run.mails), state_of(run.ledger)) == ({"skipped"}, 1, ["lost"])


def test_a_refund_of_it_is_read_without_being_asked_for_and_settles_it(run: ReceiptRun, order: str) -> None:
    run()
    run.later(days=60)
    run()
    assert fates(run) == {"held"}
    charges: list[dict[str, Any]] = run.pair.state("amazon", "transactions")
    run.amazon(
        "refund", order, transactionId=charges[0]["transactionId"], invoiceNumber="fresh", refundReason="Undeliverable"
    )
    run.later(hours=1)
    run.read_feed()
    before = reads(run)
    run.later(hours=1)
    run()
    assert (fates(run), reads(run)) == ({"skipped"}, before + 1)
    run.later(hours=1)
    run()
    assert reads(run) == before + 1
