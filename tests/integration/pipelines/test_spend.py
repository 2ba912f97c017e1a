"""Spend into budgets over real HTTP and PostgreSQL: posted once whatever happens, told once, every cent accounted for."""

import csv
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from procurement.clock import FixedClock
from procurement.errors import ConfigurationError
from procurement.ledger import Ledger
from procurement.ledger.changes import CHANGED_PART
from procurement.ledger.types import Window
from procurement.pipelines import amazon_spend_to_coupa_budgets as pipeline
from procurement.pipelines.amazon_spend_to_coupa_budgets import PIPELINE
from procurement.pipelines.amazon_spend_to_coupa_budgets.names import KIND
from procurement.pipelines.amazon_spend_to_coupa_budgets.staging import staged
from procurement.pipelines.sources import amazon_source
from procurement.pipelines.windows import RunRequest, pieces
from procurement.policy_files import Sending
from tests.integration.pipelines.conftest import NOW, SandboxPair, StartSandbox, connect_amazon, connect_coupa
from tests.integration.pipelines.spend_runs import SpendRun, switched
from tests.integration.pipelines.test_crashes import PROGRAM, ROOT

pytestmark = pytest.mark.integration
QUARTER = {"from": "2026-03-01"}
CARDS = {"Visa", "MasterCard", "AmericanExpress"}
IMPATIENT = Sending(timeout=1, ask_again_after=0, retry_not_sent_after=0.1, patience=5, outage_after=50)


@pytest.fixture
def pair(start_sandbox: StartSandbox) -> SandboxPair:
    return start_sandbox("quarter", orders="60")


@pytest.fixture
def run(pair: SandboxPair, ledger: Ledger, mappings_directory: Path, tmp_path: Path) -> SpendRun:
    """The shipped rules, live; asking is allowed at once."""
    run = SpendRun(pair, ledger, switched(mappings_directory), tmp_path / "budgets")
    run.rules = replace(run.rules, policies=run.rules.policies.model_copy(update={"sending": IMPATIENT}))
    return run


def outside(run: SpendRun) -> dict[tuple[str, str], Decimal]:
    """What Amazon says was paid by card without a PO, by quarter and cost center, where there is a budget line."""
    found: dict[tuple[str, str], Decimal] = {}
    amazon = connect_amazon(run.pair, run.ledger)
    for window in pieces(Window(datetime(2026, 3, 1, tzinfo=UTC), NOW), timedelta(days=30)):
        for raw in (raw for page in amazon.transaction_pages(window.start, window.end) for raw in page):
            for line in raw["transactionLineItems"]:
                center = line["businessOrderInfo"]["Cost center"]
                if (
                    raw["paymentInstrumentType"] in CARDS
                    and not line.get("purchaseOrderNumber")
                    and center not in ("4500", "4900")
                ):
                    month = int(raw["transactionDate"][5:7])  # none of the world's charges falls on a quarter's border
                    key = f"FY26 Q{(month + 2) // 3}", center
                    found[key] = found.get(key, Decimal(0)) + Decimal(line["totalAmount"]["amount"])
    return found


def posted(run: SpendRun) -> dict[tuple[str, str], Decimal]:
    """What Coupa has as manual adjustments, by period and cost center, spend positive."""
    coupa = connect_coupa(run.pair, run.ledger)
    lines = {raw["id"]: raw for page in coupa.budget_lines(["FY26 Q1", "FY26 Q2"]) for raw in page}
    found: dict[tuple[str, str], Decimal] = {}
    for row in (row for page in coupa.budget_line_adjustments(lines) for row in page if row["adjuster"] is None):
        line = lines[row["budget-line"]["id"]]
        key = line["period"]["name"], line["segment-2"]
        found[key] = found.get(key, Decimal(0)) - Decimal(row["amount"])
    return found


def adjustments(run: SpendRun) -> int:
    return int(run.pair.calls("coupa")["writes"].get("adjust_budget_line", 0))


def test_what_coupa_does_not_count_reaches_the_budgets_once(run: SpendRun, ledger: Ledger) -> None:
    """A first range, the rest of it later (deltas on the same lines), all of it again, a backfill: each cent once."""
    run("first", **{"from": "2026-03-01", "to": "2026-05-15"})
    some = adjustments(run)
    summary = run("rest", **{"from": "2026-05-15"})
    assert adjustments(run) > some > 0
    assert posted(run) == outside(run)
    whole = adjustments(run)
    told, tasks = len(run.mails), run.pair.calls("coupa")["writes"].get("create_user_group_task", 0)
    assert run.watched["alerts"] == 0 or told
    run("again", **QUARTER)
    run("backfilled", kind="backfill")
    assert (adjustments(run), len(run.mails), run.pair.calls("coupa")["writes"].get("create_user_group_task", 0)) == (
        whole,
        told,
        tasks,
    )
    assert posted(run) == outside(run)
    assert summary["documents"]["seen"] == sum(
        summary["documents"][word] for word in ("delivered", "waiting", "held", "skipped", "dead")
    )
    assert ledger.spend.unbalanced() == []
    population = ledger.completeness.population(PIPELINE)
    assert population.complete
    counted = sum(one.minor for one in ledger.spend.by_segment() if one.counted == "budget")
    assert Decimal(counted) / 100 == sum(posted(run).values())
    with pytest.raises(ConfigurationError, match="backfill takes its range"):
        run("refused", kind="backfill", **QUARTER)


def test_a_crossing_is_told_once_with_its_chart_and_as_a_task(run: SpendRun) -> None:
    """Marketing's purchase orders just fit its budget: anything beside them exceeds it."""
    run("one", **QUARTER)
    alerts = [mail for mail in run.mails if mail.kind == "budget_threshold"]
    [marketing] = [
        mail for mail in alerts if "Marketing" in mail.body["subject"] and "on order" in mail.body["subject"]
    ]
    assert marketing.body["to"] == ["marketing.budget@example.com", "helen.osei@example.com"]
    assert marketing.body["attachments"][0]["name"] == "4400_USD.png"
    assert "Remaining           USD -" in marketing.body["slack"]
    assert (run.folder / "FY26_Q2" / "4400_USD.png").read_bytes().startswith(b"\x89PNG")
    tasks = [one for one in run.pair.state("coupa", "tasks") if "Marketing" in one["title"]]
    assert len(tasks) == len([mail for mail in alerts if "Marketing" in mail.body["subject"]])
    assert run.watched["tasks"] == run.watched["alerts"] == len(alerts)
    rows = list(csv.DictReader((run.folder / "spend.csv").read_text().splitlines()))
    assert {row["counted"] for row in rows} >= {"budget", "coupa", "hold"}
    run("two", **QUARTER)
    assert (run.watched["alerts"], len([mail for mail in run.mails if mail.kind == "budget_threshold"])) == (
        0,
        len(alerts),
    )


def test_a_crossing_is_told_though_the_feed_is_read_when_the_period_is_over(run: SpendRun) -> None:
    """On 2 July as on 30 June; and told once, the period being watched only when something was posted to it."""
    run.now = NOW + timedelta(days=2)
    run.pair.post("amazon", "clock", set=run.now.isoformat())
    run("late", **QUARTER)
    told = [mail.body["subject"] for mail in run.mails if mail.kind == "budget_threshold"]
    assert any("Marketing, FY26 Q2" in subject and "on order" in subject for subject in told)
    periods = {period for period, _ in posted(run)}
    watched = run.watched["watched"]
    run("next", kind="asset_triggered")
    assert run.watched["alerts"] == 0
    assert periods >= {"FY26 Q2"}
    assert 0 < run.watched["watched"] < watched


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop_after", "times": 2},
        {"kind": "drop_before"},
        {"kind": "rate_limit", "retry_after": 0.1, "times": 2},
    ],
    ids=lambda fault: str(fault["kind"]),
)
def test_a_lost_answer_is_asked_for_and_nothing_is_posted_twice(run: SpendRun, fault: dict[str, Any]) -> None:
    run.pair.post("coupa", "faults", operation="adjust_budget_line", **fault)
    run("one", **QUARTER)
    for number in range(3):
        time.sleep(1.1)  # beyond the time-out: only then does "not found" count
        run(f"later-{number}", kind="asset_triggered")
        if posted(run) == outside(run):
            break
    run("again", **QUARTER)
    assert posted(run) == outside(run)


@pytest.mark.parametrize(("point", "count"), [("claim", 0), ("outcome", 0)])
def test_a_process_killed_while_it_posts_is_finished_by_the_next_run(
    run: SpendRun, database_url: str, mappings_directory: Path, point: str, count: int
) -> None:
    program = textwrap.dedent(PROGRAM).replace("pipelines.killed import", "pipelines.killed_spend import")
    command = [
        sys.executable, "-c", program, point, str(count), str(ROOT), run.pair.amazon_url, run.pair.coupa_url, database_url,
        str(mappings_directory),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT}/plugins"}
    killed = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    for number in range(3):
        time.sleep(1.1)
        run(f"after-{number}", **QUARTER)
        if posted(run) == outside(run):
            break
    run("again", **QUARTER)
    assert posted(run) == outside(run)
    assert run.ledger.completeness.population(PIPELINE).complete


def test_a_closed_period_holds_its_spend_until_it_is_open(run: SpendRun) -> None:
    run.pair.post("coupa", "events/budget_period", **{"name": "FY26 Q2", "is-open": False})
    run("closed", **QUARTER)
    assert posted(run) == {}
    held = run.ledger.dead_letters.list(states=("held",), pipeline=PIPELINE)
    assert any(letter.reason == "the budget period FY26 Q2 is closed in Coupa" for letter in held)
    run.pair.post("coupa", "events/budget_period", **{"name": "FY26 Q2", "is-open": True})
    run("open", kind="asset_triggered")
    assert posted(run) == outside(run)


def test_what_this_ledger_did_not_post_holds_the_line(run: SpendRun) -> None:
    """A second installation, or a ledger restored from a backup."""
    coupa = connect_coupa(run.pair, run.ledger)
    [line] = [raw for page in coupa.budget_lines(["FY26 Q2"]) for raw in page if raw["segment-2"] == "4200"]
    body = {"adjustment-amount": "-1", "currency": {"code": "USD"}, "description": "AB/sandbox/0123456789 by another"}
    coupa.adjust_budget_line(line["id"], body, coupa.permit("adjust_budget_line"))
    run("one", **QUARTER)
    held = run.ledger.dead_letters.list(states=("held",), pipeline=PIPELINE)
    assert any(
        "has adjustments that this ledger did not make: AB/sandbox/0123456789" in str(letter.reason) for letter in held
    )
    assert posted(run)["FY26 Q2", "4200"] == 1


def test_a_transaction_that_changes_after_a_part_of_it_was_posted_stays_in_the_report_as_posted(
    run: SpendRun, ledger: Ledger
) -> None:
    """One line is posted, the other has no cost center and is planned again by every run."""
    amazon, coupa = connect_amazon(run.pair, ledger), connect_coupa(run.pair, ledger)

    def line(amount: str, center: str) -> dict[str, Any]:
        info = {"Cost center": center, "GL code": "6100"}
        return {"orderId": "113-1", "totalAmount": {"currencyCode": "USD", "amount": amount}, "businessOrderInfo": info}

    def read(run_id: str, posted_amount: str) -> None:
        raw = {
            "transactionId": "MIXED", "transactionType": "CHARGE", "transactionDate": "2026-05-05T12:00:00Z",
            "marketplaceId": "ATVPDKIKX0DER", "paymentInstrumentType": "Visa",
            "transactionLineItems": [line(posted_amount, "4400"), line("2.00", "9999")],
        }  # fmt: skip
        request = RunRequest(dag_id=PIPELINE, run_id=run_id, kind="manual", params={"from": "2026-06-30"})
        opened = pipeline.open_run(ledger, request, rules=run.rules, clock=FixedClock(run.now))
        ledger.records.stage(opened, amazon_source(amazon.account), KIND, [staged(raw)])
        pipeline.transform(amazon, coupa, ledger, run=opened, request=request, rules=run.rules)
        pipeline.load(coupa, ledger, run=opened, rules=run.rules, account=amazon.account, workers=1, seconds=60)

    read("first", "10.00")
    assert posted(run) == {("FY26 Q2", "4400"): Decimal("10.00")}
    read("changed", "11.00")
    assert posted(run) == {("FY26 Q2", "4400"): Decimal("10.00")}
    assert ledger.spend.unbalanced() == []
    assert [one.minor for one in ledger.spend.by_segment() if one.counted == "budget"] == [1000]
    parts = {
        part.part: (part.state, part.amount)
        for found in ledger.spend.parts(range(1_000_000)).values()
        for part in found
    }
    assert parts == {
        "1": ("delivered", Decimal("10.00")), "2": ("held", Decimal("2.00")), CHANGED_PART: ("held", Decimal("1.00")),
    }  # fmt: skip


@pytest.mark.parametrize("mode", ["off", "shadow", "dry_run"])
def test_only_live_writes(run: SpendRun, mappings_directory: Path, mode: str) -> None:
    before = run.pair.calls("coupa")["writes_accepted"]
    if mode == "dry_run":
        run("one", dry_run=True, **QUARTER)
        kept = run.ledger.plans.of(run.ledger.runs.get(PIPELINE, "one"))
        assert sum(row.get("action") == "adjust_budget" for row in kept) == len(outside(run))
        assert run.ledger.spend.by_segment() == []
        run("live", **QUARTER)
        run("again", dry_run=True, **QUARTER)
        assert not [row for row in run.ledger.plans.of(run.ledger.runs.get(PIPELINE, "again")) if "action" in row]
        return
    run.rules = switched(mappings_directory, f"{{mode: {mode}, go_live: 2026-03-01}}")
    run("one", **QUARTER)
    shadow = run.ledger.plans.of(run.ledger.runs.get(PIPELINE, "one"))
    assert len(shadow) == (len(outside(run)) if mode == "shadow" else 0)
    assert run.pair.calls("coupa")["writes_accepted"] == before
    assert run.watched["alerts"] == 0
    if mode == "shadow":  # its backlog is never sent later
        run.rules = switched(mappings_directory)
        run("live", **QUARTER)
        assert adjustments(run) == 0


def test_in_weekly_mode_the_days_between_read_nothing(run: SpendRun) -> None:
    """The day of the world is a Tuesday."""
    weekly = run.rules.budgets.model_copy(update={"every": "week", "weekday": "monday"})
    run.rules = replace(run.rules, budgets=weekly)
    summary = run("tuesday", kind="scheduled")
    assert (summary["documents"]["seen"], run.watched["watched"]) == (0, 0)
    run.rules = replace(run.rules, budgets=weekly.model_copy(update={"weekday": "tuesday"}))
    summary = run("the day", kind="scheduled")
    assert summary["documents"]["seen"] > 0
    assert posted(run) == outside(run)
