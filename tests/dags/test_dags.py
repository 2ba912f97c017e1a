"""What every DAG file of this project must be, and the orderings that money depends on."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.sdk import RetryAction
from airflow.sdk._shared.module_loading.file_discovery import find_path_from_directory
from airflow.sdk._shared.secrets_masker import should_hide_value_for_key
from airflow.sdk.exceptions import AirflowNotFoundException, AirflowSkipException

from connectors.errors import AuthError, NotFound, RejectedError, TransientError, UnexpectedResponse
from local.airflow_processes import POOLS
from procurement.buying_policies import Ordering, OrderPolicies
from procurement.errors import ConfigurationError, DuplicateTarget, IncompleteRun, LedgerUnreachable, MappingError
from procurement.pipelines.dead_letters import ACTIONS
from procurement_airflow.provider import get_provider_info
from procurement_airflow.retries import RETRY_POLICY
from procurement_airflow.tasks import LOAD_SECONDS, skip_unless
from tests.dags.conftest import parse_without_sockets

pytestmark = pytest.mark.dags
ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "dags").glob("*.py"))
NAMES = [path.stem for path in FILES]
READERS = ("reconciliation",)  # compares and tells; sends to neither system
BY_HAND = ("dead_letters",)  # changes what the ledger keeps, as a person says; carries nothing
SENDERS = [name for name in NAMES if name not in (*READERS, *BY_HAND)]
RULES_OF = {  # their files hold rules, not fields
    "amazon_catalog_to_coupa": "catalog",
    "amazon_order_status_to_coupa": "order_status",
    "amazon_suppliers_to_coupa": "suppliers",
    "purchase_compliance": "compliance",
    "amazon_spend_to_coupa_budgets": "spend",
}
ALLOWED_IMPORTS = ("airflow.sdk", "datetime", "typing", "procurement.pipelines", "procurement_airflow")


WORK = (
    ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.Match, ast.Lambda, ast.ListComp, ast.DictComp, ast.SetComp,
    ast.GeneratorExp, ast.Compare, ast.BoolOp, ast.UnaryOp, ast.Raise, ast.Assert, ast.AugAssign, ast.JoinedStr,
)  # fmt: skip


def work_in(source: str) -> list[str]:
    """Lines of a DAG file that do more than declare: branches, loops, rules, arithmetic, fields picked by name."""
    return [f"line {getattr(node, 'lineno', 0)}" for node in ast.walk(ast.parse(source)) if works(node)]


def works(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp):  # `a >> b` orders tasks, `str | None` is a type
        return not isinstance(node.op, ast.RShift | ast.BitOr)
    if isinstance(node, ast.Subscript):  # `dict[str, Any]` is a type, `invoice["status"]` looks into a document
        return isinstance(node.slice, ast.Constant)
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) and node.func.attr == "get"
    return isinstance(node, WORK)


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


FAIL, RETRY, DEFAULT = RetryAction.FAIL, RetryAction.RETRY, RetryAction.DEFAULT


@pytest.mark.parametrize(
    ("error", "action"),
    [
        (AuthError("no role", operation="x"), FAIL),
        (RejectedError(("no such field",), operation="x"), FAIL),
        (NotFound(("no such document",), operation="x"), FAIL),
        (ConfigurationError("LEDGER_URL is not set"), FAIL),
        (MappingError("charges.yml:3: no such key"), FAIL),
        (AirflowNotFoundException("no connection"), FAIL),
        (DuplicateTarget("two invoices for one"), FAIL),
        (IncompleteRun("a cent is missing"), FAIL),
        (TransientError("later", operation="x"), RETRY),
        (UnexpectedResponse("HTML", operation="x"), RETRY),
        (LedgerUnreachable("a failover"), RETRY),
        (OSError("the mail server is away"), DEFAULT),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_person_must_mend_fails_at_once_and_what_time_mends_is_tried_again(
    error: Exception, action: RetryAction
) -> None:
    assert RETRY_POLICY.evaluate(error, 1, 3, {}).action == action


@pytest.mark.parametrize("name", READERS)
def test_what_only_compares_has_no_task_that_sends_and_reports_after_it_compared(bag: Any, name: str) -> None:
    dag = bag.dags[name]
    assert [task.task_id for task in dag.topological_sort()] == ["extract", "compare", "report", "close"]
    assert pools(bag, name)["extract"] == ("amazon_business_api", 1)
    assert pools(bag, name)["compare"] == ("coupa_api", 4)


def test_dead_letters_are_acted_on_without_a_vendor_before_the_mail_about_them(bag: Any) -> None:
    assert [task.task_id for task in bag.dags["dead_letters"].topological_sort()] == ["act", "close"]
    assert set(pools(bag, "dead_letters").values()) == {("default_pool", 1)}
    params = bag.dags["dead_letters"].params
    assert params.get_param("action").schema["enum"] == [*ACTIONS]
    assert params["action"] == "list"  # what the schedule does, and a form sent off as it is


@pytest.mark.parametrize("name", SENDERS)
def test_documents_are_planned_before_they_are_sent(bag: Any, name: str) -> None:
    dag = bag.dags[name]
    assert "extract" in dag.get_task("transform").upstream_task_ids
    assert "transform" in dag.get_task("load").get_flat_relative_ids(upstream=True)


def test_a_new_receipt_wakes_the_invoices_and_a_run_without_one_wakes_nobody(bag: Any) -> None:
    announce = bag.dags["amazon_deliveries_to_coupa_receipts"].get_task("announce")
    (outlet,) = announce.outlets
    timetable = bag.dags["amazon_invoices_to_coupa"].timetable
    assert [asset.name for asset in timetable.asset_condition.objects] == [outlet.name]
    assert "load" in announce.upstream_task_ids
    assert not any(task.outlets for dag in bag.dags.values() for task in dag.tasks if task.task_id != "announce")


@pytest.mark.parametrize("count", [0, 3])
def test_the_task_with_the_asset_is_skipped_when_nothing_new_arrived(count: int) -> None:
    if count:
        assert skip_unless(count) == count
    else:
        with pytest.raises(AirflowSkipException, match="nothing new"):
            skip_unless(count)


@pytest.mark.parametrize("name", NAMES)
def test_every_run_ends_with_the_account_whatever_happened_before(bag: Any, name: str) -> None:
    dag = bag.dags[name]
    assert [task.task_id for task in dag.leaves] == ["close"]
    close = dag.get_task("close")
    assert close.trigger_rule == "all_done"
    assert close.get_flat_relative_ids(upstream=True) == {task.task_id for task in dag.tasks} - {"close"}


def pools(bag: Any, name: str) -> dict[str, tuple[str, int]]:
    return {task.task_id: (task.pool, task.pool_slots) for task in bag.dags[name].tasks}


@pytest.mark.parametrize(
    ("name", "extract", "load"),
    [
        ("amazon_invoices_to_coupa", ("amazon_business_api", 1), ("coupa_api", 4)),
        ("coupa_requisitions_to_amazon_orders", ("coupa_api", 4), ("coupa_api", 1)),
        ("amazon_order_status_to_coupa", ("amazon_business_api", 1), ("coupa_api", 2)),
        ("amazon_suppliers_to_coupa", ("amazon_business_api", 1), ("coupa_api", 2)),
        ("amazon_deliveries_to_coupa_receipts", ("amazon_business_api", 1), ("coupa_api", 2)),
        ("amazon_catalog_to_coupa", ("coupa_api", 4), ("coupa_api", 2)),
        ("amazon_spend_to_coupa_budgets", ("amazon_business_api", 1), ("coupa_api", 2)),
        ("purchase_compliance", ("amazon_business_api", 1), ("coupa_api", 2)),
    ],
)
def test_calls_to_a_vendor_take_a_slot_of_its_pool_for_each_call_in_flight(
    bag: Any, name: str, extract: tuple[str, int], load: tuple[str, int]
) -> None:
    taken = pools(bag, name)
    assert (taken["extract"], taken["load"]) == (extract, load)
    assert taken["transform"] == ("coupa_api", 4)
    assert taken["close"] == ("default_pool", 1)


def test_orders_never_wait_behind_a_long_load_of_invoices(bag: Any) -> None:
    taken = [
        pools(bag, name)["load"][1] for name in ("amazon_invoices_to_coupa", "coupa_requisitions_to_amazon_orders")
    ]
    assert sum(taken) <= POOLS["coupa_api"]


@pytest.mark.parametrize("name", NAMES)
def test_every_task_fits_into_a_pool_that_an_installation_makes(bag: Any, name: str) -> None:
    """A task of an unknown pool, or wider than its pool, would wait for ever."""
    sizes = {**POOLS, "default_pool": 1}
    assert [task.task_id for task in bag.dags[name].tasks if task.pool_slots > sizes.get(task.pool, 0)] == []


@pytest.mark.parametrize("name", SENDERS)
def test_sending_stops_by_itself_well_before_airflow_cuts_a_call_in_half(bag: Any, name: str) -> None:
    load = bag.dags[name].get_task("load")
    assert load.execution_timeout.total_seconds() - LOAD_SECONDS >= 10 * 60


@pytest.mark.parametrize("name", NAMES)
def test_two_runs_of_one_pipeline_never_plan_at_once_and_missed_hours_are_one_run(bag: Any, name: str) -> None:
    dag = bag.dags[name]
    assert (dag.max_active_runs, dag.catchup) == (1, False)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("amazon_invoices_to_coupa", ["dry_run", "from", "invoice_numbers", "to"]),
        ("coupa_requisitions_to_amazon_orders", ["dry_run", "from", "po_numbers", "to"]),
        ("amazon_order_status_to_coupa", ["dry_run", "from", "order_ids", "to"]),
        ("amazon_suppliers_to_coupa", ["dry_run", "from", "to"]),
        ("amazon_deliveries_to_coupa_receipts", ["dry_run", "order_ids"]),
        ("amazon_catalog_to_coupa", ["dry_run", "release", "scope"]),
        ("amazon_spend_to_coupa_budgets", ["dry_run", "from", "to"]),
        ("purchase_compliance", ["dry_run", "from", "order_ids", "to"]),
        ("dead_letters", ["action", "held", "keys", "kind", "pipeline", "reason"]),
        ("reconciliation", ["from", "po_numbers", "supplier", "to"]),
    ],
)
def test_the_form_offers_what_can_be_asked_for_all_with_valid_defaults(bag: Any, name: str, fields: list[str]) -> None:
    params = bag.dags[name].params
    assert sorted(params) == fields
    params.validate()


@pytest.mark.parametrize("name", NAMES)
def test_no_form_demands_what_may_stay_empty(bag: Any, name: str) -> None:
    """The page marks a field as required whose type does not admit null."""
    params = bag.dags[name].params
    demanded = [key for key in params if not params[key] and "null" not in params.get_param(key).schema["type"]]
    assert [key for key in demanded if params.get_param(key).schema["type"] != "boolean"] == []


def test_no_form_and_no_setting_skips_the_gate(bag: Any) -> None:
    names = [name for dag in bag.dags.values() for name in dag.params]
    fields = [*names, *OrderPolicies.model_fields, *Ordering.model_fields]
    assert [name for name in fields if re.search(r"gate|approv|force|skip|bypass", name)] == []


@pytest.mark.parametrize("name", NAMES)
def test_windows_are_intervals_so_that_a_backfill_means_a_range(bag: Any, name: str) -> None:
    timetable = bag.dags[name].timetable
    assert type(getattr(timetable, "timetable", timetable)).__name__ == "CronDataIntervalTimetable"


@pytest.mark.parametrize("name", NAMES)
def test_a_dag_runs_the_pipeline_of_its_name(name: str) -> None:
    assert name in {path.stem for path in (ROOT / "procurement" / "pipelines").iterdir()}


@pytest.mark.parametrize("name", [name for name in NAMES if name not in BY_HAND])
def test_a_pipeline_has_one_name_everywhere(name: str) -> None:
    assert (ROOT / "mappings" / f"{RULES_OF.get(name, name)}.yml").exists()
    assert (ROOT / "tests" / "golden" / name).is_dir()


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_dag_file_declares_and_does_not_work(path: Path) -> None:
    """No branch, no loop, no comparison, no look into a document: those belong to procurement/."""
    assert work_in(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "if late: pass", "x = 1 if late else 2", "for x in y: pass", "[x for x in y]", "total = a + b", "ok = a == b", "f = lambda: 0",
        "status = invoice['status']", "status = invoice.get('status')", "match x:\n    case 1: pass", "try:\n    f()\nfinally:\n    g()",
    ],
)  # fmt: skip
def test_work_in_a_dag_file_is_found(source: str) -> None:
    assert work_in(source) != []


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


@pytest.mark.filterwarnings("ignore:GitWildMatchPattern:DeprecationWarning")  # Airflow's own use of pathspec
def test_airflow_does_not_execute_our_plugin_package_file_by_file() -> None:
    """As Airflow itself looks for plugins: a file of the package run under its bare name would exist twice."""
    found = find_path_from_directory(str(ROOT / "plugins"), ".airflowignore", ignore_file_syntax="glob")
    assert [path for path in found if "procurement_airflow" in path] == []


def test_a_dag_file_that_opens_a_socket_while_parsing_is_found(tmp_path: Path) -> None:
    (tmp_path / "calling.py").write_text("import socket\nsocket.create_connection(('127.0.0.1', 9))\n")
    bag = parse_without_sockets(tmp_path)
    assert "opened a socket while parsing" in "".join(bag.import_errors.values())


def test_both_connection_types_have_a_form_with_their_secrets_hidden() -> None:
    types = {entry["connection-type"]: entry for entry in get_provider_info()["connection-types"]}
    assert sorted(types) == ["amazon_business", "coupa"]
    assert types["amazon_business"]["conn-fields"]["refresh_token"]["schema"]["format"] == "password"


def test_airflow_masks_every_secret_field_of_a_connection_in_logs() -> None:
    secret = [
        name
        for entry in get_provider_info()["connection-types"]
        for name, field in entry["conn-fields"].items()
        if field["schema"].get("format") == "password"
    ]
    assert secret and all(should_hide_value_for_key(name) for name in secret)  # type: ignore[no-untyped-call]


def test_the_readme_makes_the_pools_that_the_tasks_need() -> None:
    made = dict(re.findall(r"airflow pools set (\w+) (\d+)", (ROOT / "README.md").read_text()))
    assert made == {name: str(slots) for name, slots in POOLS.items()}


def test_redis_never_hands_out_a_task_again_that_may_still_run(bag: Any) -> None:
    """In docker-compose.yml: the broker's visibility time-out exceeds every task's execution time-out."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    visible = int(compose["x-airflow"]["environment"]["AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT"])
    longest = max(task.execution_timeout.total_seconds() for dag in bag.dags.values() for task in dag.tasks)
    assert visible > longest
