"""User groups and their tasks.

The words of a task's `status` are the customer's own, so any text is taken. A task is resolved once all of it is done
(`percentage` 100) or its status says so in the word of this instance, DONE; taking that back opens it again.
"""

from typing import Any

from sandbox.coupa.errors import invalid, not_found
from sandbox.coupa.incoming import create, read_body, update
from sandbox.coupa.instance import API_USER_ID, Instance
from sandbox.coupa.references import find_reference
from sandbox.coupa.schema import Record

GROUP_MODEL, TASK_MODEL = "user_group", "task"
DONE = "completed"
USER_GROUP = "UserGroup"  # how a task names what it is linked to; projects are not kept here
MEMBER = ("id", "login", "email", "firstname", "lastname", "fullname")


def create_user_group(instance: Instance, body: Any) -> Record:
    """`users` name existing people, as references do."""
    given = read_body(body, GROUP_MODEL)
    return create(instance, "user_groups", _with_members(instance, given))


def update_user_group(instance: Instance, group: Record, body: Any) -> Record:
    update(instance, "user_groups", group, _with_members(instance, read_body(body, GROUP_MODEL)))
    return group


def _with_members(instance: Instance, given: Record) -> Record:
    if "users" not in given:
        return given
    if not isinstance(given["users"], list):
        raise invalid(GROUP_MODEL, "Users must be a list of objects")
    try:
        people = [find_reference(instance, "users", one) for one in given["users"]]
    except ValueError as problem:
        raise invalid(GROUP_MODEL, f"Users {problem}") from None
    return {**given, "users": [{name: person[name] for name in MEMBER} for person in people]}


def create_task(instance: Instance, body: Any, *, group_id: int | None = None) -> Record:
    """Of the group of the path, or of what `linkable-type` and `linkable-id` say."""
    given = read_body(body, TASK_MODEL)
    if group_id is not None:
        given |= {"linkable-type": USER_GROUP, "linkable-id": find_group(instance, group_id)["id"]}
    elif given.get("linkable-type") != USER_GROUP or instance.get("user_groups", given.get("linkable-id")) is None:
        raise invalid(TASK_MODEL, "Linkable can't be blank")
    task = create(instance, "tasks", _with_owner(instance, given), extra={"task-id": instance.table("tasks").next_id})
    return _settled(instance, task)


def update_task(instance: Instance, task: Record, body: Any) -> Record:
    update(instance, "tasks", task, _with_owner(instance, read_body(body, TASK_MODEL)))
    return _settled(instance, task)


def find_group(instance: Instance, group_id: int) -> Record:
    group = instance.get("user_groups", group_id)
    if group is None:
        raise not_found("User group", group_id)
    return group


def find_task_of(instance: Instance, group_id: int, task_id: int) -> Record:
    task = instance.get("tasks", task_id)
    if task is None or task["linkable-id"] != find_group(instance, group_id)["id"]:
        raise not_found("Task", task_id)
    return task


def _with_owner(instance: Instance, given: Record) -> Record:
    """`owner-id` and `owner` are two names of one thing."""
    percentage = given.get("percentage")
    if isinstance(percentage, int) and not 0 <= percentage <= 100:
        raise invalid(TASK_MODEL, "Percentage is not included in the list")
    if given.get("owner-id") is not None:
        given["owner"] = {"id": given["owner-id"]}
    elif given.get("owner") is not None:
        try:
            given["owner-id"] = find_reference(instance, "users", given["owner"])["id"]
        except ValueError as problem:
            raise invalid(TASK_MODEL, f"Owner {problem}") from None
    return given


def _settled(instance: Instance, task: Record) -> Record:
    done = task["percentage"] == 100 or task["status"] == DONE
    if done != (task["resolved-at"] is not None):
        changes = {"resolved_at": instance.now(), "resolved_by": API_USER_ID}
        instance.change("tasks", task, **(changes if done else dict.fromkeys(changes)))
    return task
