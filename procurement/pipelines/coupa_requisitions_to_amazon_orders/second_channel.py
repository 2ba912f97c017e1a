"""A purchase order that was ordered here, or may have been, and that Coupa transmits by another channel: an alarm at once.

Nothing here is sent or held: the order is placed, or its answer is missing. Somebody must see that the supplier does not
deliver it twice.
"""

from collections.abc import Sequence
from typing import Any

from procurement.ledger import Ledger
from procurement.ledger.types import Known, Plan, PlannedFinding, Run
from procurement.order_gate import channel_alarms
from procurement.ordering import read_key
from procurement.pipelines.coupa_requisitions_to_amazon_orders.earlier import REFUSED
from procurement.pipelines.coupa_requisitions_to_amazon_orders.names import KIND, PIPELINE, PLACE
from procurement.pipelines.coupa_requisitions_to_amazon_orders.staging import key_of
from procurement.policies import Rules

Json = dict[str, Any]
UNANSWERED = ("planned", "waiting", "sending", "held", "dead")  # of an order that was claimed


def raise_alarms(ledger: Ledger, page: Sequence[Json], *, run: Run, rules: Rules, source: str) -> int:
    """Finds the POs of a page that stand on both channels; a finding and a mail for each, once. Returns how many."""
    suspects = {key_of(raw): raw for raw in page if _transmitted(raw, rules)}
    if not suspects:
        return 0
    rows = ledger.deliveries.of_keys_like(PIPELINE, PLACE, [f"{number}-" for number in suspects])
    placed: dict[str, list[Known]] = {}
    for row in rows:
        key = read_key(row.business_key)
        if key is not None and key.po_number in suspects and _ordered_or_may_be(row):
            placed.setdefault(key.po_number, []).append(row)
    records = ledger.records.find(source, KIND, placed)
    findings = []
    for number, orders in placed.items():
        status = suspects[number].get("transmission-status")
        sentence = (
            f"ALARM: purchase order {number} {_said(orders)}, and Coupa shows transmission status {status}: it may be ordered "
            "twice. Ask Amazon, and cancel one of the two."
        )
        findings.append(PlannedFinding(kind="alarm", sentence=sentence, record_id=records[number].id))
        body = {
            "to": list(rules.policies.alert_recipients),
            "subject": f"ALARM: {number} on two channels",
            "text": sentence,
        }
        ledger.notices.add(f"{PIPELINE}/second_channel/{number}", "alarm", body)
    ledger.planning.keep(run, Plan(findings=findings))
    return len(findings)


def _ordered_or_may_be(row: Known) -> bool:
    """Delivered, or sent without an answer that says no. What a person put aside is theirs."""
    return row.state == "delivered" or (row.claimed and row.state in UNANSWERED and row.outcome != REFUSED)


def _said(orders: Sequence[Known]) -> str:
    placed = [str(row.target_id) for row in orders if row.state == "delivered"]
    open_orders = [row.business_key for row in orders if row.state != "delivered"]
    words = [f"is ordered here as {', '.join(placed)}"] if placed else []
    if open_orders:
        words.append(f"was sent to Amazon as {', '.join(open_orders)} and has no clear answer yet")
    return " and ".join(words)


def _transmitted(raw: Json, rules: Rules) -> bool:
    supplier = str((raw.get("supplier") or {}).get("number") or "")
    marked = any(
        account.ordering.mark_as_sent
        for account in rules.accounts.accounts.values()
        if account.ordering is not None and account.supplier == supplier
    )
    return bool(channel_alarms(raw, rules.policies.orders, mark_as_sent=marked))
