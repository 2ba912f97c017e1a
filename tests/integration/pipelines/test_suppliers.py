"""Sellers become suppliers: real PostgreSQL, a real sandbox over HTTP, and people who decide in Coupa."""

import csv
import io
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from connectors.amazon_business.client import AmazonBusiness
from procurement.errors import IncompleteRun
from procurement.ledger import Ledger
from procurement.ledger.types import Staged
from procurement.pipelines import amazon_suppliers_to_coupa as pipeline
from procurement.pipelines.windows import RunRequest
from procurement.sellers.facts import Bought, SellerFacts
from tests.integration.pipelines.conftest import NOW, SandboxPair, StartSandbox
from tests.integration.pipelines.supplier_runs import LIVE, RULES, SupplierRun, switched
from tests.integration.pipelines.test_crashes import PROGRAM, ROOT

pytestmark = pytest.mark.integration
NEW = {"Pen Traders LLC": "WBE", "Corner Pantry Co": "MBE"}  # sellers that Coupa does not know, and their category
WORDS = ("delivered", "waiting", "held", "skipped", "dead")
Start = Callable[..., SupplierRun]


@pytest.fixture
def start(start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path) -> Start:
    def begin(rollout: str = LIVE, *, ids: str = "equal", **changes: Any) -> SupplierRun:
        pair = start_sandbox("quarter", orders="60", ids=ids)
        return SupplierRun(pair, ledger, switched(mappings_directory, rollout, **changes))

    return begin


def created(pair: SandboxPair) -> list[str]:
    return sorted(one["name"] for one in pair.state("coupa", "supplier_information"))


def known_facts(ledger: Ledger) -> dict[str, SellerFacts]:
    pages = ledger.records.pages("seller", since=NOW.replace(year=1980), size=100)
    return {record.key: SellerFacts.read(record.raw) for page in pages for record in page}


def test_new_sellers_are_taken_on_once_and_followed_until_people_decided(start: Start, ledger: Ledger) -> None:
    run = start()
    before = run.suppliers()
    first = run()
    documents = first["documents"]
    assert documents["seen"] == sum(documents[word] for word in WORDS) == 10
    assert (documents["delivered"], documents["held"], documents["skipped"]) == (4, 2, 4)
    assert created(run.pair) == sorted(NEW)
    for name, category in NEW.items():
        supplier = run.suppliers()[name]
        assert (supplier["status"], supplier["buyer-hold"]) == ("draft", True)
        assert [one["diversity-category"]["code"] for one in supplier["diversities"]] == [category]
        certificate = supplier["diversities"][0]["sim-diversity-certificate-artifacts"][0]
        assert (certificate["description"], certificate["expiry-date"][:10]) == ("Sample Council", "2030-06-30")
        assert supplier["primary-address"]["street1"] == "9 Sample St"
    assert all(one["hold-payment-indicator"] for one in run.pair.state("coupa", "supplier_information"))
    assert {name: run.suppliers()[name] for name in before} == before  # what people entered is as it was
    assert [mail.body["subject"] for mail in run.mails] == [
        "New supplier from Amazon Business: Corner Pantry Co", "New supplier from Amazon Business: Pen Traders LLC",
        "Sellers to review: 1",
    ]  # fmt: skip
    assert "bank account" in run.mails[0].body["text"]

    writes = run.written()
    again = run(**{"from": "2026-04-01", "to": "2026-06-29"})  # what is known, read again
    assert (again["documents"]["delivered"], run.written(), len(run.mails)) == (4, writes, 3)

    run.coupa("enter_supplier_email", name="Pen Traders LLC", email="ann@pens.example")
    run.coupa("reject_supplier", name="Corner Pantry Co")
    third = run()
    assert (third["follow_up"]["invited"], third["follow_up"]["rejected"], run.written()) == (1, 1, writes + 1)
    run.coupa("approve_supplier", name="Pen Traders LLC")
    fourth = run()
    assert (fourth["follow_up"]["approved"], fourth["load"]["delivered"]) == (1, 0)
    fifth = run()
    assert (fifth["follow_up"]["followed"], run.written()) == (0, writes + 1)
    invitations = [mail["to"] for mail in run.pair.state("coupa", "mails") if "Invitation" in mail["subject"]]
    assert invitations == ["ann@pens.example"]
    key = "Pen Traders LLC | 9 Sample St, Reno, NV, 89501, US"
    key = f"sandbox/{key}"
    (known,) = ledger.deliveries.known(pipeline.PIPELINE, "create_supplier", [key]).values()
    assert known.outcome == "approved"
    document = f"{pipeline.PIPELINE}/create_supplier/{key}"
    assert ("decided", "approved") in [(event.kind, event.sentence) for event in ledger.events.of(document)]
    assert ledger.events.verify(document)
    assert ledger.completeness.population(pipeline.PIPELINE).complete


def test_where_amazons_line_ids_differ_sellers_are_known_all_the_same(start: Start, ledger: Ledger) -> None:
    run = start(ids="different")
    documents = run()["documents"]
    assert (documents["delivered"], documents["held"], documents["skipped"]) == (4, 2, 4)
    assert created(run.pair) == sorted(NEW)
    assert all(facts.bought().lines == 0 for key, facts in known_facts(ledger).items() if " | " not in key)


def test_buying_on_from_a_seller_that_people_rejected_is_told_once_and_creates_nothing(
    start: Start, ledger: Ledger
) -> None:
    run = start()
    run.now = NOW.replace(month=5, day=15)
    run(**{"from": "2026-04-01"})
    run.coupa("reject_supplier", name="Corner Pantry Co")
    assert run()["follow_up"]["rejected"] == 1
    assert [entry.seller for entry in pipeline.review_list(ledger, rules=run.rules) if "Pantry" in entry.seller] == []
    run.now, writes = NOW, run.written()
    run()
    (entry,) = [entry for entry in pipeline.review_list(ledger, rules=run.rules) if "Pantry" in entry.seller]
    assert "was rejected" in entry.question and "3 orders" in entry.question
    assert any("3 orders" in mail.body["text"] for mail in run.mails if mail.kind == "supplier_review")
    ledger.dead_letters.replay(entry.key)  # looked at again, and still rejected
    run(**{"from": "2026-04-01", "to": "2026-06-29"})
    (entry,) = [entry for entry in pipeline.review_list(ledger, rules=run.rules) if "Pantry" in entry.seller]
    assert (created(run.pair), run.written()) == (sorted(NEW), writes)
    run.coupa("approve_supplier", name="Corner Pantry Co")
    assert run()["follow_up"]["active_again"] == 1
    assert [entry.seller for entry in pipeline.review_list(ledger, rules=run.rules) if "Pantry" in entry.seller] == []
    assert ledger.completeness.population(pipeline.PIPELINE).complete


def test_a_question_stands_on_the_review_list_until_a_person_decides(
    start: Start, ledger: Ledger, mappings_directory: Path
) -> None:
    run = start()
    first = run()
    (entry,) = pipeline.review_list(ledger, rules=run.rules)
    assert first["to_review"] == 1 and first["review_list"] == [f"{entry.seller}: {entry.question}"]
    assert entry.seller.startswith("Voltline Supply | ") and "may be Coupa's Voltline Supplies" in entry.question
    digests = [mail for mail in run.mails if mail.kind == "supplier_review"]
    (attached,) = digests[0].body["attachments"]
    rows = list(csv.DictReader(io.StringIO(attached["text"])))
    assert [row["seller"] for row in rows] == [entry.seller] and "Bought: " in rows[0]["evidence"]
    run()
    assert len([mail for mail in run.mails if mail.kind == "supplier_review"]) == 1
    run.later(days=7)
    run.pair.post("amazon", "clock", set=run.now.isoformat())
    run()
    assert len([mail for mail in run.mails if mail.kind == "supplier_review"]) == 2

    run.rules = switched(mappings_directory, known_as={"VOLT": ["Voltline Supply"]})
    run()
    assert pipeline.review_list(ledger, rules=run.rules) == []
    fate = ledger.completeness.fates(pipeline.PIPELINE)["Voltline Supply | 9 Sample St, Denver, CO, 80202, US"]
    assert fate[0] == "skipped" and "a person decided" in fate[1]
    assert created(run.pair) == sorted(NEW)


def test_as_shipped_nothing_is_created_and_a_person_releases_or_discards(
    start: Start, ledger: Ledger, mappings_directory: Path
) -> None:
    review = {**RULES, "create": False}
    run = start(onboarding=review, certifications=[])
    run()
    assert (created(run.pair), run.written()) == ([], 0)
    entries = {entry.seller.split(" | ")[0]: entry for entry in pipeline.review_list(ledger, rules=run.rules)}
    words = {
        f"Certificate '{word}'"
        for word in ("Women-Owned Business", "Minority-Owned Business", "Classified Small Business")
    }
    assert set(entries) == {*NEW, "Voltline Supply", *words}
    assert entries["Certificate 'Women-Owned Business'"].evidence == ("Held by Pen Traders LLC.",)
    for key in entries["Corner Pantry Co"].key.split():
        ledger.dead_letters.discard(key, "we do not buy food there")
    run.rules = switched(mappings_directory, onboarding=review, take_on=["Pen Traders LLC"])
    run()
    assert created(run.pair) == ["Pen Traders LLC"]
    left = {entry.seller.split(" | ")[0] for entry in pipeline.review_list(ledger, rules=run.rules)}
    assert left == {"Voltline Supply", *words}
    fate = ledger.completeness.fates(pipeline.PIPELINE)["Corner Pantry Co"]
    assert fate == ("skipped", "discarded: we do not buy food there")


@pytest.mark.parametrize("kind", ["drop_after", "drop_before"])
def test_a_lost_answer_is_asked_for_and_no_supplier_is_created_twice(start: Start, ledger: Ledger, kind: str) -> None:
    run = start()
    run.pair.post("coupa", "faults", kind=kind, operation="create_supplier_information", times=2)
    run()
    time.sleep(1.1)  # beyond the time-out: only then does "not found" count
    run()
    assert created(run.pair) == sorted(NEW)
    assert ledger.completeness.population(pipeline.PIPELINE).complete
    assert len([mail for mail in run.mails if mail.kind == "new_supplier"]) == 2


def test_a_refusal_is_a_dead_letter_with_coupas_words_and_a_storm_of_429_only_a_delay(
    start: Start, ledger: Ledger
) -> None:
    run = start()
    run.pair.post("coupa", "faults", kind="status", operation="create_supplier_information", times=1, status=429)
    run.pair.post("coupa", "faults", kind="status", operation="create_supplier_information", times=1, status=400)
    first = run()
    assert (first["load"]["not_sent"], first["load"]["dead"], first["load"]["delivered"]) == (1, 1, 1)
    (letter,) = ledger.dead_letters.list(states=("dead",), pipeline=pipeline.PIPELINE)
    assert any(mail.kind == "dead_letters" for mail in run.mails)
    ledger.dead_letters.replay(letter.key)
    run()
    assert created(run.pair) == sorted(NEW)


def test_who_was_faster_in_coupa_is_recognised_instead(start: Start, ledger: Ledger) -> None:
    run = start()
    request = RunRequest(dag_id=pipeline.PIPELINE, run_id="first")
    amazon, coupa, opened = run.clients(request)
    pipeline.extract(amazon, ledger, run=opened, rules=run.rules)
    pipeline.transform(amazon, coupa, ledger, run=opened, request=request, rules=run.rules)
    run.coupa("enter_supplier", name="Pen Traders LLC", number="PENS", status="active")
    loaded = pipeline.load(coupa, ledger, run=opened, rules=run.rules, workers=2, seconds=60)
    assert (loaded["delivered"], loaded["stopped_at_gate"]) == (1, 1)
    run()
    assert created(run.pair) == ["Corner Pantry Co"]
    assert ledger.completeness.fates(pipeline.PIPELINE)["Pen Traders LLC"][1].startswith(
        "already in Coupa as Pen Traders LLC"
    )
    assert ledger.completeness.population(pipeline.PIPELINE).complete


@pytest.mark.parametrize(("point", "count"), [("claim", 0), ("outcome", 1)])
def test_a_process_killed_at_any_point_of_a_send_is_finished_by_the_next_run(
    start: Start, ledger: Ledger, database_url: str, mappings_directory: Path, point: str, count: int
) -> None:
    run = start()
    program = textwrap.dedent(PROGRAM).replace("pipelines.killed import", "pipelines.killed_suppliers import")
    command = [
        sys.executable, "-c", program, point, str(count), str(ROOT), run.pair.amazon_url, run.pair.coupa_url, database_url,
        str(mappings_directory),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT}/plugins"}
    killed = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    for _ in range(3):
        time.sleep(1.1)  # beyond the time-out: only then does "not found" count
        run.runs += 1
        if not run()["load"]["unanswered"]:
            break
    assert created(run.pair) == sorted(NEW)
    assert ledger.completeness.population(pipeline.PIPELINE).complete


def test_shadow_and_dry_run_show_and_write_nothing_and_off_reads_nothing(
    start: Start, ledger: Ledger, mappings_directory: Path
) -> None:
    run = start("{mode: shadow}")
    dry = run(dry_run=True, **{"from": "2026-04-01"})
    assert (dry["plans"] > 0, dry["transform"]["would_create"], known_facts(ledger)) == (True, 2, {})
    shadow = run(**{"from": "2026-04-01"})
    assert shadow["documents"]["skipped"] == shadow["documents"]["seen"] > 0
    assert (created(run.pair), run.mails, run.written()) == ([], [], 0)
    shown = ledger.plans.of(ledger.runs.get(pipeline.PIPELINE, "run-2"))
    assert [row["action"] for row in shown if "action" in row] == ["create_supplier", "create_supplier"]
    assert any(row.get("reason", "").startswith("may be Coupa's Voltline Supplies") for row in shown)
    run.rules = switched(mappings_directory, LIVE)
    dry = run(dry_run=True, **{"from": "2026-04-01"})
    assert (dry["transform"]["would_create"], created(run.pair)) == (2, [])
    run.rules = switched(mappings_directory, "{mode: off}")
    off = run()
    assert (off["extract"]["seen"], off["documents"]["seen"], created(run.pair)) == (0, 0, [])
    run.rules = switched(mappings_directory, LIVE)
    run()  # nothing new was bought: what was planned in shadow is never sent later
    assert created(run.pair) == []


def test_windows_that_overlap_count_nothing_twice(start: Start, ledger: Ledger) -> None:
    run = start(onboarding={**RULES, "create": False})
    run(**{"from": "2026-04-01T10:00:00Z", "to": "2026-05-20T13:30:00Z"})
    run(**{"from": "2026-05-10T07:00:00Z", "to": "2026-06-30T11:59:00Z"})
    pieces = known_facts(ledger)
    run(**{"from": "2026-04-01T00:00:00Z"})
    whole = known_facts(ledger)
    assert {key: facts.bought().lines for key, facts in whole.items()} == {
        key: facts.bought().lines for key, facts in pieces.items()
    }
    assert whole["Amazon.com | 9 Sample St, Seattle, WA, 98109, US"].bought().lines > 20


def test_a_seller_whose_street_is_spelled_anew_counts_no_purchase_twice(
    start: Start, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, pages = start(onboarding={**RULES, "create": False}), AmazonBusiness.order_line_pages
    whole = {"from": "2026-04-01", "to": "2026-06-29"}
    run(**whole)
    before = Bought.total(facts.bought() for facts in known_facts(ledger).values())

    def with_suite(*given: Any, **named: Any) -> Iterator[list[dict[str, Any]]]:
        for page in pages(*given, **named):
            for row in page:
                row["seller"]["primaryAddress"]["addressLine2"] = "Suite 200"
            yield page

    monkeypatch.setattr(AmazonBusiness, "order_line_pages", with_suite)
    run(**whole)
    known = known_facts(ledger)
    assert Bought.total(facts.bought() for facts in known.values()) == before
    assert all(bool(facts.bought().lines) == ("Suite 200" in key) for key, facts in known.items() if " | " in key)
    assert ledger.completeness.population(pipeline.PIPELINE).complete


def test_two_runs_that_read_at_once_lose_nothing_of_each_other(start: Start, ledger: Ledger) -> None:
    run = start(onboarding={**RULES, "create": False})

    def read(window: tuple[str, str]) -> int:
        params = dict(zip(("from", "to"), window, strict=True))
        request = RunRequest(dag_id=pipeline.PIPELINE, run_id=f"run-{window[0]}", kind="manual", params=params)
        amazon, _, opened = run.clients(request)
        return int(pipeline.extract(amazon, ledger, run=opened, rules=run.rules)["lines"])

    with ThreadPoolExecutor(2) as pool:
        lines = list(pool.map(read, [("2026-04-01", "2026-05-15"), ("2026-05-15", "2026-06-30")]))
    assert Bought.total(facts.bought() for facts in known_facts(ledger).values()).lines == sum(lines)


def test_a_seller_lost_on_the_way_shows(start: Start, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    run, stage = start(), ledger.records.stage

    def losing(*given: Any, **named: Any) -> Any:
        *rest, rows = given
        return stage(*rest, [row for row in rows if isinstance(row, Staged) and row.key != "Corner Pantry Co"], **named)

    monkeypatch.setattr(ledger.records, "stage", losing)
    with pytest.raises(IncompleteRun, match="Corner Pantry Co"):
        run()
