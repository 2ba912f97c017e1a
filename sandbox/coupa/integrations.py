"""Integration monitoring: runs with their states, errors, and alerts that are mailed to an integration's contacts."""

from collections.abc import Mapping
from typing import Any

from sandbox.coupa.errors import invalid
from sandbox.coupa.incoming import create, read_attributes, read_body
from sandbox.coupa.instance import Instance
from sandbox.coupa.schema import Record

RUN_MODEL, ERROR_MODEL = "integration_run", "integration_error"
ENDED = ("successful", "failed")
# action -> (statuses it is allowed in, status after)
RUN_TRANSITIONS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "run": (("pending", "paused", "running"), "running"),
    "pause": (("pending", "running"), "paused"),
    "pending": (("running", "paused"), "pending"),
    "success": (("pending", "running", "paused"), "successful"),
    "finish": (("pending", "running", "paused"), "successful"),
    "fail": (("pending", "running", "paused"), "failed"),
}


def act_on_run(instance: Instance, run: Record, action: str, body: Any) -> Record:
    given = read_body(body, RUN_MODEL)
    if action == "max_updated_at":
        instance.change("integration_runs", run, _max_updated_at=given.get("max-updated-at"))
        return run
    allowed, after = RUN_TRANSITIONS[action]
    if run["status"] not in allowed:
        raise invalid(RUN_MODEL, f"Cannot {action} a run that is {run['status']}")
    if after == "successful" and any(not row["resolved"] for row in errors_of(instance, run)):
        raise invalid(RUN_MODEL, "Cannot succeed while errors are unresolved")
    changes: Record = {"status": after}
    if action == "run":
        changes["start_time"] = run["start-time"] or instance.now()
    if after in ENDED:
        changes["end_time"] = instance.now()
    totals: Record = {name: given[name] for name in ("total-records", "records-processed") if name in given}
    changes |= read_attributes(instance, instance.table("integration_runs").resource, totals)
    instance.change("integration_runs", run, **changes)
    return run


def errors_of(instance: Instance, run: Record) -> list[Record]:
    return instance.table("integration_errors").by("integration-run-id", run["id"])


def create_integration_error(instance: Instance, body: Any, *, alert: bool = False) -> Record:
    """An error of a run, by `integration-run-id` or nested; `alert` mails the contacts of the run's integration."""
    given = read_body(body, ERROR_MODEL)
    if given.get("integration-run-id") is not None and given.get("integration-run") is None:
        given["integration-run"] = {"id": given["integration-run-id"]}
    if given.get("integration-run") is None:
        raise invalid(ERROR_MODEL, "Integration run can't be blank")
    rows = given.get("responses") or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise invalid(ERROR_MODEL, "Responses must be a list of objects")
    responses = [dict(row) for row in rows]
    for number, response in enumerate(responses, start=1):
        response.setdefault("id", number)
    error = create(instance, "integration_errors", {**given, "responses": responses})
    run = instance.table("integration_runs").rows[error["integration-run"]]
    instance.table("integration_errors").update(
        error, {"integration-run-id": run["id"], "integration": error["integration"] or run["integration"]}
    )
    if alert:
        _mail(instance, error)
    return error


def _mail(instance: Instance, error: Record) -> None:
    integration = instance.table("integrations").rows[error["integration"]]
    document = f"{error['document-type']}/{error['document-id']}"
    lines = [f"{one.get('response-code')}: {one.get('response-message')}" for one in error["responses"] or []]
    for contact in instance.table("integration_contacts").by("integration", integration["id"]):
        if (
            "Both" not in (contact["contact-alert-type"], error["contact-alert-type"])
            and contact["contact-alert-type"] != error["contact-alert-type"]
        ):
            continue
        person = instance.get("users", contact["contactable-id"]) if contact["contactable-type"] == "User" else None
        instance.mails.append({
            "to": person["email"] if person else f"{contact['contactable-type']}/{contact['contactable-id']}",
            "subject": f"Alert of integration {integration['code']}: {document}",
            "text": "\n".join(lines), "document": document, "external-id": error["external-id"],
            "at": instance.now().isoformat(),
        })  # fmt: skip


def resolve(instance: Instance, error: Record, *, resolved: bool) -> Record:
    instance.change("integration_errors", error, resolved=resolved)
    return error
