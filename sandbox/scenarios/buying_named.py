"""Worlds whose purchases are still open, and the open purchases beside a quarter's or a dozen finished orders."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sandbox.scenarios.buying import Buying, OpenPurchase
from sandbox.scenarios.buying_documents import add_buying
from sandbox.scenarios.buying_situations import BUYING_SITUATIONS, NOT_BESIDE_OTHERS, stage_story
from sandbox.scenarios.finishing import finish
from sandbox.seed import World

PLAIN_BESIDE_QUARTER = 8
BESIDE_TINY = ("short_units", "returned_goods")  # and the story
OWED = (
    "returned_without_credit", "undelivered_without_credit", "lost_without_credit", "cancelled_without_credit",
    "returned_goods", "undeliverable", "cancelled_after_charge",
)  # fmt: skip
YEAR = 365
DAYS_BEFORE_NOW = 60
NEVER = timedelta(days=36_500)


def build_buying(name: str, seed: int, now: datetime, *, ids: str = "equal") -> World:
    """Every situation once."""
    buying = Buying(name, seed, now, ids)
    story = _stage(buying, list(BUYING_SITUATIONS))
    return _finish(buying, story)


def build_buying_plain(
    name: str, seed: int, now: datetime, *, orders: int = 20, lines: int | None = None, ids: str = "equal"
) -> World:
    """`orders` approved purchases without any deviation, of `lines` lines each."""
    buying = Buying(name, seed, now, ids)
    for _ in range(orders):
        buying.purchase(line_count=lines)
    return _finish(buying)


def build_owed(name: str, seed: int, now: datetime, *, ids: str = "equal") -> World:
    """Purchases for which Amazon owes a credit, and for each kind one that it pays back."""
    buying = Buying(name, seed, now, ids)
    story = _stage(buying, OWED)
    return _finish(buying, story)


def build_old_pos(name: str, seed: int, now: datetime, *, orders: int = 200, ids: str = "equal") -> World:
    """POs of the last year that were issued and never ordered at Amazon: nobody may order them now."""
    buying = Buying(name, seed, now, ids)
    for _ in range(orders):
        purchase = buying.purchase()
        buying.move(purchase, DAYS_BEFORE_NOW + buying.random.randrange(YEAR - DAYS_BEFORE_NOW))
        buying.state(purchase, "old_po", "skipped")
    return _finish(buying)


def build_open_orders(
    name: str, seed: int, now: datetime, *, orders: int = 100, delivered: int = 10, lost: int = 0, ids: str = "equal"
) -> World:
    """`orders` placed at Amazon four days ago, `delivered` of them delivered today; nothing is received yet. `lost` of the
    others left in time and never arrive, without a word."""
    buying = Buying(name, seed, now, ids)
    for place in range(orders):
        purchase = buying.purchase()
        buying.move(purchase, 4)
        assert purchase.approved_at is not None
        order = buying.place_order(purchase, purchase.approved_at + timedelta(minutes=5))
        purchase.placed_as = order.order_id
        if place < delivered:
            at = buying.now - buying.minutes(1, 8 * 60)
            buying.ship_order(order, at - timedelta(days=2), delivered_at=at)
        elif place < delivered + lost:
            buying.ship_order(order, buying.now - timedelta(hours=6), delivered_at=buying.now + NEVER)
        else:
            buying.ship_order(order, buying.now + timedelta(days=1) + buying.minutes(0, 3 * 24 * 60))
        expected = "received_whole" if place < delivered else "open"
        buying.state(purchase, "open_order", expected, order=order.order_id)
    return _finish(buying)


def _finish(buying: Buying, story: OpenPurchase | None = None) -> World:
    """A world of nothing but these purchases, and what Amazon has of them already."""
    return add_buying(finish(buying.placed), buying, story)


def add_to_quarter(world: World) -> World:
    """At least eight ordinary purchases and one in each situation that can stand beside finished orders."""
    names = [name for name in BUYING_SITUATIONS if name not in NOT_BESIDE_OTHERS]
    return add_open_purchases(world, ["plain_purchase"] * PLAIN_BESIDE_QUARTER + names)


def add_open_purchases(world: World, names: Sequence[str]) -> World:
    """Open purchases beside what the world holds, which stays as it is; the first is the story."""
    buying = Buying(world.name, world.seed, world.now, world.facts["ids"])
    story = _stage(buying, names)
    return add_buying(world, buying, story)


def _stage(buying: Buying, names: Sequence[str]) -> OpenPurchase:
    story = stage_story(buying)
    for name in names:
        BUYING_SITUATIONS[name].stage(buying)
    return story
