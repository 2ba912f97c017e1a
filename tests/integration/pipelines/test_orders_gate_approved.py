"""What is ordered is what was approved, and goes where it was planned to go: changes in Coupa that raise no version."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from procurement.ledger import Ledger
from tests.integration.pipelines.buying import OrderRun, switched
from tests.integration.pipelines.conftest import StartSandbox
from tests.integration.pipelines.test_orders import purchase_order, signed
from tests.integration.pipelines.test_orders_gate import errors_of, numbers

pytestmark = pytest.mark.integration
Json = dict[str, Any]


@pytest.fixture
def run(start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path) -> OrderRun:
    return OrderRun(start_sandbox("buying_plain", orders="2", lines="2"), ledger, switched(mappings_directory))


def write(run: OrderRun, number: str, body: Json) -> None:
    order = purchase_order(run.pair, number)
    url = f"{run.pair.coupa_url}/api/purchase_orders/{order['id']}"
    answer = requests.put(url, json=body, headers=signed(run.pair), timeout=30)
    assert answer.ok, answer.text


def of_first_line(run: OrderRun, number: str, **changes: Any) -> Json:
    line = purchase_order(run.pair, number)["order-lines"][0]
    return {"order-lines": [{"id": line["id"], **{key.replace("_", "-"): value for key, value in changes.items()}}]}


def another_account(run: OrderRun, number: str) -> Json:
    line = purchase_order(run.pair, number)["order-lines"][0]
    return of_first_line(run, number, account={"id": 1 if line["account"]["id"] != 1 else 2})


def another_address(run: OrderRun, number: str) -> Json:
    ship_to = purchase_order(run.pair, number)["ship-to-address"]
    return {"ship-to-address": {"id": 1 if ship_to["id"] != 1 else 2}}


BEFORE: dict[str, tuple[Callable[[OrderRun, str], Json], str]] = {
    "coded on another account": (another_account, "Line 1: the accounting is "),
    "another offer": (
        lambda run, number: of_first_line(run, number, supp_aux_part_num="cart-9999"),
        "Line 1: the auxiliary part number is cart-9999, and ",
    ),
}


@pytest.mark.parametrize("what", BEFORE)
def test_a_line_that_is_not_as_it_was_approved_is_never_ordered(run: OrderRun, ledger: Ledger, what: str) -> None:
    number, other = numbers(run)
    change, sentence = BEFORE[what]
    write(run, number, change(run, number))
    run("one", po_numbers=[number, other])
    assert run.placed(number) == [] and [row.state for row in run.placed(other)] == ["delivered"]
    assert any(error.startswith(sentence) for error in held_records(run))


def held_records(run: OrderRun) -> list[str]:
    letters = run.ledger.dead_letters.list(states=("held",))
    return [error for letter in letters for error in letter.errors]


def test_an_order_does_not_go_to_an_address_that_the_purchase_order_no_longer_has(
    run: OrderRun, ledger: Ledger
) -> None:
    number = numbers(run)[0]
    run("one", between=lambda: write(run, number, another_address(run, number)))
    (row,) = run.placed(number)
    assert row.state == "held"
    sentence = "The ship-to address of the purchase order was changed since it was planned."
    assert sentence in errors_of(ledger, number)


def test_what_was_held_for_its_new_address_goes_there_once_a_person_names_it(run: OrderRun, ledger: Ledger) -> None:
    number = numbers(run)[0]
    run("one", between=lambda: write(run, number, another_address(run, number)))
    run("two", po_numbers=[number])
    (row,) = run.placed(number)
    request: Any = ledger.deliveries.payloads([row.id])[row.id]["request"]
    (address,) = [one["address"] for one in request["attributes"] if one["attributeType"] == "ShippingAddress"]
    assert row.state == "delivered"
    assert address["addressId"] == purchase_order(run.pair, number)["ship-to-address"]["location-code"]


def test_a_requisition_over_two_suppliers_is_ordered_although_its_lines_are_numbered_anew(run: OrderRun) -> None:
    made = approved_for_two_suppliers(run, purchase_order(run.pair, numbers(run)[0]))
    ours = next(order for order in made if order["supplier"]["number"] == "AMZN-US")
    assert len(made) == 2 and [line["line-num"] for line in ours["order-lines"]] == ["1"]
    run.now += timedelta(hours=1)
    run.pair.post("amazon", "clock", set=run.now.isoformat())
    run("one", po_numbers=[ours["po-number"]])
    assert [row.state for row in run.placed(ours["po-number"])] == ["delivered"]


def approved_for_two_suppliers(run: OrderRun, like: Json) -> list[Json]:
    """The POs of a requisition whose first line goes to another supplier."""
    source = like["order-lines"][0]
    line = {name: source[name] for name in ("description", "source-part-num", "supp-aux-part-num")} | {
        "quantity": "1", "unit-price": source["price"], "currency": {"code": "USD"}, "uom": {"code": source["uom"]["code"]},
        "account": {"id": source["account"]["id"]},
    }  # fmt: skip
    asked = {
        "req-title": "for two", "requested-by": {"login": like["requisition-header"]["requested-by"]["login"]},
        "ship-to-address": {"location-code": like["ship-to-address"]["location-code"]},
        "requisition-lines": [
            {**line, "line-num": 1, "supplier": {"number": "NSOP"}, "source-part-num": "N-1"},
            {**line, "line-num": 2, "supplier": {"number": "AMZN-US"}},
        ],
    }  # fmt: skip
    run.coupa("submit_requisition", **asked)
    while (requisition := titled(run, "for two"))["status"] == "pending_approval":
        run.coupa("approve", req_title="for two")
    orders = run.pair.state("coupa", "purchase_orders")
    return [order for order in orders if order["requisition-header"]["id"] == requisition["id"]]


def titled(run: OrderRun, title: str) -> Json:
    found = next(one for one in run.pair.state("coupa", "requisitions") if one["req-title"] == title)
    return dict(found)
