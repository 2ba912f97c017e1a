"""mappings/README.md tells the truth about the grammar: no word missing, none too many."""

import re
from pathlib import Path
from typing import get_args

from procurement.charge_rules import Destination, When
from procurement.duplicates import Kind
from procurement.mapping.converters import CONVERTERS
from procurement.mapping.grammar import LINE_ROOTS, FieldRule
from procurement.policies import RULE_FILES
from procurement.routing import KINDS, STEPS, RouteWhen, Waits
from procurement.tolerances import CHECKS

README = (Path(__file__).parents[3] / "mappings" / "README.md").read_text()


def table(after: str) -> set[str]:
    """The words in backticks of the first column of the table that follows `after`."""
    rows = README.split(after, 1)[1].split("\n\n", 2)[1].splitlines()[2:]
    return {word for row in rows for word in re.findall(r"`([^`]+)`", row.split("|")[1])}


def test_every_key_of_a_rule_is_explained() -> None:
    keys = {field.alias or name for name, field in FieldRule.model_fields.items()}
    assert table("lookup: gl_accounts\n```") == keys


def test_every_conversion_and_every_document_is_explained() -> None:
    assert table("**Conversions**") == set(CONVERTERS)
    assert table("The first word says whose document it is:") == set(LINE_ROOTS)


def test_every_check_is_explained() -> None:
    assert table("These are the checks:") == set(CHECKS)


def test_every_step_and_every_reason_to_wait_is_explained() -> None:
    assert table("everything that any of them wants done, the earliest day.") == set(STEPS)
    section = README.split("## Routing", 1)[1].split("## ", 1)[0]
    named = set(re.findall(r"`(\w+)`", section))
    assert named >= set(Waits.model_fields)
    assert named >= set(RouteWhen.model_fields) | (set(KINDS) - set(CHECKS))


def test_every_file_is_listed() -> None:
    assert set(re.findall(r"`(\w+)\.yml` \|", README)) == set(RULE_FILES)


def test_every_key_of_a_charge_rule_and_every_kind_of_duplicate_is_explained() -> None:
    assert table("Under `when`, all that is said must hold:") == set(When.model_fields)
    words = {
        word for word in table("Under `into` stand one or several destinations:") if word in Destination.model_fields
    }
    assert words == set(Destination.model_fields)
    assert table("A held number is released in the form of the next run.") == set(get_args(Kind))
