"""Airflow connections become clients; what is missing or refused is said in words that tell where to fill it in."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime

from local import processes
from procurement.errors import ConfigurationError
from procurement_airflow.hooks import AmazonBusinessHook, CoupaHook
from procurement_airflow.tasks import ledger_url

pytestmark = pytest.mark.dags


@pytest.fixture(scope="module")
def vendors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The sandbox of both vendors, in a process of its own."""
    folder = tmp_path_factory.mktemp("sandbox")
    ready = folder / "ready.json"
    command = [
        sys.executable, "-m", "sandbox", "--scenario", "tiny", "--speed", "20", "--amazon-port", "0", "--coupa-port", "0",
        "--ready-file", str(ready),
    ]  # fmt: skip
    processes.start("sandbox", command, folder=folder, environment=os.environ)
    processes.wait_until(ready.exists, what="the sandbox", seconds=60, name="sandbox", folder=folder)
    yield json.loads(ready.read_text())
    processes.stop(["sandbox"], folder)


def amazon(vendors: Mapping[str, str], **extra: Any) -> str:
    token_url = f"{vendors['amazon_url']}/auth/o2/token"
    values = {
        "refresh_token": "Atzr|sandbox",
        "token_url": token_url,
        "account": "sandbox",
        "rate_multiplier": 20,
        **extra,
    }
    return connection("amazon_business", vendors["amazon_url"], values)


def coupa(vendors: Mapping[str, str], **extra: Any) -> str:
    return connection("coupa", vendors["coupa_url"], {"instance": "sandbox", "rate_multiplier": 20, **extra})


def connection(kind: str, host: str, extra: Mapping[str, Any], *, password: str | None = "sandbox-secret") -> str:
    return json.dumps(
        {"conn_type": kind, "host": host, "login": "sandbox-client", "password": password, "extra": extra}
    )


def test_testing_a_connection_reports_each_api_by_name(
    vendors: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_AMAZON_BUSINESS_DEFAULT", amazon(vendors, user_email="buyer@example.com"))
    monkeypatch.setenv("AIRFLOW_CONN_COUPA_DEFAULT", coupa(vendors))
    of_amazon = ["Reconciliation", "Reporting", "Product Search", "Ordering"]
    of_coupa = ["reference data", "purchase orders", "requisitions", "receipts", "invoices"]
    assert AmazonBusinessHook().test_connection() == (True, "; ".join(f"{name}: fine" for name in of_amazon))
    assert CoupaHook().test_connection() == (True, "; ".join(f"{name}: fine" for name in of_coupa))


def test_a_connection_without_the_user_it_acts_for_says_so_for_what_needs_one(
    vendors: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_AMAZON_BUSINESS_DEFAULT", amazon(vendors))
    ok, words = AmazonBusinessHook().test_connection()
    assert not ok
    assert "Reporting: fine" in words and "Ordering: fine" not in words
    assert "user_email" in words


def test_a_missing_scope_spoils_only_its_own_api_and_no_secret_is_told(
    vendors: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_COUPA_DEFAULT", coupa(vendors, scope="core.common.read core.purchase_order.read"))
    ok, words = CoupaHook().test_connection()
    assert not ok
    assert "purchase orders: fine" in words
    assert "invoices: fine" not in words
    assert "sandbox-secret" not in words


def test_a_wrong_secret_is_reported_and_not_repeated(
    vendors: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_AMAZON_BUSINESS_DEFAULT", amazon(vendors).replace("sandbox-secret", "mistyped-secret")
    )
    ok, words = AmazonBusinessHook().test_connection()
    assert not ok
    assert "Reconciliation" in words
    assert "mistyped-secret" not in words


def test_every_missing_field_is_named_with_where_to_fill_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_AMAZON_BUSINESS_DEFAULT", connection("amazon_business", "na.example", {}, password=None)
    )
    with pytest.raises(ConfigurationError) as raised:
        _ = AmazonBusinessHook().client
    for said in (
        "amazon_business_default",
        "password",
        "refresh_token",
        "Admin → Connections",
        "AIRFLOW_CONN_AMAZON_BUSINESS_DEFAULT",
    ):
        assert said in str(raised.value)


@pytest.mark.parametrize("multiplier", ["fast", 0.0001 - 1, "-1"])
def test_a_rate_multiplier_that_is_no_positive_number_is_refused(
    multiplier: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_COUPA_DEFAULT", connection("coupa", "https://x.example", {"rate_multiplier": multiplier})
    )
    with pytest.raises(ConfigurationError, match="rate_multiplier"):
        _ = CoupaHook().client


def test_airflow_finds_both_connection_types_through_the_installed_package() -> None:
    hooks = ProvidersManagerTaskRuntime().hooks  # type: ignore[no-untyped-call]
    found = {
        name: hook.hook_class_name for name, hook in hooks.items() if hook and name in ("amazon_business", "coupa")
    }
    assert found == {
        "amazon_business": "procurement_airflow.hooks.AmazonBusinessHook",
        "coupa": "procurement_airflow.hooks.CoupaHook",
    }


def test_a_task_without_a_ledger_says_which_variable_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LEDGER_URL", raising=False)
    with pytest.raises(ConfigurationError, match="LEDGER_URL is not set"):
        ledger_url()
