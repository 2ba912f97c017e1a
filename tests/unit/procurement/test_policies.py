"""Policies, rollout, accounts and entities as shipped, and what a customer may change in them."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from procurement.errors import MappingError
from procurement.policies import MAPPINGS, RULE_FILES, Mode, Rules, mappings_directory, read_rules
from procurement.policy_files import Policies

Edit = Callable[..., Path]
PIPELINE = "amazon_invoices_to_coupa"


def test_the_shipped_policies_are_the_careful_ones(rules: Rules) -> None:
    policies = rules.policies
    assert (policies.settle_hours, policies.no_po, policies.late_component) == (24, "dead_letter", "finding")
    assert (policies.overlap_hours, policies.original_wait_days, policies.invoice_due_warning_days) == (24, 30, 5)
    assert policies.marketplaces_enabled == ("US",)
    assert policies.invoice_instruments == ("Pay by Invoice",)
    assert {"Visa", "MasterCard", "AmericanExpress"} <= set(policies.card_instruments)
    assert policies.sending.ask_again_after == 600
    assert policies.sending.wait == 660


def test_nothing_is_live_as_shipped(rules: Rules) -> None:
    assert {rules.rollout.of(name).mode for name in MAPPINGS} == {Mode.OFF}


def test_a_pipeline_nobody_listed_is_off(rules: Rules) -> None:
    assert rules.rollout.of("amazon_catalog_to_coupa").mode is Mode.OFF
    assert rules.rollout.of("amazon_catalog_to_coupa").go_live is None


def test_defaults_hold_where_the_file_is_silent() -> None:
    marketplaces = {"A": {"country": "US", "time_zone": "America/Los_Angeles"}}
    policies = Policies.model_validate(
        {"marketplaces": marketplaces, "examples": [{"marketplace": "A", "expect": "US"}]}
    )
    assert (policies.settle_hours, policies.overlap_hours, policies.original_wait_days) == (24, 24, 30)
    assert (policies.no_po, policies.late_component, policies.marketplaces_enabled) == (
        "dead_letter",
        "finding",
        ("US",),
    )
    assert (policies.sending.timeout, policies.sending.ask_again_after, policies.sending.max_attempts) == (60, 600, 5)
    assert policies.card_instruments == ()


def test_the_narrowest_rollout_entry_counts(edited: Edit) -> None:
    narrower = """mode: live
    go_live: 2026-01-31
    accounts: {second: {mode: shadow}}
    suppliers: {AMZN-DE: {mode: off}}
    cost_centers: {"4300": {mode: live, go_live: 2026-03-01}}"""
    folder = edited("rollout.yml", "mode: off", narrower)
    edited(
        "rollout.yml",
        "{pipeline: amazon_invoices_to_coupa, expect: off}",
        "{pipeline: amazon_invoices_to_coupa, expect: live}",
    )
    rollout = read_rules(folder).rollout
    assert (rollout.of(PIPELINE).mode, rollout.of(PIPELINE).go_live) == (Mode.LIVE, date(2026, 1, 31))
    assert rollout.of(PIPELINE, account="second").mode is Mode.SHADOW
    assert rollout.of(PIPELINE, account="first").mode is Mode.LIVE
    assert rollout.of(PIPELINE, account="second", supplier="AMZN-DE").mode is Mode.OFF
    assert rollout.of(PIPELINE, supplier="AMZN-DE", cost_center="4300").go_live == date(2026, 3, 1)


def test_marketplaces_are_known_by_id(rules: Rules) -> None:
    assert rules.policies.marketplace_of("ATVPDKIKX0DER") == "US"
    assert rules.policies.marketplace_of("nowhere") is None
    assert rules.policies.marketplace_of(None) is None
    assert len(rules.policies.countries) == 11


def test_an_account_is_what_accounts_yml_says_and_an_unknown_one_only_its_name(rules: Rules) -> None:
    context = rules.accounts.context("sandbox")
    assert (context["name"], context["supplier"], context["chart_of_accounts"]) == ("sandbox", "AMZN-US", "US Chart")
    assert "business_group" not in context
    assert rules.accounts.context("other") == {"name": "other"}
    assert rules.accounts.of("other") is None


def test_the_version_changes_with_any_file_and_only_then(edited: Edit, rules: Rules) -> None:
    folder = edited("charges.yml", "Amazon shipping", "Amazon shipping")
    assert read_rules(folder).version == rules.version
    edited("units.yml", "# Amazon", "# Amazon's")
    assert read_rules(folder).version != rules.version
    assert len(rules.version) == 16


def test_a_mapping_that_does_not_exist_is_named(rules: Rules) -> None:
    with pytest.raises(
        MappingError, match="there is no mapping 'amazon_invoices'; did you mean 'amazon_invoices_to_coupa'?"
    ):
        rules.mapping("amazon_invoices")


def test_the_directory_is_chosen_by_the_environment(tmp_path: Path) -> None:
    assert mappings_directory({"PROCUREMENT_MAPPINGS": str(tmp_path)}) == tmp_path
    assert mappings_directory({"PROCUREMENT_MAPPINGS": " "}) == mappings_directory({})
    assert {f"{name}.yml" for name in RULE_FILES} <= {path.name for path in mappings_directory({}).iterdir()}


def test_rules_are_read_from_where_the_environment_says(
    edited: Edit, monkeypatch: pytest.MonkeyPatch, rules: Rules
) -> None:
    monkeypatch.setenv("PROCUREMENT_MAPPINGS", str(edited("policies.yml", "settle_hours: 24", "settle_hours: 0")))
    assert read_rules().policies.settle_hours == 0
    monkeypatch.delenv("PROCUREMENT_MAPPINGS")
    assert read_rules().version == rules.version


@pytest.mark.parametrize(
    ("entry", "mode", "go_live"),
    [
        ("mode: off", Mode.OFF, None),
        ("mode: off\n    suppliers: {A: {mode: shadow}}", Mode.SHADOW, None),
        ("mode: shadow\n    accounts: {A: {mode: live, go_live: 2026-02-01}}", Mode.LIVE, date(2026, 2, 1)),
        (
            "mode: live\n    go_live: 2026-03-01\n    suppliers: {A: {mode: live, go_live: 2026-02-01}}",
            Mode.LIVE,
            date(2026, 2, 1),
        ),
        ("mode: live\n    go_live: 2026-03-01\n    suppliers: {A: {mode: off}}", Mode.LIVE, date(2026, 3, 1)),
    ],
)
def test_a_pipeline_runs_as_far_and_reads_as_far_back_as_its_widest_part(
    edited: Edit, entry: str, mode: Mode, go_live: date | None
) -> None:
    widest = read_rules(edited("rollout.yml", "mode: off", entry)).rollout.widest(PIPELINE)
    assert (widest.mode, widest.go_live) == (mode, go_live)


@pytest.mark.parametrize(
    ("entry", "mode"),
    [
        ("mode: live\n    go_live: 2026-03-01\n    accounts: {A: {mode: off}}", Mode.OFF),
        ("mode: off\n    accounts: {B: {mode: live, go_live: 2026-03-01}}", Mode.OFF),
        ("mode: off\n    accounts: {A: {mode: live, go_live: 2026-03-01}}", Mode.LIVE),
        ("mode: off\n    accounts: {A: {mode: off}}\n    cost_centers: {C: {mode: shadow}}", Mode.SHADOW),
    ],
)
def test_of_one_account_neither_the_other_accounts_count_nor_what_its_own_entry_overrules(
    edited: Edit, entry: str, mode: Mode
) -> None:
    assert read_rules(edited("rollout.yml", "mode: off", entry)).rollout.widest(PIPELINE, account="A").mode is mode


@pytest.mark.parametrize(
    ("supplier", "centers", "mode"),
    [
        ("S", [], Mode.SHADOW),
        ("T", [], Mode.LIVE),
        ("T", ["1"], Mode.OFF),
        ("T", ["2"], Mode.LIVE),
        ("T", ["1", "2"], Mode.OFF),
        ("S", ["2", ""], Mode.LIVE),
        ("S", ["2", "3"], Mode.SHADOW),
    ],
)
def test_of_a_document_over_several_cost_centers_the_most_careful_rule_counts(
    edited: Edit, supplier: str, centers: list[str], mode: Mode
) -> None:
    live = "{mode: live, go_live: 2026-01-01}"
    entry = (
        "mode: live\n    go_live: 2026-01-01\n    suppliers: {S: {mode: shadow}}\n"
        f"    cost_centers: {{'1': {{mode: off}}, '2': {live}}}"
    )
    rollout = read_rules(edited("rollout.yml", "mode: off", entry)).rollout
    assert rollout.most_careful(PIPELINE, account="A", supplier=supplier, cost_centers=centers).mode is mode
