"""Which deliveries the ledger brings when an invoice may have been sent before."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from procurement.ledger import Ledger
from procurement.ledger.billings import read_billings
from procurement.ledger.migrations.versions.r0006_delivery_subjects import FILL
from procurement.ledger.types import Alike, Plan, PlannedDelivery, Record, Sent
from tests.integration.ledger.documents import CREATE, NOW, PIPELINE, SOURCE, bill, charge, open_run, read

pytestmark = pytest.mark.integration


def plan_one(ledger: Ledger, key: str, number: str, **delivery: Any) -> Record:
    """A charge of USD 10.00 for PO line 7, billed by an invoice of that number."""
    (record,) = [one for one in read(ledger, open_run(ledger), [charge(key, number)]) if one.key == key]
    payload = {"invoice-number": number, "invoice-lines": [{"order-line-id": 7}]}
    name = f"acme/AMZN/{number}"
    planned = PlannedDelivery(
        action=CREATE, business_key=name, payload=payload, amount=Decimal("10.00"), currency="USD", subjects=("7",)
    )
    ledger.planning.keep(open_run(ledger), Plan([replace(planned, **delivery)], [bill(record, name)], []))
    return record


def alike(ledger: Ledger, **question: Any) -> list[Alike]:
    nothing: dict[str, Any] = {"order_lines": (), "po_lines": (), "amounts": (), "numbers": (), "source": SOURCE}
    return ledger.deliveries.alike(PIPELINE, CREATE, **{**nothing, **question})


def numbers(ledger: Ledger, **question: Any) -> list[str]:
    return [one.business_key.rsplit("/", 1)[1] for one in alike(ledger, **question)]


@pytest.mark.parametrize("number", ["INV-00123", "inv 123", "INV.0123"])
def test_a_number_is_found_however_it_is_written(ledger: Ledger, number: str) -> None:
    plan_one(ledger, "T1", "INV-123")
    assert numbers(ledger, numbers=[number]) == ["INV-123"]
    assert numbers(ledger, numbers=["INV-124"]) == []


def test_the_same_order_line_is_found_in_its_own_account_only(ledger: Ledger) -> None:
    plan_one(ledger, "T1", "N1")
    assert numbers(ledger, order_lines=[("O-1", "L-T1")]) == ["N1"]
    assert numbers(ledger, order_lines=[("O-1", "L-T2")]) == []
    assert numbers(ledger, order_lines=[("O-1", "L-T1")], source="amazon_business/other") == []


def test_the_same_amount_is_found_where_the_po_line_is_the_same(ledger: Ledger) -> None:
    plan_one(ledger, "T1", "N1")
    assert numbers(ledger, amounts=[Decimal(10)], po_lines=[7]) == ["N1"]
    assert numbers(ledger, amounts=[Decimal(10)], po_lines=[8]) == []
    assert numbers(ledger, amounts=[Decimal(11)], po_lines=[7]) == []


def test_what_was_skipped_or_died_stands_for_nothing(ledger: Ledger) -> None:
    plan_one(ledger, "T1", "N1", state="skipped", reason="before go-live")
    plan_one(ledger, "T2", "N2", state="dead", reason="refused")
    plan_one(ledger, "T3", "N3", state="held", reason="a person decides")
    assert numbers(ledger, amounts=[Decimal(10)], po_lines=[7]) == ["N3"]


def billings(ledger: Ledger, *po_lines: str) -> dict[str, bool]:
    """Whether the target counts them, by invoice number."""
    found = read_billings(ledger.engine, PIPELINE, po_lines, create=CREATE, submit="submit_invoice", gone=["voided"])
    return {one.business_key.rsplit("/", 1)[1]: one.counted for one in found}


def test_what_is_billed_on_a_po_line_is_found_with_whether_the_target_counts_it(ledger: Ledger) -> None:
    for number in ("N1", "N2", "N3"):
        plan_one(ledger, f"T-{number}", number)
    plan_one(ledger, "T4", "N4", subjects=("8",))
    plan_one(ledger, "T5", "N5", state="held", reason="refused")
    follow = [
        PlannedDelivery(action="submit_invoice", business_key=f"acme/AMZN/{number}", payload={}, after=(CREATE, f"acme/AMZN/{number}"))
        for number in ("N2", "N3")
    ]  # fmt: skip
    ledger.planning.keep(open_run(ledger), Plan(follow, [], []))
    for _ in range(6):
        for identity, _action in ledger.deliveries.due(PIPELINE, 10):
            claimed = ledger.deliveries.claim(identity)
            if claimed is not None and claimed.business_key != "acme/AMZN/N1":
                status = "voided" if claimed.business_key.endswith("N3") else "on_hold"
                ledger.deliveries.delivered(claimed, Sent("7", facts={"status": status}))
    assert billings(ledger, "7", "9") == {"N1": False, "N2": True}
    assert billings(ledger, "8") == {"N4": False}
    assert billings(ledger) == {}


def test_a_plan_that_replaces_another_replaces_what_it_is_about(ledger: Ledger) -> None:
    record = plan_one(ledger, "T1", "N1", subjects=("7", "8"))
    again = PlannedDelivery(
        action=CREATE,
        business_key="acme/AMZN/N1",
        payload={"other": 1},
        amount=Decimal("10.00"),
        currency="USD",
        subjects=("8", "9"),
    )
    ledger.planning.keep(open_run(ledger), Plan([again], [bill(record, "acme/AMZN/N1")], []))
    assert [billings(ledger, line) for line in ("7", "8", "9")] == [{}, {"N1": False}, {"N1": False}]


def test_the_migration_finds_what_older_invoices_are_about(ledger: Ledger) -> None:
    plan_one(ledger, "T1", "N1")
    with ledger.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM delivery_subjects")
    assert billings(ledger, "7") == {}
    with ledger.engine.begin() as connection:
        connection.exec_driver_sql(FILL)
    assert billings(ledger, "7") == {"N1": False}


def test_what_is_brought_has_all_that_is_compared(ledger: Ledger) -> None:
    plan_one(ledger, "T1", "N1")
    (found,) = alike(ledger, numbers=["N1"])
    assert (found.state, found.amount, found.currency, found.target_id) == ("planned", Decimal("10.00"), "USD", None)
    assert found.payload["invoice-lines"] == [{"order-line-id": 7}]


def test_records_of_a_kind_come_in_pages_with_their_content(ledger: Ledger) -> None:
    run = open_run(ledger)
    ledger.records.stage(run, SOURCE, "order", [charge(f"O{n}", None, None) for n in range(5)], for_another=True)
    ledger.records.stage(run, "amazon_business/b", "order", [charge("P", None, None)], for_another=True)
    ledger.records.stage(
        run, SOURCE, "order", [charge("OLD", None, None, dated_at=NOW.replace(year=2020))], for_another=True
    )
    pages = list(ledger.records.pages("order", since=NOW, size=4))
    assert [[record.key for record in page] for page in pages] == [["O0", "O1", "O2", "O3"], ["O4", "P"]]
    assert pages[1][1].source == "amazon_business/b" and pages[0][0].raw["transactionId"] == "O0"
    assert list(ledger.records.pages("shipment", since=NOW, size=4)) == []
