"""What Amazon still owes, told to accounts payable once a week: one mail with the list, oldest first.

From what the ledger knows alone: orders and shipments as they were observed, charges and refunds as they were read.
Nothing is posted, and nobody is asked.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from procurement.ledger import Ledger
from procurement.ledger.transaction_lines import read_transaction_lines
from procurement.ledger.types import Record, Run
from procurement.money import Money
from procurement.order_facts import OrderFacts, read_order
from procurement.owing import Owed, owed
from procurement.pipelines.amazon_invoices_to_coupa.drafts import PIPELINE
from procurement.pipelines.amazon_invoices_to_coupa.movements import movements
from procurement.pipelines.spreadsheets import csv_text, words
from procurement.policies import Rules
from procurement.refunds import Movement

ORDER = "order"  # the kind under which observed orders are staged
BATCH = 500
MOST_LISTED = 500
COLUMNS = ("order", "order line", "PO", "article", "reason", "units", "amount", "currency", "since", "days")

Summary = dict[str, Any]


def watch_owed(ledger: Ledger, *, run: Run, rules: Rules) -> Summary:
    """The week's notice, if anything is owed; run and counts, with the amount by currency. Repeating it changes nothing."""
    if run.dry_run:
        return {"run": run.id, "owed": 0, "amounts": {}}
    found = sorted(read_owed(ledger, now=run.now, rules=rules), key=lambda one: (one.since, one.order_id))
    if found:
        year, week, _ = run.now.isocalendar()
        ledger.notices.add(f"{PIPELINE}/owed/{year}-W{week:02}", "owed", owed_mail(found, now=run.now, rules=rules))
    return {
        "run": run.id,
        "owed": len(found),
        "amounts": {money.currency: str(money.amount) for money in totals(found)},
    }


def read_owed(ledger: Ledger, *, now: datetime, rules: Rules) -> Iterator[Owed]:
    """Order by order, in batches: memory does not grow with the ledger."""
    policies = rules.policies.owed
    since = now - timedelta(days=policies.look_back_days)
    for records in ledger.records.pages(ORDER, since=since, size=BATCH):
        for source in sorted({record.source for record in records}):
            orders = _orders(record for record in records if record.source == source)
            moved: dict[str, list[Movement]] = {}
            for movement in movements(read_transaction_lines(ledger.engine, source, orders)):
                moved.setdefault(movement.order_id, []).append(movement)
            for order_id, lines in moved.items():
                yield from owed(orders[order_id], lines, now=now, policies=policies)


def _orders(records: Iterator[Record]) -> dict[str, OrderFacts]:
    """An order that could not be read when it was observed has its problem kept in its place."""
    return {record.key: read_order(record.raw) for record in records if "ordered_at" in record.raw}


def totals(found: Sequence[Owed]) -> list[Money]:
    currencies = sorted({one.amount.currency for one in found})
    return [
        Money.sum((one.amount for one in found if one.amount.currency == currency), currency) for currency in currencies
    ]


def owed_mail(found: Sequence[Owed], *, now: datetime, rules: Rules) -> Summary:
    """Recipients, subject and text: the sums, then the list as comma-separated values."""
    sums = " and ".join(map(str, totals(found)))
    plural = "s" if len(found) > 1 else ""
    more = f"\n... and {len(found) - MOST_LISTED} more" if len(found) > MOST_LISTED else ""
    return {
        "to": list(rules.policies.alert_recipients),
        "subject": f"Amazon owes {sums} on {len(found)} order line{plural}",
        "text": (
            "Charged, then returned, never delivered or cancelled, and not credited yet. Claim it at Amazon, or wait where "
            f"a credit is on its way.\n\n{owed_csv(found[:MOST_LISTED], now=now)}{more}"
        ),
    }


def owed_csv(found: Sequence[Owed], *, now: datetime) -> str:
    return csv_text(COLUMNS, [
        [
            one.order_id, one.order_line_id, words(one.po_number), words(one.title or one.asin), one.reason,
            f"{one.units:f}", f"{one.amount.amount:f}", one.amount.currency, f"{one.since:%Y-%m-%d}", one.days(now),
        ]
        for one in found
    ])  # fmt: skip
