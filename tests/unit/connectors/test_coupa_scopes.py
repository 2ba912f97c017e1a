"""A connection without scopes of its own asks for what the pipelines need as shipped: a missing one shows only in production."""

import re

import pytest

from connectors.coupa.operations import ALL_OPERATIONS
from connectors.operations import Operation
from procurement_airflow.settings import COUPA_SCOPES
from sandbox.coupa.routes import OPERATIONS

pytestmark = pytest.mark.unit
ACTIONS_TAKEN = {"act_on_invoice": ("submit", "add_approver", "dispute")}
SWITCHED_ON = {  # only where compliance.yml routes or rejects requisitions: docs/compliance.md names their scopes
    "act_on_requisition": "core.requisition.write",
    "act_on_approval": "core.approval.write",
}
ASKED = frozenset(COUPA_SCOPES.split())


def shape(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path.removeprefix("/api"))


NEEDED = {(row.method, shape(row.path)): frozenset(row.scopes) for row in OPERATIONS}


def needed(operation: Operation) -> list[frozenset[str]]:
    """Of each call that this operation stands for, the scopes of which any one opens it."""
    ours = shape(operation.path)
    if actions := ACTIONS_TAKEN.get(operation.name):
        return [NEEDED[operation.method, ours.removesuffix("{}") + action] for action in actions]
    if (operation.method, ours) in NEEDED:
        return [NEEDED[operation.method, ours]]
    pattern = re.compile(re.escape(ours).replace(re.escape("{}"), "[^/]+"))
    return [
        scopes for (method, path), scopes in NEEDED.items() if method == operation.method and pattern.fullmatch(path)
    ]


@pytest.mark.parametrize("operation", ALL_OPERATIONS, ids=lambda operation: operation.name)
def test_the_usual_scopes_open_every_call(operation: Operation) -> None:
    found = needed(operation)
    assert found, f"the sandbox does not answer {operation.method} {operation.path}"
    if operation.name in SWITCHED_ON:
        assert SWITCHED_ON[operation.name] not in ASKED, "no more rights than the shipped rules need"
    else:
        assert [scopes for scopes in found if scopes and not scopes & ASKED] == []
