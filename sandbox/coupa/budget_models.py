"""The columns of budget periods, budget lines and their adjustments, named as in Coupa's published models."""

from sandbox.coupa.reference_data import SEGMENTS, SHORT, STAMPS
from sandbox.coupa.schema import Amount, Day, Flag, Inline, Ref, Resource, Text, Whole

PERIODS = Resource(
    "periods", "period", "Period",
    {**STAMPS, "name": Text(size=100, required=True), "start-date": Day(required=True), "end-date": Day(required=True),
     "is-open": Flag(), "account-type": Ref(resource="account_types")},
    keys=("name",), indexed=("name",), unique=(("name",),), defaults={"is-open": True},
)  # fmt: skip
BUDGET_LINES = Resource(
    "budget_lines", "budget_line", "Budget line",
    {**STAMPS, "period": Ref(resource="periods", required=True), "amount": Amount(scale=4), "currency": Ref(resource="currencies"),
     "description": SHORT, "notes": Text(), "error-on-overrun": Flag(), "overrun-calculation": Whole(),
     "owner": Ref(resource="users"), "owner-is-approver": Whole(),
     "pending-requisitions-amount": Amount(scale=4, output=True), "remaining": Amount(scale=4, output=True),
     "remaining-budget": Amount(scale=4), **SEGMENTS},
    kind="BudgetLine", indexed=("period", "segment-1", "segment-2", "segment-3"),
    defaults={"error-on-overrun": False, "overrun-calculation": 1, "owner-is-approver": 0},
)  # fmt: skip
BUDGET_LINE_ADJUSTMENTS = Resource(
    "budget_line_adjustments", "budget_line_adjustment", "Budget line adjustment",
    {"id": STAMPS["id"], "created-at": STAMPS["created-at"], "budget-line": Ref(resource="budget_lines", required=True),
     "adjustment-amount": Amount(scale=4),
     "amount": Amount(scale=4, output=True), "accounting-total": Amount(scale=4, output=True),
     "budget-remaining": Amount(scale=4, output=True), "currency": Ref(resource="currencies"), "description": SHORT,
     "adjuster": Inline(output=True), "price": Amount(precision=30, output=True),
     "quantity": Amount(precision=30, output=True), "reason": Text(size=255, output=True)},
    indexed=("budget-line", "description"),
)  # fmt: skip
BUDGET_MODELS = (PERIODS, BUDGET_LINES, BUDGET_LINE_ADJUSTMENTS)
