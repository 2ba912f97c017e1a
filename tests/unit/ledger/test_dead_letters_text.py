"""What a person reads of a dead letter."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from procurement.dead_letters import listed, main, shown
from procurement.ledger.types import DeadLetter

pytestmark = pytest.mark.unit
LETTER = DeadLetter(
    key="D-7", pipeline="amazon_invoices_to_coupa", document="create_invoice N1", state="dead", error_class="data",
    reason="No account.", errors=("No account.", "No supplier."), amount=Decimal("10.00"), currency="USD",
    since=datetime(2026, 6, 1, 8, 30, tzinfo=UTC), to_do="Correct it.", payload={"price": Decimal("0.10")},
)  # fmt: skip


def test_the_list_has_one_line_each_and_says_how_to_go_on() -> None:
    text = listed([LETTER, replace(LETTER, key="R-8", amount=None, error_class=None, reason=None)])
    assert "D-7        dead  data       2026-06-01 08:30  create_invoice N1, USD 10.00: No account." in text
    assert "R-8        dead  -          2026-06-01 08:30  create_invoice N1: no reason was kept" in text
    assert "2 in all" in text


def test_an_empty_list_says_so() -> None:
    assert listed([]) == "No dead letters."


def test_one_letter_shows_every_error_what_to_do_and_the_exact_payload() -> None:
    text = shown(LETTER)
    assert "  - No account.\n  - No supplier.\nTo do: Correct it." in text
    assert 'Payload: {"price":0.10}' in text


def test_a_letter_without_errors_shows_its_reason() -> None:
    assert "  - No account." in shown(replace(LETTER, errors=(), error_class=None))


@pytest.mark.parametrize("arguments", [[], ["bury"], ["discard", "D-7"], ["show"]])
def test_a_command_that_is_not_understood_shows_its_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert "usage: python -m procurement.dead_letters" in capsys.readouterr().err
