"""Orders judged against contracts, POs and each other: real PostgreSQL, a real sandbox over HTTP."""

import csv
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from connectors.coupa.client import Coupa
from procurement.ledger import Ledger
from procurement.money import round_to
from procurement.pipelines.purchase_compliance import PIPELINE
from procurement.pipelines.purchase_compliance.actions import actions
from procurement.policies import Rules, read_rules
from procurement.policy_files import Sending
from tests.integration.pipelines import conftest
from tests.integration.pipelines.compliance_runs import AT_ONCE, LIVE, ComplianceRun, switched
from tests.integration.pipelines.conftest import SandboxPair, StartSandbox, connect_coupa

pytestmark = pytest.mark.integration
CENT = Decimal("0.01")
WRITES = ("create_alert_integration_error", "create_purchase_order_comment")
Json = dict[str, Any]


@pytest.fixture
def pair(start_sandbox: StartSandbox) -> SandboxPair:
    return start_sandbox("quarter", orders="40")


@pytest.fixture
def run(pair: SandboxPair, ledger: Ledger, mappings_directory: Path, tmp_path: Path) -> ComplianceRun:
    return ComplianceRun(pair, ledger, switched(mappings_directory, **AT_ONCE), tmp_path / "leakage")


def writes(pair: SandboxPair) -> Json:
    return dict(pair.calls("coupa")["writes"])


def deliveries(ledger: Ledger) -> Counter[tuple[str, str]]:
    query = sa.text("SELECT action, state, count(*) FROM deliveries WHERE pipeline = :pipeline GROUP BY 1, 2")
    with ledger.engine.begin() as connection:
        return Counter({(row[0], row[1]): row[2] for row in connection.execute(query, {"pipeline": PIPELINE})})


def at_amazon(pair: SandboxPair) -> Iterator[Json]:
    """The order lines of the sandbox's own state, with their order's status."""
    status = {row["orderMetadata"]["orderId"]: row["orderStatus"] for row in pair.state("amazon", "orders")}
    for row in pair.state("amazon", "order_lines"):
        yield row | {"status": status[row["orderMetadata"]["orderId"]]}


def goods(rows: Iterator[Json]) -> Decimal:
    lines = ((Decimal(str(row["unitPrice"]["amount"])), row["quantity"]) for row in rows)
    return sum((round_to(price * units, CENT) for price, units in lines), Decimal(0))


def test_what_is_found_lands_in_coupa_once_and_every_cent_is_in_the_leakage_report(
    run: ComplianceRun, pair: SandboxPair, ledger: Ledger
) -> None:
    first = run()
    orders = pair.state("amazon", "orders")
    assert first["extract"]["seen"] == len(orders) and first["documents"]["dead"] == first["documents"]["held"] == 0
    assert Decimal(first["money"]["USD"]["seen"]) == goods(at_amazon(pair))
    found = Counter(one.rule for one in ledger.compliance.open())
    coupa = {order["po-number"] for order in pair.state("coupa", "purchase_orders")}
    around = {
        row["orderMetadata"]["orderId"]
        for row in orders
        if row.get("purchaseOrderNumber") not in coupa and row["orderStatus"] != "CANCELLED"
    }
    assert {one.purchase for one in ledger.compliance.open() if one.kind == "no_po"} == around != set()
    assert found["over_contract_price"] and found["unlisted_seller"]
    sent = writes(pair)
    assert sent["create_alert_integration_error"] == len(around)
    mailed = [mail.body for mail in run.mails if mail.key.startswith(f"{PIPELINE}/told/")]
    assert len(mailed) == len(around) and all("ordered around Coupa" in body["text"] for body in mailed)
    assert sent["create_purchase_order_comment"] == found["over_contract_price"]
    _check_leakage(first["report"], pair, ledger)
    calls = pair.calls("amazon")["by_operation"], pair.calls("coupa")["by_operation"]
    run.later(minutes=15)
    second = run()
    assert (second["extract"]["changed"], second["transform"]["records"], writes(pair)) == (0, 0, sent)
    after = pair.calls("amazon")["by_operation"], pair.calls("coupa")["by_operation"]
    made = [
        {name: sum(one[name].values()) - sum(before.get(name, {}).values()) for name in one}
        for before, one in zip(calls, after, strict=True)
    ]
    assert [{name: count for name, count in one.items() if count and name != "token"} for one in made] == [
        {"getOrderReports": 1}, {"list_requisitions": 1},
    ]  # fmt: skip


def _check_leakage(report: Json, pair: SandboxPair, ledger: Ledger) -> None:
    with Path(report["file"]).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(Decimal(row["total"]) for row in rows) == goods(at_amazon(pair))
    cancelled = goods(row for row in at_amazon(pair) if row["status"] == "CANCELLED")
    assert sum(Decimal(row["cancelled"]) for row in rows) == cancelled > 0
    contracted = {one["supplier-part-num"] for one in pair.state("coupa", "supplier_items") if one.get("contract")}
    off = goods(
        row for row in at_amazon(pair)
        if row["status"] != "CANCELLED" and row["productDetails"]["asin"] not in contracted and row["seller"]["name"] != "Amazon.com"
    )  # fmt: skip
    assert sum(Decimal(row["off_contract"]) for row in rows) == off > 0
    assert Decimal(report["goods"]["USD"]["off_contract"]) == off
    assert (
        sum(Decimal(one["off_contract"].removeprefix("USD ")) for one in report["by_month"]) == off
        and report["by_buyer"]
    )
    assert sum(one["count"] for one in report["open_violations"]) == len(ledger.compliance.open())
    assert not any(one["stopped_before_order"] for one in report["open_violations"])


def test_what_is_over_is_settled_where_it_was_told_and_found_again_is_told_again(
    run: ComplianceRun, pair: SandboxPair, ledger: Ledger, mappings_directory: Path
) -> None:
    run()
    (one, *_) = [row for row in ledger.compliance.open() if row.kind == "no_po"]
    sent = writes(pair)
    waiver = f"waivers:\n  - {{rule: around_coupa, order: {one.purchase}, by: compliance officer, reason: agreed}}\n"
    text = (mappings_directory / "compliance.yml").read_text()
    (mappings_directory / "compliance.yml").write_text(text.replace("waivers: []", waiver, 1))
    run.rules = read_rules(mappings_directory)
    run.later(hours=25)
    run()
    closed = ledger.compliance.known(one.source, [one.key])[one.key]
    assert (closed.closed_because, closed.closed_at) == ("a waiver allows it", run.now)
    after = writes(pair)
    assert after["create_integration_run"] == 1, (
        "the other orders are looked at again, and nothing of them is told again"
    )
    assert (
        after["resolve_integration_error"] == 1
        and after["create_alert_integration_error"] == sent["create_alert_integration_error"]
    )
    run()
    assert writes(pair) == after
    (mappings_directory / "compliance.yml").write_text(text)
    run.rules = read_rules(mappings_directory)
    run(order_ids=[one.purchase])
    assert (
        ledger.compliance.known(one.source, [one.key])[one.key].closed_at == run.now
    )  # unchanged at Amazon: not judged anew
    ledger.records.plan_again([one.record_id])
    run()
    again = ledger.compliance.known(one.source, [one.key])[one.key]
    assert (again.closed_at, again.times) == (None, 2)
    assert writes(pair)["create_alert_integration_error"] == after["create_alert_integration_error"] + 1


def test_a_cancelled_order_ends_its_violations(
    run: ComplianceRun, pair: SandboxPair, ledger: Ledger, mappings_directory: Path
) -> None:
    run.rules = switched(mappings_directory, **{"severity: low": "severity: low\n    tell: at_once"})
    run()  # several rules find one order, and each is told
    several = Counter(row.purchase for row in ledger.compliance.open() if row.po_number is None)
    assert writes(pair)["create_alert_integration_error"] == sum(several.values()) > len(several)
    assert writes(pair)["create_integration_run"] == 1
    (one, *_) = [row for row in ledger.compliance.open() if row.kind == "over_price"]
    with ledger.engine.begin() as connection:
        query = "UPDATE source_versions SET raw = jsonb_set(raw::jsonb, '{order,orderStatus}', '\"CANCELLED\"')::json WHERE record_id = :id"
        connection.execute(sa.text(query), {"id": one.record_id})
    ledger.records.plan_again([one.record_id])
    run()
    closed = ledger.compliance.known(one.source, [one.key])[one.key]
    assert closed.closed_because == "the order was cancelled"
    comments = [row["comments"] for row in pair.state("coupa", "comments") if one.purchase in str(row["comments"])]
    settled = [text for text in comments if text.startswith("Settled: the order was cancelled")]
    assert sum(one.rule in text for text in settled) == 1


@pytest.mark.parametrize("written", [True, False], ids=["after the write", "before the write"])
def test_a_process_that_dies_between_the_two_commits_of_a_send_tells_once(
    run: ComplianceRun, pair: SandboxPair, ledger: Ledger, written: bool
) -> None:
    object.__setattr__(
        run.rules, "policies", run.rules.policies.model_copy(update={"sending": Sending(timeout=1, ask_again_after=0)})
    )
    run.plan()
    action = actions(connect_coupa(pair, ledger))["comment_on_violation"]
    (id, name), *_ = [row for row in ledger.deliveries.due(PIPELINE, 100) if row[1] == "comment_on_violation"]
    permit = action.permit()
    claimed = ledger.deliveries.claim(id)
    assert claimed is not None and claimed.action == name
    if written:
        action.send(claimed, permit)  # and nobody writes down the answer
    ledger.engine.dispose()
    with ledger.engine.begin() as connection:  # the wait before asking is over
        connection.execute(
            sa.text("UPDATE deliveries SET sent_at = sent_at - interval '1 hour' WHERE id = :id"), {"id": id}
        )
        connection.execute(
            sa.text("UPDATE attempts SET sent_at = sent_at - interval '1 hour' WHERE delivery_id = :id"), {"id": id}
        )
    run()
    posted = [
        row["comments"] for row in pair.state("coupa", "comments") if claimed.payload["marker"] in str(row["comments"])
    ]
    assert len(posted) == 1
    assert {state for _, state in deliveries(ledger)} == {"delivered"}


def test_a_process_that_dies_before_its_plan_is_kept_still_tells_everybody(
    run: ComplianceRun, pair: SandboxPair, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(ledger.planning, "keep", die)
        run.plan()
    around = [one for one in ledger.compliance.open() if one.kind == "no_po"]
    assert around and run.mails == [], "registered, and nobody was told yet"
    run()
    told = [mail.body for mail in run.mails if mail.key.startswith(f"{PIPELINE}/told/")]
    assert sorted(body["to"][0] for body in told) == sorted(one.buyer for one in around)
    assert writes(pair)["create_alert_integration_error"] == len(around)


def test_an_answer_that_is_lost_is_asked_for_and_a_refusal_is_a_dead_letter(
    run: ComplianceRun, pair: SandboxPair, ledger: Ledger
) -> None:
    object.__setattr__(
        run.rules,
        "policies",
        run.rules.policies.model_copy(update={"sending": Sending(timeout=1, ask_again_after=0, patience=5)}),
    )
    pair.post("coupa", "faults", operation="create_purchase_order_comment", kind="drop_after", times=1)
    pair.post("coupa", "faults", operation="create_integration_run", kind="status", status=429, times=1)
    pair.post("coupa", "faults", operation="create_alert_integration_error", kind="status", status=400, times=1)
    run()
    run()
    counts = deliveries(ledger)
    assert (
        counts["alert_violation", "dead"] == 1
        and counts["comment_on_violation", "delivered"] == writes(pair)["create_purchase_order_comment"]
    )
    assert not any(state in ("planned", "sending") for _, state in counts)


def test_in_the_first_days_nobody_is_written_to_and_nothing_of_it_is_written_later(
    pair: SandboxPair, ledger: Ledger, mappings_directory: Path, tmp_path: Path
) -> None:
    rules = switched(
        mappings_directory, "{mode: live, go_live: 2026-04-01}", **{"report_only_days: 30": "report_only_days: 91"}
    )
    run = ComplianceRun(pair, ledger, rules, tmp_path)
    run()  # on the 90th day
    found = ledger.compliance.open()
    assert found and {one.told for one in found} == {"report_only"} and writes(pair) == {} and run.mails == []
    run.later(days=7)  # another week, and the days are over
    run()
    assert not set(writes(pair)) & set(WRITES)
    digests = [mail for mail in run.mails if mail.kind == "compliance_digest"]
    assert {address for mail in digests for address in mail.body["to"]} == {
        "procurement.compliance@example.com", "it.category@example.com", "lab.category@example.com",
    }  # fmt: skip
    assert all("report-only" in mail.body["text"] for mail in digests)
    run()
    assert len([mail for mail in run.mails if mail.kind == "compliance_digest"]) == len(digests)


def test_shadow_and_a_dry_run_show_what_would_be_written_and_off_does_nothing(
    pair: SandboxPair, ledger: Ledger, mappings_directory: Path, tmp_path: Path
) -> None:
    run = ComplianceRun(pair, ledger, switched(mappings_directory, "{mode: off}", **AT_ONCE), tmp_path)
    assert run()["transform"]["records"] == 0
    shown = run(dry_run=True, **{"from": "2026-03-01"})["transform"]
    assert shown["violations"] and ledger.compliance.open() == [] and writes(pair) == {}
    run.rules = switched(mappings_directory, "{mode: shadow, go_live: 2026-03-01}")
    closed = run()
    assert closed["transform"]["violations"] == shown["violations"] and writes(pair) == {}
    assert closed["reasons"] == {"skipped: shadow: planned, not sent": closed["documents"]["seen"]}
    (previews,) = [rows for id in (3,) if (rows := ledger.plans.of(ledger.runs.get(PIPELINE, f"run-{id}")))]
    assert any(write["action"] == "comment_on_violation" for row in previews for write in row["writes"])
    run.rules = switched(mappings_directory, LIVE)
    run()
    assert writes(pair) == {}, "what shadow found is never written later"


def screening_rules(directory: Path, pair: SandboxPair) -> tuple[Rules, list[int]]:
    """Two requisitions that wait: the first one's article is blocked, the second one's is routed to the catalog's administrator."""
    waiting = [row for row in pair.state("coupa", "requisitions") if row["status"] == "pending_approval"][:2]
    blocked, routed = (row["requisition-lines"][0]["source-part-num"] for row in waiting)
    assert blocked != routed
    severe = "severity: high\n    action: block\n    before_order: true\n    tell: at_once"
    rule = (
        f'asins: ["{blocked}"]\n    {severe}\n  - name: asked_first\n    kind: restricted\n    asins: ["{routed}"]\n'
        "    action: route\n    approver: catalog.admin\n    before_order: true"
    )
    changes = {
        **AT_ONCE, "reject_pending_approvals: false": "reject_pending_approvals: true", f"asins: []\n    {severe}": rule,
    }  # fmt: skip
    return switched(directory, **changes), [row["id"] for row in waiting]


def test_requisitions_in_approval_are_stopped_or_routed_before_anything_is_ordered(
    start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path, tmp_path: Path
) -> None:
    pair = start_sandbox("buying")
    rules, (first, second) = screening_rules(mappings_directory, pair)
    run = ComplianceRun(pair, ledger, rules, tmp_path)
    shown = run(dry_run=True, **{"from": "2026-03-01"})
    assert shown["plans"] and not set(writes(pair)), "a dry run shows requisitions, too, and writes nothing"
    previews = ledger.plans.of(ledger.runs.get(PIPELINE, "run-1"))
    assert {write["action"] for row in previews if "requisition" in row["document"] for write in row["writes"]} >= {
        "reject_approval",
        "add_approver",
    }
    run()
    state = {row["id"]: row for row in pair.state("coupa", "requisitions")}
    assert (state[first]["status"], state[second]["status"]) == ("draft", "pending_approval")
    assert "is restricted" in state[first]["reject-reason-comment"]
    assert "catalog.admin" in approvers(connect_coupa(pair, ledger), second)
    waiting = {row.purchase: row for row in ledger.compliance.open_from("coupa/acme")}
    assert set(waiting) == {f"requisition {first}", f"requisition {second}"}
    row = waiting[f"requisition {second}"]
    assert (row.rule, row.action, row.currency) == ("asked_first", "route", "USD")
    assert row.amount > 0 and row.cost_center and row.buyer and "is restricted" in row.sentence
    sent = writes(pair)
    run()
    assert writes(pair) == sent
    assert ledger.compliance.open_from("coupa/acme") == [row], "one a cause, and the rejected one is over"
    over = waiting[f"requisition {first}"]
    assert ledger.compliance.known(over.source, [over.key])[over.key].closed_because == "the requisition is draft"


@pytest.mark.parametrize("mode", ["off", "shadow"])
def test_a_requisition_of_an_account_that_is_not_live_is_left_alone_though_another_is(
    start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path, tmp_path: Path, mode: str
) -> None:
    pair = start_sandbox("buying")
    screening_rules(mappings_directory, pair)
    rollout = f"{{mode: live, go_live: 2026-03-01, accounts: {{sandbox: {{mode: {mode}}}}}}}"
    run = ComplianceRun(pair, ledger, switched(mappings_directory, rollout), tmp_path)
    run()
    assert writes(pair) == {}


def test_where_the_integration_user_may_not_reject_a_person_is_told_and_the_rest_goes_on(
    start_sandbox: StartSandbox,
    ledger: Ledger,
    mappings_directory: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pair = start_sandbox("buying")
    rules, (first, second) = screening_rules(mappings_directory, pair)
    monkeypatch.setattr(conftest, "SCOPES", conftest.SCOPES.replace("core.approval.write ", ""))
    closed = ComplianceRun(pair, ledger, rules, tmp_path)()
    state = {row["id"]: row for row in pair.state("coupa", "requisitions")}
    assert state[first]["status"] == "pending_approval" and closed["documents"]["dead"] == 1
    (letter,) = ledger.dead_letters.list()
    assert letter.error_class == "permission" and "core.approval.write" in str(letter.reason)
    assert "catalog.admin" in approvers(connect_coupa(pair, ledger), second)


def approvers(coupa: Coupa, requisition: int) -> set[str]:
    return {row["approver"]["login"] for page in coupa.approvals("RequisitionHeader", [requisition]) for row in page}
