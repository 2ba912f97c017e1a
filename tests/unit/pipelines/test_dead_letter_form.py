"""What the form of the DAG `dead_letters` means, and what it must not leave open."""

from typing import Any

import pytest

from procurement.errors import ConfigurationError
from procurement.pipelines.dead_letters import Choice, read_choice
from procurement.pipelines.windows import RunRequest


def choice(**params: Any) -> Choice:
    return read_choice(RunRequest(dag_id="dead_letters", run_id="1", params=params))


def test_an_empty_form_lists() -> None:
    assert choice() == choice(action="list", pipeline=None, kind="", keys=None, held=False, reason=None) == Choice()


def test_what_is_typed_is_trimmed_and_named_once() -> None:
    typed = choice(action="replay", keys=[" D-1 ", "", "D-1", "INV-2"], pipeline=" amazon_invoices_to_coupa ")
    assert typed == Choice(action="replay", keys=("D-1", "INV-2"), pipeline="amazon_invoices_to_coupa")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"action": "bury"}, "choose list, show, replay, discard"),
        ({"action": "show", "pipeline": "p"}, "Fill in `keys`"),
        ({"action": "replay"}, "replay which ones"),
        ({"action": "replay", "held": True}, "replay which ones"),
        ({"action": "discard", "reason": "old"}, "discard which ones"),
        ({"action": "discard", "pipeline": "p", "reason": "old"}, "`pipeline` and `kind` together"),
        ({"action": "discard", "keys": ["D-1"]}, "with a reason"),
        ({"action": "discard", "keys": ["D-1"], "reason": "  "}, "with a reason"),
        ({"action": "replay", "keys": "D-1"}, "one key each"),
    ],
)
def test_a_form_that_leaves_open_what_it_changes_is_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        choice(**params)
