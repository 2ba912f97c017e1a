"""Whether spend is from before go-live: what was charged before, and refunds of it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta

from procurement.ledger import Ledger
from procurement.ledger.spend import OrderLine
from procurement.pipelines.amazon_spend_to_coupa_budgets.names import PIPELINE
from procurement.pipelines.amazon_spend_to_coupa_budgets.reading import Line, Purchase
from procurement.pipelines.amazon_spend_to_coupa_budgets.surroundings import Kept
from procurement.policies import Rules

BEFORE_GO_LIVE = "before go-live"
REFUND_BEFORE = "refund of what was charged before go-live"
CHARGE_UNREAD = "refund of a charge that was not read yet: it may be from before go-live"


def before_go_live(
    purchase: Purchase,
    line: Line,
    go_live: date | None,
    *,
    charge_days: Mapping[OrderLine, date],
    read_since: date | None,
    look_back: timedelta,
) -> tuple[str, str, str] | None:
    """(counted, state, reason) of what is not to be counted, or not yet; None for what is from after go-live.

    A refund waits while neither its charge was read nor the whole feed since go-live, in which it would be."""
    if go_live is None:
        return None
    if purchase.spent_on < go_live:
        return "before", "skipped", BEFORE_GO_LIVE
    if not purchase.is_refund or line.order_id is None or purchase.spent_on >= go_live + look_back:
        return None
    charged_on = charge_days.get((line.order_id, line.order_line or ""))
    if charged_on is None and (read_since is None or read_since > go_live):
        return "wait", "waiting", CHARGE_UNREAD
    return None if charged_on is not None and charged_on >= go_live else ("before", "skipped", REFUND_BEFORE)


def with_charges(ledger: Ledger, source: str, purchases: Collection[Purchase], kept: Kept, *, rules: Rules) -> Kept:
    """With what says of refunds whether their charges are from after go-live; the ledger is asked only about those so soon
    after it that they may not be."""
    look_back, latest = timedelta(days=rules.spend.file.refund_look_back_days), _latest_go_live(rules)
    refunds = [one for one in purchases if one.is_refund and latest is not None and one.spent_on < latest + look_back]
    if not refunds or latest is None:
        return kept
    orders = {line.order_id for one in refunds for line in one.lines if line.order_id}
    until = max(one.spent_on for one in refunds)
    days = ledger.spend.charge_days(source, orders, since=latest - look_back, until=until)
    for order_line, day in _charges(purchases):
        days[order_line] = max(day, days.get(order_line, day))
    covered = ledger.coverage.covered(PIPELINE)
    return replace(kept, charge_days=days, read_since=covered[-1].start.date() if covered else None)


def _charges(purchases: Iterable[Purchase]) -> Iterable[tuple[OrderLine, date]]:
    for one in purchases:
        if not one.is_refund:
            yield from (((line.order_id, line.order_line or ""), one.spent_on) for line in one.lines if line.order_id)


def _latest_go_live(rules: Rules) -> date | None:
    entry = rules.rollout.pipelines.get(PIPELINE)
    if entry is None:
        return None
    every = (entry, *entry.accounts.values(), *entry.suppliers.values(), *entry.cost_centers.values())
    return max((rule.go_live for rule in every if rule.go_live is not None), default=None)
