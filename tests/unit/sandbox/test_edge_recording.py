"""Recordings hold every exchange in the form contract checkers read, and no secret."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox.tokens import CLIENT_SECRET, REFRESH_TOKEN

if TYPE_CHECKING:
    from tests.unit.sandbox.conftest import Amazon, StartAmazon

CHECKER = Path(__file__).resolve().parents[3].parent / "shared" / "contract" / "contract_check.py"
RECONCILIATION = "/reconciliation/2021-01-08"
REPORTING = "/reports/2025-06-09"
LINE = {"orderId": "112-1", "orderLineItemId": "L1", "shipmentId": "S-L1"}


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _call_everything(amazon: Amazon) -> None:
    """Each operation once in peace, then with every event behind it, paging, refusals and faults."""
    for name in ("orderReports", "orderLineItemReports", "shipmentReports", "shipmentLineItemReports"):
        amazon.reports(name)
        amazon.reports(name, orderEndDate="never")
    amazon.get(f"{REPORTING}/purchaseOrders/4500123/orderReports")
    amazon.post(f"{RECONCILIATION}/invoices", {"orderLineItems": [LINE]})
    amazon.post(f"{RECONCILIATION}/invoices", {"orderLineItems": []})
    amazon.post(f"{RECONCILIATION}/invoices/batch/paymentDetails", {"invoiceIds": ["INV-1", "NOBODY"]})
    amazon.switch(reconciliation_page_size=2)
    amazon.get(f"{RECONCILIATION}/transactions", nextPageToken=amazon.transactions().json()["nextPageToken"])
    for kind in ("rate_limit", "status", "html", "expired_token", "malformed"):
        amazon.fault(kind)
        amazon.transactions()


def _happen(amazon: Amazon) -> None:
    amazon.event("ship", orderId="112-1")
    amazon.event("deliver", orderId="112-1")
    amazon.event("reprice", orderId="112-1", orderLineItemId="L1", unitPrice="11")
    amazon.event("charge", orderId="112-1", orderLineItemId="L1", invoiceNumber="INV-9")
    amazon.event("refund", transactionId="tx-1", quantity=1, invoiceNumber="CM-9", refundReason="Damaged")
    amazon.event("cancel", orderId="112-2")


def test_each_exchange_is_one_line_with_what_the_client_sent_and_got(start_amazon: StartAmazon, tmp_path: Path) -> None:
    amazon = start_amazon(record=tmp_path / "exchanges.ndjson")
    amazon.sign_in()
    body = {"invoiceIds": ["INV-1"]}
    answer = amazon.post(f"{RECONCILIATION}/invoices/batch/paymentDetails", body)
    amazon.reports("orderLineItemReports", orderIds="112-1,112-2")
    first, second = _lines(tmp_path / "exchanges.ndjson")
    assert first == {
        "service": "amazon_business", "method": "POST", "path": f"{RECONCILIATION}/invoices/batch/paymentDetails",
        "query": {}, "request": body, "status": 200, "response": answer.json(),
    }  # fmt: skip
    assert second["query"]["orderIds"] == "112-1,112-2"
    assert second["request"] is None


def test_no_token_secret_or_control_call_is_ever_recorded(start_amazon: StartAmazon, tmp_path: Path) -> None:
    amazon = start_amazon(record=tmp_path / "exchanges.ndjson")
    amazon.sign_in()
    amazon.ask_token(client_secret="wrong")
    amazon.transactions()
    amazon.control("GET", "state")
    text = (tmp_path / "exchanges.ndjson").read_text(encoding="utf-8")
    for secret in (amazon.headers["x-amz-access-token"], CLIENT_SECRET, REFRESH_TOKEN, "Atza|", "_sandbox", "o2/token"):
        assert secret not in text
    assert len(text.splitlines()) == 1


def test_an_answer_that_is_not_json_is_recorded_as_null(start_amazon: StartAmazon, tmp_path: Path) -> None:
    amazon = start_amazon(record=tmp_path / "exchanges.ndjson")
    amazon.sign_in()
    amazon.fault("html", status=500)
    amazon.transactions()
    assert [(row["status"], row["response"]) for row in _lines(tmp_path / "exchanges.ndjson")] == [(500, None)]


def test_what_was_done_before_a_drop_is_recorded_and_what_was_not_done_is_not(
    start_amazon: StartAmazon, tmp_path: Path
) -> None:
    amazon = start_amazon(record=tmp_path / "exchanges.ndjson")
    amazon.sign_in()
    for kind in ("drop_before", "drop_after"):
        amazon.fault(kind)
        with pytest.raises(requests.ConnectionError):
            amazon.transactions()
    assert [row["status"] for row in _lines(tmp_path / "exchanges.ndjson")] == [200]


def test_a_recording_is_appended_to(start_amazon: StartAmazon, tmp_path: Path) -> None:
    for _ in range(2):
        amazon = start_amazon(record=tmp_path / "exchanges.ndjson")
        amazon.sign_in()
        amazon.transactions()
    assert len(_lines(tmp_path / "exchanges.ndjson")) == 2


@pytest.mark.skipif(not CHECKER.exists(), reason=f"the vendors' published models are not here: {CHECKER}")
def test_every_operation_keeps_to_the_published_models(start_amazon: StartAmazon, tmp_path: Path) -> None:
    record = tmp_path / "exchanges.ndjson"
    amazon = start_amazon(record=record)
    amazon.sign_in()
    _call_everything(amazon)
    _happen(amazon)
    amazon.switch(reconciliation_page_size=100)
    _call_everything(amazon)
    checked = subprocess.run([sys.executable, CHECKER, record], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
    listed = subprocess.run(
        [sys.executable, CHECKER, record, "--operations"], capture_output=True, text=True, check=True
    )
    answered = {row.split()[-1]: int(row.split()[0]) for row in listed.stdout.splitlines()}
    assert len(answered) == 8
    assert all(answered.values()), f"an operation without a 2xx answer: {answered}"
