"""Exceptions are routed, settled and escalated: real PostgreSQL, real HTTP, Coupa's own approvals and integration errors."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.coupa.client import Coupa
from procurement.clock import FixedClock
from procurement.ledger import Ledger
from procurement.ledger.types import Claimed, Known, Peeked
from procurement.pipelines.amazon_invoices_to_coupa import (
    PIPELINE,
    close,
    extract,
    follow_up,
    load,
    open_run,
    rematch,
    transform,
    watch_due_dates,
)
from procurement.pipelines.amazon_invoices_to_coupa.actions import actions
from procurement.pipelines.windows import RunRequest
from procurement.policies import Rules, read_rules
from procurement.routing import RouteRule
from sandbox.scenarios.people import PEOPLE, person_by_email
from tests.integration.pipelines.conftest import (
    NOW,
    InvoiceRun,
    SandboxPair,
    StartSandbox,
    connect_amazon,
    connect_coupa,
)

pytestmark = pytest.mark.integration
Json = dict[str, Any]


class Routed(InvoiceRun):
    """The steps as the DAG calls them, `follow_up` among them."""

    def __call__(self, run_id: str, *, kind: str = "manual", **params: object) -> Json:
        request = RunRequest(dag_id=PIPELINE, run_id=run_id, kind=kind, params=params)
        amazon, coupa = connect_amazon(self.pair, self.ledger), connect_coupa(self.pair, self.ledger)
        run = open_run(self.ledger, request, rules=self.rules, clock=FixedClock(self.now))
        extract(amazon, self.ledger, run=run)
        transform(amazon, coupa, self.ledger, run=run, request=request, rules=self.rules)
        rematch(coupa, self.ledger, run=run, rules=self.rules)
        followed = follow_up(coupa, self.ledger, run=run, rules=self.rules)
        load(coupa, self.ledger, run=run, rules=self.rules, workers=4, seconds=60)
        watched = watch_due_dates(amazon, coupa, self.ledger, run=run, rules=self.rules)
        closed = close(self.ledger, run=run, rules=self.rules, send_mail=self.mails.append)
        return {**followed, **watched, **closed}

    def later(self, days: float, run_id: str) -> Json:
        self.now = NOW + timedelta(days=days)
        return self(run_id, kind="asset_triggered")

    def exceptions(self) -> dict[str, Known]:
        """By invoice number."""
        return {
            one.business_key.rsplit("/", 1)[-1]: one
            for one in self.ledger.deliveries.list_by_outcome(PIPELINE, "exception")
        }

    def status(self, number: str) -> str:
        return next(str(one["status"]) for one in self.pair.invoices() if one["invoice-number"] == number)

    def comments(self, number: str) -> list[str]:
        return [one["comments"] for one in self.pair.state("coupa", "comments") if f" {number} " in one["comments"]]

    def open_exception(self, *statuses: str) -> str:
        """The number of one that Coupa holds."""
        return next(number for number in self.exceptions() if self.status(number) in (statuses or ("on_hold",)))

    def delivered(self, action: str) -> dict[str, Known]:
        keys = [one.business_key for one in self.exceptions().values()]
        return self.ledger.deliveries.known(PIPELINE, action, keys)


@pytest.fixture
def pair(start_sandbox: StartSandbox) -> SandboxPair:
    return start_sandbox("quarter", orders="60")


@pytest.fixture
def wide(start_sandbox: StartSandbox) -> SandboxPair:
    """Enough purchases for exceptions that Coupa lets pass."""
    return start_sandbox("quarter", orders="150")


def with_rule(rules: Rules, disputable: Sequence[str] = (), **rule: Any) -> Rules:
    """The shipped rules, every exception by this one rule."""
    one = RouteRule.model_validate({"owner": "ap.lead", **rule})
    return replace(rules, routing=replace(rules.routing, rules=(one,), disputable=frozenset(disputable)))


def routed(pair: SandboxPair, ledger: Ledger, rules: Rules) -> Routed:
    run = Routed(pair, ledger, rules)
    run("first")
    return run


def test_an_exception_has_one_comment_with_owner_and_day_and_one_closing_reply(
    pair: SandboxPair, ledger: Ledger, rules: Rules
) -> None:
    run = routed(pair, ledger, rules)
    number = run.open_exception()
    (told,) = run.comments(number)
    assert told.startswith("@[User:") and "needs a decision by 2026-07-0" in told
    pair.post("coupa", "events/act_on_invoice", **{"invoice-number": number, "action": "abandon"})
    run.later(0.1, "looks")
    run.later(0.2, "replies")
    run.later(0.3, "again")
    first, reply = run.comments(number)
    assert first == told
    assert reply.startswith(f"Settled: invoice {number} needs no decision any more, Coupa shows it as abandoned.")


def test_what_coupa_approved_is_closed_and_what_is_open_is_not(wide: SandboxPair, ledger: Ledger, rules: Rules) -> None:
    run = routed(wide, ledger, rules)
    run.later(0.1, "looks")
    run.later(0.2, "replies")
    closed = run.delivered("close_exception")
    assert closed
    for number, one in run.exceptions().items():
        assert (one.business_key in closed) is (run.status(number) == "approved"), number
        assert len(run.comments(number)) <= 2


def test_matched_invoices_are_left_to_coupas_own_approval(pair: SandboxPair, ledger: Ledger, rules: Rules) -> None:
    routed(pair, ledger, with_rule(rules, do=["comment", "add_approver"], approver="ap.clerk"))
    called = pair.calls("coupa")["by_operation"]
    assert not any("bypass" in name for name in called)
    matched = {one.target_id for one in ledger.deliveries.list_by_outcome(PIPELINE, "matched")}
    spoken = {str(one["commentable-id"]) for one in pair.state("coupa", "comments")}
    asked = {str(one["approvable-id"]) for one in by_hand(pair)}
    assert matched and not matched & (spoken | asked)


def by_hand(pair: SandboxPair) -> list[Json]:
    return [one for one in pair.state("coupa", "approvals") if one["type"] == "UserApproval"]


def test_an_approver_is_added_once_where_coupa_still_asks_somebody(
    wide: SandboxPair, ledger: Ledger, rules: Rules
) -> None:
    run = routed(wide, ledger, with_rule(rules, do=["comment", "add_approver"], approver="ap.clerk"))
    run.later(0.1, "again")
    added = by_hand(wide)
    assert added and len({one["approvable-id"] for one in added}) == len(added)
    rows = run.delivered("add_approver")
    assert {row.state for row in rows.values()} == {"delivered", "skipped"}
    for number, one in run.exceptions().items():
        if run.status(number) == "approved":
            assert "no approver can be added" in str(rows[one.business_key].reason)


def test_a_dispute_gives_its_reason_where_the_supplier_takes_disputes(
    pair: SandboxPair, ledger: Ledger, rules: Rules
) -> None:
    rule = {"do": ["comment", "dispute"], "dispute_reason": "INCORRECT-PRICE"}
    run = routed(pair, ledger, with_rule(rules, ["AMZN-US"], **rule))
    disputed = [one for one in pair.invoices() if one["status"] == "disputed"]
    assert disputed and all(one["dispute-reasons"] == ["INCORRECT-PRICE"] for one in disputed)
    assert all("To send on to the supplier" not in text for one in disputed for text in run.comments(one["invoice-number"]))  # fmt: skip


def test_amazon_gets_no_dispute_but_the_comment_has_a_message_ready(
    pair: SandboxPair, ledger: Ledger, rules: Rules
) -> None:
    rule = {"do": ["comment", "dispute"], "dispute_reason": "INCORRECT-PRICE"}
    run = routed(pair, ledger, with_rule(rules, **rule))
    assert not [one for one in pair.invoices() if one["status"] == "disputed"]
    for number in run.exceptions():
        (text,) = run.comments(number)[:1]
        assert f"To send on to the supplier: “About your invoice {number} of " in text
        assert "allowed" not in text.split("To send on to the supplier")[1]


def test_an_integration_error_and_a_task_stand_until_the_invoice_is_settled(
    pair: SandboxPair, ledger: Ledger, rules: Rules
) -> None:
    chosen = with_rule(rules, do=["comment", "task", "integration_error"], task={"group": "Accounts payable"})
    chosen = replace(chosen, routing=replace(chosen.routing, task_done="finished"))
    run = routed(pair, ledger, chosen)
    number = run.open_exception()
    one = run.exceptions()[number]

    def error() -> Json:
        (found,) = [row for row in pair.state("coupa", "integration_errors") if row["external-id"] == one.business_key]
        return dict(found)

    assert str(error()["document-id"]) == one.target_id
    assert error()["responses"][0]["response-message"] in run.comments(number)[0]
    assert not error()["resolved"]
    assert any(mail["external-id"] == one.business_key for mail in pair.state("coupa", "mails"))
    pair.post("coupa", "events/act_on_invoice", **{"invoice-number": number, "action": "abandon"})
    run.later(0.1, "looks")
    run.later(0.2, "resolves")
    run.later(0.3, "again")
    assert error()["resolved"]
    told, done = tasks(pair, number), {one["title"]: one["status"] for one in pair.state("coupa", "tasks")}
    assert (told["percentage"], told["status"], told["linkable-type"]) == (100, "finished", "UserGroup")
    assert told["resolved-at"] and told["due-date"].startswith("2026-07-0") and told["owner"]["login"] == "ap.lead"
    gravest = ledger.findings.of_deliveries([one.id])[0]  # as the match orders them
    assert gravest.breached and told["description"].startswith(gravest.sentence)
    assert len(done) == len(run.exceptions()) and None in done.values()
    held = run.open_exception()
    assert tasks(pair, held)["resolved-at"] is None
    still = [row for row in pair.state("coupa", "integration_errors") if row["external-id"].endswith(f"/{held}")]
    assert [row["resolved"] for row in still] == [False]


def tasks(pair: SandboxPair, number: str) -> Json:
    """The one task about an invoice."""
    (found,) = [row for row in pair.state("coupa", "tasks") if f" {number} " in row["title"]]
    return dict(found)


def test_what_was_written_is_found_again_by_asking(pair: SandboxPair, ledger: Ledger, rules: Rules) -> None:
    """After a crash the target is asked: each write knows itself again, and knows what was never written."""
    steps = ["comment", "add_approver", "task", "integration_error"]
    chosen = with_rule(rules, do=steps, approver="ap.clerk", task={"group": "Accounts payable"})
    run = routed(pair, ledger, chosen)
    one = run.exceptions()[run.open_exception()]
    coupa = connect_coupa(pair, ledger)
    known = {
        name: run.delivered(name)[one.business_key]
        for name in (
            "submit_invoice",
            "comment_on_invoice",
            "add_approver",
            "create_task",
            "open_exception_run",
            "alert_exception",
        )
    }
    sent = actions(coupa)

    def asked(name: str, after: str) -> Any:
        payload = ledger.deliveries.payloads([known[name].id])[known[name].id]
        return sent[name].ask(Claimed(known[name].id, name, one.business_key, dict(payload), 1, known[after].target_id))

    assert asked("add_approver", "submit_invoice").ours
    task = asked("create_task", "submit_invoice")
    assert task.ours and task.target_id == known["create_task"].target_id
    assert asked("alert_exception", "open_exception_run").target_id == known["alert_exception"].target_id
    assert sent["open_exception_run"].ask(claim("open_exception_run", {})) is None
    error, in_run = int(str(known["alert_exception"].target_id)), known["alert_exception"].facts["run"]
    resolve = claim("resolve_exception", {"error": error, "run": in_run})
    assert sent["resolve_exception"].ask(resolve) is None
    coupa.resolve_integration_error(error, coupa.permit("resolve_integration_error"))
    found = sent["resolve_exception"].ask(resolve)
    assert found is not None and found.ours
    dispute = claim("dispute_invoice", {}, after=known["submit_invoice"].target_id)
    assert sent["dispute_invoice"].ask(dispute) is None
    dispute_by_hand(coupa, int(str(one.target_id)))
    found = sent["dispute_invoice"].ask(dispute)
    assert found is not None and found.ours


def claim(action: str, payload: Json, *, after: str | None = None) -> Claimed:
    return Claimed(1, action, "key", payload, 1, after)


def dispute_by_hand(coupa: Coupa, invoice: int) -> None:
    body = {"dispute-reason": {"code": "INCORRECT-PRICE"}, "comment": "x"}
    coupa.act_on_invoice(invoice, "dispute", coupa.permit("act_on_invoice"), body)


def test_nobody_is_asked_twice_by_hand(pair: SandboxPair, ledger: Ledger, rules: Rules) -> None:
    run = routed(pair, ledger, with_rule(rules, do=["comment", "add_approver"], approver="ap.clerk"))
    one = run.exceptions()[run.open_exception()]
    gated: Any = actions(connect_coupa(pair, ledger))["add_approver"]
    peeked = Peeked(1, "add_approver", one.business_key, {"login": "ap.clerk"}, "h", 0, one.target_id, {"status": "on_hold"})  # fmt: skip
    stop = gated.gate(peeked)
    assert stop is not None and stop.state == "skipped" and "asked by Coupa already" in stop.reason
    assert gated.gate(replace(peeked, payload={"login": "ap.lead"})) is None


def test_what_nobody_settles_is_escalated_by_mail_once_a_step_and_listed_every_day(
    pair: SandboxPair, ledger: Ledger, rules: Rules
) -> None:
    chosen = with_rule(rules, owner="requester", escalate_after_days=4, escalate_to=["manager", "ap.lead"])
    run = routed(pair, ledger, chosen)
    number = run.open_exception()

    def mails(kind: str) -> list[Any]:
        return [mail for mail in run.mails if mail.kind == kind and number in mail.body["text"]]

    for day in (1, 3.4):
        run.later(day, f"day {day}")
    assert not mails("escalation") and not mails("waiting")
    run.later(4.1, "first step")
    run.later(4.2, "first step, once")
    (first,) = mails("escalation")
    assert first.body["to"] == [manager_of(run, number)]
    run.later(8.1, "second step")
    run.later(30, "no further step")
    escalated = mails("escalation")
    assert len(escalated) == 2 and escalated[1].body["to"] == ["ap.lead@example.com"]
    assert [mail.key[-10:] for mail in mails("waiting")] == ["2026-07-04", "2026-07-08", "2026-07-30"]
    assert "waits 8 days for a decision" in mails("waiting")[1].body["text"]
    assert len(run.comments(number)) == 1


def manager_of(run: Routed, number: str) -> str:
    requester = person_by_email(ledger_payload(run, number)["route"]["requester"])
    assert requester is not None
    return next(one.email for one in PEOPLE if one.login == requester.manager)


def ledger_payload(run: Routed, number: str) -> Json:
    row = run.delivered("comment_on_invoice")[run.exceptions()[number].business_key]
    return dict(run.ledger.deliveries.payloads([row.id])[row.id])


def test_nothing_that_waits_is_missing_from_the_daily_mail(pair: SandboxPair, ledger: Ledger, rules: Rules) -> None:
    run = routed(pair, ledger, rules)
    summary = run.later(60, "two months later")
    waiting = [one for one in ledger.deliveries.list_by_outcome(PIPELINE, "waiting_for_receipt") if one.claimed]
    (daily,) = [mail for mail in run.mails if mail.kind == "waiting"]
    population = ledger.completeness.population(PIPELINE).documents
    assert summary["late"] == summary["waiting"] > len(waiting) > 0
    assert population.held + population.dead > 0
    assert "for a goods receipt" in daily.body["text"] and "for a decision" in daily.body["text"]


def test_where_the_two_verdicts_differ_it_is_a_finding_that_says_both(
    wide: SandboxPair, ledger: Ledger, rules: Rules
) -> None:
    run = routed(wide, ledger, rules)
    approved = [one for number, one in run.exceptions().items() if run.status(number) == "approved"]
    held = [one for number, one in run.exceptions().items() if run.status(number) == "on_hold"]
    assert approved and held
    for one in approved:
        (finding,) = differing(ledger, one)
        assert "we find an exception, Coupa lets it pass (approved)" in finding
    assert not any(differing(ledger, one) for one in held)


def differing(ledger: Ledger, one: Known) -> list[str]:
    return [
        finding.sentence for finding in ledger.findings.of_deliveries([one.id]) if finding.kind == "verdicts_differ"
    ]


def test_the_verdict_of_a_waiting_invoice_is_compared_again_when_its_receipt_comes(
    pair: SandboxPair, ledger: Ledger, rules: Rules
) -> None:
    run = routed(pair, ledger, rules)
    one = next(
        row for row in ledger.deliveries.list_by_outcome(PIPELINE, "waiting_for_receipt")
        if row.claimed and run.status(row.business_key.rsplit("/", 1)[-1]) == "pending_receipt"
    )  # fmt: skip
    number = one.business_key.rsplit("/", 1)[-1]
    assert not differing(ledger, one)
    billed = next(row for row in pair.invoices() if row["invoice-number"] == number)
    for line in billed["invoice-lines"]:
        pair.post("coupa", "events/receive", **{"order-line-id": line["order-line-id"], "quantity": line["quantity"]})
    run.later(0.1, "woken")
    outcome = ledger.deliveries.known(PIPELINE, "create_invoice", [one.business_key])[one.business_key].outcome
    submitted = ledger.deliveries.known(PIPELINE, "submit_invoice", [one.business_key])[one.business_key]
    assert outcome in ("matched", "within_tolerance")
    assert submitted.facts["verdict"]["status"] == submitted.facts["status"] == run.status(number) != "pending_receipt"
    assert bool(differing(ledger, one)) is (run.status(number) == "on_hold")


def test_looking_again_makes_no_calls_of_its_own(pair: SandboxPair, ledger: Ledger, rules: Rules) -> None:
    run = routed(pair, ledger, rules)
    run.later(0.1, "settles")
    request = RunRequest(dag_id=PIPELINE, run_id="alone", kind="asset_triggered")
    opened = open_run(ledger, request, rules=rules, clock=FixedClock(run.now))
    before = pair.calls("coupa")["by_operation"]
    follow_up(connect_coupa(pair, ledger), ledger, run=opened, rules=rules)
    assert pair.calls("coupa")["by_operation"] == before


def test_switched_off_or_in_a_dry_run_nobody_is_told(
    pair: SandboxPair, ledger: Ledger, rules: Rules, tmp_path: Path
) -> None:
    routed(pair, ledger, rules)
    folder = tmp_path / "off"
    shutil.copytree(
        Path(__file__).parents[3] / "mappings", folder, ignore=shutil.ignore_patterns("*.py", "__pycache__")
    )
    off = read_rules(folder)
    coupa = connect_coupa(pair, ledger)
    for run_id, chosen, params in (("off", off, {}), ("dry", rules, {"dry_run": True})):
        request = RunRequest(dag_id=PIPELINE, run_id=run_id, kind="manual", params=params)
        opened = open_run(ledger, request, rules=chosen, clock=FixedClock(NOW + timedelta(days=90)))
        assert follow_up(coupa, ledger, run=opened, rules=chosen)["escalated"] == 0
    assert not [notice for notice in ledger.notices.pending() if notice.kind in ("escalation", "waiting")]
