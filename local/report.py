"""Where each row of an order report went: the sandbox says which transaction carries it, the ledger what became of that.

The same report goes through spend and suppliers: every charged cent, every seller and every credential is looked for there.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from procurement.ledger import Ledger
from procurement.pipelines.amazon_suppliers_to_coupa.records import known_sellers
from procurement.sellers.facts import SellerFacts

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


def account_for_sellers(facts: Mapping[str, Any], *, ledger: Ledger) -> Json:
    """Sellers and credentials of the charged rows, how many of each the ledger knows, and the names of those it does not."""
    known = [SellerFacts.read(record.raw) for record in known_sellers(ledger)]
    charged = [row for row in facts["where"] if row.get("transaction") is not None]
    return {
        "sellers": _found({plain(row["seller"]) for row in charged}, {plain(one.name) for one in known}),
        "credentials": _found(
            {word for row in charged for word in row["credentials"]},
            {word for one in known for word in one.credentials},
        ),
    }


def plain(name: str) -> str:
    """Reports have blanks that nobody meant."""
    return " ".join(name.split())


def account_for_spend(facts: Mapping[str, Any], *, ledger: Ledger, pipeline: str) -> Json:
    """What the report charged and what the pipeline saw of it, by currency; equal to the cent, or `equal` is false."""
    seen = {
        currency: str(account.seen)
        for currency, account in sorted(ledger.completeness.population(pipeline).money.items())
    }
    charged = dict(facts["charged"])
    equal = {currency: Decimal(amount) for currency, amount in seen.items()} == {
        currency: Decimal(amount) for currency, amount in charged.items()
    }
    return {"charged": charged, "seen": seen, "equal": equal}


def _found(named: set[str], known: set[str]) -> Json:
    return {"named": len(named), "known": len(named & known), "missing": sorted(named - known)}
