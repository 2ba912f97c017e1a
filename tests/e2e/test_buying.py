"""A purchase in real Airflow, from approval to matched invoice: the three buying pipelines, and the invoices they wake.

One story, told in phases that each run once: ordered, ordered again, delivered, received.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from local.acts import Theatre
from local.stack import Running
from local.world import BUYING, INVOICES
from procurement.ledger import Ledger
from tests.e2e.conftest import comments, control, mails, order_lines, orders_placed, purchase, purchase_order, task

pytestmark = pytest.mark.e2e

ORDERS, STATUS, RECEIPTS = BUYING
Json = Mapping[str, Any]


def requester(running: Running, po_number: str) -> int:
    wanted = purchase_order(running, po_number)["requisition-header"]["id"]
    rows = control(running.coupa_url, "state?part=requisitions")["requisitions"]
    return int(next(row for row in rows if row["id"] == wanted)["requested-by"]["id"])


def receipts(running: Running, po_number: str) -> list[Json]:
    """The goods receipts of a PO's lines, whoever posted them."""
    lines = {line["id"] for line in purchase_order(running, po_number)["order-lines"]}
    rows = control(running.coupa_url, "state?part=receiving_transactions")["receiving_transactions"]
    return [row for row in rows if row["order-line"]["id"] in lines]


def writes(running: Running) -> dict[str, int]:
    """Writes that the vendors accepted, by operation."""
    return {
        operation: count
        for url in (running.amazon_url, running.coupa_url)
        for operation, count in control(url, "calls")["writes"].items()
    }


def waiting_invoices(running: Running) -> set[str]:
    with Ledger.opened(running.ledger_url) as ledger:
        rows = ledger.deliveries.list_by_outcome(INVOICES, "waiting_for_receipt")
    return {row.business_key.rsplit("/", 1)[1] for row in rows}


@pytest.fixture(scope="module")
def approved(running: Running) -> tuple[str, str]:
    """The POs that are to be ordered: one that Amazon takes whole, one of which it has too few units."""
    return purchase(running, "plain_purchase")["po"], purchase(running, "short_units")["po"]


@pytest.fixture(scope="module")
def ordered(theatre: Theatre, unapproved: str, approved: tuple[str, str]) -> None:
    """The schedules' first runs, side by side."""
    theatre.follow({dag_id: theatre.start(dag_id) for dag_id in (ORDERS, INVOICES)})


def test_an_approved_purchase_is_ordered_once_and_its_purchase_order_says_so(
    running: Running, ordered: None, approved: tuple[str, str]
) -> None:
    assert sorted(orders_placed(running).values()) == sorted(approved)
    for number, status, units in zip(approved, ("Order Placed", "Partly Ordered"), (5, 3), strict=True):
        lines, fields = order_lines(running, number), purchase_order(running, number)["custom-fields"]
        assert sum(line["quantity"] for line in lines) == units
        assert set(fields["ab-order-ids"].split(", ")) == {line["orderMetadata"]["orderId"] for line in lines}
        assert fields["ab-order-status"] == status
        with Ledger.opened(running.ledger_url) as ledger:
            (row,) = ledger.deliveries.of_keys_like(ORDERS, "place_order", [f"{number}-"])
        assert (row.state, row.business_key) in {("delivered", key) for key in orders_placed(running)}


def test_the_requester_is_told_once_and_by_mention(running: Running, ordered: None, approved: tuple[str, str]) -> None:
    for number in approved:
        told = [text for text in comments(running, number) if f"PO {number} is ordered at Amazon" in text]
        assert len(told) == 1
        assert told[0].startswith(f"@[User:{requester(running, number)}] ")
        assert purchase_order(running, number)["custom-fields"]["ab-order-ids"] in told[0]


def test_a_purchase_that_somebody_has_still_to_approve_is_held_and_people_read_why(
    running: Running, ordered: None, unapproved: str
) -> None:
    sentence = "The approval of buyer is pending_approval."
    assert order_lines(running, unapproved) == []
    with Ledger.opened(running.ledger_url) as ledger:
        letters = ledger.dead_letters.list(states=("held",), pipeline=ORDERS)
    assert [(letter.document, letter.errors) for letter in letters] == [(f"purchase_order {unapproved}", (sentence,))]
    (mail,) = mails(running, f"1 held document in {ORDERS}")
    assert unapproved in mail["text"] and sentence in mail["text"]


def test_ordering_again_writes_nothing(running: Running, theatre: Theatre, ordered: None) -> None:
    before, placed = writes(running), orders_placed(running)
    theatre.follow({ORDERS: theatre.start(ORDERS)})
    assert (writes(running), orders_placed(running)) == (before, placed)


def test_a_dry_run_for_a_po_number_shows_its_plan_and_writes_nothing(
    running: Running, theatre: Theatre, ordered: None, approved: tuple[str, str]
) -> None:
    """Amazon had one unit of four: the form would order the other three, if it were not dry."""
    number, before = approved[1], writes(running)
    run_id = running.rest.trigger(ORDERS, {"po_numbers": [number], "dry_run": True})
    theatre.follow({ORDERS: run_id})
    assert writes(running) == before
    with Ledger.opened(running.ledger_url) as ledger:
        (plan,) = ledger.plans.of(ledger.runs.get(ORDERS, run_id))
        assert [row.business_key for row in ledger.deliveries.of_keys_like(ORDERS, "place_order", [f"{number}-"])] == [f"{number}-1-1"]  # fmt: skip
    assert (plan["document"], plan["units"]) == (f"{number}-1-2", 3)


@pytest.mark.parametrize(
    ("dag_id", "fields"),
    [
        (ORDERS, {"po_numbers", "from", "to", "dry_run"}),
        (STATUS, {"order_ids", "from", "to", "dry_run"}),
        (RECEIPTS, {"order_ids", "dry_run"}),
    ],
)
def test_a_form_takes_what_it_says_and_refuses_the_rest(running: Running, dag_id: str, fields: set[str]) -> None:
    form = running.rest.get(f"dags/{dag_id}/details")["params"]
    before = set(running.rest.runs(dag_id))
    assert set(form) == fields
    numbers = next(name for name in fields if name.endswith(("numbers", "ids")))
    for wrong in ({numbers: "4600001"}, {numbers: [4600001]}, {"dry_run": "no"}):
        with pytest.raises(RuntimeError, match="400 .*Invalid input for param"):
            running.rest.trigger(dag_id, wrong)
    assert not [run_id for run_id in running.rest.runs(dag_id) if run_id not in before and run_id.startswith("manual")]


@pytest.fixture(scope="module")
def delivered(running: Running, theatre: Theatre, ordered: None) -> set[str]:
    """Four days later the parcels are there and charged; the invoices that wait for a receipt by then."""
    theatre.move(running.world, timedelta(days=4))
    theatre.follow({dag_id: theatre.start(dag_id) for dag_id in (STATUS, INVOICES)})
    return waiting_invoices(running)


Woken = tuple[str, str, Sequence[str]]


@pytest.fixture(scope="module")
def received(running: Running, theatre: Theatre, delivered: set[str]) -> Woken:
    """Two runs of the receipts pipeline, the second with nothing new; and the runs of the invoice pipeline that came by themselves."""
    before = set(running.rest.runs(INVOICES))
    first = theatre.start(RECEIPTS)
    theatre.follow({RECEIPTS: first})
    second, woken = theatre.start(RECEIPTS), theatre.appeared(INVOICES, before, "asset_triggered")
    theatre.follow({RECEIPTS: second, INVOICES: woken})
    return first, second, [run for run in running.rest.runs(INVOICES) if run not in before and run.startswith("asset")]


def test_what_was_delivered_is_received_once(running: Running, received: Woken, approved: tuple[str, str]) -> None:
    shipped = control(running.amazon_url, "state?part=shipment_lines")["shipment_lines"]
    for number in approved:
        expected = sorted(
            (line["shipmentMetadata"]["shipmentId"], Decimal(line["quantity"]))
            for line in shipped
            if line.get("purchaseOrderNumber") == number
        )
        posted = sorted((row["match-reference"], Decimal(row["quantity"])) for row in receipts(running, number))
        assert posted == expected != []
    whole = purchase_order(running, approved[0])
    assert whole["custom-fields"]["ab-order-status"] == "Received"
    assert [line["received"] for line in whole["order-lines"]] == [line["quantity"] for line in whole["order-lines"]]


def test_receipts_wake_the_invoices_that_waited_for_them(
    running: Running, delivered: set[str], received: Woken, approved: tuple[str, str]
) -> None:
    _, _, woken = received
    assert len(woken) == 1
    invoices = control(running.coupa_url, "state?part=invoices")["invoices"]
    ours = {
        invoice["invoice-number"]
        for invoice in invoices
        if {line.get("po-number") for line in invoice["invoice-lines"]} & set(approved)
    }
    assert ours and ours <= delivered
    assert waiting_invoices(running) == delivered - ours
    with Ledger.opened(running.ledger_url) as ledger:
        matched = {row.business_key.rsplit("/", 1)[1] for row in ledger.deliveries.list_by_outcome(INVOICES, "matched")}
    assert ours <= matched


def test_a_receipts_run_with_nothing_new_wakes_nobody(running: Running, received: Woken) -> None:
    first, second, _ = received
    states = [task(running, RECEIPTS, run_id, "announce")["state"] for run_id in (first, second)]
    assert states == ["success", "skipped"]
    assert running.rest.state(RECEIPTS, second) == "success"
    assert task(running, RECEIPTS, second, "close")["state"] == "success"
