"""Who counts the spend is asked by every run: what Coupa counts no more is posted, and what it counts by now is taken back."""

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.coupa.client import Coupa
from procurement.clock import FixedClock
from procurement.ledger import Ledger
from procurement.ledger.spend import Part
from procurement.pipelines import amazon_spend_to_coupa_budgets as pipeline
from procurement.pipelines.amazon_spend_to_coupa_budgets import PIPELINE
from procurement.pipelines.amazon_spend_to_coupa_budgets.counting import BY_ORDER
from procurement.pipelines.amazon_spend_to_coupa_budgets.go_live import REFUND_BEFORE
from procurement.pipelines.amazon_spend_to_coupa_budgets.names import KIND
from procurement.pipelines.amazon_spend_to_coupa_budgets.staging import staged
from procurement.pipelines.sources import amazon_source
from procurement.pipelines.windows import RunRequest
from tests.integration.pipelines.conftest import NOW, connect_amazon, connect_coupa
from tests.integration.pipelines.spend_runs import SpendRun, switched
from tests.integration.pipelines.test_counted_once import (
    act,
    asked,
    card_purchases,
    enter,
    money_of,
    pair,
    place_of,
    run,
)
from tests.integration.pipelines.test_spend import CARDS, QUARTER, adjustments, outside, posted

__all__ = ["pair", "run"]
pytestmark = pytest.mark.integration


@pytest.mark.parametrize("submitted", [False, True], ids=["draft", "submitted"])
def test_spend_that_was_first_seen_beside_an_invoice_reaches_its_budget_when_that_invoice_goes(
    run: SpendRun, ledger: Ledger, *, submitted: bool
) -> None:
    """A draft counts nothing from the first."""
    coupa, raw = connect_coupa(run.pair, ledger), next(card_purchases(run))
    invoice = enter(coupa, raw, submit=submitted)
    run("first", **QUARTER)
    whole = outside(run)
    beside = dict(whole)
    beside[place_of(raw)] -= money_of(raw) if submitted else 0
    assert posted(run) == beside
    if not submitted:
        act(coupa, invoice, "submit")
        run("submitted", kind="asset_triggered")
        assert posted(run) == {**whole, place_of(raw): whole[place_of(raw)] - money_of(raw)}
    act(coupa, invoice, "abandon")
    run("gone", kind="asset_triggered")
    assert posted(run) == whole
    run("again", **QUARTER)
    assert posted(run) == whole
    assert ledger.spend.unbalanced() == []
    assert ledger.completeness.population(PIPELINE).complete


def card_charges_on_orders(run: SpendRun) -> Iterator[tuple[str, dict[str, Any]]]:
    amazon = connect_amazon(run.pair, run.ledger)
    for n in range(4):
        for page in amazon.transaction_pages(NOW - timedelta(days=30 * (n + 1)), NOW - timedelta(days=30 * n)):
            for raw in (raw for raw in page if raw["paymentInstrumentType"] in CARDS):
                yield from (
                    (line["purchaseOrderNumber"], line)
                    for line in raw["transactionLineItems"]
                    if line.get("purchaseOrderNumber")
                )


def test_a_card_charge_on_a_purchase_order_is_spent_once_its_commitment_is_given_back(
    run: SpendRun, ledger: Ledger
) -> None:
    """No invoice of it ever comes: closed for invoicing, all that was charged is on the budgets; opened again, none of it."""
    coupa = connect_coupa(run.pair, ledger)
    run("first", **QUARTER)
    before = posted(run)
    charged = [
        (number, line)
        for number, line in card_charges_on_orders(run)
        if line["businessOrderInfo"]["Cost center"] in ("4100", "4200", "4300", "4400")
    ]
    money = sum((Decimal(line["totalAmount"]["amount"]) for _, line in charged), Decimal(0))
    orders = [
        one
        for one in run.pair.state("coupa", "purchase_orders")
        if one["po-number"] in {number for number, _ in charged}
    ]
    lines = [line["id"] for order in orders for line in order["order-lines"]]
    assert money > 0
    for action, wanted in (("soft_close_for_invoicing", money), ("reopen_for_invoicing", Decimal(0))):
        for line in lines:
            coupa.act_on_purchase_order_line(line, action, coupa.permit("act_on_purchase_order_line"))
        run(action, kind="asset_triggered")
        assert sum(posted(run).values()) - sum(before.values()) == wanted
        count = adjustments(run)
        run(f"{action} again", **QUARTER)
        assert adjustments(run) == count
        assert ledger.spend.unbalanced() == []
        assert ledger.completeness.population(PIPELINE).complete


def publish(run: SpendRun, raw: dict[str, Any], key: str, **changes: Any) -> None:
    """A transaction like `raw` that Amazon's feed gets now."""
    new = json.loads(json.dumps(copy.deepcopy(raw), default=str)) | changes
    new |= {"transactionId": key, "invoiceNumber": f"1{key}", "feedDate": NOW.isoformat().replace("+00:00", "Z")}
    run.pair.post("amazon", "events/charge", transaction=new)


def later(run: SpendRun) -> None:
    run.pair.post("amazon", "clock", advance=3 * 86400)
    run.now = NOW + timedelta(days=2)


def new_charge(run: SpendRun, po_number: str) -> Decimal:
    """A card purchase of one line that names the PO."""
    raw = next(card_purchases(run))
    line = {**raw["transactionLineItems"][0], "purchaseOrderNumber": po_number}
    publish(run, raw, "new", transactionLineItems=json.loads(json.dumps([line], default=str)))
    later(run)
    return Decimal(line["totalAmount"]["amount"])


def parts(ledger: Ledger, key: str = "new") -> list[Part]:
    record = ledger.records.find(amazon_source("sandbox"), KIND, [key])[key]
    return ledger.spend.parts([record.id])[record.id]


def test_a_refund_counts_only_where_its_charge_is_from_after_go_live_too(
    run: SpendRun, ledger: Ledger, mappings_directory: Path
) -> None:
    """The one charge was posted weeks before its refund is read; the other was never read at all."""
    first, *_, last = sorted(card_purchases(run), key=lambda raw: str(raw["transactionDate"]))
    go_live = last["transactionDate"][:10]
    assert first["transactionDate"][:10] < go_live
    policies = run.rules.policies
    run.rules = replace(switched(mappings_directory, f"{{mode: live, go_live: {go_live}}}"), policies=policies)
    run("charges", **{"from": go_live})
    for raw, key in ((first, "before"), (last, "after")):
        lines = json.loads(json.dumps(raw["transactionLineItems"], default=str))
        for line in lines:
            line["totalAmount"]["amount"] = f"-{line['totalAmount']['amount']}"
        refund = {"transactionType": "REFUND", "transactionDate": "2026-06-30T10:00:00Z", "transactionLineItems": lines}
        publish(run, raw, key, amount={"currencyCode": "USD", "amount": f"-{money_of(raw)}"}, **refund)
    later(run)
    run("refunds", **{"from": "2026-06-29"})
    assert {(one.state, one.reason) for one in parts(ledger, "before")} == {("skipped", REFUND_BEFORE)}
    assert {one.state for one in parts(ledger, "after")} == {"delivered"}
    assert ledger.spend.unbalanced() == []


@contextmanager
def orders_as(monkeypatch: pytest.MonkeyPatch, number: str, **changes: Any) -> Iterator[None]:
    """Coupa's answers with that purchase order changed, or without it where nothing is changed."""
    real = Coupa.purchase_orders

    def changed(self: Coupa, numbers: list[str]) -> Iterator[list[dict[str, Any]]]:
        for page in real(self, numbers):
            yield [
                {**one, **changes} if one["po-number"] == number else one
                for one in page
                if changes or one["po-number"] != number
            ]

    with monkeypatch.context() as patched:
        patched.setattr(Coupa, "purchase_orders", changed)
        yield


def test_a_purchase_order_made_after_its_charge_was_posted_takes_it_off_the_budget(
    run: SpendRun, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = run.pair.state("coupa", "purchase_orders")[0]["po-number"]
    money = new_charge(run, number)
    with orders_as(monkeypatch, number):
        run("first", **QUARTER)
    assert [(one.state, one.amount) for one in parts(ledger)] == [("delivered", money)]
    run("made", kind="asset_triggered")
    found = {one.part: (one.state, one.reason, one.amount) for one in parts(ledger)}
    assert found["1/2"] == ("delivered", None, -money)
    assert found["1/3"] == ("skipped", BY_ORDER, money)
    assert ledger.spend.unbalanced() == []


@pytest.mark.parametrize(
    "changes", [{"supplier": {"number": "OFFICE-DEPOT"}}, {"status": "cancelled"}], ids=["other_supplier", "cancelled"]
)
def test_a_number_that_commits_nothing_of_this_supplier_counts_nothing(
    run: SpendRun, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    number = run.pair.state("coupa", "purchase_orders")[0]["po-number"]
    money = new_charge(run, number)
    with orders_as(monkeypatch, number, **changes):
        run("first", **QUARTER)
    assert [(one.state, one.amount) for one in parts(ledger)] == [("delivered", money)]


def test_asking_again_costs_one_call_for_fifty_orders(run: SpendRun) -> None:
    run("first", **QUARTER)
    before = asked(run, "list_purchase_orders")
    run("again", kind="asset_triggered")
    assert len({number for number, _ in card_charges_on_orders(run)}) <= 50
    assert asked(run, "list_purchase_orders") - before <= 2  # those left to Coupa, and those of what waits


def test_what_cancelled_out_leaves_the_difference_when_amazon_changes_one_of_it(run: SpendRun, ledger: Ledger) -> None:
    """The refund is not read again: what it cancelled out with finds it in the ledger."""
    amazon, coupa = connect_amazon(run.pair, ledger), connect_coupa(run.pair, ledger)

    def read(run_id: str, **amounts: str) -> None:
        request = RunRequest(dag_id=PIPELINE, run_id=run_id, kind="manual", params={"from": "2026-06-30"})
        opened = pipeline.open_run(ledger, request, rules=run.rules, clock=FixedClock(run.now))
        rows = [staged(uncounted(key, amount)) for key, amount in amounts.items()]
        ledger.records.stage(opened, amazon_source(amazon.account), KIND, rows)
        pipeline.transform(amazon, coupa, ledger, run=opened, request=request, rules=run.rules)
        pipeline.load(coupa, ledger, run=opened, rules=run.rules, account=amazon.account, workers=1, seconds=60)

    read("first", CHARGE="10.00", REFUND="-10.00")
    assert posted(run) == {}
    read("changed", CHARGE="12.00")
    assert posted(run) == {("FY26 Q2", "4400"): Decimal("2.00")}
    read("again", CHARGE="12.00", REFUND="-10.00")
    assert posted(run) == {("FY26 Q2", "4400"): Decimal("2.00")}
    assert ledger.spend.unbalanced() == []


def uncounted(key: str, amount: str) -> dict[str, Any]:
    """A transaction of one line on Marketing that Coupa has no document of."""
    money = {"currencyCode": "USD", "amount": amount}
    line = {"orderId": "113-1", "totalAmount": money, "businessOrderInfo": {"Cost center": "4400", "GL code": "6100"}}
    return {
        "transactionId": key, "transactionType": key, "transactionDate": "2026-05-05T12:00:00Z", "marketplaceId": "ATVPDKIKX0DER",
        "paymentInstrumentType": "Visa", "transactionLineItems": [line],
    }  # fmt: skip
