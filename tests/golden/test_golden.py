"""Golden cases: `<pipeline>/<case>/source.json` through the shipped rules, compared with the reviewed `expected.json`.

A case is what the pipeline hands over: `header` and `lines`, and for the match `orders` and `receipts` as Coupa shows
them. Charts of countries that are not shipped as enabled come from `rules/entities.yml`. A case that needs
rules of its own has them under `rules/`. GOLDEN_WRITE=1 writes what comes out; read the difference before it is committed.
"""

import json
import os
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from procurement.documents import Invoice
from procurement.errors import DecisionNeeded, RecordError
from procurement.mapping.plain import plain
from procurement.matching import MatchResult, three_way_match
from procurement.pipelines.amazon_invoices_to_coupa.payloads import invoice_payload
from procurement.pipelines.amazon_invoices_to_coupa.sent_invoices import read_planned, unsent
from procurement.policies import MAPPINGS, Rules, read_rules
from procurement.purchase_orders import read_goods_receipts, read_purchase_order

pytestmark = pytest.mark.golden
HERE = Path(__file__).parent
SHIPPED = HERE.parents[1] / "mappings"
CASES = sorted(path.parent for name in MAPPINGS for path in HERE.glob(f"{name}/*/source.json"))
DOCUMENTS = [path.parent for path in HERE.glob(f"{MAPPINGS[0]}/*/expected.json") if '"match"' in path.read_text()]


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Rules:
    return read_rules(rule_files(tmp_path_factory.mktemp("golden") / "mappings"))


def rule_files(folder: Path, case: Path | None = None) -> Path:
    """The shipped files, with the charts of several countries, and what a case brings under `rules/`."""
    shutil.copytree(SHIPPED, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for own in (HERE / "rules", *((case / "rules",) if case else ())):
        for path in own.glob("*.yml"):
            shutil.copy(path, folder)
    return folder


def outcome(rules: Rules, pipeline: str, source: Any) -> dict[str, Any]:
    """The invoice and its match, or why there is none."""
    try:
        invoice = mapped(rules, pipeline, source)
    except DecisionNeeded as error:
        return {"held": list(error.problems)}
    except RecordError as error:
        return {"problems": list(error.problems)}
    return {"invoice": plain(invoice), "total": str(invoice.total), "match": shown(matched(rules, invoice, source))}


def mapped(rules: Rules, pipeline: str, source: Any) -> Invoice:
    lines = [{**source["header"], **line} for line in source["lines"]]
    return rules.mapping(pipeline).invoice(source["header"], lines)


def matched(rules: Rules, invoice: Invoice, source: Any) -> MatchResult:
    orders = {order.number: order for order in map(read_purchase_order, source.get("orders", []))}
    receipts = read_goods_receipts(source.get("receipts", []))
    return three_way_match(invoice, orders, receipts, rules.tolerances, conversions=rules.conversions)


def shown(match: MatchResult) -> Any:
    """As plain values; of the variance only the parts that are not zero."""
    variance = match.variance
    totals = {"billed": variance.billed, "justified": variance.justified, "written_off": variance.written_off}
    return plain(
        {
            **structs.asdict(match),
            "variance": {**totals, **variance.parts},
        }
    )


each_case = pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}/{path.name}")


@pytest.fixture
def own_rules(case: Path, rules: Rules, tmp_path: Path) -> Rules:
    return read_rules(rule_files(tmp_path / "mappings", case)) if (case / "rules").is_dir() else rules


def source_of(case: Path) -> Any:
    return json.loads((case / "source.json").read_text(), parse_float=Decimal)


@each_case
def test_each_case_comes_out_as_reviewed(case: Path, own_rules: Rules) -> None:
    rules, source = own_rules, source_of(case)
    found = json.loads(json.dumps(outcome(rules, case.parent.name, source)))
    expected = case / "expected.json"
    if os.environ.get("GOLDEN_WRITE"):
        expected.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    assert found == json.loads(expected.read_text())


@pytest.mark.parametrize("case", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_comes_out_the_same_when_it_is_matched_again_out_of_the_ledger(case: Path, own_rules: Rules) -> None:
    """The payload alone does not do: Coupa's form has no place for what a tax applies to, for notes, for roundings."""
    source = source_of(case)
    invoice = mapped(own_rules, case.parent.name, source)
    first = matched(own_rules, invoice, source)
    payload, figures = json.loads(json.dumps([invoice_payload(invoice, delivery_id="d"), unsent(invoice)]))
    numbers = {line.po_line_id: (line.po_number, line.po_line_number) for line in invoice.lines if line.po_line_id}
    again = read_planned({1: payload}, {1: figures}, numbers)[1]
    assert matched(own_rules, again, source) == first
    assert [charge.is_rounding for charge in again.charges] == [charge.is_rounding for charge in invoice.charges]


@pytest.mark.parametrize("pipeline", MAPPINGS)
def test_every_mapping_has_a_clean_a_partial_and_a_dead_letter_case(pipeline: str) -> None:
    results = {
        path.name: json.loads((path / "expected.json").read_text()) for path in CASES if path.parent.name == pipeline
    }
    outcomes = {result["match"]["outcome"] for result in results.values() if "match" in result}
    assert outcomes == {"matched", "within_tolerance", "waiting_for_receipt", "exception"}
    assert any("problems" in result for result in results.values())
    assert any("held" in result for result in results.values())
