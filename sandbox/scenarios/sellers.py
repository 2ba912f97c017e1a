"""Sellers that Amazon spells in several ways, beside sellers that only look alike.

Two worlds. In the United States names and addresses are all there is: one pair of spellings is one seller, another pair may
be one or two. In Japan invoices carry the seller's registration number, which alone tells who is who.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from sandbox.scenarios.catalog import ARTICLES, Article, Seller
from sandbox.scenarios.drafting import Draft
from sandbox.scenarios.finishing import finish
from sandbox.scenarios.purchases import JP, US, Marketplace
from sandbox.scenarios.situations.references import drop_po
from sandbox.seed import CoupaRecord, World

AGE = timedelta(days=30)
YEN = Decimal(100)  # for a dollar of the catalog
CERTIFIED = ("Women-Owned Business",)
AMERICAN = {  # situation -> its spellings
    "spelled in two ways": (
        Seller("Harbor Office Supply LLC", "Oakland", "CA", "94607", CERTIFIED, street="12 Pier Road"),
        Seller("HARBOR OFICE SUPPLY, L.L.C.", "Oakland", "CA", "94607", street="12 Pier Rd."),
    ),
    "one seller or two": (
        Seller("Summit Lab Goods LLC", "Denver", "CO", "80202", street="400 Market St"),
        Seller("Summit Lab Goods Inc", "Denver", "CO", "80202", street="77 Canyon Blvd"),
    ),
}
JAPANESE = {
    "spelled in two scripts": (
        Seller("株式会社ペンショップ", "千代田区", "東京都", "100-0001", street="丸の内1-1", country="JP", registration="T1234567890123"),
        Seller("Pen Shop Japan", "Minato", "Tokyo", "105-0011", street="Shiba 2-2", country="JP", registration="T1234567890123"),
    ),
    "known to Coupa by its number": (
        Seller("さくら文具", "大阪市", "大阪府", "530-0001", street="梅田3-3", country="JP", registration="T9876543210987"),
    ),
    "without a number": (Seller("ヤマト机工房", "京都市", "京都府", "600-8001", street="四条通4", country="JP"),),
}  # fmt: skip
KNOWN = {"name": "Sakura Stationery", "number": "SAKURA", "status": "active", "tax-id": "9876543210987"}


def build_sellers(name: str, seed: int, now: datetime, *, ids: str = "equal") -> World:
    """One purchase from each spelling, and two ordinary ones."""
    draft = Draft(name, seed, now, ids)
    for day in (1, 2):
        draft.purchase(draft.now - AGE - timedelta(days=day), line_count=2)
    for situation, spellings in AMERICAN.items():
        _buy(draft, situation, spellings, US)
    return finish(draft)


def build_sellers_in_japan(name: str, seed: int, now: datetime, *, ids: str = "equal") -> World:
    """One purchase from each spelling, on the website: no PO is in yen. Coupa knows one of the sellers."""
    draft = Draft(name, seed, now, ids)
    for situation, spellings in JAPANESE.items():
        _buy(draft, situation, spellings, JP)
    for purchase in draft.purchases:
        drop_po(purchase)
    draft.records.append(CoupaRecord("suppliers", dict(KNOWN), draft.now - AGE))
    world = finish(draft)
    world.amazon.region = JP.region
    return world


def _buy(draft: Draft, situation: str, spellings: Iterable[Seller], market: Marketplace) -> None:
    for days, seller in enumerate(spellings):
        at = draft.now - AGE + timedelta(days=days)
        purchase = draft.purchase(at, articles=[_article(seller, market)])
        if market is not US:
            purchase.marketplace = market
            draft.restage(purchase, at)
            draft.ship(purchase, at + timedelta(days=1), [(line, line.quantity) for line in purchase.lines])
        draft.state(situation, purchase, seller=seller.name)


def _article(seller: Seller, market: Marketplace) -> Article:
    """The catalog's first, as this seller offers it."""
    price = ARTICLES[0].price if market is US else ARTICLES[0].price * YEN
    return replace(ARTICLES[0], seller=seller, price=price.quantize(Decimal("0.01")))
