"""Tasks of user groups: to whom they go, how ours is found again, and when closing one is no longer needed."""

from typing import Any

import pytest

from connectors.errors import NotFound
from procurement.ledger.types import Claimed, Peeked, Stop
from procurement.pipelines.coupa_actions import CloseTask, CreateTask

Json = dict[str, Any]
TASK: Json = {
    "group": "Accounts payable", "title": "Invoice 1: price", "description": "Too dear. [m-1]", "marker": "[m-1]",
    "due": "2026-05-22",
}  # fmt: skip


class Coupa:
    """One group with tasks; every call is kept."""

    def __init__(self, *tasks: Json, active: bool = True) -> None:
        self.rows, self.active = list(tasks), active
        self.sent: list[Any] = []

    def user_groups(self, names: list[str]) -> list[list[Json]]:
        return [[{"id": 5, "name": name, "active": self.active} for name in names if name == "Accounts payable"]]

    def tasks(self, group_id: int, *, title: str) -> list[list[Json]]:
        return [[row for row in self.rows if (group_id, row["title"]) == (5, title)]]

    def get_task(self, id: int) -> Json:
        for row in self.rows:
            if row["id"] == id:
                return row
        raise NotFound("no such task", operation="get_task")

    def create_task(self, group_id: int, body: Json, permit: object) -> Json:
        self.sent.append((group_id, body))
        return {"id": 40}

    def update_task(self, id: int, body: Json, permit: object) -> Json:
        self.sent.append((id, body))
        return {"id": id}


def peeked(payload: Json) -> Peeked:
    return Peeked(id=1, action="create_task", business_key="k", payload=payload, hash="h", attempt=0)


def claimed(payload: Json) -> Claimed:
    return Claimed(id=1, action="create_task", business_key="k", payload=payload, attempt=1)


def test_a_task_goes_to_the_group_of_that_name() -> None:
    coupa = Coupa()
    action = CreateTask(coupa)  # type: ignore[arg-type]
    assert action.gate(peeked(TASK)) is None
    assert action.send(claimed({**TASK, "owner_id": 2}), None).target_id == "40"  # type: ignore[arg-type]
    body = {"title": TASK["title"], "description": TASK["description"], "due-date": "2026-05-22", "owner-id": 2}
    assert coupa.sent == [(5, body)]


@pytest.mark.parametrize(("group", "active"), [("Nobody", True), ("Accounts payable", False)])
def test_a_task_without_an_active_group_is_held(group: str, active: bool) -> None:
    stop = CreateTask(Coupa(active=active)).gate(peeked({**TASK, "group": group}))  # type: ignore[arg-type]
    assert stop == Stop("held", f"Coupa has no active user group {group}")


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({"title": TASK["title"], "description": "Too dear. [m-1]", "resolved-at": "2026-05-20T00:00:00Z"}, "9"),
        ({"title": TASK["title"], "description": "Too dear. [m-2]"}, None),
        ({"title": TASK["title"], "description": None}, None),
        ({"title": "Another", "description": "[m-1]"}, None),
    ],
)
def test_ours_is_the_one_that_carries_our_marker(row: Json, found: str | None) -> None:
    answer = CreateTask(Coupa({"id": 9, **row})).ask(claimed(TASK))  # type: ignore[arg-type]
    assert (answer.target_id if answer else None) == found


def test_a_task_is_closed_with_the_word_of_the_customer() -> None:
    coupa = Coupa({"id": 9, "title": "x", "percentage": 10, "resolved-at": None})
    action, payload = CloseTask(coupa), {"task": "9", "status": "finished"}  # type: ignore[arg-type]
    assert action.gate(peeked(payload)) is None
    assert action.ask(claimed(payload)) is None
    assert action.send(claimed(payload), None).target_id == "9"  # type: ignore[arg-type]
    assert coupa.sent == [(9, {"status": "finished", "percentage": 100})]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([], "task 9 was deleted in Coupa"),
        ([{"id": 9, "title": "x", "percentage": 100}], "task 9 was closed in Coupa already"),
        ([{"id": 9, "title": "x", "resolved-at": "2026-05-20T00:00:00Z"}], "task 9 was closed in Coupa already"),
    ],
)
def test_what_people_closed_or_deleted_is_left(rows: list[Json], why: str) -> None:
    action = CloseTask(Coupa(*rows))  # type: ignore[arg-type]
    assert action.gate(peeked({"task": "9", "status": "finished"})) == Stop("skipped", why)


def test_a_closing_without_an_answer_is_found_by_the_task_itself() -> None:
    action = CloseTask(Coupa({"id": 9, "title": "x", "percentage": 100}))  # type: ignore[arg-type]
    found = action.ask(claimed({"task": "9", "status": "finished"}))
    assert found is not None and (found.target_id, found.ours) == ("9", True)
