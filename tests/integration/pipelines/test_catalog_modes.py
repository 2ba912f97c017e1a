"""Which catalog runs write nothing, which accounts and catalogs are left alone, and what the summary tells."""

from pathlib import Path
from typing import Any

import pytest

from connectors.amazon_business import catalog as amazon_catalog
from procurement.ledger import Ledger
from procurement.pipelines.amazon_catalog_to_coupa import PIPELINE
from tests.integration.pipelines.catalog_runs import (
    BATTERIES,
    GLOVES,
    LABELS,
    NOTES,
    PAPER,
    PENS,
    PRINTER,
    CatalogRun,
    prices,
    switched,
)
from tests.integration.pipelines.conftest import SandboxPair, StartSandbox, connect_coupa

pytestmark = pytest.mark.integration
Json = dict[str, Any]


@pytest.fixture
def pair(start_sandbox: StartSandbox) -> SandboxPair:
    return start_sandbox("quarter", orders="4")


@pytest.fixture
def run(pair: SandboxPair, ledger: Ledger, mappings_directory: Path) -> CatalogRun:
    return CatalogRun(pair, ledger, switched(mappings_directory))


def test_a_dry_run_shows_its_plan_and_writes_nothing_else(run: CatalogRun) -> None:
    before = run.pair.state("coupa", "supplier_items")
    closed = run(dry_run=True)
    assert closed["plans"] > 10 and closed["transform"]["would_write"] == 4
    assert run.pair.state("coupa", "supplier_items") == before
    assert run.fates() == {} and run.mails == []
    rows = run.ledger.plans.of(run.ledger.runs.get(PIPELINE, "run-1"))
    assert {row["action"] for row in rows if "action" in row} == {
        "create_item",
        "create_supplier_item",
        "update_supplier_item",
    }
    assert any(row.get("state") == "held" for row in rows)


@pytest.mark.parametrize(
    ("mode", "rollout"),
    [
        ("off", "{mode: off}"),
        ("off", "{mode: live, go_live: 2026-03-01, accounts: {sandbox: {mode: off}}}"),
        ("off", "{mode: live, go_live: 2026-03-01, suppliers: {AMZN-US: {mode: off}}}"),
        ("shadow", "{mode: shadow}"),
    ],
)
def test_off_reads_nothing_and_shadow_plans_without_sending(
    run: CatalogRun, mappings_directory: Path, mode: str, rollout: str
) -> None:
    run.rules = switched(mappings_directory, rollout)
    run()
    assert run.writes() == {}
    assert len([one for one in run.mails if "/summary/" in one.key]) == (mode == "shadow")
    plans = run.ledger.plans.of(run.ledger.runs.get(PIPELINE, "run-1"))
    assert bool(plans) is (mode == "shadow")
    if mode == "shadow":
        assert run.fates()[PAPER] == ("skipped", "shadow: planned, not sent")
        run.rules = switched(mappings_directory)
        run()
        assert prices(run)[PAPER] == "46.80", "live compares anew"


@pytest.mark.parametrize(
    "narrower",
    [
        "accounts: {sandbox: {mode: off}}",
        "accounts: {sandbox: {mode: off}}, suppliers: {OTHER: {mode: live, go_live: 2026-03-01}}",
        "suppliers: {AMZN-US: {mode: off}}",
        "suppliers: {AMZN-US: {mode: shadow}}",
    ],
)
def test_what_was_planned_is_not_sent_once_its_account_or_supplier_is_not_live_any_more(
    run: CatalogRun, mappings_directory: Path, narrower: str
) -> None:
    waiting = next(one for one in run.pair.state("coupa", "requisitions") if one["status"] == "pending_approval")
    line = waiting["requisition-lines"][0]
    run.amazon("reprice_offer", offerId=line["supp-aux-part-num"], price=str(round(float(line["unit-price"]) * 1.2, 2)))
    run(load=False)
    run.rules = switched(mappings_directory, f"{{mode: live, go_live: 2026-03-01, {narrower}}}")
    run()
    assert run.writes() == {}
    run.rules = switched(mappings_directory)
    run()
    assert prices(run)[PAPER] == "46.80"
    assert run.writes()["create_requisition_comment"] == {"2xx": 1}


CATALOG = "Amazon Business contract items"


def test_nothing_joins_a_catalog_that_is_not_accepted_and_the_administrator_is_told(run: CatalogRun) -> None:
    run.coupa("edit_supplier_item", supplier_part_num=PENS, changes={"catalog": None})
    run.pair.post("coupa", "switches", show_catalog_status=True)
    run.coupa("edit_catalog", name=CATALOG, changes={"status": "draft"})
    closed = run()
    assert BATTERIES not in run.prices() and f"AMZN-{BATTERIES}" not in run.items()
    assert run.prices()[PENS]["catalog"] is None
    assert prices(run)[PAPER] == "46.80", "what is in it already is kept equal"
    why = f"it joins catalog {CATALOG}: it is draft in Coupa, not accepted"
    assert run.fates()[BATTERIES] == run.fates()[PENS] == ("waiting", why)
    assert closed["catalog"]["catalog"]["why_not"] == "it is draft in Coupa, not accepted"
    kinds = [one.kind for one in run.ledger.findings.of_run(run.ledger.runs.get(PIPELINE, "run-1"))]
    assert kinds.count("catalog_not_accepted") == 2
    [alert] = [one for one in run.mails if "/not_accepted/" in one.key]
    assert alert.body["to"] == ["catalog.admin@example.com"] and CATALOG in alert.body["subject"]
    assert "draft in Coupa" in next(one for one in run.mails if "/summary/" in one.key).body["text"]

    run.coupa("edit_catalog", name=CATALOG, changes={"status": "accepted"})
    run()
    assert run.prices()[PENS]["catalog"]["name"] == run.prices()[BATTERIES]["catalog"]["name"] == CATALOG
    assert len([one for one in run.mails if "/not_accepted/" in one.key]) == 1


def test_a_catalog_that_is_withdrawn_between_plan_and_load_is_not_joined(run: CatalogRun) -> None:
    run.pair.post("coupa", "switches", show_catalog_status=True)
    run(before_load=lambda: run.coupa("edit_catalog", name=CATALOG, changes={"status": "draft"}))
    assert BATTERIES not in run.prices() and prices(run)[PAPER] == "46.80"
    assert run.fates()[BATTERIES] == (
        "waiting", f"it joins catalog {CATALOG}: it is draft in Coupa, not accepted"
    )  # fmt: skip
    run.coupa("edit_catalog", name=CATALOG, changes={"status": "accepted"})
    run()
    assert run.prices()[BATTERIES]["catalog"]["name"] == CATALOG


def silence(monkeypatch: pytest.MonkeyPatch, *asins: str) -> None:
    """Amazon passes these articles over: neither a product nor unknown."""

    def page(body: Json, wanted: Any) -> Any:
        rows = [one for one in body["products"] if one["asin"] not in asins]
        return read_page({**body, "products": rows}, wanted)

    read_page = amazon_catalog._page
    monkeypatch.setattr(amazon_catalog, "_page", page)


def test_what_amazon_left_unanswered_and_why_absences_did_not_count_is_in_the_summary(
    run: CatalogRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    silence(monkeypatch, PENS, PAPER)
    closed = run()
    summary = closed["catalog"]
    on_requisitions = summary["unanswered"]["requisitions"]
    assert summary["unanswered"]["catalog"] == 2
    assert summary["absences"] == {"count": False, "why_not": "Amazon left 2 articles unanswered"}
    mail = [one for one in run.mails if "/summary/" in one.key][-1].body
    assert mail["summary"] == summary
    assert f"Amazon left {2 + on_requisitions} unanswered that were asked for (2 of the catalog" in mail["text"]
    assert "Amazon does not know 1. Their absence does not count in this run" in mail["text"]
    [attached] = mail["attachments"]
    assert attached["name"] == "catalog-unanswered.csv"
    listed = attached["text"].splitlines()
    assert listed[0] == "asin,title,asked for" and len(listed) == 3 + on_requisitions
    assert any(line.startswith(f"{PENS},") and line.endswith(",of the catalog") and len(line) > 30 for line in listed)
    first = [one for one in run.mails if "/summary/" in one.key][0].body
    assert first["attachments"] == [] and "unanswered" not in first["text"]
    assert summary["articles"] == first["summary"]["articles"] - 2


def test_a_crowd_that_vanished_is_told_of_and_goes_when_it_stayed_away_or_was_released(
    run: CatalogRun, mappings_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = (PENS, NOTES, PRINTER, LABELS, GLOVES)
    removal = {"missing_runs": 2, "doubted_nights": 2}
    run.rules = switched(mappings_directory, removal=removal)
    read_page = amazon_catalog._page

    def page(body: Json, wanted: Any) -> Any:
        rows = [one for one in body["products"] if one["asin"] not in gone]
        return read_page({**body, "products": rows, "notFoundAsins": [*body["notFoundAsins"], *gone]}, wanted)

    monkeypatch.setattr(amazon_catalog, "_page", page)
    run()
    [alert] = [one for one in run.mails if "/vanished/" in one.key]
    assert alert.body["to"] == ["catalog.admin@example.com"] and "vanished at once" in alert.body["subject"]
    assert all(asin in alert.body["attachments"][0]["text"] for asin in gone)
    assert run.fates()[LABELS] == ("waiting", "Amazon does not know it: too many vanished at once, in 1 of 2 nights")
    run(scope="released", release=[LABELS])
    run()
    run()
    assert run.prices()[LABELS]["preferred"] is False, "released: missing in two runs that counted"
    assert run.prices()[PENS]["preferred"] is True
    run()
    assert run.prices()[PENS]["preferred"] is False
    assert len([one for one in run.mails if "/vanished/" in one.key]) == 2


def test_the_summary_counts_the_articles_of_the_catalog_and_not_those_of_requisitions_once_more(
    run: CatalogRun,
) -> None:
    closed = run()
    rows = run.ledger.records.pages_of_run(run.ledger.runs.get(PIPELINE, "run-1"), "catalog_entry", size=1000)
    assert closed["catalog"]["articles"] == sum(len(page) for page in rows) < closed["documents"]["seen"]


def test_a_record_that_somebody_else_made_in_the_place_of_ours_is_in_the_alert(run: CatalogRun) -> None:
    """Our write got no answer, and what stands there by then carries no mark of ours: a person must look."""

    def somebody_is_faster() -> None:
        coupa = connect_coupa(run.pair, run.ledger)
        body = {
            "name": "Batteries", "description": "Batteries", "item-number": f"AMZN-{BATTERIES}", "uom": {"code": "EA"},
            "commodity": {"name": "Power and Batteries"}, "manufacturer-name": "x", "manufacturer-part-number": "x",
        }  # fmt: skip
        coupa.create_item(body, coupa.permit("create_item"))
        run.pair.post("coupa", "faults", kind="drop_before", operation="create_item", times=1)

    run(before_load=somebody_is_faster)
    run()
    assert run.fates()[BATTERIES][0] == "held"
    [alert] = [one for one in run.mails if "/failures/" in one.key]
    assert alert.body["to"] == ["catalog.admin@example.com"]
    assert BATTERIES in alert.body["attachments"][0]["text"]


def test_what_was_planned_is_frozen_when_its_account_is_switched_off(run: CatalogRun, mappings_directory: Path) -> None:
    run(load=False)
    run.rules = switched(mappings_directory, "{mode: live, go_live: 2026-03-01, accounts: {sandbox: {mode: off}}}")
    run()
    assert run.writes() == {}
    run.rules = switched(mappings_directory)
    run()
    assert prices(run)[PAPER] == "46.80"
