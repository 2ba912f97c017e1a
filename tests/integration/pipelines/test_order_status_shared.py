"""One reading for both pipelines: whoever comes first reads, whoever comes second plans what was read."""

from pathlib import Path

import pytest

from procurement.clock import FixedClock
from procurement.ledger import Ledger
from procurement.pipelines import open_orders
from procurement.pipelines.amazon_order_status_to_coupa import PIPELINE
from procurement.pipelines.open_orders import OPEN, RECEIPTS
from procurement.pipelines.windows import Window
from tests.integration.pipelines.conftest import NOW, StartSandbox, connect_amazon
from tests.integration.pipelines.status_runs import StatusRun, switched

pytestmark = pytest.mark.integration
LIVE = "{mode: live, go_live: 2026-03-01}"


@pytest.fixture
def run(start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path) -> StatusRun:
    pair = start_sandbox("open_orders", orders="2", delivered="0")
    rules = switched(mappings_directory, f"{LIVE}\n  {RECEIPTS}: {LIVE}")
    return StatusRun(pair, ledger, rules)


def read_as_receipts(run: StatusRun, window: Window | None = None) -> open_orders.Observed:
    now = FixedClock(NOW + run.passed).now()
    opened = run.ledger.runs.open(RECEIPTS, f"receipts-{now:%d%H%M}", now=now, window=window)
    return open_orders.observe(connect_amazon(run.pair, run.ledger), run.ledger, run=opened, rules=run.rules)


def test_what_the_receipts_read_is_planned_and_accounted_for_here(run: StatusRun) -> None:
    order = str(run.pair.state("amazon", "orders")[0]["orderMetadata"]["orderId"])
    run()
    run.amazon("cancel", order)
    run.later(hours=1)
    assert read_as_receipts(run).due == 2
    closed = run()
    assert closed["extract"]["due"] == 0
    assert closed["documents"]["seen"] == closed["documents"]["delivered"] == 1
    assert run.comments()


def test_orders_that_amazon_does_not_show_for_a_day_are_one_mail_and_each_is_told_once(run: StatusRun) -> None:
    def place(*ids: str) -> None:
        now = NOW + run.passed
        run.ledger.open_documents.watch(OPEN, {f"113-000000{id}-0000000": ("placed", now) for id in ids})

    place("1")
    assert run()["extract"]["unseen"] == 1
    assert run.mails == []
    run.later(days=1, hours=1)
    run()
    place("2", "3")
    for _ in range(3):
        run.later(days=1, hours=1)
        run()
    assert [(notice.kind, notice.body["subject"]) for notice in run.mails] == [
        ("missing_order", "Amazon order 113-0000001-0000000 does not show in Amazon's order report"),
        ("missing_order", "2 Amazon orders do not show in Amazon's order report"),
    ]
    assert "113-0000002-0000000\n    113-0000003-0000000" in run.mails[1].body["text"]
    assert "113-0000001" not in run.mails[1].body["text"]


def test_a_mail_about_very_many_missing_orders_lists_some_and_counts_the_rest(run: StatusRun) -> None:
    run.ledger.open_documents.watch(OPEN, {f"113-{n:07}-0000000": ("placed", NOW) for n in range(70)})
    run.later(days=1, hours=1)
    run()
    run()
    (mail,) = run.mails
    assert mail.body["text"].count("\n    113-") == 50
    assert "and 20 more" in mail.body["text"]


def test_a_run_that_breaks_after_staging_reads_again(run: StatusRun, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ConnectionError("the database went away")

    with monkeypatch.context() as patch:
        patch.setattr(run.ledger.open_documents, "watch", broken)
        with pytest.raises(ConnectionError):
            run()
    assert run()["documents"]["seen"] == 2
    assert run.ledger.runs.get(PIPELINE, "run-2").window is not None
