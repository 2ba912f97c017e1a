"""Requisitions that wait for approval, beside each other; and what their approvers hear where Coupa refuses a write."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.coupa.client import Coupa
from procurement.ledger import Ledger
from tests.integration.pipelines import conftest
from tests.integration.pipelines.compliance_runs import AT_ONCE, ComplianceRun, switched
from tests.integration.pipelines.conftest import SandboxPair, StartSandbox

pytestmark = pytest.mark.integration
SPLIT = """\
  - name: split_asked
    kind: split_order
    limit: 400.00
    days: 3
    same: buyer
    action: route
    approver: catalog.admin
    before_order: true
"""
Json = dict[str, Any]


@pytest.fixture
def pair(start_sandbox: StartSandbox) -> SandboxPair:
    return start_sandbox("buying")


def waiting(pair: SandboxPair) -> list[Json]:
    """The two requisitions that wait, the one submitted first at the beginning."""
    rows = [row for row in pair.state("coupa", "requisitions") if row["status"] == "pending_approval"]
    first, second = sorted(rows, key=lambda row: str(row["submitted-at"]))
    return [first, second]


def total(raw: Json) -> Decimal:
    lines = ((Decimal(str(line["quantity"])), Decimal(str(line["unit-price"]))) for line in raw["requisition-lines"])
    return sum((units * price for units, price in lines), Decimal(0))


@pytest.mark.parametrize("together", [True, False], ids=["in one run", "in the next run"])
def test_a_purchase_split_over_requisitions_that_wait_together_is_routed_with_the_last_one(
    pair: SandboxPair,
    ledger: Ledger,
    mappings_directory: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    together: bool,
) -> None:
    first, second = waiting(pair)
    assert max(total(first), total(second)) < 400 < total(first) + total(second)
    read, hidden = Coupa.requisitions_in, set[int]() if together else {second["id"]}

    def of_one_person(coupa: Coupa, status: str, suppliers: Sequence[str]) -> Iterator[Sequence[Json]]:
        for page in read(coupa, status, suppliers):
            yield [row | {"requested-by": second["requested-by"]} for row in page if row["id"] not in hidden]

    monkeypatch.setattr(Coupa, "requisitions_in", of_one_person)
    rules = switched(mappings_directory, **AT_ONCE, **{"  - name: bought_twice\n": f"{SPLIT}  - name: bought_twice\n"})
    run = ComplianceRun(pair, ledger, rules, tmp_path)
    run()
    assert together or ledger.compliance.open_from("coupa/acme") == []
    hidden.clear()
    run()
    (row,) = ledger.compliance.open_from("coupa/acme")
    assert (row.rule, row.purchase, row.amount) == (
        "split_asked",
        f"requisition {second['id']}",
        total(first) + total(second),
    )
    assert row.orders == (f"requisition {first['id']}", f"requisition {second['id']}")
    logins = {row["id"]: {one["approver"]["login"] for one in row["approvals"]} for row in waiting(pair)}
    assert "catalog.admin" in logins[second["id"]] and "catalog.admin" not in logins[first["id"]]


def test_where_coupa_does_not_let_us_reject_the_approver_is_told_once(
    pair: SandboxPair, ledger: Ledger, mappings_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = waiting(pair)
    asin = first["requisition-lines"][0]["source-part-num"]
    block = "severity: high\n    action: block\n    before_order: true"
    rules = switched(mappings_directory, **AT_ONCE, **{
        f"asins: []\n    {block}": f'asins: ["{asin}"]\n    {block}', "reject_pending_approvals: false": "reject_pending_approvals: true",
    })  # fmt: skip
    monkeypatch.setattr(conftest, "SCOPES", conftest.SCOPES.replace("core.approval.write ", ""))
    run = ComplianceRun(pair, ledger, rules, tmp_path)

    def told() -> list[str]:
        return [
            text for row in pair.state("coupa", "comments") if "must not be approved" in (text := str(row["comments"]))
        ]

    run()
    assert [letter.error_class for letter in ledger.dead_letters.list()] == ["permission"] and told() == []
    for _ in range(2):
        run()
        (text,) = told()
        user = next(one["approver"]["id"] for one in first["approvals"] if one["status"] == "pending_approval")
        assert text.startswith(f"@[User:{user}]") and asin in text
