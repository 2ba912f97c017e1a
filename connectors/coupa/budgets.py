"""The Coupa calls about budget lines and the adjustments that consume them."""

from collections.abc import Iterable

from pydantic import Field

from connectors.checks import Given, checked
from connectors.coupa.bodies import Reference
from connectors.coupa.fields import Fields
from connectors.coupa.operations import OPERATIONS
from connectors.coupa.reads import Pages
from connectors.coupa.writes import CoupaWrites
from connectors.http import Permit
from connectors.payload_types import CoupaBody, Exact
from connectors.tally import Json

DESCRIPTION_SIZE = 255  # characters; Coupa refuses more
BUDGET_LINE: Fields = [
    "id", "amount", "remaining", "description", *(f"segment_{n}" for n in range(1, 21)), {"currency": ["code"]},
    {"period": ["id", "name", "start_date", "end_date", "is_open"]}, {"owner": ["login", "email"]},
]  # fmt: skip
ADJUSTMENT: Fields = [
    "id", "amount", "description", "adjuster", "reason", "created_at", {"currency": ["code"]}, {"budget_line": ["id"]},
]  # fmt: skip


class AdjustmentPayload(CoupaBody):
    """A manual adjustment in the budget line's currency: negative consumes, positive gives back."""

    adjustment_amount: Exact
    currency: Reference
    description: str = Field(min_length=1, max_length=DESCRIPTION_SIZE)


class Budgets(CoupaWrites):
    def budget_lines(self, periods: Iterable[str]) -> Pages:
        """The budget lines of these periods, by the periods' names; unknown periods have none."""
        return self._among("list_budget_lines", "period[name]", periods, BUDGET_LINE)

    def budget_line_adjustments(self, line_ids: Iterable[int], *, after: int = 0) -> Pages:
        """What consumed these budget lines, from the adjustment after the one of this id on: Coupa's own name their `adjuster`."""
        query = {"id[gt]": after} if after else {}
        return self._among("list_budget_line_adjustments", "budget_line[id]", line_ids, ADJUSTMENT, query=query)

    def adjustments_of(self, line_id: int, *, described: str) -> Pages:
        """What was posted on one budget line with a description that begins so."""
        path = OPERATIONS["list_adjustments_of_budget_line"].at(line=line_id)
        query = {"description[starts_with]": described}
        return self._every("list_adjustments_of_budget_line", ADJUSTMENT, query=query, path=path)

    def adjust_budget_line(self, id: int, payload: AdjustmentPayload | Given, permit: Permit) -> Json:
        """Appends an adjustment; the answer is the budget line with what remains."""
        body = checked(AdjustmentPayload, payload, "adjust_budget_line", permit)
        return self._write("adjust_budget_line", permit, body, fields=BUDGET_LINE, id=id)
