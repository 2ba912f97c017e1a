"""Every operation of both clients answers in the sandbox, and what went over the wire keeps the vendors' published models."""

import json
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.amazon_business import operations as amazon_operations
from connectors.amazon_business.client import AmazonBusiness
from connectors.amazon_business.payloads import OrderLineKey
from connectors.coupa import operations as coupa_operations
from connectors.coupa.client import Coupa
from connectors.operations import Operation
from procurement.ledger import Ledger
from tests.integration.pipelines.conftest import (
    NOW,
    InvoiceRun,
    SandboxPair,
    StartSandbox,
    connect_amazon,
    connect_coupa,
)
from tests.integration.pipelines.contract_tour import (
    tour_approving,
    tour_budgets,
    tour_catalog,
    tour_ordering,
    tour_purchase_orders,
    tour_suppliers,
    tour_teamwork,
)

pytestmark = pytest.mark.integration
CHECKER = Path(__file__).parents[4] / "shared" / "contract" / "contract_check.py"
FROM = NOW - timedelta(days=29)


@pytest.fixture
def recording(tmp_path: Path, start_sandbox: StartSandbox, ledger: Ledger, run_invoices: Any) -> Path:
    """A full run over a quarter, then each call that the pipeline does not make (yet)."""
    record = tmp_path / "exchanges.ndjson"
    pair: SandboxPair = start_sandbox("quarter", record=record, orders="60")
    run: InvoiceRun = run_invoices(pair)
    run("recorded")
    amazon, coupa = connect_amazon(pair, ledger), connect_coupa(pair, ledger)
    tour_amazon(amazon)
    tour_coupa(coupa, pair)
    approved = next(order for order in pair.state("coupa", "purchase_orders") if order["po-number"] == po_of(pair))
    tour_ordering(amazon, approved["order-lines"][0]["source-part-num"], NOW)
    tour_purchase_orders(coupa, approved, NOW)
    tour_teamwork(coupa, NOW)
    tour_approving(coupa)
    tour_catalog(amazon, coupa)
    tour_budgets(coupa)
    tour_suppliers(
        coupa, lambda name: pair.post("coupa", "events/enter_supplier_email", name=name, email="ann@tour.example")
    )
    return record


def po_of(pair: SandboxPair) -> str:
    return str(next(fact["po"] for fact in pair.world()["facts"]["buying"] if fact["expected"] == "ordered"))


def tour_amazon(amazon: AmazonBusiness) -> None:
    charged = [transaction for page in amazon.transaction_pages(FROM, NOW) for transaction in page]
    lines = [line for transaction in charged for line in transaction["transactionLineItems"]]
    keys = [
        OrderLineKey(line["orderId"], line["orderLineItemId"], line["shipmentId"])
        for line in lines
        if line.get("shipmentId")
    ]
    assert list(amazon.invoice_details(keys[:30]))
    assert list(amazon.payment_details([str(charge.get("invoiceNumber")) for charge in charged[:30]]))
    order_ids = sorted({line["orderId"] for line in lines})[:40]
    assert list(amazon.order_pages(FROM, NOW - timedelta(minutes=1)))
    for pages in (amazon.order_line_pages, amazon.shipment_pages, amazon.shipment_line_pages):
        assert list(pages(NOW - timedelta(days=300), NOW - timedelta(minutes=1), order_ids=order_ids))
    po_number = next(line["purchaseOrderNumber"] for line in lines if line.get("purchaseOrderNumber"))
    assert list(amazon.order_pages_by_po(po_number))


def tour_coupa(coupa: Coupa, pair: SandboxPair) -> None:
    rows = [
        coupa.suppliers(["AMZN-US"]), coupa.users(["ap.lead", "ap.clerk"]), coupa.account_types(), coupa.lookup_values("Cost Center"),
        coupa.payment_terms(), coupa.currencies(), coupa.integration_runs(), coupa.integration_errors(),
    ]  # fmt: skip
    for pages in rows:
        list(pages)
    order = next(
        order
        for order in pair.state("coupa", "purchase_orders")
        if order["status"] == "issued" and order["order-lines"]
    )
    line = order["order-lines"][0]
    list(coupa.purchase_order_lines([line["id"]]))
    list(coupa.accounts([line["account"]["code"]]))
    receipt = coupa.create_receipt(
        {
            "type": "ReceivingQuantityConsumption",
            "quantity": "1",
            "order-line": {"id": line["id"]},
            "transaction-date": NOW.isoformat(),
            "match-reference": "tour",
        },
        coupa.permit("create_receipt"),
    )
    list(coupa.receipts([line["id"]]))
    coupa.void_receipt(receipt["id"], coupa.permit("void_receipt"))
    tour_invoices(coupa, order, line)
    tour_integrations(coupa)


def invoice_body(number: str, order: dict[str, Any], line: dict[str, Any]) -> dict[str, Any]:
    return {
        "invoice-number": number, "invoice-date": "2026-06-01", "supplier": {"number": "AMZN-US"}, "account-type": {"name": "US Chart"},
        "currency": {"code": "USD"}, "payment-term": {"code": "Net 30"}, "bill-to-address": {"location-code": "AUS-AP"},
        "remit-to-address": {"remit-to-code": "AMZN-RT1"}, "line-level-taxation": True,
        "invoice-lines": [
            {"line-num": 1, "type": "InvoiceQuantityLine", "description": "Tour", "order-line-id": line["id"], "quantity": "1", "price": str(line["price"]),
             "currency": {"code": "USD"}}
        ],
    }  # fmt: skip


def tour_invoices(coupa: Coupa, order: dict[str, Any], line: dict[str, Any]) -> None:
    """Each action in a state where Coupa takes it."""

    def create(number: str) -> int:
        return int(coupa.create_invoice(invoice_body(number, order, line), coupa.permit("create_invoice"))["id"])

    def act(id: int, action: str, payload: dict[str, Any] | None = None) -> dict[str, Any]:
        return coupa.act_on_invoice(id, action, coupa.permit("act_on_invoice"), payload)

    over = invoice_body("TOUR-1", order, line)
    over["invoice-lines"][0]["price"] = str(float(line["price"]) * 3)
    held = int(coupa.create_invoice(over, coupa.permit("create_invoice"))["id"])
    coupa.update_invoice(held, {"internal-note": "tour"}, coupa.permit("update_invoice"))
    act(held, "submit")
    act(held, "revalidate_tolerances")
    act(held, "dispute", {"dispute-reason": {"code": "INCORRECT-PRICE"}, "comment": "too dear"})
    act(held, "withdraw_dispute")
    added = act(held, "add_approver", {"approver": {"login": "ap.lead"}})
    act(held, "restart_approvals")
    approvals = [
        row for page in coupa.approvals("InvoiceHeader", [held]) for row in page if row["status"] == "pending_approval"
    ]
    assert added["id"] == held and approvals
    coupa.act_on_approval(approvals[0]["id"], "hold", coupa.permit("act_on_approval"), "wait")
    draft = create("TOUR-2")
    act(draft, "update_line_accounts", {"invoice-lines": [{"id": coupa.get_invoice(draft)["invoice-lines"][0]["id"]}]})
    act(draft, "abandon")
    act(create("TOUR-3"), "void")
    coupa.create_comment("invoices", held, "A tour.", coupa.permit("create_comment"))
    assert list(coupa.comments("invoices", held))
    list(coupa.matching_allocations([held]))


def tour_integrations(coupa: Coupa) -> None:
    run = coupa.create_integration_run("AB_INVOICES", coupa.permit("create_integration_run"))
    coupa.act_on_integration_run(run["id"], "run", coupa.permit("act_on_integration_run"), total_records=1)
    error = {
        "integration-run-id": run["id"], "document-type": "InvoiceHeader", "document-status": "error", "contact-alert-type": "Functional",
        "status": "Error", "responses": [{"response-code": "TOUR", "response-message": "a tour"}],
    }  # fmt: skip
    for alert in (True, False):
        name = "alert_integration_error" if alert else "create_integration_error"
        made = coupa.create_integration_error(error, coupa.permit(name), alert=alert)
        said = {"responses": [{"response-code": "TOUR", "response-message": "the tour goes on"}]}
        coupa.update_integration_error(made["id"], said, coupa.permit("update_integration_error"))
        coupa.resolve_integration_error(made["id"], coupa.permit("resolve_integration_error"))
    coupa.act_on_integration_run(run["id"], "success", coupa.permit("act_on_integration_run"))


def answered(operation: Operation, exchanges: list[dict[str, Any]]) -> bool:
    pattern = re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(operation.path)) + "$")
    return any(
        row["method"] == operation.method and pattern.match(row["path"]) and 200 <= row["status"] < 300
        for row in exchanges
    )


def test_every_client_operation_answers_and_the_contract_holds(recording: Path) -> None:
    exchanges = [json.loads(line) for line in recording.read_text().splitlines()]
    every = (*amazon_operations.ALL_OPERATIONS, *coupa_operations.ALL_OPERATIONS)
    assert [operation.name for operation in every if not answered(operation, exchanges)] == []
    if not CHECKER.exists():
        pytest.skip(f"{CHECKER} is not here: the exchanges were NOT held against the vendors' models")
    done = subprocess.run([sys.executable, str(CHECKER), str(recording)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
