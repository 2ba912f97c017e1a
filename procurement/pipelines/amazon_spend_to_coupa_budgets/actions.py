"""The writes: an adjustment of a budget line, and a task for the group that owns it."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from connectors.coupa.client import Coupa
from connectors.errors import RejectedError
from connectors.http import Permit
from procurement.errors import DuplicateTarget
from procurement.ledger import Ledger
from procurement.ledger.types import Claimed, Found, Peeked, Sent, Stop
from procurement.pipelines.amazon_spend_to_coupa_budgets.names import (
    ADJUST,
    PIPELINE,
    TASK,
    adjustment_prefix,
    marker,
    rollout_of,
)
from procurement.pipelines.coupa_actions import CreateTask
from procurement.policies import Mode, Rules
from procurement.sending import Action

Json = dict[str, Any]
SWITCHED_OFF = "switched off in rollout.yml after it was planned"
TO_DO = "To do: open the period, or mend {name} in Coupa, and replay this letter; or adjust the budget by hand and discard it."


@dataclass(frozen=True, slots=True)
class AdjustBudget:
    """Appends an adjustment. Payload {line, name, period, marker, body}; the description begins with the marker.

    Coupa knows no key and takes the same adjustment as often as it is sent, so its list is read before each write.
    `known(line id)`: the markers of every adjustment of the line that this ledger has. `live(cost center)`: whether its
    spend may be posted now; where one of the payload's may not, the lines are planned again, each for itself.
    """

    coupa: Coupa
    account: str
    known: Callable[[int], Collection[str]]
    live: Callable[[str | None], bool]

    def permit(self) -> Permit:
        return self.coupa.permit("adjust_budget_line")

    def gate(self, delivery: Peeked) -> Stop | None:
        """Waits where rollout.yml switched a part of it off meanwhile. Held where Coupa already has this adjustment, or one of
        ours that this ledger knows nothing of."""
        if not all(self.live(center or None) for center in delivery.payload.get("cost_centers", [None])):
            return Stop("waiting", SWITCHED_OFF)
        line, own = int(delivery.payload["line"]), str(delivery.payload["marker"])
        posted = {_marker(row) for row in self._ours(line)}
        if own in posted:
            return Stop("held", f"Coupa already has the adjustment {own}: this ledger is older than what it sent")
        if strangers := sorted(posted - set(self.known(line))):
            return Stop(
                "held",
                f"{delivery.payload['name']} has adjustments that this ledger did not make: {', '.join(strangers[:5])}",
            )
        return None

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        payload = delivery.payload
        try:
            raw = self.coupa.adjust_budget_line(int(payload["line"]), payload["body"], permit)
        except RejectedError as error:
            reasons = (*error.reasons, TO_DO.format(name=payload["name"]))
            raise RejectedError(reasons, operation=error.operation, status=error.status) from error
        return Sent(target_id=str(raw["id"]), facts={"remaining": str(raw.get("remaining"))})

    def ask(self, delivery: Claimed) -> Found | None:
        """Ours where the marker, the amount and the currency are; DuplicateTarget where the marker stands twice."""
        line, body = int(delivery.payload["line"]), delivery.payload["body"]
        found = [row for row in self._ours(line) if _marker(row) == delivery.payload["marker"]]
        if len(found) > 1:
            ids = ", ".join(str(row["id"]) for row in found)
            raise DuplicateTarget(f"adjustments {ids} of budget line {line} all carry {delivery.payload['marker']}")
        if not found:
            return None
        [row] = found
        same = Decimal(str(row.get("amount"))) == Decimal(body["adjustment-amount"])
        ours = same and (row.get("currency") or {}).get("code") == body["currency"]["code"]
        return Found(target_id=str(line), ours=ours, facts={"adjustment": row["id"]})

    def _ours(self, line: int) -> Iterator[Json]:
        prefix = adjustment_prefix(self.account)
        for page in self.coupa.adjustments_of(line, described=prefix):
            yield from (row for row in page if str(row.get("description")).startswith(prefix))


def _marker(row: Json) -> str:
    return str(row.get("description")).partition(" ")[0]


@dataclass(frozen=True, slots=True)
class AlertOwner(CreateTask):
    """A task about a budget line. `live` as above; a task that it stops waits until the line is live again."""

    live: Callable[[str | None], bool] = field(kw_only=True)

    def gate(self, delivery: Peeked) -> Stop | None:
        if not self.live(delivery.payload.get("cost_center")):
            return Stop("waiting", SWITCHED_OFF)
        return CreateTask.gate(self, delivery)


def actions(coupa: Coupa, ledger: Ledger, account: str, rules: Rules) -> dict[str, Action]:
    def live(cost_center: str | None) -> bool:
        return rollout_of(rules, account, cost_center).mode is Mode.LIVE

    def known(line: int) -> Collection[str]:
        prefix = f"{coupa.instance}/{account}/{line}/"
        return {marker(account, one.business_key) for one in ledger.deliveries.of_keys_like(PIPELINE, ADJUST, [prefix])}

    return {ADJUST: AdjustBudget(coupa, account, known, live), TASK: AlertOwner(coupa, live=live)}
