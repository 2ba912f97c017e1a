"""What is looked at before every write of the catalog: its catalog's status, asked once where Coupa shows it."""

from dataclasses import replace
from typing import Any

import pytest

from procurement.pipelines.amazon_catalog_to_coupa.actions import Gate
from procurement.pipelines.amazon_catalog_to_coupa.coupa_side import read_catalog
from procurement.policies import Rules, read_rules
from procurement.policy_files import PipelineRollout, Rollout

JOINS = {"supplier": "AMZN-US", "body": {"catalog": {"name": "AB"}}}
Json = dict[str, Any]


class Coupa:
    def __init__(self, *shown: Json | None) -> None:
        self.shown, self.asked = list(shown), 0

    def catalog(self, supplier: str, name: str) -> Json | None:
        self.asked += 1
        return self.shown.pop(0)


@pytest.fixture(scope="module")
def rules() -> Rules:
    live = PipelineRollout.model_validate({"mode": "live", "go_live": "2026-03-01"})
    return replace(read_rules(), rollout=Rollout({"amazon_catalog_to_coupa": live}))


def gate(rules: Rules, *shown: Json | None) -> tuple[Gate, Coupa]:
    coupa = Coupa(*shown)
    return Gate(coupa, rules, "sandbox"), coupa  # type: ignore[arg-type]


def test_an_accepted_catalog_is_asked_for_once(rules: Rules) -> None:
    before, coupa = gate(rules, {"name": "AB", "status": "accepted"})
    assert [before.look(JOINS) for _ in range(3)] == [None] * 3 and coupa.asked == 1


def test_a_catalog_whose_status_coupa_does_not_show_is_asked_for_once_too(rules: Rules) -> None:
    before, coupa = gate(rules, {"name": "AB"})
    assert [before.look(JOINS) for _ in range(3)] == [None] * 3 and coupa.asked == 1


def test_a_write_that_joins_no_catalog_asks_nothing(rules: Rules) -> None:
    before, coupa = gate(rules)
    assert before.look({"supplier": "AMZN-US", "body": {"price": "1.00"}}) is None
    assert before.look({"document": "requisitions", "id": 7, "text": "moved"}) is None
    assert coupa.asked == 0


def test_the_first_item_in_a_new_catalog_shows_whether_others_may_follow(rules: Rules) -> None:
    before, _ = gate(rules, None, {"name": "AB", "status": "new"})
    assert before.look(JOINS) is None, "nothing is in it yet, so nothing shows its status"
    stopped = before.look(JOINS)
    assert stopped is not None and stopped.state == "waiting" and "it is new in Coupa, not accepted" in stopped.reason


@pytest.mark.parametrize("shown", [None, {"name": "AB"}, {"name": "AB", "status": None}])
def test_what_coupa_does_not_show_is_unknown_and_neither_accepted_nor_closed(shown: Json | None) -> None:
    state = read_catalog(Coupa(shown), "AMZN-US", "AB")  # type: ignore[arg-type]
    assert (state.known, state.why_not, state.is_empty) == (False, "", shown is None)
