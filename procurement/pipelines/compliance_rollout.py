"""How far `purchase_compliance` may go for one document: by its account, supplier and cost centers, the most careful rule counts."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from procurement.policies import Mode, Rules
from procurement.policy_files import RolloutRule

PIPELINE = "purchase_compliance"


def rollout_of(rules: Rules, *, account: str | None, supplier: str, cost_centers: Iterable[str]) -> RolloutRule:
    return rules.rollout.most_careful(PIPELINE, account=account, supplier=supplier, cost_centers=cost_centers)


def reports_only(rollout: RolloutRule, rules: Rules, now: datetime) -> bool:
    """Whether the first days are not over yet."""
    days = timedelta(days=rules.compliance.report_only_days)
    return rollout.go_live is not None and now.date() < rollout.go_live + days


def acts(rollout: RolloutRule, rules: Rules, now: datetime) -> bool:
    """Whether anything is stopped, and anybody written to."""
    return rollout.mode is Mode.LIVE and not reports_only(rollout, rules, now)
