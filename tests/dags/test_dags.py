"""What every DAG file of this project must be, and the orderings that money depends on."""

import ast
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import RetryAction

from connectors.errors import AuthError, RejectedError, TransientError
from procurement.errors import ConfigurationError, IncompleteRun
from procurement_airflow.provider import get_provider_info
from procurement_airflow.retries import RETRY_POLICY

pytestmark = pytest.mark.dags
ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "dags").glob("*.py"))
NAMES = [path.stem for path in FILES]
ALLOWED_IMPORTS = ("airflow.sdk", "datetime", "typing", "procurement.pipelines", "procurement_airflow")


def test_every_file_parses_without_a_socket(bag: Any) -> None:
    assert bag.import_errors == {}
    assert sorted(bag.dags) == NAMES != []


@pytest.mark.parametrize("name", NAMES)
def test_a_dag_carries_docs_owner_tags_and_the_shared_retry_policy(bag: Any, name: str) -> None:
    dag = bag.dags[name]
    assert dag.doc_md and len(dag.doc_md) > 200
    assert {"amazon-business", "coupa"} <= set(dag.tags)
    assert dag.catchup is False
    assert dag.has_on_failure_callback
    for task in dag.tasks:
        assert task.owner == "procurement"
        assert task.retries == 3
        assert task.retry_policy is not None
        assert task.execution_timeout is not None


def test_the_retry_policy_fails_what_a_person_must_mend_and_retries_what_time_mends() -> None:
    def decided(error: Exception) -> RetryAction:
        return RETRY_POLICY.evaluate(error, 1, 3, {}).action

    assert decided(AuthError("no", operation="x")) == RetryAction.FAIL
    assert decided(RejectedError(("no",), operation="x")) == RetryAction.FAIL
    assert decided(ConfigurationError("no")) == RetryAction.FAIL
    assert decided(IncompleteRun("no")) == RetryAction.FAIL
    assert decided(TransientError("later", operation="x")) == RetryAction.RETRY


def test_invoices_are_planned_before_they_are_sent_and_accounted_for_whatever_happened(bag: Any) -> None:
    dag = bag.dags["amazon_invoices_to_coupa"]
    assert {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks} == {
        "extract": ["transform"],
        "transform": ["load"],
        "load": ["close"],
        "close": [],
    }
    assert dag.get_task("close").trigger_rule == "all_done"


def test_calls_to_a_vendor_take_a_slot_of_its_pool_for_each_thread(bag: Any) -> None:
    dag = bag.dags["amazon_invoices_to_coupa"]
    pools = {task.task_id: (task.pool, task.pool_slots) for task in dag.tasks}
    assert pools["extract"][0] == "amazon_business_api"
    assert pools["load"] == ("coupa_api", 5)


def test_the_form_offers_a_window_numbers_and_a_dry_run_all_with_valid_defaults(bag: Any) -> None:
    params = bag.dags["amazon_invoices_to_coupa"].params
    assert sorted(params) == ["dry_run", "from", "invoice_numbers", "to"]
    params.validate()


def test_windows_are_intervals_so_that_a_backfill_means_a_range(bag: Any) -> None:
    assert type(bag.dags["amazon_invoices_to_coupa"].timetable).__name__ == "CronDataIntervalTimetable"


@pytest.mark.parametrize("name", NAMES)
def test_a_pipeline_has_one_name_everywhere(name: str) -> None:
    modules = {path.stem for path in (ROOT / "procurement" / "pipelines").iterdir()}
    assert name in modules
    assert (ROOT / "mappings" / f"{name}.yml").exists()
    assert (ROOT / "tests" / "golden" / name).is_dir()


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_dag_file_declares_and_does_not_work(path: Path) -> None:
    """No branch, no loop, no rule: those belong to procurement/."""
    tree = ast.parse(path.read_text())
    forbidden = (
        ast.If,
        ast.For,
        ast.While,
        ast.Try,
        ast.Lambda,
        ast.ListComp,
        ast.DictComp,
        ast.SetComp,
        ast.GeneratorExp,
    )
    found = [f"line {node.lineno}: {type(node).__name__}" for node in ast.walk(tree) if isinstance(node, forbidden)]
    assert found == []


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_dag_file_imports_only_airflow_the_pipeline_and_our_plumbing(path: Path) -> None:
    imported = [
        module
        for node in ast.walk(ast.parse(path.read_text()))
        for module in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    ]
    assert [module for module in imported if not module.startswith(ALLOWED_IMPORTS)] == []


def test_airflow_does_not_execute_our_plugin_package_file_by_file() -> None:
    assert (ROOT / "plugins" / ".airflowignore").read_text().split() == ["procurement_airflow/"]


def test_both_connection_types_have_a_form_with_their_secrets_hidden() -> None:
    types = {entry["connection-type"]: entry for entry in get_provider_info()["connection-types"]}
    assert sorted(types) == ["amazon_business", "coupa"]
    assert types["amazon_business"]["conn-fields"]["refresh_token"]["schema"]["format"] == "password"
