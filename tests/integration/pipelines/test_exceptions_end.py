"""How exceptions end: the cause is gone, a credit note took the units back, and Coupa is asked to look again."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from procurement.ledger import Ledger
from procurement.policies import Rules
from tests.integration.pipelines.conftest import StartSandbox
from tests.integration.pipelines.test_backtest import one_charge
from tests.integration.pipelines.test_routing import Routed, with_rule

pytestmark = pytest.mark.integration
Json = dict[str, Any]


class World(Routed):
    """Amazon bills more than was ordered; some days pass between the runs."""

    def on(self, days: float, run_id: str, **params: object) -> Json:
        self.pair.post("amazon", "clock", advance=days * 86400)
        self.now += timedelta(days=days)
        return self(run_id, **params)

    def bill_again(self, charge: Json, number: str) -> Json:
        """The same line once more, for another shipment, under another number."""
        again: Json = json.loads(json.dumps(charge, default=str)) | {
            "transactionId": f"t-{number}",
            "invoiceNumber": None,
        }
        again["feedDate"] = self.now.isoformat().replace("+00:00", "Z")
        again["transactionLineItems"][0]["shipmentId"] = f"S-{number}"
        self.pair.post("amazon", "events/charge", transaction=again)
        self.pair.post("amazon", "events/issue_invoice", transactionId=f"t-{number}", invoiceNumber=number)
        self.on(3, f"bills {number}")
        return again

    def outcome(self, number: str) -> str | None:
        key = f"acme/AMZN-US/{number}"
        return self.ledger.deliveries.known("amazon_invoices_to_coupa", "create_invoice", [key])[key].outcome

    def rows(self, action: str) -> dict[str, Any]:
        """Of the follow-ups of one action: state by business key, as far as the invoices of this test go."""
        keys = [f"acme/AMZN-US/{one['invoice-number']}" for one in self.pair.invoices()]
        return self.ledger.deliveries.known("amazon_invoices_to_coupa", action, keys)

    def errors(self, number: str) -> list[Json]:
        return [
            one for one in self.pair.state("coupa", "integration_errors") if one["external-id"].endswith(f"/{number}")
        ]


@pytest.fixture
def world(start_sandbox: StartSandbox, ledger: Ledger, rules: Rules) -> Callable[..., World]:
    def begin(chosen: Rules = rules, scenario: str = "clean", **options: str) -> World:
        run = World(start_sandbox(scenario, **options or {"orders": "12"}), ledger, chosen)
        run("first")
        return run

    return begin


def test_an_exception_that_was_credited_in_full_is_checked_again_and_closed(world: Callable[..., World]) -> None:
    run = world()
    over = run.bill_again(one_charge(run), "INV-X")
    assert (run.outcome("INV-X"), run.status("INV-X")) == ("exception", "on_hold")
    run.pair.post("amazon", "events/refund", transactionId=over["transactionId"], invoiceNumber="CM-X")
    for day in range(4):
        run.on(3 if day == 0 else 1, f"credit {day}")
    assert run.outcome("INV-X") == "matched"
    assert run.status("INV-X") != "on_hold"
    first, reply = run.comments("INV-X")
    assert "needs a decision" in first and reply.startswith("Settled: invoice INV-X needs no decision any more, ")
    checked = run.rows("revalidate_invoice")
    assert {row.state for row in checked.values()} <= {"delivered", "skipped"}
    assert checked["acme/AMZN-US/CM-X"].state == "delivered"
    run.on(30, "much later")
    late = [mail for mail in run.mails if mail.kind in ("escalation", "waiting") and "INV-X" in mail.body["text"]]
    assert late == []


def test_a_credit_for_a_part_has_coupa_look_again_once_and_leaves_the_exception_open(
    world: Callable[..., World],
) -> None:
    run = world()
    charge = one_charge(run, units=2)
    over = run.bill_again(charge, "INV-X")
    run.pair.post("amazon", "events/refund", transactionId=over["transactionId"], quantity=1, invoiceNumber="CM-X")
    for day in range(4):
        run.on(3 if day == 0 else 1, f"credit {day}")
    assert (run.outcome("INV-X"), run.status("INV-X")) == ("exception", "on_hold")
    assert {key: row.state for key, row in run.rows("revalidate_invoice").items()} == {"acme/AMZN-US/CM-X": "delivered"}
    assert len(run.comments("INV-X")) == 1


def test_an_amended_order_settles_the_exception_and_coupa_decides_by_itself(
    world: Callable[..., World], ledger: Ledger
) -> None:
    run = world(scenario="quarter", orders="60")
    found = next(
        found for one in run.exceptions().values()
        for found in ledger.findings.of_deliveries([one.id]) if found.kind == "price" and found.breached
    )  # fmt: skip
    number = str(found.document).rsplit("/", 1)[-1]
    billed = next(one for one in run.pair.invoices() if one["invoice-number"] == number)
    line = next(one for one in billed["invoice-lines"] if str(one["line-num"]) == found.line)
    assert billed["status"] == "on_hold"
    run.pair.post("coupa", "events/change_price", **{"order-line-id": line["order-line-id"], "price": line["price"]})
    run.later(0.1, "looks")
    assert run.outcome(number) == "matched"
    assert run.status(number) in ("approved", "pending_approval")
    run.later(0.2, "again")
    _, reply = run.comments(number)
    assert reply.startswith(f"Settled: invoice {number} needs no decision any more, it matches by now.")


def test_where_nothing_changed_an_exception_says_what_it_said_and_nothing_is_written(
    world: Callable[..., World], ledger: Ledger
) -> None:
    run = world(scenario="quarter", orders="60")
    for day in (1, 2, 3):
        run.later(day, f"settles {day}")
    ids = [one.id for one in run.exceptions().values()]
    before, writes = ledger.findings.of_deliveries(ids), run.pair.calls("coupa")["writes_accepted"]
    assert before
    run.later(4, "looks again")
    assert ledger.findings.of_deliveries(ids) == before
    assert run.pair.calls("coupa")["writes_accepted"] == writes


def test_an_integration_error_says_what_differs_by_now_and_is_resolved_in_the_end(
    world: Callable[..., World], rules: Rules, ledger: Ledger
) -> None:
    run = world(with_rule(rules, do=["comment", "integration_error"]))
    charge = one_charge(run)
    run.bill_again(charge, "INV-X")

    def error() -> Json:
        (found,) = run.errors("INV-X")
        return found

    then, mails = error()["responses"][0]["response-message"], len(run.pair.state("coupa", "mails"))
    run.pair.post("coupa", "events/act_on_invoice", **{"invoice-number": charge["invoiceNumber"], "action": "void"})
    run.bill_again(charge, "INV-Y")
    run.bill_again(charge, "INV-Z")
    run.on(1, "looks")
    now = error()["responses"][0]["response-message"]
    told = [one.sentence for one in ledger.findings.of_deliveries([run.exceptions()["INV-X"].id]) if one.breached]
    assert now in told and then not in told and then != now
    assert len(run.comments("INV-X")) == 1
    about = [mail for mail in run.pair.state("coupa", "mails") if mail["external-id"].endswith("/INV-X")]
    assert len(about) == 1 and mails > 0
    assert not error()["resolved"]
    run.pair.post("coupa", "events/act_on_invoice", **{"invoice-number": "INV-X", "action": "abandon"})
    for day in range(3):
        run.on(1, f"abandoned {day}")
    assert error()["resolved"]
