"""The pipeline's words, and the names of what it writes."""

import hashlib
from collections.abc import Iterable

from procurement.policies import Rules
from procurement.policy_files import RolloutRule

PIPELINE = "amazon_spend_to_coupa_budgets"
KIND = "spend_transaction"
ADJUST, TASK = "adjust_budget", "alert_budget_owner"
WATCHED = "budget threshold"  # kind of open document: where a line stood when it was looked at last


def adjustment_prefix(account: str) -> str:
    """How the description of every adjustment begins that this pipeline makes for the account."""
    return f"AB/{account}/"


def business_key(instance: str, account: str, line_id: int, period: str, parts: Iterable[tuple[str, str, str]]) -> str:
    """The adjustment of a budget line and period by exactly these parts (record key, part, amount), in whatever order."""
    content = "\n".join("\t".join(part) for part in sorted(parts))
    return f"{instance}/{account}/{line_id}/{period}/{hashlib.sha256(content.encode()).hexdigest()[:24]}"


def marker(account: str, key: str) -> str:
    """What the adjustment's description begins with: one for each business key, and not to be typed by accident."""
    return f"{adjustment_prefix(account)}{hashlib.sha256(key.encode()).hexdigest()[:24]}"


def rollout_of(rules: Rules, account: str, cost_center: str | None) -> RolloutRule:
    """How far the account's spend of a cost center may go: asked when it is planned, and again before it is sent."""
    entry = rules.accounts.of(account)
    supplier = entry.supplier if entry is not None else None
    return rules.rollout.of(PIPELINE, account=account, supplier=supplier, cost_center=cost_center)
