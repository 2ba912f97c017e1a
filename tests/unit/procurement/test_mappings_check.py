"""`make mappings-check`: the examples are tests, the coverage is told, the editor schemas are current."""

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import yaml

from procurement.mapping.check import main
from procurement.mapping.coverage import coverage, describe, report
from procurement.mapping.grammar import FieldRule, MappingFile
from procurement.policies import RULE_FILES, read_rule_files

Edit = Callable[..., Path]
SHIPPED = Path(__file__).parents[3] / "mappings"


def failure(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert main([str(folder)]) == 1
    return capsys.readouterr().err


def test_the_shipped_files_are_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(SHIPPED)]) == 0
    out = capsys.readouterr().out
    assert "header.number" in out and "invoice.invoiceNumber" in out
    assert f"{len(RULE_FILES)} files are right" in out


def test_a_typing_mistake_ends_with_its_place_and_exit_code_1(edited: Edit, capsys: pytest.CaptureFixture[str]) -> None:
    said = failure(edited("charges.yml", "to: shipping", "to: shiping"), capsys)
    assert said.startswith("mappings/charges.yml:") and "did you mean 'shipping'?" in said
    assert said.endswith("1 mistake in the rule files; nothing uses them until they are mended.\n")


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        ("amazon_invoices_to_coupa.yml", "      payment_term: Net 30", "      payment_term: Net 45", "payment_term: expected 'Net 45', got 'Net 30'"),
        ("amazon_invoices_to_coupa.yml", "      - number is missing", "      - nothing is missing", "expected the problem 'nothing is missing'"),
        ("amazon_invoices_to_coupa.yml", "    expect_held: [\"currency is 'USD', but po.currency.code is 'EUR'\"]", "    expect: {number: X}", "unexpected decision: currency is 'USD'"),
        ("charges.yml", "expect: {quantity: 2,", "expect: {quantity: 3,", "example 'free shipping disappears': quantity: expected '3', got '2'"),
        ("charges.yml", "limit: 1.00", "limit: -1", "rounding_limit: '-1'"),
        ("charges.yml", "    quantity: 0\n    unit_price: 20.00\n    principal: -3.00", "    quantity: 0\n    unit_price: 20.00\n    principal: 3.00", "the sign is wrong"),
        ("taxes.yml", "treatment: unknown}", "treatment: taxed}", "DE at 16 % is unknown, code None; expected taxed, code None"),
        ("tolerances.yml", "actual: 102.01, breached: true", "actual: 102.00, breached: true", "the limit is 2.00, so breached is false"),
        ("tolerances.yml", 'rule: "tolerances.yml: default.tax.under"', 'rule: "tolerances.yml: default.tax.over"', "tolerances.yml: default.tax.under decides, expected tolerances.yml: default.tax.over"),
        ("units.yml", "into: EA, expect: 24", "into: EA, expect: 25", "2 DZ in EA gives 24, expected 25"),
        ("tolerances.yml", "check: shipping", "check: shiping", "there is no check 'shiping'; known are price"),
        ("routing.yml", "{kind: use_tax, expect: ap.clerk}", "{kind: use_tax, expect: ap.lead}", "use_tax goes to ap.clerk, expected ap.lead"),
        ("routing.yml", "expect: requester, expect_do: [comment]}", "expect: requester, expect_do: [comment, dispute]}", "received does"),
        ("policies.yml", "expect: JP}", "expect: DE}", "'A1VC38T7YXB528' gives 'JP', expected 'DE'"),
        ("rollout.yml", "{pipeline: something_else, expect: off}", "{pipeline: something_else, expect: live}", "something_else is off, expected live"),
        ("accounts.yml", "expect: {supplier: AMZN-US,", "expect: {supplier: AMZN-DE,", "account sandbox: supplier: expected 'AMZN-DE', got 'AMZN-US'"),
        ("entities.yml", "expect: {bill_to: AUS-AP,", "expect: {bill_to: X,", "chart US Chart: bill_to: expected 'X', got 'AUS-AP'"),
        ("units.yml", "{key: case, expect: CS}", "{key: case, expect: BX}", "'case' gives 'CS', expected 'BX'"),
    ],
)  # fmt: skip
def test_an_example_that_does_not_come_out_fails(
    edited: Edit, capsys: pytest.CaptureFixture[str], file: str, old: str, new: str, sentence: str
) -> None:
    said = failure(edited(file, old, new), capsys)
    assert sentence in said
    assert said.startswith(f"mappings/{file}:")


def test_a_stale_schema_fails_and_can_be_written_again(edited: Edit, capsys: pytest.CaptureFixture[str]) -> None:
    folder = edited("charges.yml", "to: shipping", "to: shipping")
    (folder / "schema" / "charges.json").write_text("{}")
    (folder / "schema" / "gone.json").write_text("{}")
    said = failure(folder, capsys)
    assert "mappings/schema/charges.json: out of date; run" in said and "mappings/schema/gone.json: out of date" in said
    assert main([str(folder), "--write-schema"]) == 0
    assert capsys.readouterr().out.startswith(f"wrote {folder / 'schema' / 'charges.json'}\n")
    assert not (folder / "schema" / "gone.json").exists()


def test_a_directory_without_schemas_is_not_held_to_them(edited: Edit) -> None:
    folder = edited("charges.yml", "to: shipping", "to: shipping")
    for path in (folder / "schema").iterdir():
        path.unlink()
    (folder / "schema").rmdir()
    assert main([str(folder)]) == 0


@pytest.mark.parametrize("name", RULE_FILES)
def test_every_file_passes_the_schema_its_editor_uses(name: str) -> None:
    schema = json.loads((SHIPPED / "schema" / f"{name}.json").read_text())
    text = (SHIPPED / f"{name}.yml").read_text()
    assert text.startswith(f"# yaml-language-server: $schema=schema/{name}.json\n")
    content = yaml.load(text, Loader=yaml.BaseLoader)  # every scalar a text, as the models take them
    allowed = jsonschema.Draft202012Validator(schema)
    wrong = [error for error in allowed.iter_errors(content) if error.validator not in ("type", "anyOf")]
    assert wrong == []


def test_the_schema_underlines_an_unknown_key() -> None:
    schema = json.loads((SHIPPED / "schema" / "rollout.json").read_text())
    errors = jsonschema.Draft202012Validator(schema).iter_errors({"pipelines": {"x": {"modus": "off"}}, "examples": []})
    assert any("modus" in error.message for error in errors)


def test_coverage_tells_sources_needs_and_what_no_example_shows() -> None:
    covered = {
        f"{row.side}.{row.target}": row
        for row in coverage(read_rule_files(SHIPPED).of("amazon_invoices_to_coupa", MappingFile))
    }
    assert covered["header.number"].source == "invoice.invoiceNumber"
    assert covered["header.number"].needed and covered["header.number"].shown
    assert not covered["header.payment_term"].needed
    assert covered["line.custom_fields.ab-seller"].source == "line.merchantLegalName as single_line as truncate"
    assert not covered["line.gift_wrap_tax_rate"].shown
    assert "first of" in str(covered["line.part_number"].source)


def test_a_field_that_nothing_fills_is_listed_as_such(edited: Edit) -> None:
    folder = edited("amazon_invoices_to_coupa.yml", "  payment_term:\n    from: po.payment-term.code\n", "")
    edited("amazon_invoices_to_coupa.yml", "      payment_term: Net 30\n", "")
    lines = report("x", coverage(read_rule_files(folder).of("amazon_invoices_to_coupa", MappingFile)))
    assert any(line.split() == ["header.payment_term", "-"] for line in lines)
    assert lines[0] == "x: 51 of 52 fields are filled"


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"from": "line.a"}, "line.a"),
        ({"from": ["line.a", "line.b"], "default": "x"}, "first of line.a, line.b else 'x'"),
        ({"from_lines": "line.a", "convert": "upper"}, "line.a of all lines as upper"),
        ({"from_all": [["line.a", "line.b"], "line.c"], "lookup": "t"}, "(line.a or line.b) with (line.c) through t"),
        ({"default": "EA"}, "'EA'"),
    ],
)
def test_a_rule_reads_like_a_sentence(rule: dict[str, object], said: str) -> None:
    assert describe(FieldRule.model_validate(rule)) == said
