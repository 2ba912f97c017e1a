"""Differences that no match finds reach the owner that routing.yml names, once, as a comment on Coupa's invoice."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from procurement.ledger import Ledger
from procurement.policies import Rules
from procurement.routing import RouteRule
from tests.integration.pipelines.conftest import (
    InvoiceRun,
    SandboxPair,
    StartSandbox,
    connect_coupa,
)
from tests.integration.pipelines.test_backtest import one_charge
from tests.integration.pipelines.test_reconciliation import keyed

pytestmark = pytest.mark.integration
Json = dict[str, Any]


def asked(rules: Rules, kind: str, owner: str) -> Rules:
    """The shipped rules, and one more for this kind above them."""
    rule = RouteRule.model_validate(
        {"when": {"kind": kind}, "owner": owner, "due_days": 4, "do": ["comment", "integration_error"]}
    )
    return replace(rules, routing=replace(rules.routing, rules=(rule, *rules.routing.rules)))


@pytest.fixture
def run(start_sandbox: StartSandbox, run_invoices: Callable[[SandboxPair], InvoiceRun]) -> InvoiceRun:
    return run_invoices(start_sandbox("clean", orders="8"))


def comments(run: InvoiceRun, number: str) -> list[str]:
    (invoice,) = [one for one in run.pair.invoices() if one["invoice-number"] == number]
    return [one["comments"] for one in run.pair.state("coupa", "comments") if one["commentable-id"] == invoice["id"]]


def user_id(run: InvoiceRun, login: str) -> int:
    return next(int(one["id"]) for page in connect_coupa(run.pair, run.ledger).users([login]) for one in page)


def test_another_total_by_another_hand_is_one_comment_on_that_invoice(run: InvoiceRun, rules: Rules) -> None:
    number = one_charge(run)["invoiceNumber"]
    keyed(run.pair, number, day="2026-06-01")
    run.rules = asked(rules, "amount_differs", "ap.clerk")
    run("first")
    run("again", **{"from": "2026-03-01"})
    run("by number", invoice_numbers=[number])
    (text,) = comments(run, number)
    assert text.startswith(f"@[User:{user_id(run, 'ap.clerk')}] Invoice {number} needs a decision by 2026-07-04. ")
    assert f"Coupa's invoice {number} is USD 12.34, Amazon billed USD " in text
    assert run.pair.state("coupa", "integration_errors") == []  # no invoice of ours waits: of a route only the comment


def test_the_same_total_by_another_hand_needs_nobody(run: InvoiceRun) -> None:
    charge = one_charge(run)
    keyed(run.pair, charge["invoiceNumber"], day="2026-06-01", **{"invoice-lines": [
        {"type": "InvoiceAmountLine", "description": "keyed", "price": str(charge["amount"]["amount"]), "account": {"code": "10-4900-6810", "account-type": {"name": "US Chart"}}}
    ]})  # fmt: skip
    run("first")
    assert comments(run, charge["invoiceNumber"]) == []


def test_a_component_that_comes_after_its_invoice_was_sent_is_one_comment_each(
    run: InvoiceRun, rules: Rules, ledger: Ledger
) -> None:
    run.rules = asked(rules, "late_component", "ap.clerk")
    charge = one_charge(run)
    run("first")
    number = charge["invoiceNumber"]
    for name in ("late-1", "late-2"):
        late: Json = json.loads(json.dumps(charge, default=str)) | {"transactionId": name}
        late["feedDate"] = run.now.isoformat().replace("+00:00", "Z")
        run.pair.post("amazon", "events/charge", transaction=late)
        run.pair.post("amazon", "clock", advance=3 * 86400)
        run.now += timedelta(days=3)
        run(name)
    told = comments(run, number)
    assert len(told) == 2
    for text in told:
        assert text.startswith(f"@[User:{user_id(run, 'ap.clerk')}] Invoice {number} needs a decision by 2026-07-")
        assert f"arrived after invoice {number} was sent; it is not on that invoice." in text
    unsent = [row.reason for row in ledger.waits.unsent("amazon_invoices_to_coupa", create="create_invoice")]
    assert unsent == [f"late component of invoice {number}, which was already sent"] * 2
