"""The PO that an order names: Coupa has it, has it no more, or has it for somebody else."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from connectors.coupa.client import Coupa
from procurement.ledger import Ledger
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
    """Amazon orders that are not cancelled, each with the issued PO that it names, of which nothing has come; every PO once."""
    issued = {
        row["po-number"]: row
        for row in pair.state("coupa", "purchase_orders")
        if row["status"] == "issued"
        and not any(float(line.get(name) or 0) for line in row["order-lines"] for name in ("received", "invoiced"))
    }
    for row in pair.state("amazon", "orders"):
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
