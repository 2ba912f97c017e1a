"""Whether Amazon's unit is the PO line's unit. Amazon counts listings: a "12 pack" is one unit of Amazon's.

A PO line that counts single pieces of what Amazon sells in packs is a question for a person, never a conversion.
"""

import re
from collections.abc import Collection, Iterable
from decimal import Decimal

_PACKS = (
    re.compile(r"\b(?:pack|box|case|set|bag)s?\s+of\s+(\d{1,6})\b", re.IGNORECASE),
    re.compile(r"\b(\d{1,6})[\s-]*(?:packs?|pk|count|ct)\b", re.IGNORECASE),
)
TWO = Decimal(2)


def pack_size(title: str) -> int:
    """Pieces in one listing as its title says: "Gel pens, 12 pack" is 12; 1 where it says nothing."""
    sizes = [int(found[1]) for pattern in _PACKS if (found := pattern.search(title or ""))]
    return max(sizes, default=1)


def unit_conflict(
    *,
    unit: str | None,
    po_price: Decimal,
    title: str,
    amazon_prices: Iterable[Decimal],
    single_units: Collection[str],
) -> str | None:
    """The sentence people read when the two may count different things; None when they count the same.

    Prices decide where they are known: pieces at a twelfth of the pack's price are pieces. Without prices, a pack that the
    PO line counts as single pieces is a conflict.
    """
    size, shown = pack_size(title), unit or "no unit"
    prices = [price for price in amazon_prices if price > 0]
    if prices and po_price > 0:
        price = min(prices, key=lambda one: abs(one - po_price))
        limit = TWO if size == 1 else Decimal(size).sqrt()
        if po_price / limit < price < po_price * limit:
            return None
        pack = f" in packs of {size}" if size > 1 else ""
        return (
            f"The PO line counts {shown} at {po_price}, Amazon sold it{pack} at {price}: "
            "they may count different units, so a person must say how many were received."
        )
    if size > 1 and (unit or "").upper() in {single.upper() for single in single_units}:
        return (
            f"The PO line counts {shown}, Amazon sold packs of {size}, and no price tells whether one is the other: "
            "a person must say how many were received."
        )
    return None
