"""The catalog over real HTTP and PostgreSQL: what differs is written once, what is a person's waits, nothing is lost."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from procurement.ledger import Ledger
from procurement.pipelines.amazon_catalog_to_coupa import PIPELINE
from tests.integration.pipelines.catalog_runs import (
    BATTERIES,
    GLOVES,
    GONE,
    LABELS,
    MARKERS,
    NOTES,
    PAPER,
    PENS,
    PRINTER,
    TOWELS,
    CatalogRun,
    prices,
    switched,
)
from tests.integration.pipelines.conftest import SandboxPair, StartSandbox
from tests.integration.pipelines.test_crashes import PROGRAM, ROOT

pytestmark = pytest.mark.integration


@pytest.fixture
def pair(start_sandbox: StartSandbox) -> SandboxPair:
    return start_sandbox("quarter", orders="4")


@pytest.fixture
def run(pair: SandboxPair, ledger: Ledger, mappings_directory: Path) -> CatalogRun:
    return CatalogRun(pair, ledger, switched(mappings_directory))


def test_what_differs_is_written_once_and_what_is_a_persons_waits(run: CatalogRun) -> None:
    before = run.prices()
    theirs = [one for one in run.pair.state("coupa", "supplier_items") if one["supplier"]["number"] == "NSOP"]
    first = run()
    shown, items = run.prices(), run.items()

    # added: from a list of catalog.yml, with an item of its own, under the contract
    added = shown[BATTERIES]
    assert (added["price"], added["contract"]["number"], added["item"]["item-number"]) == (
        "38.75",
        "C-AB-2026",
        f"AMZN-{BATTERIES}",
    )
    assert added["catalog"]["name"] == "Amazon Business contract items"
    assert items[f"AMZN-{BATTERIES}"]["commodity"]["name"] == "Power and Batteries"
    # changed, field by field: one price; of the gloves the last tier
    assert (before[PAPER]["price"], shown[PAPER]["price"]) == ("44.95", "46.80")
    assert (shown[GLOVES]["price"], shown[GLOVES]["price-tier-2"], shown[GLOVES]["price-tier-3"]) == (
        "13.95",
        "13.25",
        "12.40",
    )
    # held or left alone
    for asin in (PENS, NOTES, PRINTER, LABELS, MARKERS, TOWELS, GONE):
        assert shown[asin] == before[asin]
    assert items["ITM-1004"]["name"] == "Label printer"
    after = [one for one in run.pair.state("coupa", "supplier_items") if one["supplier"]["number"] == "NSOP"]
    assert after == theirs

    fates = run.fates()
    assert fates[NOTES] == ("held", "price: 12.49 → 15.29 USD (+22.4 %) is over the limit")
    assert fates[MARKERS][0] == fates[TOWELS][0] == "held"
    assert fates[GONE] == ("waiting", "Amazon does not know it: missing in 1 of 3 complete runs")
    assert fates[PENS] == ("skipped", "Coupa says the same")
    documents = first["documents"]
    assert documents["seen"] == sum(documents[word] for word in ("delivered", "waiting", "held", "skipped", "dead"))
    kinds = {one.kind for one in run.ledger.findings.of_run(run.ledger.runs.get(PIPELINE, "run-1"))}
    assert kinds == {"currency_changed", "unit_differs", "tiers_without_term"}

    summary, held = (next(one for one in run.mails if f"/{word}" in one.key) for word in ("summary", "held"))
    assert summary.body["subject"] == "Catalog of 2026-06-30: 1 added, 2 changed, 0 removed, 3 held, 0 failed"
    assert summary.body["summary"]["price_moves"] == {"down, 1 to 5 %": 1, "up, 1 to 5 %": 1}
    assert held.body["to"] == ["catalog.admin@example.com"]
    assert "12.49 → 15.29 USD" in held.body["text"] and NOTES in held.body["attachments"][0]["text"]

    written = run.writes()
    run()
    assert run.writes() == written, "a run without news writes nothing"


def test_a_released_price_is_written_and_may_go_there_and_back_and_there_again(run: CatalogRun) -> None:
    run()
    released = run(scope="released", release=[NOTES.lower()])
    assert (prices(run)[NOTES], released["documents"]["seen"]) == ("15.29", 1)
    assert run.fates()[NOTES] == ("delivered", "")
    offer = run.offer_of(PAPER)
    for price in ("45.00", "46.80", "45.00"):
        run.amazon("reprice_offer", offerId=offer, price=price)
        run()
        assert prices(run)[PAPER] == price
    known = run.ledger.deliveries.of_keys_like(PIPELINE, "update_supplier_item", [f"AMZN-US/{PAPER}/"])
    assert [(one.business_key.rpartition("/")[2], one.state) for one in known] == [
        (str(n), "delivered") for n in (1, 2, 3, 4)
    ]


def test_a_release_accepts_the_price_that_was_seen_and_holds_what_amazon_asks_by_then(run: CatalogRun) -> None:
    run()
    [held] = [one for one in run.mails if "/held" in one.key]
    assert f"{NOTES}=15.29" in held.body["text"]
    run.amazon("reprice_offer", offerId=run.offer_of(NOTES), price="1052.90")
    for typed in (NOTES, f"{NOTES}=15.29"):
        run(scope="released", release=[typed])
        assert prices(run)[NOTES] == "12.49"
        assert run.fates()[NOTES][0] == "held"
        again = [one for one in run.mails if "/held" in one.key][-1]
        assert f"{NOTES}=1052.9 " in again.body["text"] and MARKERS not in again.body["text"], (
            "the owner sees it at once"
        )
    assert run.fates()[NOTES][1].endswith("is over the limit; released was 15.29")
    run(scope="released", release=[f"{NOTES}=1052.9"])
    assert prices(run)[NOTES] == "1052.90"


def test_what_is_missing_goes_after_three_nights_and_is_not_deleted(run: CatalogRun) -> None:
    run(kind="manual", scope="requisitions")
    assert GONE not in run.fates(), "the small scope judges nothing"
    for _ in range(2):
        run()
        assert run.prices()[GONE]["preferred"] is True
    run()
    row = next(one for one in run.pair.state("coupa", "supplier_items") if one["supplier-part-num"] == GONE)
    assert row["preferred"] is False and row["contract"]["number"] == "C-AB-2026"
    assert run.items()["ITM-1010"]["active"] is False
    assert run.fates()[GONE] == ("delivered", "")
    written = run.writes()
    run()
    assert run.writes() == written
    assert any("1 removed" in one.body["subject"] for one in run.mails)


def test_an_item_that_another_supplier_sells_stays_active(run: CatalogRun) -> None:
    run.coupa("edit_supplier_item", supplier_part_num="N-1005", changes={"item": {"item-number": "ITM-1010"}})
    for _ in range(3):
        run()
    assert run.prices()[GONE]["preferred"] is False
    assert run.items()["ITM-1010"]["active"] is True


def test_an_item_on_which_another_article_of_ours_is_sold_stays_active(run: CatalogRun) -> None:
    run.coupa("edit_supplier_item", supplier_part_num=PENS, changes={"item": {"item-number": "ITM-1010"}})
    for _ in range(3):
        run()
    assert run.prices()[GONE]["preferred"] is False
    assert run.items()["ITM-1010"]["active"] is True


def test_what_people_wrote_on_an_item_of_ours_stays_night_after_night(run: CatalogRun) -> None:
    run()
    made = f"AMZN-{BATTERIES}"
    run.coupa("edit_item", item_number=made, changes={"name": "Batteries (ask facilities first)"})
    for _ in range(2):
        run()
        assert run.items()[made]["name"] == "Batteries (ask facilities first)"
    summary = [one.body for one in run.mails if "/summary/" in one.key][-1]
    assert summary["summary"]["findings"]["changed_by_people"] == 1 and "changed_by_people: 1" in summary["text"]


def test_an_approver_is_told_once_of_a_price_that_moved(run: CatalogRun) -> None:
    waiting = next(one for one in run.pair.state("coupa", "requisitions") if one["status"] == "pending_approval")
    line = waiting["requisition-lines"][0]
    run.amazon("reprice_offer", offerId=line["supp-aux-part-num"], price=str(round(float(line["unit-price"]) * 1.2, 2)))
    for _ in range(2):
        run(scope="requisitions")
    said = [one["comments"] for one in run.pair.state("coupa", "comments") if "[price " in one["comments"]]
    assert len(said) == 1
    assert said[0].startswith("@[User:") and line["source-part-num"] in said[0] and "more" in said[0]
    assert run.writes().keys() == {"create_requisition_comment"}
    assert not [one for one in run.mails if "/summary" in one.key], "only the full comparison has a summary"


def test_an_approver_is_not_told_of_a_requisition_that_was_withdrawn_before_the_comment_could_go(
    run: CatalogRun,
) -> None:
    waiting = next(one for one in run.pair.state("coupa", "requisitions") if one["status"] == "pending_approval")
    line = waiting["requisition-lines"][0]
    run.amazon("reprice_offer", offerId=line["supp-aux-part-num"], price=str(round(float(line["unit-price"]) * 1.2, 2)))
    run(scope="requisitions", load=False)  # Coupa was away
    run.coupa("withdraw_requisition", requisition_id=waiting["id"])
    run(scope="requisitions")
    assert "create_requisition_comment" not in run.writes()
    [known] = run.ledger.deliveries.of_keys_like(PIPELINE, "tell_approver", [f"{waiting['id']}/"])
    assert known.state == "skipped" and "does not wait for approval any more" in (known.reason or "")


def test_a_refusal_is_one_alert_with_its_list_and_is_not_tried_until_something_changes(
    run: CatalogRun, mappings_directory: Path
) -> None:
    wrong = {**run.rules.catalog.writing.model_dump(), "catalog": "No such catalog"}
    run.rules = switched(mappings_directory, writing=wrong)
    for asin in (PENS, PAPER, NOTES, LABELS, GLOVES):
        run.coupa("edit_supplier_item", supplier_part_num=asin, changes={"catalog": None})
    first = run()
    assert first["documents"]["dead"] == first["catalog"]["failures"] > 5
    [alert] = [one for one in run.mails if "/failures" in one.key]
    assert alert.body["to"] == ["catalog.admin@example.com"]
    [attached] = alert.body["attachments"]
    assert attached["name"] == "catalog-failures.csv" and attached["text"].count("\n") >= first["catalog"]["failures"]
    written = run.writes()
    run()
    assert run.writes() == written
    assert len([one for one in run.mails if "/failures" in one.key]) == 1

    run.rules = switched(mappings_directory)
    run()
    assert prices(run)[PAPER] == "46.80"


@pytest.mark.parametrize(
    ("operation", "kind"),
    [("create_item", "drop_after"), ("create_supplier_item", "drop_before")],
)
def test_a_write_whose_answer_is_lost_is_asked_for_and_made_once(run: CatalogRun, operation: str, kind: str) -> None:
    run.pair.post("coupa", "faults", kind=kind, operation=operation, times=1)
    run()
    for _ in range(2):
        run()
    made = run.writes()
    assert (made["create_item"]["2xx"], made["create_supplier_item"]["2xx"]) == (1, 1)
    assert (prices(run)[PAPER], prices(run)[BATTERIES]) == ("46.80", "38.75")
    assert run.fates()[PAPER] == run.fates()[BATTERIES] == ("delivered", "")


@pytest.mark.parametrize("point", ["socket", "outcome"])
def test_a_process_killed_at_any_point_of_a_send_is_finished_by_the_next_run(
    run: CatalogRun, database_url: str, mappings_directory: Path, point: str
) -> None:
    program = textwrap.dedent(PROGRAM).replace("pipelines.killed import", "pipelines.killed_catalog import")
    pair = run.pair
    arguments = [point, "1", str(ROOT), pair.amazon_url, pair.coupa_url, database_url, str(mappings_directory)]
    killed = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT}/plugins"},
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    for _ in range(2):
        run()
    assert (prices(run)[PAPER], prices(run)[BATTERIES]) == ("46.80", "38.75")
    made = run.writes()
    assert (made["create_item"], made["create_supplier_item"]) == ({"2xx": 1}, {"2xx": 1})
    assert run.ledger.completeness.population(PIPELINE).complete


def test_what_a_person_changed_after_the_plan_is_never_overwritten(run: CatalogRun) -> None:
    run(load=False)
    run.coupa("edit_supplier_item", supplier_part_num=PAPER, changes={"price": "46.00"})
    run(scope="requisitions")  # its load finds the plan of the run before
    assert prices(run)[PAPER] == "46.00"
    assert run.fates()[PAPER][0] == "waiting"
    run()
    assert prices(run)[PAPER] == "46.80"
