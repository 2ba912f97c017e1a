"""Purchases on which Coupa's own tolerances and a stricter, looser or differently made set come to another verdict.

Each is one purchase and says what it is about: `TOLERANCES` in `reference_data` are Coupa's side of it. One ordinary
purchase stands beside them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from sandbox.scenarios.amounts import Amounts, to_cents
from sandbox.scenarios.catalog import ARTICLES, Article
from sandbox.scenarios.coding import commodity_for
from sandbox.scenarios.drafting import Draft
from sandbox.scenarios.finishing import finish
from sandbox.scenarios.purchases import OrderLine, Purchase
from sandbox.seed import World

AGE = timedelta(days=21)
IT, FOOD = "Information Technology", "Food and Beverage"


@dataclass(frozen=True, slots=True)
class Case:
    """One line of `quantity` units at `price`; `over_po`: how much more than the PO says, as a factor."""

    because: str
    price: str = "40.00"
    quantity: int = 2
    over_po: str = "1"
    commodity: str = ""
    charged: Callable[[Amounts], Amounts] | None = None
    ordered: Callable[[OrderLine], None] | None = None


def _not_matched(line: OrderLine) -> None:
    line.match_type = "none"


def _not_matched_and_one_too_many(line: OrderLine) -> None:
    _not_matched(line)
    line.quantity -= 1


CASES = {
    "a few percent over the PO price": Case(
        "Coupa allows 5 % over the PO price", over_po="1.04",
    ),
    "computer a little over the PO price": Case(
        "Coupa allows 1 % on Information Technology", over_po="1.015", commodity=IT,
    ),
    "food well over the PO price": Case(
        "Coupa allows 20 % on Food and Beverage", over_po="1.15", commodity=FOOD,
    ),
    "dear article a little over the PO price": Case(
        "Coupa allows 25.00 a unit where 5 % are kept", price="1000.00", quantity=1, over_po="1.015",
    ),
    "small difference on many units": Case(
        "Coupa compares the line's money with the PO's and allows 50.00", quantity=100, over_po="1.01",
    ),
    "price over the PO on a line that is not matched": Case(
        "Coupa measures prices on every PO line, whatever its match type", over_po="1.12", ordered=_not_matched,
    ),
    "shipping above our limit": Case(
        "Coupa allows 50.00 of shipping and handling",
        charged=lambda amounts: replace(amounts, shipping=Decimal("30.00")).taxed(Decimal("0.0825")),
    ),
    "gift wrap above our limit": Case(
        "Coupa allows 50.00 of shipping and handling",
        charged=lambda amounts: replace(amounts, gift_wrap=Decimal("28.00")).taxed(Decimal("0.0825")),
    ),
    "regulatory fee above our limit": Case(
        "Coupa does not compare other charges with the PO",
        charged=lambda amounts: replace(amounts, regulatory_fee=Decimal("40.00")),
    ),
    "a unit over the order on a line that is not matched": Case(
        "Coupa counts units on every PO line, whatever its match type", ordered=_not_matched_and_one_too_many,
    ),
}  # fmt: skip


def build_verdicts(name: str, seed: int, now: datetime, *, ids: str = "equal") -> World:
    """Every case once, and one ordinary purchase."""
    draft = Draft(name, seed, now, ids)
    draft.purchase(draft.now - AGE, line_count=2)
    for situation, case in CASES.items():
        purchase = draft.purchase(draft.now - AGE, articles=[_article(case)])
        _apply(draft, purchase, case)
        draft.state(situation, purchase, because=case.because)
    return finish(draft)


def _article(case: Case) -> Article:
    """One of the commodity; where none is asked for, one that Coupa has no limits of its own for."""
    for article in ARTICLES:
        commodity = commodity_for(article.unspsc)
        if commodity == case.commodity or (not case.commodity and commodity not in (IT, FOOD)):
            return replace(article, price=Decimal(case.price))
    raise ValueError(f"the catalog has no article of {case.commodity}")


def _apply(draft: Draft, purchase: Purchase, case: Case) -> None:
    (line,) = purchase.lines
    assert line.po_line
    line.quantity, line.po_line.quantity = case.quantity, Decimal(case.quantity)
    line.po_line.price = to_cents(line.unit_price / Decimal(case.over_po))
    if case.ordered:
        case.ordered(line.po_line)
    draft.restage(purchase, purchase.ordered_at)
    shipment = draft.ship(purchase, purchase.ordered_at + timedelta(days=1), [(line, case.quantity)])
    if case.charged:
        (parcel,) = shipment.parcels
        parcel.amounts = case.charged(parcel.amounts)
