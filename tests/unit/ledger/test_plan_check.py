"""A plan that contradicts itself is refused before anything is written."""

import pytest

from procurement.ledger.planning import check_plan
from procurement.ledger.types import Plan, PlannedDelivery, PlannedFinding, PlannedRecord

pytestmark = pytest.mark.unit
CREATE = PlannedDelivery(action="create", business_key="N1", payload={})


def bills(name: tuple[str, str], record_id: int = 1) -> PlannedRecord:
    return PlannedRecord(record_id=record_id, state="planned", bills=name)


def test_a_plan_that_holds_together_passes() -> None:
    finding = PlannedFinding(kind="price", sentence="too dear", delivery=CREATE.name)
    about_record = PlannedFinding(kind="late", sentence="too late", record_id=1)
    check_plan(Plan([CREATE], [bills(CREATE.name)], [finding, about_record]))


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (Plan([CREATE, CREATE]), r"planned twice: \('create', 'N1'\)"),
        (Plan([CREATE], [bills(CREATE.name), bills(CREATE.name)]), r"record planned twice: \(1, 'whole'\)"),
        (Plan(records=[PlannedRecord(record_id=1, state="planned")]), "record 1 is planned but bills nothing"),
        (Plan([CREATE], [bills(("create", "N2"))]), r"bills \('create', 'N2'\), which is not in the plan"),
        (Plan(findings=[PlannedFinding(kind="price", sentence="s", delivery=("create", "N2"))]), "not in the plan"),
        (Plan(findings=[PlannedFinding(kind="price", sentence="s")]), "about nothing"),
    ],
    ids=[
        "delivery twice",
        "record twice",
        "bills nothing",
        "bills a stranger",
        "finding of a stranger",
        "finding of nothing",
    ],
)
def test_a_contradiction_is_refused_by_name(plan: Plan, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_plan(plan)
