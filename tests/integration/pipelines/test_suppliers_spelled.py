"""One seller under many spellings, numbers that only Japan gives, certificates that come later: over HTTP, end to end."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from procurement.ledger import Ledger
from procurement.pipelines import amazon_suppliers_to_coupa as pipeline
from tests.integration.pipelines.conftest import StartSandbox
from tests.integration.pipelines.supplier_runs import LIVE, RULES, SupplierRun, impatient, switched

pytestmark = pytest.mark.integration
HARBOR, HARBOR_TOO = "Harbor Office Supply LLC", "HARBOR OFICE SUPPLY, L.L.C."
SUMMIT, SUMMIT_TOO = "Summit Lab Goods LLC", "Summit Lab Goods Inc"
QUARTER = {"from": "2026-04-01", "to": "2026-06-29"}
Start = Callable[..., SupplierRun]


@pytest.fixture
def start(start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path) -> Start:
    def begin(scenario: str = "sellers", **changes: Any) -> SupplierRun:
        return SupplierRun(start_sandbox(scenario), ledger, switched(mappings_directory, LIVE, **changes))

    return begin


def created(run: SupplierRun) -> dict[str, dict[str, Any]]:
    """What was asked of Coupa, by the supplier's name."""
    return {one["name"]: one for one in run.pair.state("coupa", "supplier_information")}


def fates(ledger: Ledger, name: str) -> set[str]:
    """What became of the spellings that begin so."""
    return {fate for key, (fate, _) in ledger.completeness.fates(pipeline.PIPELINE).items() if key.startswith(name)}


def test_two_spellings_are_one_by_evidence_and_two_that_may_be_are_asked_about(
    start: Start, ledger: Ledger, mappings_directory: Path
) -> None:
    run = start()
    run()
    (harbor,) = created(run).values()  # of one order each, neither spelling alone is past the rule
    assert harbor["name"] == HARBOR and HARBOR_TOO in harbor["comment"]
    assert fates(ledger, HARBOR) == fates(ledger, HARBOR_TOO) == {"delivered"}

    (entry,) = pipeline.review_list(ledger, rules=run.rules)
    assert entry.seller.startswith(SUMMIT_TOO)
    assert "legal forms inc and llc differ" in entry.question and "points: unsure" in entry.question
    assert (fates(ledger, SUMMIT), fates(ledger, SUMMIT_TOO)) == ({"waiting"}, {"held"})

    run.rules = switched(mappings_directory, LIVE, same=[[SUMMIT, SUMMIT_TOO]])
    run()
    assert pipeline.review_list(ledger, rules=run.rules) == []
    assert sorted(created(run)) == [HARBOR, SUMMIT]
    assert SUMMIT_TOO in created(run)[SUMMIT]["comment"]
    assert ledger.completeness.population(pipeline.PIPELINE).complete


def test_spellings_that_a_person_told_apart_are_two_suppliers(start: Start, ledger: Ledger) -> None:
    run = start(onboarding={**RULES, "rules": [{"orders": 1}]}, different=[[SUMMIT, SUMMIT_TOO]])
    run()
    assert set(created(run)) >= {SUMMIT, SUMMIT_TOO}


def test_in_japan_the_number_on_the_invoice_says_who_is_who_and_becomes_the_tax_number(
    start: Start, ledger: Ledger, mappings_directory: Path
) -> None:
    run = start("sellers_in_japan")
    path = mappings_directory / "accounts.yml"
    accounts = yaml.safe_load(path.read_text())
    accounts["accounts"]["sandbox"]["marketplace"] = "JP"
    path.write_text(yaml.safe_dump(accounts))
    run.rules, run.region = impatient(mappings_directory), "JP"
    before = run.suppliers()
    run()
    (shop,) = created(run).values()  # two scripts, two addresses, one number; no spelling alone is past the rule
    assert (shop["name"], shop["federal-tax-num"]) == ("株式会社ペンショップ", "T1234567890123")
    assert run.suppliers()["株式会社ペンショップ"]["tax-id"] == "T1234567890123"
    assert "tax registration and tax forms" in run.mails[0].body["text"]  # the number is there, the forms are not
    (known,) = {
        reason
        for key, (_, reason) in ledger.completeness.fates(pipeline.PIPELINE).items()
        if key.startswith("さくら文具")
    }
    assert known.startswith("already in Coupa as Sakura Stationery") and "registration number" in known
    assert {name: run.suppliers()[name] for name in before} == before
    writes = run.written()
    run(**QUARTER)
    assert run.written() == writes
    assert ledger.completeness.population(pipeline.PIPELINE).complete


def test_a_certificate_gained_later_is_asked_about_once_and_goes_away_when_somebody_enters_it(
    start: Start, ledger: Ledger
) -> None:
    run = start(different=[[SUMMIT, SUMMIT_TOO]])
    run()
    supplier = run.suppliers()[HARBOR]
    assert pipeline.review_list(ledger, rules=run.rules) == []

    run.pair.post(
        "amazon", "events/certify_seller", seller=HARBOR, certificateType="Minority-Owned Business",
        agencyName="City Council", expires="2027-03-31T00:00:00Z",
    )  # fmt: skip
    run.pair.post(  # and one is renewed
        "amazon", "events/certify_seller", seller=HARBOR, certificateType="Women-Owned Business",
        agencyName="Sample Council", expires="2033-06-30T00:00:00Z",
    )  # fmt: skip
    told = run(**QUARTER)
    entries = pipeline.review_list(ledger, rules=run.rules)
    assert [entry.question.rpartition(": ")[2] for entry in entries] == [
        "MBE by City Council until 2027-03-31", "WBE by Sample Council until 2033-06-30",
    ]  # fmt: skip
    assert all(f"({HARBOR})" in entry.question for entry in entries) and told["to_review"] == 2
    (digest,) = [mail for mail in run.mails if mail.kind == "supplier_review"]
    assert "MBE by City Council until 2027-03-31" in digest.body["text"]
    assert run.suppliers()[HARBOR] == supplier  # what Coupa has is people's
    assert fates(ledger, HARBOR) == {"delivered"}

    run(**QUARTER)  # the same states, read again
    assert len(pipeline.review_list(ledger, rules=run.rules)) == 2
    for entry in entries:
        if "WBE" in entry.question:
            ledger.dead_letters.discard(entry.key, "we keep no dates")
        else:
            ledger.dead_letters.replay(entry.key)  # looked at again, and still not there
    run(**QUARTER)
    (left,) = pipeline.review_list(ledger, rules=run.rules)
    assert left.question == "MBE by City Council until 2027-03-31 is not on the supplier's page in Coupa"

    diversity = {
        "diversity-category": {"code": "MBE"}, "country": {"code": "US"},
        "sim-diversity-certificate-artifacts": [{"description": "the city", "expiry-date": "2027-03-31T12:00:00Z"}],
    }  # fmt: skip
    run.coupa("enter_diversity", name=HARBOR, diversity=diversity)
    entered = run(**QUARTER)
    assert entered["follow_up"]["certificates_entered"] == 1
    assert pipeline.review_list(ledger, rules=run.rules) == []
    again = run(**QUARTER)
    assert (again["to_review"], pipeline.review_list(ledger, rules=run.rules)) == (0, [])
    assert ledger.completeness.population(pipeline.PIPELINE).complete
