"""The drawing board of open purchases: requisitions that are being approved, or whose POs nobody has ordered yet.

An ordinary one was submitted one to three days before `now`, approved some hours before it, its lines priced as
Amazon sells today; its order will ship whole, be charged and arrive. Situations change that. Chance is a `Random` of
its own, so that a world's other documents stay what they are without any open purchase.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from sandbox.scenarios.catalog import ARTICLES, Article
from sandbox.scenarios.coding import account_code, gl_account_for
from sandbox.scenarios.drafting import Draft
from sandbox.scenarios.offers import Shop
from sandbox.scenarios.people import REQUESTERS, Person
from sandbox.scenarios.purchases import Purchase
from sandbox.scenarios.reference_data import SHIP_TO
from sandbox.seed import CoupaEvent, CoupaRecord, Fate, Json

FIRST_NUMBER = 4_600_000  # POs of the drafted purchases begin with 45
QUANTITIES = (1, 1, 2, 2, 3, 4)
ORDINARY_LINE = Decimal(250)  # most lines stay below: whoever receives automatically has a limit near it
ASSETS = frozenset({"B0QX60002B", "B0QX60003C"})  # furniture is an asset here


@dataclass(frozen=True, slots=True)
class OpenLine:
    """`price` is the approved one; `aux_part` what Amazon's punchout left as auxiliary part id: an offer or a cart."""

    number: str
    article: Article
    quantity: int
    price: Decimal
    unit: str
    aux_part: str
    seller: str
    account: str

    @property
    def total(self) -> Decimal:
        return self.price * self.quantity


@dataclass(slots=True)
class OpenPurchase:
    """`approved_at` None: nobody approves it. `events` are what people do to it besides submitting and approving.
    `placed_as`: the Amazon order that an earlier run placed for it."""

    number: str
    requester: Person
    submitted_at: datetime
    approved_at: datetime | None
    lines: list[OpenLine]
    situation: str = "plain_purchase"
    expected: str = "ordered"
    fate: Fate | None = None
    ship_to: str = SHIP_TO
    placed_as: str = ""
    events: list[CoupaEvent] = field(default_factory=list)
    facts: Json = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The requisition's title, by which people name it; Coupa allows 50 characters."""
        return f"{self.number} {self.requester.department}"[:50]

    def change(self, number: str, **changes: object) -> OpenLine:
        """Replaces what the changes name on one line."""
        place = next(index for index, line in enumerate(self.lines) if line.number == number)
        self.lines[place] = replace(self.lines[place], **changes)  # type: ignore[arg-type]
        return self.lines[place]


@dataclass(slots=True)
class Buying:
    """Open purchases in the making; `shop` is what Amazon sells in this world."""

    name: str
    seed: int
    now: datetime
    ids: str = "equal"
    shop: Shop = field(init=False)
    random: Random = field(init=False)
    purchases: list[OpenPurchase] = field(default_factory=list)
    records: list[CoupaRecord] = field(default_factory=list)  # what a situation adds to Coupa by itself
    placed: Draft = field(init=False)  # the orders that Amazon has already
    _count: int = 0

    def __post_init__(self) -> None:
        self.now = self.now.astimezone(UTC).replace(microsecond=0)
        self.shop = Shop(f"{self.name}/{self.seed}")
        self.placed = Draft(self.name, self.seed, self.now, self.ids)
        self.random = Random(f"{self.name}/{self.seed}/buying")

    def purchase(
        self,
        *,
        articles: Sequence[Article] = (),
        quantities: Sequence[int] = (),
        line_count: int | None = None,
        requester: Person | None = None,
    ) -> OpenPurchase:
        """An ordinary open purchase, kept. Quantities are chance unless given, one for each article."""
        self._count += 1
        chosen = list(articles) or self.random.sample(USUAL, line_count or self.random.choice((1, 2, 2, 3, 4, 5)))
        units = list(quantities) or [self.usual_quantity(article) for article in chosen]
        person = requester or self.random.choice(REQUESTERS)
        lines = [
            self.line(str(position), article, quantity, person)
            for position, (article, quantity) in enumerate(zip(chosen, units, strict=True), start=1)
        ]
        submitted_at = self.now - timedelta(days=3) + self.minutes(0, 2 * 24 * 60)
        approved_at = self.now - timedelta(hours=12) + self.minutes(0, 10 * 60)
        purchase = OpenPurchase(str(FIRST_NUMBER + self._count), person, submitted_at, approved_at, lines)
        self.purchases.append(purchase)
        return purchase

    def line(self, number: str, article: Article, quantity: int, requester: Person) -> OpenLine:
        offer = self.shop.offer(article)
        account = account_code(requester.cost_center, gl_account_for(article.unspsc))
        return OpenLine(number, article, quantity, offer.price, article.unit, offer.id, offer.seller.name, account)

    def usual_quantity(self, article: Article) -> int:
        """Several units where the line stays an ordinary one."""
        most = int(ORDINARY_LINE / article.price)
        return max(1, min(self.random.choice(QUANTITIES), most))

    def minutes(self, low: int, high: int) -> timedelta:
        return timedelta(minutes=self.random.randrange(low, high))

    def move(self, purchase: OpenPurchase, days: float) -> None:
        """Submits and approves it `days` earlier."""
        purchase.submitted_at -= timedelta(days=days)
        if purchase.approved_at is not None:
            purchase.approved_at -= timedelta(days=days)

    def later(self, purchase: OpenPurchase, event: str, hours: float, **body: object) -> None:
        """`event` happens to the PO in Coupa `hours` after `now`."""
        named = {"po-number": purchase.number, **{key.replace("_", "-"): value for key, value in body.items()}}
        purchase.events.append(CoupaEvent(event, named, self.now + timedelta(hours=hours)))

    def place_order(self, purchase: OpenPurchase, at: datetime) -> Purchase:
        """An order at Amazon for all of the PO, placed by hand or by an earlier run; nothing ships by itself."""
        order = Purchase(self.placed.order_id(), at, purchase.requester, [], po_number=purchase.number)
        for position, line in enumerate(purchase.lines, start=1):
            placed = self.placed.add_line(order, line.article, line.quantity, position=position)
            placed.po_line_number = line.number
        self.placed.purchases.append(order)
        return order

    def ship_order(self, order: Purchase, at: datetime, *, delivered_at: datetime | None = None) -> None:
        """All of it in one shipment, charged as it leaves."""
        shipment = self.placed.ship(order, at, [(line, line.quantity) for line in order.lines])
        if delivered_at is not None:
            shipment.delivered_at = delivered_at

    def state(self, purchase: OpenPurchase, situation: str, expected: str, **facts: str) -> None:
        """Keeps what was planted and what should become of it, so that a test can hold the outcome against it."""
        purchase.situation, purchase.expected = situation, expected
        purchase.facts = {**purchase.facts, **facts}

    def facts(self) -> list[Json]:
        return [
            {
                "situation": one.situation,
                "po": one.number,
                "requisition": one.title,
                "lines": len(one.lines),
                "expected": one.expected,
                **one.facts,
            }
            for one in self.purchases
        ]


USUAL = tuple(article for article in ARTICLES if article.price <= ORDINARY_LINE and article.asin not in ASSETS)


def article_of(asin: str) -> Article:
    return next(article for article in ARTICLES if article.asin == asin)
