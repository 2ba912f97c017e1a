"""Once the day to act is over, people are reminded once; the most careful rollout decides; what is not permitted is said once."""

from pathlib import Path
from typing import Any

import pytest

from procurement.ledger import Ledger
from procurement.ledger.types import Notice
from tests.integration.pipelines import conftest
from tests.integration.pipelines.compliance_runs import ComplianceRun, switched
from tests.integration.pipelines.conftest import SandboxPair, StartSandbox
from tests.integration.pipelines.test_purchase_compliance import AT_ONCE, deliveries, screening_rules, writes

pytestmark = pytest.mark.integration
ESCALATED = {"tell: at_once\n  - name: restricted_goods": (
    "tell: at_once\n    escalate_to: [head.of.buying@example.com]\n    escalate_after_days: 2\n  - name: restricted_goods"
)}  # fmt: skip


@pytest.fixture
def pair(start_sandbox: StartSandbox) -> SandboxPair:
    return start_sandbox("quarter", orders="40")


@pytest.fixture
def run(pair: SandboxPair, ledger: Ledger, mappings_directory: Path, tmp_path: Path) -> ComplianceRun:
    return ComplianceRun(pair, ledger, switched(mappings_directory, **AT_ONCE), tmp_path / "leakage")


def mails(run: ComplianceRun, word: str) -> list[Notice]:
    return [mail for mail in run.mails if f"purchase_compliance/{word}/" in mail.key]


def test_nobody_is_reminded_before_the_day_is_over_and_everybody_once_after_it(
    run: ComplianceRun, ledger: Ledger, mappings_directory: Path
) -> None:
    run.rules = switched(mappings_directory, **ESCALATED)
    run()
    around = [one for one in ledger.compliance.open() if one.kind == "no_po"]
    assert around
    run.later(days=3)
    run()
    assert mails(run, "overdue") == [], "on the day itself one may still act"
    run.later(days=1)
    run()
    reminded = mails(run, "overdue")
    for one in around:
        told = [mail for mail in reminded if one.purchase in mail.body["text"] and one.rule in mail.body["text"]]
        assert [mail.body["to"] for mail in told] in ([[one.buyer]], [["compliance.queue@example.com"]])
    assert mails(run, "escalated") == []
    run.later(days=1)
    run()
    assert [mail.key for mail in mails(run, "overdue")] == [mail.key for mail in reminded]
    run.later(days=1)
    run()
    (above,) = mails(run, "escalated")
    assert above.body["to"] == ["head.of.buying@example.com"]
    assert all(one.purchase in above.body["text"] for one in around)
    run.later(hours=1)
    run()
    assert len(mails(run, "escalated")) == 1


def test_readers_of_a_digest_are_reminded_only_when_they_had_their_days_since_it(
    run: ComplianceRun, ledger: Ledger
) -> None:
    run()
    run.later(days=7)
    run()
    digests = [mail for mail in run.mails if mail.kind == "compliance_digest"]
    readers = {address for mail in digests for address in mail.body["to"]}
    weekly = [one for one in ledger.compliance.open() if one.told == "weekly"]
    assert weekly and not [mail for mail in mails(run, "overdue") if set(mail.body["to"]) <= readers]
    run.later(days=4)
    run()
    assert {address for mail in mails(run, "overdue") for address in mail.body["to"]} & readers
    count = len(mails(run, "overdue"))
    run.later(hours=1)
    run()
    assert len(mails(run, "overdue")) == count


def test_what_was_only_reported_and_what_is_switched_off_reminds_nobody(
    pair: SandboxPair, ledger: Ledger, mappings_directory: Path, tmp_path: Path
) -> None:
    rules = switched(
        mappings_directory, "{mode: live, go_live: 2026-04-01}", **{"report_only_days: 30": "report_only_days: 91"}
    )
    run = ComplianceRun(pair, ledger, rules, tmp_path)
    run()
    run.later(days=20)
    run()
    assert ledger.compliance.open() and mails(run, "overdue") == []


def centers(ledger: Ledger) -> set[str]:
    return {one.cost_center for one in ledger.compliance.open() if one.told == "at_once" and one.cost_center}


@pytest.mark.parametrize("entry", ["suppliers: {AMZN-US: {mode: off}}", "suppliers: {AMZN-US: {mode: shadow}}"])
def test_a_more_careful_rule_of_the_supplier_decides_about_orders(
    run: ComplianceRun, pair: SandboxPair, mappings_directory: Path, entry: str
) -> None:
    run.rules = switched(mappings_directory, f"{{mode: live, go_live: 2026-03-01, {entry}}}")
    closed = run()
    assert writes(pair) == {} and run.mails == []
    assert closed["documents"]["skipped"] == closed["documents"]["seen"]


def test_a_more_careful_rule_of_a_cost_center_decides_about_its_orders_alone(
    run: ComplianceRun, pair: SandboxPair, ledger: Ledger, mappings_directory: Path
) -> None:
    run.plan()
    every = {row.key for row in ledger.compliance.open()}
    quiet = sorted(centers(ledger))[0]
    concerned = {row.key for row in ledger.compliance.open() if row.cost_center == quiet}
    assert concerned and concerned != every
    entry = f"cost_centers: {{'{quiet}': {{mode: shadow}}}}"
    run.rules = switched(mappings_directory, f"{{mode: live, go_live: 2026-03-01, {entry}}}")
    run()  # what was planned while the rule was another is asked again before it is sent
    stopped = {key for (_, key), state in told(ledger).items() if state == "skipped"}
    sent = {key for (_, key), state in told(ledger).items() if state == "delivered"}
    assert stopped and stopped <= concerned and sent and not sent & concerned


def told(ledger: Ledger) -> dict[tuple[str, str], str]:
    query = (
        "SELECT action, business_key, state FROM deliveries WHERE action IN ('comment_on_violation', 'alert_violation')"
    )
    with ledger.engine.begin() as connection:
        return {(row[0], row[1]): row[2] for row in connection.exec_driver_sql(query)}


def test_a_requisition_of_a_supplier_that_is_off_is_left_alone(
    start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path, tmp_path: Path
) -> None:
    pair = start_sandbox("buying")
    screening_rules(mappings_directory, pair)
    rollout = "{mode: live, go_live: 2026-03-01, suppliers: {AMZN-US: {mode: off}}}"
    run = ComplianceRun(pair, ledger, switched(mappings_directory, rollout), tmp_path)
    run()
    assert writes(pair) == {}


def test_a_comment_that_is_not_permitted_is_a_dead_letter_the_others_go_on_and_it_is_said_once(
    run: ComplianceRun, pair: SandboxPair, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, mappings_directory: Path
) -> None:
    scopes = conftest.SCOPES
    monkeypatch.setattr(conftest, "SCOPES", scopes.replace("core.comment.write ", ""))
    run()
    counts = deliveries(ledger)
    refused = counts["comment_on_violation", "dead"]
    assert refused > 1 and counts["alert_violation", "delivered"] > 0
    assert not any(state in ("planned", "sending") for _, state in counts)
    letters = [one for one in ledger.dead_letters.list() if "comment_on_violation" in one.document]
    assert {one.error_class for one in letters} == {"permission"}
    (mail,) = mails(run, "permission")
    assert mail.body["text"].count("It needs the scope core.comment.write") == 1
    assert all(one.key in mail.body["text"] for one in letters)
    again_refused(run, ledger, letters[-1].key)
    assert len(mails(run, "permission")) == 1 and not mails(run, "letters")
    monkeypatch.setattr(conftest, "SCOPES", scopes)
    for one in letters:
        ledger.dead_letters.replay(one.key)
    run()
    assert deliveries(ledger)["comment_on_violation", "delivered"] == refused


def again_refused(run: ComplianceRun, ledger: Ledger, key: str) -> None:
    ledger.dead_letters.replay(key)
    run()


def test_an_integration_error_that_is_not_permitted_stops_no_comment(
    run: ComplianceRun, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conftest, "SCOPES", conftest.SCOPES.replace("core.integration.write ", ""))
    run()
    counts: Any = deliveries(ledger)
    assert counts["open_compliance_run", "dead"] == 1 and counts["comment_on_violation", "delivered"] > 0
    (mail,) = mails(run, "permission")
    assert "core.integration.write" in mail.body["text"]
