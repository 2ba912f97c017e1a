"""The Coupa calls about user groups and their tasks."""

from collections.abc import Iterable

from connectors.checks import Given, checked
from connectors.coupa.fields import Fields
from connectors.coupa.operations import OPERATIONS
from connectors.coupa.reads import Pages
from connectors.coupa.task_bodies import TaskChanges, TaskPayload
from connectors.coupa.writes import CoupaWrites
from connectors.http import Permit
from connectors.tally import Json

USER_GROUP: Fields = ["id", "name", "active", "mention_name"]
TASK: Fields = [
    "id", "title", "description", "status", "percentage", "due_date", "linkable_type", "linkable_id", "resolved_at",
    "owner_id", "created_at",
]  # fmt: skip


class Teamwork(CoupaWrites):
    def user_groups(self, names: Iterable[str]) -> Pages:
        """User groups by name; inactive ones too."""
        return self._among("list_user_groups", "name", names, USER_GROUP, unique=True)

    def tasks(self, group_id: int, *, title: str | None = None) -> Pages:
        """The tasks of a user group, all or those with this title, done ones included."""
        path = OPERATIONS["list_group_tasks"].at(group=group_id)
        query = {"title": title} if title is not None else {}
        return self._every("list_group_tasks", TASK, query=query, path=path)

    def get_task(self, id: int) -> Json:
        """One task as Coupa shows it now; NotFound if it was deleted."""
        return self._get("get_task", id, TASK)

    def create_task(self, group_id: int, payload: TaskPayload | Given, permit: Permit) -> Json:
        """A task for a user group."""
        body = checked(TaskPayload, payload, "create_task", permit)
        return self._write("create_task", permit, body, fields=TASK, group=group_id)

    def update_task(self, id: int, payload: TaskChanges | Given, permit: Permit) -> Json:
        body = checked(TaskChanges, payload, "update_task", permit)
        return self._write("update_task", permit, body, fields=TASK, id=id)
