"""Where each row of an order report went: the sandbox says which transaction carries it, the ledger what became of that."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from procurement.ledger import Ledger

Json = dict[str, Any]


def account_for_report(
    facts: Mapping[str, Any], refused: Sequence[Mapping[str, Any]], *, ledger: Ledger, pipeline: str
) -> Json:
    """Rows, orders and money of the report, and the same rows and money again by what became of them.

    `parts` add up to the whole, to the cent; `unaccounted` lists the rows that no part explains, and is empty.
    """
    fates = ledger.completeness.fates(pipeline)
    parts: dict[str, list[Decimal]] = {}
    unaccounted: list[int] = []
    for row in facts["where"]:
        amount = Decimal(row["amount"])
        if row.get("transaction") is None:
            where = f"not charged: {row.get('reason', 'no reason given')}"
        elif row["transaction"] in fates:
            state, reason = fates[row["transaction"]]
            where = f"{state}: {reason}" if reason else f"{state}: invoice in Coupa"
        else:
            where = "unaccounted for"
            unaccounted.append(row["row"])
        parts.setdefault(where, []).append(amount)
    for row in refused:
        parts.setdefault(f"not usable: {row['reason']}", []).append(Decimal(0))
    currency, money = next(iter(facts["money"].items()))
    listed = [
        {"where": where, "rows": len(amounts), "money": str(sum(amounts, Decimal(0)))}
        for where, amounts in sorted(parts.items(), key=lambda item: -len(item[1]))
    ]
    return {
        "rows": facts["rows"],
        "orders": facts["orders"],
        "currency": currency,
        "money": money,
        "parts": listed,
        "unaccounted": unaccounted,
    }
