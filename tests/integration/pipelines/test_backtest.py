"""Other tolerances tried on what a quarter left in the ledger: the effect is told, and nothing is changed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from procurement.ledger import Ledger
from procurement.mapping.reading import read_rules_file
from procurement.matching import Outcome
from procurement.pipelines.amazon_invoices_to_coupa import PIPELINE
from procurement.pipelines.amazon_invoices_to_coupa.backtest import Backtest, Move, backtest, report
from procurement.policies import Rules
from procurement.tolerances import ToleranceFile, Tolerances
from tests.integration.pipelines.conftest import (
    NOW,
    SCOPES,
    SHIPPED,
    SPEED,
    InvoiceRun,
    SandboxPair,
    StartSandbox,
    connect_amazon,
    connect_coupa,
)

pytestmark = pytest.mark.integration
ROOT = SHIPPED.parent
EXAMPLES = "examples:\n  - {check: ordered, expected: 1, actual: 2, breached: true}\n"
LOOSE = "default:\n  ordered: {over: {absolute: 0}}\n  received: {over: {absolute: 0}}\n" + EXAMPLES
STRICT = LOOSE.replace("default:\n", "default:\n  price: {over: {absolute: 0}}\n  shipping: {over: {absolute: 0}}\n")


@pytest.fixture
def pair(start_sandbox: StartSandbox) -> SandboxPair:
    return start_sandbox("quarter", orders="60")


@pytest.fixture
def invoices(pair: SandboxPair, run_invoices: Callable[[SandboxPair], InvoiceRun]) -> InvoiceRun:
    run = run_invoices(pair)
    run("first")
    return run


@pytest.fixture
def tried(
    pair: SandboxPair, invoices: InvoiceRun, ledger: Ledger, rules: Rules, tmp_path: Path
) -> Callable[..., Backtest]:
    def run(text: str, **dates: date) -> Backtest:
        path = tmp_path / "other.yml"
        path.write_text(text)
        tolerances = Tolerances.from_file(read_rules_file(path, ToleranceFile)[0])
        return backtest(connect_coupa(pair, ledger), ledger, rules=rules, tolerances=tolerances, **dates)

    return run


def outcomes(ledger: Ledger) -> dict[str, str]:
    return {
        known.business_key.rsplit("/", 1)[-1]: outcome.value
        for outcome in Outcome
        for known in ledger.deliveries.list_by_outcome(PIPELINE, outcome)
    }


def everything(database_url: str) -> dict[str, Any]:
    """Every row of every table of the ledger but the rate buckets, as text."""
    engine = sa.create_engine(database_url)
    with engine.connect() as connection:
        names = sorted(name for name in sa.inspect(connection).get_table_names() if "rate" not in name)
        rows = {name: sorted(map(str, connection.execute(sa.text(f'SELECT * FROM "{name}"')).all())) for name in names}
    engine.dispose()
    return rows


def test_the_shipped_tolerances_come_to_what_the_ledger_has_and_change_no_invoice(
    tried: Callable[..., Backtest], ledger: Ledger
) -> None:
    found = tried((SHIPPED / "tolerances.yml").read_text())
    assert {one.invoice.number: one.after.value for one in found.replayed} == outcomes(ledger)
    assert {one.move for one in found.replayed} == {Move.NOTHING}
    assert "0 of" in report(found)


def test_without_price_limits_the_dear_ones_pass_and_their_money_is_told(tried: Callable[..., Backtest]) -> None:
    found = tried(LOOSE)
    moved = [one for one in found.replayed if one.move is Move.LET_THROUGH]
    assert moved and found.total.held[1] < found.total.held[0]
    assert found.total.matched[1] == found.total.matched[0] + len(moved)
    assert found.total.let_through["USD"].amount == sum(one.invoice.total.amount for one in moved) > 0
    assert not found.total.newly_held
    assert all(one.reason and one.reason in report(found) for one in moved)


def test_stricter_ones_hold_more_and_suppliers_and_commodities_add_up_to_it(tried: Callable[..., Backtest]) -> None:
    found = tried(STRICT)
    assert found.total.newly_held["USD"].amount > 0
    assert found.total.held[1] > found.total.held[0]
    assert sum(one.documents for one in found.suppliers.values()) == found.total.documents == len(found.replayed)
    newly = [one.newly_held["USD"].amount for one in found.commodities.values() if one.newly_held]
    charges = [
        charge.total.amount + sum(tax.amount.amount for tax in charge.tax_lines)
        for one in found.replayed
        if one.move is Move.NEWLY_HELD
        for charge in one.invoice.charges
    ]
    assert sum(newly) + sum(charges) == found.total.newly_held["USD"].amount


def test_only_invoices_of_the_dates_asked_for_are_replayed(tried: Callable[..., Backtest]) -> None:
    since, until = date(2026, 5, 1), date(2026, 5, 31)
    everyone, may = tried(LOOSE), tried(LOOSE, since=since, until=until)
    assert {one.invoice.number for one in may.replayed} == {
        one.invoice.number for one in everyone.replayed if since <= one.invoice.date <= until
    }
    assert 0 < may.total.documents < everyone.total.documents
    assert "nothing to replay" in report(tried(LOOSE, since=date(2030, 1, 1)))


def test_what_was_never_sent_and_never_will_be_is_no_invoice(
    tried: Callable[..., Backtest], ledger: Ledger, database_url: str
) -> None:
    everyone = tried(LOOSE).total.documents
    with ledger.engine.begin() as connection:
        connection.execute(sa.text("""
            UPDATE deliveries SET state = 'skipped', reason = 'superseded by a newer plan', target_id = NULL
            WHERE id IN (SELECT id FROM deliveries WHERE action = 'create_invoice' ORDER BY id LIMIT 3)
        """))  # fmt: skip
    assert tried(LOOSE).total.documents == everyone - 3


def test_what_people_abandoned_takes_no_units_from_others_and_is_replayed_in_its_place(
    start_sandbox: StartSandbox, run_invoices: Callable[[SandboxPair], InvoiceRun], ledger: Ledger, rules: Rules
) -> None:
    """What was ordered once was billed three times; somebody gave the third invoice up, then the second."""
    run = run_invoices(start_sandbox("clean", orders="12"))
    run("first")
    charge = one_charge(run)
    for number in ("INV-X", "INV-Y"):
        again = json.loads(json.dumps(charge, default=str)) | {"transactionId": f"t-{number}", "invoiceNumber": None}
        again["feedDate"] = run.now.isoformat().replace("+00:00", "Z")
        again["transactionLineItems"][0]["shipmentId"] = f"S-{number}"
        run.pair.post("amazon", "events/charge", transaction=again)
        run.pair.post("amazon", "events/issue_invoice", transactionId=f"t-{number}", invoiceNumber=number)
        run.pair.post("amazon", "clock", advance=3 * 86400)
        run.now += timedelta(days=3)
        run(number)
    numbers = (charge["invoiceNumber"], "INV-X", "INV-Y")
    before = {number: outcomes(ledger)[number] for number in numbers}
    assert list(before.values()) == ["matched", "exception", "exception"]

    def replayed() -> dict[str, str]:
        found = backtest(connect_coupa(run.pair, ledger), ledger, rules=rules, tolerances=rules.tolerances)
        assert found.total.held == (2, 2)
        return {one.invoice.number: one.before.value for one in found.replayed if one.invoice.number in numbers}

    assert replayed() == before
    for number in ("INV-Y", "INV-X"):
        run.pair.post("coupa", "events/act_on_invoice", **{"invoice-number": number, "action": "abandon"})
        run.now += timedelta(days=1)
        run(f"without {number}")
        assert replayed() == before, f"without {number}"


def one_charge(run: InvoiceRun, units: int = 1) -> dict[str, Any]:
    """A charge of one line with so many units, or more."""
    amazon = connect_amazon(run.pair, run.ledger)
    feed = (
        raw
        for n in (3, 2, 1)
        for page in amazon.transaction_pages(NOW - timedelta(days=30 * n), NOW - timedelta(days=30 * n - 30))
        for raw in page
    )
    return next(
        raw for raw in feed
        if raw["transactionType"] == "CHARGE" and [line["itemQuantity"] >= units for line in raw["transactionLineItems"]] == [True]
    )  # fmt: skip


def test_the_command_prints_the_effect_and_changes_neither_system(
    pair: SandboxPair, invoices: InvoiceRun, database_url: str, mappings_directory: Path, tmp_path: Path
) -> None:
    path = tmp_path / "other.yml"
    path.write_text(LOOSE)
    connection = {
        "conn_type": "coupa", "host": pair.coupa_url, "login": "sandbox-client", "password": "sandbox-secret",
        "extra": {"instance": "acme", "rate_multiplier": SPEED, "scope": SCOPES},
    }  # fmt: skip
    environment = {
        **os.environ, "LEDGER_URL": database_url, "AIRFLOW_CONN_COUPA_DEFAULT": json.dumps(connection),
        "PROCUREMENT_MAPPINGS": str(mappings_directory), "AIRFLOW_HOME": str(tmp_path / "airflow"), "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins'}",
    }  # fmt: skip
    before, written = everything(database_url), pair.calls("coupa")["writes_accepted"]
    command = [sys.executable, "-m", "procurement_airflow.backtest", str(path), "--from", "2026-04-01"]
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "let through" in done.stdout and "supplier AMZN-US" in done.stdout and "nothing was changed" in done.stdout
    assert everything(database_url) == before
    assert pair.calls("coupa")["writes_accepted"] == written


def test_a_mistake_in_the_file_is_named_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from procurement_airflow.backtest import main

    path = tmp_path / "other.yml"
    path.write_text(LOOSE.replace("ordered:", "orderd:", 1))
    assert main([str(path)]) == 2
    assert "other.yml:2" in capsys.readouterr().err
