"""The default world: a quarter of a mid-size company, with everything that happens in one.

About 300 orders over the 90 days before `now`; each situation has its stated share and no order is in two of them, so
that what a pipeline makes of an order can be held against one fact. Some forty purchases more are still open: approved
in the last days and to be ordered, or on their way to that.
"""

from datetime import datetime, timedelta

from sandbox.scenarios.buying_named import add_to_quarter
from sandbox.scenarios.drafting import Draft
from sandbox.scenarios.finishing import finish
from sandbox.scenarios.purchases import Purchase
from sandbox.scenarios.situations import SITUATIONS, Situation
from sandbox.seed import World

ORDERS = 300
DAYS = 90
ARRIVED_AFTER = 9  # days in which an ordinary purchase is shipped, delivered and received


def build_quarter(name: str, seed: int, now: datetime, *, orders: int = ORDERS, ids: str = "equal") -> World:
    """`orders` scales every situation with it; each keeps at least one purchase. Open purchases stand beside them."""
    draft = Draft(name, seed, now, ids)
    ordinary(draft, orders)
    pool = list(draft.purchases)
    draft.random.shuffle(pool)
    for situation in SITUATIONS.values():
        place(draft, pool, situation, max(1, round(situation.in_quarter * orders / ORDERS)))
    return add_to_quarter(finish(draft))


def ordinary(draft: Draft, orders: int, *, lines: int | None = None) -> None:
    """`orders` ordinary purchases spread over the quarter, the oldest first."""
    span = (DAYS - ARRIVED_AFTER) * 24 * 60
    ages = sorted((draft.random.randrange(span) for _ in range(orders)), reverse=True)
    for age in ages:
        draft.purchase(draft.now - timedelta(days=ARRIVED_AFTER) - timedelta(minutes=age), line_count=lines)


def place(draft: Draft, pool: list[Purchase], situation: Situation, count: int) -> None:
    """Takes the first purchases of the pool that suit; those that cannot be had are simply fewer, as the facts say."""
    for purchase in [one for one in pool if situation.fits(draft, one)][:count]:
        pool.remove(purchase)
        situation.apply(draft, purchase)


def build_clean(
    name: str, seed: int, now: datetime, *, orders: int = 50, lines: int | None = None, ids: str = "equal"
) -> World:
    """No deviation at all: as many invoices as orders, each matched by its receipts."""
    draft = Draft(name, seed, now, ids)
    ordinary(draft, orders, lines=lines)
    return finish(draft)
