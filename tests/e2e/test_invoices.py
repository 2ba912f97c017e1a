"""Real Airflow, driven over REST: what it did is compared with what the sandbox holds."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from local.mail_catcher import read_mails
from local.stack import Running
from procurement.ledger import Ledger
from tests.e2e.conftest import DAG, control, failed_logs, mails, until, whole_log

pytestmark = pytest.mark.e2e


def trigger(running: Running, **conf: Any) -> tuple[str, str]:
    run_id = running.rest.trigger(DAG, conf)
    return run_id, running.rest.follow(DAG, run_id, seconds=180)


def idle(running: Running) -> bool:
    runs = running.rest.get(f"dags/{DAG}/dagRuns")["dag_runs"]
    return bool(runs) and all(run["state"] in ("success", "failed") for run in runs)


@pytest.fixture(scope="module")
def first_run(running: Running) -> tuple[str, str]:
    running.rest.unpause(DAG)
    finished = trigger(running)
    assert until(lambda: idle(running), 120)  # the schedule's own first run too
    return finished


def our_invoices(running: Running) -> list[dict[str, Any]]:
    invoices = control(running.coupa_url, "state")["invoices"]
    return [invoice for invoice in invoices if (invoice.get("custom-fields") or {}).get("ab-delivery-id")]


def test_a_run_brings_every_invoice_into_coupa_once_and_accounts_for_the_rest(
    running: Running, first_run: tuple[str, str]
) -> None:
    run_id, state = first_run
    assert state == "success", failed_logs(running, run_id)
    with Ledger.opened(running.ledger_url) as ledger:
        population = ledger.completeness.population(DAG)
        planned = [
            known
            for outcome in ("matched", "within_tolerance", "waiting_for_receipt", "exception")
            for known in ledger.deliveries.list_by_outcome(DAG, outcome)
        ]
    assert population.complete and population.documents.seen > 5
    assert population.documents.delivered > 0 and population.documents.dead > 0
    in_ledger = sorted((known.business_key.rsplit("/", 1)[1], str(known.target_id)) for known in planned)
    in_coupa = sorted((invoice["invoice-number"], str(invoice["id"])) for invoice in our_invoices(running))
    assert in_ledger == in_coupa != []


def test_dead_letters_are_summed_up_in_one_mail(running: Running, first_run: tuple[str, str]) -> None:
    (mail,) = mails(running, f"1 dead letter in {DAG}")
    assert mail["to"] == "accounts.payable@example.com"
    assert "Coupa has no PO" in mail["text"] or "no PO number" in mail["text"]


def test_a_form_shows_a_dead_letter_with_its_errors_and_what_is_dead_is_mailed(
    running: Running, first_run: tuple[str, str]
) -> None:
    with Ledger.opened(running.ledger_url) as ledger:
        (letter,) = ledger.dead_letters.list(pipeline=DAG)
    running.rest.unpause("dead_letters")
    run_id = running.rest.trigger("dead_letters", {"action": "show", "keys": [letter.key]})
    assert running.rest.follow("dead_letters", run_id, seconds=180) == "success"
    act = f"dags/dead_letters/dagRuns/{quote(run_id, safe='')}/taskInstances/act/xcomEntries/return_value"
    shown = running.rest.get(act, {"deserialize": "true"})["value"]["shown"]
    assert any("no PO" in line for line in shown[letter.key])
    assert any("in all" in mail["subject"] and letter.key in mail["text"] for mail in read_mails(running.mails))


def test_running_again_writes_nothing(running: Running, first_run: tuple[str, str]) -> None:
    before = control(running.coupa_url, "calls")["writes_accepted"]
    run_id, state = trigger(running)
    assert state == "success", failed_logs(running, run_id)
    assert control(running.coupa_url, "calls")["writes_accepted"] == before


def test_a_dry_run_writes_nothing_and_leaves_its_plan(running: Running, first_run: tuple[str, str]) -> None:
    before = control(running.coupa_url, "calls")["writes_accepted"]
    run_id, state = trigger(running, dry_run=True, **{"from": "2020-01-01"})
    assert state == "success", failed_logs(running, run_id)
    assert control(running.coupa_url, "calls")["writes_accepted"] == before
    with Ledger.opened(running.ledger_url) as ledger:
        assert ledger.plans.of(ledger.runs.get(DAG, run_id))


def test_a_failing_run_tells_people_by_mail(running: Running, first_run: tuple[str, str]) -> None:
    """A form that cannot be read is a person's matter: no retry, one mail, and the run is red."""
    run_id, state = trigger(running, **{"from": "the day before yesterday"})
    assert state == "failed"
    assert until(lambda: any(run_id in mail["text"] for mail in read_mails(running.mails)), 60)
    mail = next(mail for mail in read_mails(running.mails) if run_id in mail["text"])
    assert mail["subject"] == f"Failed: {DAG}"
    assert "sandbox-secret" not in Path(mail["file"]).read_text()


@pytest.fixture
def amazon_refuses(running: Running) -> Iterator[None]:
    """Amazon Business answers 403 to every request for transactions, as to an application without the role."""
    requests.post(
        f"{running.amazon_url}/_sandbox/faults", timeout=30,
        json={"kind": "status", "operation": "getTransactions", "status": 403, "times": 1000},
    ).raise_for_status()  # fmt: skip
    yield
    requests.delete(f"{running.amazon_url}/_sandbox/faults", timeout=30).raise_for_status()


def test_a_run_stays_red_although_its_last_task_accounted_for_everything(
    running: Running, first_run: tuple[str, str], amazon_refuses: None
) -> None:
    """The last task runs whatever happened; it alone being green would turn the run green."""
    run_id, state = trigger(running, **{"from": "2020-01-01"})
    tasks = {task["task_id"]: task for task in running.rest.tasks(DAG, run_id)}
    assert state == "failed"
    assert (tasks["extract"]["state"], tasks["close"]["state"]) == ("failed", "failed")
    assert {tasks[name]["state"] for name in tasks.keys() - {"extract", "close"}} == {"upstream_failed"}
    assert tasks["extract"]["try_number"] == 1  # a missing role is a person's matter: no retry
    said = whole_log(running, run_id, tasks["close"])
    assert re.search(r"the run is accounted for, but extract, follow_up, load(_0)?, rematch, transform.* failed", said)


def test_after_a_failed_run_the_next_one_is_well_again(running: Running, first_run: tuple[str, str]) -> None:
    before = control(running.coupa_url, "calls")["writes_accepted"]
    run_id, state = trigger(running, **{"from": "2020-01-01"})
    assert state == "success", failed_logs(running, run_id)
    assert control(running.coupa_url, "calls")["writes_accepted"] == before


def test_a_backfill_reads_exactly_its_range(running: Running, first_run: tuple[str, str]) -> None:
    body = {
        "dag_id": DAG, "from_date": "2026-02-03T00:00:00Z", "to_date": "2026-02-03T01:00:00Z", "run_backwards": False,
        "dag_run_conf": {}, "max_active_runs": 1, "reprocess_behavior": "none",
    }  # fmt: skip
    running.rest.post("backfills", body)

    def runs() -> list[dict[str, Any]]:
        return [run for run in running.rest.get(f"dags/{DAG}/dagRuns")["dag_runs"] if run["run_type"] == "backfill"]

    assert until(lambda: bool(runs()) and all(run["state"] in ("success", "failed") for run in runs()), 150)
    assert [run["state"] for run in runs()] == ["success", "success"]
    with Ledger.opened(running.ledger_url) as ledger:
        windows = sorted(str(ledger.runs.get(DAG, run["dag_run_id"]).window.start)[:13] for run in runs())  # type: ignore[union-attr]
    assert windows == ["2026-02-03 00", "2026-02-03 01"]


def test_no_secret_is_in_any_log(running: Running, first_run: tuple[str, str]) -> None:
    logs = running.world.folder.parents[1] / "airflow" / "logs"
    texts = [path.read_text(errors="replace") for path in logs.rglob("*.log")]
    assert texts
    assert not [text for text in texts if "sandbox-secret" in text or "Atzr|sandbox" in text]
