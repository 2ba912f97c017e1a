"""The PO that an order names: Coupa has it, has it no more, or has it for somebody else. What is cancelled later is seen later."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from connectors.coupa.client import Coupa
from procurement.ledger import Ledger
from procurement.ledger.types import Staged
from procurement.order_facts import OrderFacts, write_order
from procurement.pipelines.purchase_compliance import PIPELINE
from tests.integration.pipelines.compliance_runs import AT_ONCE, ComplianceRun, switched
from tests.integration.pipelines.conftest import SandboxPair, StartSandbox, connect_coupa

pytestmark = pytest.mark.integration
Json = dict[str, Any]


@pytest.fixture
def pair(start_sandbox: StartSandbox) -> SandboxPair:
    return start_sandbox("quarter", orders="40")


@pytest.fixture
def run(pair: SandboxPair, ledger: Ledger, mappings_directory: Path, tmp_path: Path) -> ComplianceRun:
    return ComplianceRun(pair, ledger, switched(mappings_directory, **AT_ONCE), tmp_path / "leakage")


def on_purchase_orders(pair: SandboxPair) -> Iterator[tuple[str, Json]]:
    """Amazon orders that are not cancelled, youngest first, each with the issued PO that it names, of which nothing has come."""
    issued = {
        row["po-number"]: row
        for row in pair.state("coupa", "purchase_orders")
        if row["status"] == "issued"
        and not any(float(line.get(name) or 0) for line in row["order-lines"] for name in ("received", "invoiced"))
    }
    rows = sorted(pair.state("amazon", "orders"), key=lambda row: str(row["orderMetadata"]["orderDate"]), reverse=True)
    for row in rows:
        if row["orderStatus"] != "CANCELLED" and (order := issued.pop(row.get("purchaseOrderNumber"), None)):
            yield row["orderMetadata"]["orderId"], order


def cancel(pair: SandboxPair, ledger: Ledger, order: Json) -> None:
    coupa = connect_coupa(pair, ledger)
    coupa.act_on_purchase_order(order["id"], "cancel", coupa.permit("act_on_purchase_order"))


def test_an_order_on_a_cancelled_po_or_on_another_suppliers_is_ordered_around_coupa(
    run: ComplianceRun, pair: SandboxPair, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first, cancelled), (second, elsewhere), (third, fine), *_ = on_purchase_orders(pair)
    cancel(pair, ledger, cancelled)
    read = Coupa.purchase_orders

    def given_away(coupa: Coupa, numbers: Iterable[str]) -> Iterator[Sequence[Json]]:
        for page in read(coupa, numbers):
            yield [
                row | {"supplier": {"number": "OFFICE"}} if row["po-number"] == elsewhere["po-number"] else row for row in page
            ]  # fmt: skip

    monkeypatch.setattr(Coupa, "purchase_orders", given_away)
    run()
    with ledger.engine.begin() as connection:
        query = sa.text("SELECT DISTINCT order_id, po_number FROM purchased_lines WHERE order_id = ANY(:orders)")
        books = {row.order_id: row.po_number for row in connection.execute(query, {"orders": [first, second, third]})}
    assert books == {first: "", second: "", third: fine["po-number"]}, (
        "orders of one PO are one purchase: it has to be one"
    )
    numbers = [cancelled["po-number"], fine["po-number"], "4500999"]
    assert ledger.compliance.reported("amazon_business/sandbox", numbers) == set(numbers[:2])
    found = {row.purchase: row for row in ledger.compliance.open() if row.kind == "no_po"}
    assert f"PO {cancelled['po-number']}, which is cancelled in Coupa" in found[first].sentence
    assert f"PO {elsewhere['po-number']}, which Coupa issued to supplier OFFICE" in found[second].sentence
    comments = [str(row["comments"]) for row in pair.state("coupa", "comments")]
    assert any(f"[{found[first].key}]" in text for text in comments), "its requester and buyer hear of it on the PO"
    assert not any(second in text for text in comments), "nobody of another supplier's PO does"
    assert f"{PIPELINE}/told/{found[second].key}" in {mail.key for mail in run.mails}


def clean(pair: SandboxPair, ledger: Ledger) -> str:
    """The youngest order that has part in no violation."""
    broken = {order for row in ledger.compliance.open() for order in (row.purchase, *row.orders)}
    rows = [row for row in pair.state("amazon", "orders") if row["orderStatus"] != "CANCELLED"]
    kept = [row["orderMetadata"] for row in rows if row["orderMetadata"]["orderId"] not in broken]
    return str(max(kept, key=lambda row: str(row["orderDate"]))["orderId"])


def standings(ledger: Ledger, order: str) -> set[str]:
    with ledger.engine.begin() as connection:
        query = sa.text("SELECT standing FROM purchased_lines WHERE order_id = :order")
        return set(connection.execute(query, {"order": order}).scalars())


def test_an_order_that_keeps_every_rule_is_seen_when_amazon_cancels_it(
    run: ComplianceRun, pair: SandboxPair, ledger: Ledger
) -> None:
    first = run()
    order = clean(pair, ledger)
    lines = [row for row in pair.state("amazon", "order_lines") if row["orderMetadata"]["orderId"] == order]
    goods = sum(Decimal(str(row["unitPrice"]["amount"])) * row["quantity"] for row in lines)
    pair.post("amazon", "events/cancel", orderId=order)
    run.later(minutes=15)
    assert run()["transform"]["records"] == 0 and standings(ledger, order) != {"cancelled"}, "its day has not come"
    run.later(hours=24)
    calls = pair.calls("amazon")["by_operation"]
    again = run()
    assert again["extract"]["changed"] == 1 and standings(ledger, order) == {"cancelled"}
    cancelled = [Decimal(one["report"]["goods"]["USD"]["cancelled"]) for one in (first, again)]
    assert cancelled[1] - cancelled[0] == goods
    made = {
        name: sum(counts.values()) - sum(calls.get(name, {}).values())
        for name, counts in pair.calls("amazon")["by_operation"].items()
    }
    pages = -(-len(pair.state("amazon", "orders")) // 100)
    assert made["getOrderReports"] <= 1 + pages, "the window, and all young orders by date"


def test_an_order_whose_po_is_cancelled_later_is_reported(
    run: ComplianceRun, pair: SandboxPair, ledger: Ledger
) -> None:
    run()
    broken = {order for row in ledger.compliance.open() for order in (row.purchase, *row.orders)}
    order, po = next(pair for pair in on_purchase_orders(pair) if pair[0] not in broken)
    cancel(pair, ledger, po)
    run.later(hours=25)
    run()
    assert order not in {row.purchase for row in ledger.compliance.open()}, (
        "Amazon may have cancelled it: it is read again first"
    )
    run.later(minutes=15)
    run()
    (row,) = [row for row in ledger.compliance.open() if row.purchase == order]
    assert row.kind == "no_po" and "which is cancelled in Coupa" in row.sentence
    sent = pair.calls("coupa")["writes"]
    run.later(hours=25)
    run()
    assert pair.calls("coupa")["writes"] == sent, "it is told once"


def test_an_order_that_amazon_shows_late_is_judged(run: ComplianceRun, pair: SandboxPair, ledger: Ledger) -> None:
    run()
    order = clean(pair, ledger)
    with ledger.engine.begin() as connection:  # as if the window's pages had not shown it
        query = sa.text("UPDATE source_records SET key = 'another' WHERE key = :order")
        connection.execute(query, {"order": order})
    run.later(hours=25)
    assert run()["extract"]["new"] == 1
    assert ledger.records.find("amazon_business/sandbox", "purchase", [order])


def test_an_order_that_amazon_cancelled_with_its_po_is_ordered_around_nobody(
    run: ComplianceRun, pair: SandboxPair, ledger: Ledger
) -> None:
    """Long before the days in which it would have been asked for changes."""
    run()
    order, po = list(on_purchase_orders(pair))[-1]
    before = {row.key for row in ledger.compliance.open() if row.purchase != order}
    pair.post("amazon", "events/cancel", orderId=order)
    cancel(pair, ledger, po)
    run.later(days=30)
    for _ in range(2):
        run()
        run.later(minutes=15)
    assert standings(ledger, order) == {"cancelled"}
    assert {row.key for row in ledger.compliance.open() if row.kind == "no_po"} <= before


def test_what_the_order_status_pipeline_has_seen_cancelled_accuses_no_reorder(
    start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path, tmp_path: Path
) -> None:
    run = ComplianceRun(
        start_sandbox("quarter", orders="150"), ledger, switched(mappings_directory, **AT_ONCE), tmp_path
    )
    run()
    (row, *_) = [row for row in ledger.compliance.open() if row.kind == "duplicate"]
    source = "amazon_business/sandbox"
    earlier = [
        OrderFacts(order_id=order, ordered_at=run.now, statuses=("CANCELLED",)) for order in row.orders if order != row.purchase
    ]  # fmt: skip
    opened, _ = run.open()
    staged = [Staged(key=one.order_id, raw=write_order(one)) for one in earlier]
    ledger.records.stage(opened, source, "order", staged, for_another=True)
    ledger.records.plan_again([row.record_id])
    run()
    assert row.key not in {one.key for one in ledger.compliance.open()}
