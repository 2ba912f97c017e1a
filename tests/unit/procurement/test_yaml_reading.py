"""Rule files: a mistake is found where it was made, and all mistakes come at once."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from procurement.errors import MappingError
from procurement.mapping.reading import LARGEST_FILE, nearest, read_rules_file, read_yaml
from procurement.policies import read_rules
from procurement.tolerances import ToleranceFile

Edit = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def written(text: str) -> Path:
        path = tmp_path / "rules.yml"
        path.write_text(text)
        return path

    return written


def refused(directory: Path) -> list[str]:
    with pytest.raises(MappingError) as caught:
        read_rules(directory)
    return str(caught.value).splitlines()


def test_switches_codes_and_numbers_are_what_they_look_like(write: Callable[[str], Path]) -> None:
    content = read_yaml(
        write("a: off\nb: NO\nc: 012\nd: 6100\ne: 0.10\nf: true\ng: ~\nh: -3\ni: 2026-01-31\nj:\nk: 1e3\n")
    ).content
    assert content == {
        "a": "off", "b": "NO", "c": "012", "d": 6100, "e": Decimal("0.10"), "f": True, "g": None, "h": -3, "i": "2026-01-31", "j": None,
        "k": "1e3",
    }  # fmt: skip


def test_every_key_and_item_knows_its_line(write: Callable[[str], Path]) -> None:
    file = read_yaml(write("a:\n  b: 1\n  c:\n    - x\n    - y: 2\n"))
    assert [file.line_of(key) for key in (("a", "b"), ("a", "c"), ("a", "c", 1), ("a", "c", 1, "y"), ())] == [
        2,
        3,
        5,
        5,
        1,
    ]
    assert file.line_of(("a", "missing")) == 1
    assert file.line_of(("a", 0, "b")) == 2
    assert file.problem(("a", "b"), "is wrong") == f"{file.path.parent.name}/rules.yml:2: a.b: is wrong"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\nb: 2\na: 3\n", r"rules\.yml:3: a: the key 'a' stands twice \(first on line 1\)"),
        ("a:\n  b: 1\n  b: 2\n", r"rules\.yml:3: a\.b: the key 'b' stands twice \(first on line 2\)"),
        ("a: &x 1\nb: *x\n", r"rules\.yml:2: .*anchors and aliases are not allowed"),
        (
            "a: !!python/object/apply:os.system ['ls']\n",
            r"rules\.yml:1: a: the tag .*object/apply:os.system. is not allowed",
        ),
        ("a: !secret x\n", r"rules\.yml:1: a: the tag '!secret' is not allowed"),
        ("a: [1\nb: 2\n", r"rules\.yml:2: not readable as YAML"),
        ("? [1, 2]\n: x\n", r"rules\.yml:1: a key must be a plain text"),
        ("a: \x01\n", r"rules\.yml: contains characters that YAML does not allow"),
    ],
)
def test_what_is_not_plain_yaml_is_refused_with_its_line(
    write: Callable[[str], Path], text: str, sentence: str
) -> None:
    with pytest.raises(MappingError, match=sentence):
        read_yaml(write(text))


def test_a_missing_a_huge_and_a_foreign_file_are_refused(tmp_path: Path, write: Callable[[str], Path]) -> None:
    with pytest.raises(MappingError, match=r"nothing\.yml: cannot be read \(No such file or directory\)"):
        read_yaml(tmp_path / "nothing.yml")
    with pytest.raises(MappingError, match="larger than 1,000,000 bytes"):
        read_yaml(write("a: " + "x" * LARGEST_FILE))
    (tmp_path / "latin.yml").write_bytes(b"a: caf\xe9\n")
    with pytest.raises(MappingError, match=r"latin\.yml: not UTF-8 at byte 6"):
        read_yaml(tmp_path / "latin.yml")


def test_an_empty_file_lists_the_keys_it_needs(write: Callable[[str], Path]) -> None:
    with pytest.raises(
        MappingError, match=r"rules\.yml:1: the key 'default' is missing\n.*the key 'examples' is missing"
    ):
        read_rules_file(write(""), ToleranceFile)


def test_a_misspelt_key_names_file_line_key_and_the_nearest_word(edited: Edit) -> None:
    (problem,) = refused(edited("charges.yml", "free_shipping: netted", "free_shiping: netted"))
    assert problem == (
        "mappings/charges.yml:4: free_shiping: unknown key 'free_shiping'; did you mean 'free_shipping'? "
        "Known: consolidate, examples, free_shipping, rounding_limit, rules"
    )


def test_a_misspelt_word_names_value_and_the_nearest_word(edited: Edit) -> None:
    (problem,) = refused(edited("policies.yml", "no_po: dead_letter", "no_po: deadletter"))
    assert problem == (
        "mappings/policies.yml:5: no_po: 'deadletter' is not one of the words known here; did you mean 'dead_letter'? "
        "Known: coded_invoice, dead_letter, hold"
    )


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        ("amazon_invoices_to_coupa.yml", "convert: marketplace_date", "convert: market_date", "did you mean 'marketplace_date'?"),
        ("amazon_invoices_to_coupa.yml", "  payment_term:", "  payment_terms:", "header.payment_terms: unknown key 'payment_terms'; did you mean 'payment_term'?"),
        ("amazon_invoices_to_coupa.yml", "from: line.principalAmount", "from: lines.principalAmount", "'lines.principalAmount' starts with 'lines'; did you mean 'line'?"),
        ("amazon_invoices_to_coupa.yml", "from: invoice.invoiceNumber", "from: invoice.number", "invoice has no 'number'; did you mean 'invoiceNumber'?"),
        ("amazon_invoices_to_coupa.yml", "lookup: commodities", "lookup: comodities", "line.commodity.2.lookup: no table 'comodities'; did you mean 'commodities'?"),
        ("amazon_invoices_to_coupa.yml", "    max: 1550\n", "", "convert: truncate needs 'max' beside it"),
        ("amazon_invoices_to_coupa.yml", "from: original.number", "from: line.orderId", "header.original_number: 'line.orderId' belongs to a line; use from_lines"),
        ("amazon_invoices_to_coupa.yml", "from: line.shipmentId", "from_lines: line.shipmentId", "line.match_reference: from_lines is for header fields; use from"),
        ("amazon_invoices_to_coupa.yml", "from: line.shipmentId", "from: shipment", "'shipment' starts with 'shipment'"),
        ("amazon_invoices_to_coupa.yml", "from: line.shipmentId", "from: line", "'line' is no path; write line.<field>"),
        ("amazon_invoices_to_coupa.yml", "from: line.shipmentId", "required: true", "says neither where the value comes from (from) nor what it is (default)"),
        ("amazon_invoices_to_coupa.yml", "from: line.shipmentId", "from: line.shipmentId\n    from_all: [[line.asin]]", "from and from_all exclude each other"),
        ("amazon_invoices_to_coupa.yml", "document: invoice", "document: invoices", "did you mean 'invoice'?"),
        ("amazon_invoices_to_coupa.yml", "from: line.shipmentId", "from: line.shipmentId\n    zone_from: transaction.marketplaceId", "zone_from is only used by convert: marketplace_date"),
        ("charges.yml", "account: freight", "account: fright", "rules.2.into.0.account: chart 'US Chart' in entities.yml has no account 'fright'; did you mean 'freight'?"),
        ("charges.yml", "limit: 1.00", "limit: lots", "'lots' is not a number"),
        ("charges.yml", "consolidate: true", "consolidate: yes", "consolidate: 'yes'"),
        ("taxes.yml", "treatment: exempt,", "treatment: exempted,", "did you mean 'exempt'?"),
        ("tolerances.yml", "{percent: 2,", "{procent: 2,", "default.price.0.over.procent: unknown key 'procent'; did you mean 'percent'?"),
        ("tolerances.yml", "{absolute: 1.00}", "{absolute: -1.00}", "default.tax.0.over.absolute: '-1.00'"),
        ("tolerances.yml", "{absolute: 1.00}", "{percent: ~}", "give percent, absolute or both"),
        ("policies.yml", "settle_hours: 24", "settle_hours: -1", "settle_hours: -1"),
        ("policies.yml", "Europe/Berlin", "Europe/Berlni", "there is no time zone 'Europe/Berlni'"),
        ("policies.yml", "marketplaces_enabled: [US]", "marketplaces_enabled: [USA]", "no marketplace is in 'USA'; did you mean 'US'?"),
        ("policies.yml", "marketplaces_enabled: [US]", "marketplaces_enabled: [US, FR]", "marketplaces_enabled: taxes.yml has no rules for 'FR'"),
        ("policies.yml", "card_instruments: [", "card_instruments: [Pay by Invoice, ", "Pay by Invoice is both an invoice and a card instrument"),
        ("policies.yml", "[accounts.payable@example.com]", "[somebody]", "'somebody' is no mail address"),
        ("routing.yml", "{kind: use_tax}", "{kind: use_taxes}", "there is no difference 'use_taxes'; did you mean 'use_tax'?"),
        ("routing.yml", "{kind: use_tax}", "{kind: use_tax, commodity: Furnitur}", "commodities.yml has no commodity 'Furnitur'; did you mean 'Furniture'?"),
        ("routing.yml", "{kind: use_tax}", "{kind: use_tax, supplier: AMZN-UK}", "accounts.yml has no supplier 'AMZN-UK'"),
        ("routing.yml", "disputable_suppliers: []", "disputable_suppliers: [AMZN]", "accounts.yml has no supplier 'AMZN'"),
        ("routing.yml", "do: [comment, add_approver]", "do: [add_approver]", "the owner would not know"),
        ("routing.yml", "do: [comment, add_approver]", "do: [comment, comment]", "says the same thing twice"),
        ("routing.yml", "do: [comment, add_approver]", "do: [comment, add_aprover]", "did you mean 'add_approver'?"),
        ("routing.yml", "    approver: ap.lead\n", "", "add_approver needs an approver"),
        ("routing.yml", "    dispute_reason: INCORRECT-PRICE\n", "", "dispute needs dispute_reason"),
        ("routing.yml", "do: [comment, dispute]", "do: [comment, dispute, add_approver]\n    approver: ap.lead", "dispute and add_approver exclude each other"),
        ("routing.yml", "integration: AB_INVOICES", "integration: ~", "integration_error needs integration"),
        ("routing.yml", "  - owner: ap.lead # tax", "  - when: {kind: tax}\n    owner: ap.lead # tax", "the last of the rules must have no when"),
        ("routing.yml", "  - when: {kind: unbacked}\n    do", "  - do", "rules.0 fits everything"),
        ("routing.yml", "    owner: ap.clerk", "    owner: manager", "manager can be escalated to, but owns nothing"),
        ("routing.yml", "escalate_after_days: 3", "escalate_after_days: 0", "rules.0.escalate_after_days: 0"),
        ("routing.yml", "tell: [requester, manager, ap.lead]", "tell: []", "waiting.receipt.tell"),
        ("rollout.yml", "mode: off", "mode: live", "mode live needs go_live"),
        ("rollout.yml", "mode: off", "mode: on", "'on' is not one of the words known here"),
        ("rollout.yml", "mode: off", "mode: live\n    go_live: 2026-02-30", "pipelines.amazon_invoices_to_coupa.go_live"),
        ("accounts.yml", "chart_of_accounts: US Chart", "chart_of_accounts: US Char", "entities.yml has no chart 'US Char'; did you mean 'US Chart'?"),
        ("accounts.yml", "marketplace: US", "marketplace: UZ", "policies.yml has no marketplace 'UZ'"),
        ("entities.yml", "    bill_to: AUS-AP", "    bill_too: AUS-AP", "did you mean 'bill_to'?"),
        ("gl_accounts.yml", "match: exact", "match: exactly", "did you mean 'exact'?"),
    ],
)  # fmt: skip
def test_each_file_refuses_its_typing_mistakes(edited: Edit, file: str, old: str, new: str, sentence: str) -> None:
    problems = refused(edited(file, old, new))
    assert any(problem.startswith(f"mappings/{file}:") and sentence in problem for problem in problems), problems


def test_the_mistakes_of_all_files_come_at_once(edited: Edit) -> None:
    edited("charges.yml", "to: shipping", "to: shiping")
    edited("rollout.yml", "mode: off", "modus: off")
    problems = refused(edited("taxes.yml", "prices: net", "prices: nett"))
    assert [problem.split(":")[0] for problem in problems] == [
        "mappings/charges.yml",
        "mappings/taxes.yml",
        "mappings/rollout.yml",
    ]


def test_a_file_that_no_pipeline_reads_is_refused_with_the_nearest_name(edited: Edit) -> None:
    folder = edited("charges.yml", "to: shipping", "to: shipping")
    (folder / "tolerance.yml").write_text("a: 1\n")
    assert refused(folder)[0].startswith(
        "mappings/tolerance.yml:1: no pipeline reads this file; did you mean 'tolerances'?"
    )


def test_a_missing_file_is_named(edited: Edit) -> None:
    folder = edited("charges.yml", "to: shipping", "to: shipping")
    (folder / "units.yml").unlink()
    assert refused(folder) == ["mappings/units.yml: cannot be read (No such file or directory)"]


def test_a_directory_that_does_not_exist_is_named(tmp_path: Path) -> None:
    assert "PROCUREMENT_MAPPINGS must name the one with the rule files" in refused(tmp_path / "none")[0]


def test_a_huge_value_is_shown_short(edited: Edit) -> None:
    (problem,) = refused(edited("policies.yml", "no_po: dead_letter", "no_po: " + "x" * 5000))
    assert len(problem) < 300


def test_no_near_word_still_lists_the_known_ones() -> None:
    assert nearest("zzz", ["alpha", "beta"]) == "; Known: alpha, beta"
    assert nearest("Alpa", ["alpha", "beta"]) == "; did you mean 'alpha'? Known: alpha, beta"
    assert nearest("x", []) == ""
