"""order_status.yml: the first rule that fits decides, and a mistake is named with its place and the nearest word."""

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest

from procurement.errors import MappingError
from procurement.order_status_rules import ChangeKind, StatusAction
from procurement.policies import Rules, read_rules

README = (Path(__file__).parents[3] / "mappings" / "README.md").read_text()


def test_every_change_has_a_rule_as_shipped(rules: Rules) -> None:
    covered = {change for rule in rules.order_status.rules for change in rule.when.change}
    assert covered == set(get_args(ChangeKind))


def test_the_first_rule_that_fits_decides(rules: Rules) -> None:
    dear = rules.order_status.actions("cancelled", charged=True, amount=Decimal("500.00"))
    cheap = rules.order_status.actions("cancelled", charged=True, amount=Decimal("499.99"))
    assert "flag_compliance" in dear
    assert "flag_compliance" not in cheap


def test_an_amount_nobody_knows_is_below_every_minimum(rules: Rules) -> None:
    assert "flag_compliance" not in rules.order_status.actions("cancelled", charged=True, amount=None)


def test_a_price_that_fell_counts_by_its_size(rules: Rules) -> None:
    assert "flag_compliance" in rules.order_status.actions("price_changed", amount=Decimal(-100))


def test_a_commodity_narrows_a_rule(edited: Callable[..., Path]) -> None:
    folder = edited("order_status.yml", "{change: undeliverable}", "{change: undeliverable, commodity: Furniture}")
    text = (
        (folder / "order_status.yml")
        .read_text()
        .replace("  - {change: undeliverable, expect: [notify_requester]}\n", "")
    )
    (folder / "order_status.yml").write_text(text)
    chosen = read_rules(folder).order_status
    assert chosen.actions("undeliverable", commodity="Furniture") == ("notify_requester",)
    assert chosen.actions("undeliverable", commodity="Office") == ()
    assert chosen.actions("undeliverable") == ()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("change: undeliverable}", "change: undelivered}", "did you mean 'undeliverable'"),
        ("do: [notify_buyer]", "do: [notify_byer]", "did you mean 'notify_buyer'"),
        ("min_amount: 100", "min_amout: 100", "did you mean 'min_amount'"),
        ("do: [notify_buyer]", "do: [cancel_order]", "is for units that will not come"),
        ("do: [soft_close_line, notify_requester]", "do: [soft_close_line, cancel_order]", "exclude each other"),
        ("compliance_recipients: [procurement.compliance@example.com]", "compliance_recipients: []", "mails nobody"),
        ("[procurement.compliance@example.com]", "[compliance]", "is no mail address"),
    ],
)
def test_a_mistake_names_its_place_and_the_nearest_word(
    edited: Callable[..., Path], old: str, new: str, words: str
) -> None:
    with pytest.raises(MappingError) as caught:
        read_rules(edited("order_status.yml", old, new))
    assert re.search(r"mappings/order_status\.yml:\d+: ", str(caught.value))
    assert words in str(caught.value)


def test_every_change_and_every_action_is_explained() -> None:
    part = README.split("## Order status", 1)[1].split("\n## ", 1)[0]
    explained = set(re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE))
    assert explained == set(get_args(ChangeKind)) | set(get_args(StatusAction))
