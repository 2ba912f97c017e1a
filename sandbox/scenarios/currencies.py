"""Purchases whose PO is in another currency than Amazon bills: with an exchange rate of the day, beyond it, without one.

Amazon bills in US dollars. Coupa has a rate from them into Canadian dollars for every week, and none into euros.
"""

from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from sandbox.scenarios.drafting import Draft
from sandbox.scenarios.finishing import finish
from sandbox.seed import CoupaRecord, World

AGE = timedelta(days=21)
WEEKS = 10
CENT = Decimal("0.01")
RATE = Decimal("1.36")  # Canadian dollars for a US dollar, in every week
CASES = {  # situation -> (currency of the PO, its price as a factor of what Amazon bills at the rate)
    "ordered in another currency": ("CAD", Decimal(1)),
    "dearer than ordered in another currency": ("CAD", Decimal("0.8")),
    "ordered in a currency without a rate": ("EUR", Decimal(1)),
}


def build_currencies(name: str, seed: int, now: datetime, *, ids: str = "equal") -> World:
    """Every case once, and one ordinary purchase."""
    draft = Draft(name, seed, now, ids)
    draft.purchase(draft.now - AGE, line_count=2)
    for situation, (currency, factor) in CASES.items():
        purchase = draft.purchase(draft.now - AGE, line_count=1)
        assert purchase.po
        purchase.po.currency = currency
        for line in purchase.po.lines:
            line.price = (line.price * RATE * factor).quantize(CENT, ROUND_HALF_UP)
        draft.state(situation, purchase)
    draft.records += [_rate(draft.now - timedelta(weeks=week), week) for week in range(WEEKS)]
    return finish(draft)


def _rate(at: datetime, week: int) -> CoupaRecord:
    """Last week's rate is another one, so that whoever takes the newest instead of the invoice date's is found out."""
    rate = RATE if week else RATE * 2
    body = {
        "from-currency": {"code": "USD"}, "to-currency": {"code": "CAD"}, "rate": str(rate),
        "rate-date": at.date().isoformat(),
    }  # fmt: skip
    return CoupaRecord("exchange_rates", body, at)
