"""Units on an invoice line: Amazon names none, units.yml may, and Coupa counts in that of the PO line."""

import shutil
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from procurement.documents import Invoice
from procurement.money import Money
from procurement.policies import Rules, read_rules
from tests.unit.procurement.conftest import MAPPINGS, amazon

EGGS = "B0EGGS"


@pytest.fixture(scope="module")
def by_the_piece(tmp_path_factory: pytest.TempPathFactory) -> Rules:
    """Amazon sells these eggs by the piece."""
    folder = tmp_path_factory.mktemp("units") / "mappings"
    shutil.copytree(MAPPINGS, folder, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    path = folder / "units.yml"
    path.write_text(path.read_text().replace("sold_in: {}", f"sold_in: {{{EGGS}: EA}}"))
    return read_rules(folder)


def eggs(make: Any, pieces: int, principal: str, unit: str | None, kind: str = "CHARGE") -> Any:
    price = str(abs(Decimal(principal) / pieces).quantize(Decimal("0.01")))
    top, (line,) = make.contexts(
        make.amazon_line(
            asin=EGGS, itemQuantity=pieces, unitPrice=amazon(price), principalAmount=amazon(principal), tax=None, taxRate=None,
            totalAmount=amazon(principal),
        ),
        kind=kind,
    )  # fmt: skip
    return top, [{**line, "po_line": {**line["po_line"], **({"uom": {"code": unit}} if unit else {})}}]


def build(rules: Rules, contexts: Any) -> Invoice:
    return rules.mapping("amazon_invoices_to_coupa").invoice(*contexts)


@pytest.mark.parametrize(
    ("pieces", "principal", "unit", "kind", "line"),
    [
        (12, "4.80", "DZ", "CHARGE", ("1", "4.80", "DZ")),
        (30, "12.00", "DZ", "CHARGE", ("2.5", "4.80", "DZ")),
        (144, "57.60", "DZ", "CHARGE", ("12", "4.80", "DZ")),
        (1, "0.40", "DZ", "CHARGE", ("0.083333", "4.80", "DZ")),  # cut, so that twelve are never more than the dozen
        (12, "-4.80", "DZ", "REFUND", ("-1", "4.80", "DZ")),
        (12, "4.80", "EA", "CHARGE", ("12", "0.40", "EA")),
        (12, "4.80", None, "CHARGE", ("12", "0.40", "EA")),
        (12, "4.80", "PK", "CHARGE", ("12", "0.40", "EA")),  # nobody says what a pack holds
        (1, "400000.00", "DZ", "CHARGE", ("1", "400000.00", "EA")),  # six decimals of a dozen would miss the total
    ],
)
def test_what_is_sold_in_another_unit_is_written_in_that_of_the_po_line(
    by_the_piece: Rules, make: Any, pieces: int, principal: str, unit: str | None, kind: str, line: tuple[str, str, str]
) -> None:
    (billed,) = build(by_the_piece, eggs(make, pieces, principal, unit, kind)).lines
    assert (str(billed.quantity), str(billed.unit_price), billed.unit_of_measure) == line
    assert billed.total == Money.of(principal, "USD")


def test_what_no_table_names_counts_in_the_unit_of_its_po_line(rules: Rules, make: Any) -> None:
    (billed,) = build(rules, eggs(make, 1, "4.80", "DZ")).lines
    assert (billed.quantity, billed.unit_of_measure) == (1, "DZ")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(pieces=st.integers(1, 5000), cents=st.integers(1, 10**7), unit=st.sampled_from(["DZ", "GR", "EA"]))
def test_a_converted_line_comes_to_its_total_and_never_to_more_units(
    by_the_piece: Rules, make: Any, pieces: int, cents: int, unit: str
) -> None:
    principal = Decimal(cents).scaleb(-2)
    invoice = build(by_the_piece, eggs(make, pieces, str(principal), unit))
    (billed,) = invoice.lines
    assert (billed.unit_price * billed.quantity).quantize(Decimal("0.01"), ROUND_HALF_UP) == billed.total.amount
    assert invoice.total.amount == principal
    held = {"DZ": 12, "GR": 144, "EA": 1}[str(billed.unit_of_measure)]
    assert billed.quantity * held <= pieces
