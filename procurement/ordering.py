"""What is ordered, at what price at most, from which offer, in which parts: pure rules over values.

Promises: nothing is ordered above the ceiling, nothing in another unit than the purchase order's, and what remains to be
ordered is never more than the PO's quantity less every unit that was accepted or may have been. Quantities are whole
units of the product; prices are per unit, in the order's currency.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from procurement.buying_policies import OrderPolicies
from procurement.money import Money, allocate, minor_unit, round_to

MOST_LINES = 50  # of one Amazon order
LONGEST_PO_NUMBER = 30  # characters that Amazon keeps of a PO number
MOST_OFFERS = 5  # listed in a sentence

PIECES = ("count", "ct", "piece", "pc", "unit", "each", "item")  # Amazon's words for what is counted, in the singular
_PARTS = re.compile(r"[(),;/]")  # of "1 Count (Pack of 12)"
_FORMS = (
    re.compile(r"(?P<word>[^\d]+?)\s+of\s+(?P<count>\d{1,6})"),
    re.compile(r"(?P<count>\d{1,6})[\s-]*(?P<word>[^\d\s-][^\d]*)"),
)

Units = Mapping[str, int]  # by PO line number


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedLine:
    """A PO line as it is to be ordered. `quantity` as the PO says it; `offer_id` what the punchout left, an offer or a cart."""

    number: str
    line_id: int
    asin: str | None
    offer_id: str | None
    quantity: Decimal | None
    price: Money
    unit: str | None
    seller: str | None = None
    pack_size: int | None = None  # pieces in one unit, where the PO says so
    region: str | None = None

    @property
    def label(self) -> str:
        return f"Line {self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One way to buy a product now. `price` None: Amazon shows none. `blocked`: the company's own policy at Amazon."""

    id: str
    seller: str | None
    price: Money | None
    blocked: bool = False
    least: int | None = None
    most: int | None = None

    def __str__(self) -> str:
        return f"{self.seller or 'an unnamed seller'} at {self.price or 'no price'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What one unit is at Amazon: `packages` are its words (Pack, Box), `bundle` the pieces in one unit."""

    asin: str
    packages: tuple[str, ...] = ()
    bundle: int | None = None
    buyable: bool = True
    offers: tuple[Offer, ...] = ()


@dataclass(frozen=True, slots=True)
class Chosen:
    """The offer that a line is ordered from."""

    offer_id: str


@dataclass(frozen=True, slots=True)
class NotOrderable:
    """Why a line cannot be ordered as it stands: one finished sentence, for a person to decide."""

    sentence: str


def ceiling(price: Money, policies: OrderPolicies, *, safeguard: Literal["ours", "amazon"]) -> Money:
    """The most a unit may cost: the PO's price and our tolerance, or the bare price where Amazon's safeguard adds its own.

    Rounded down to the smallest coin where the tolerance is finer, never below the PO's own price.
    """
    if safeguard == "amazon":
        return price
    most = price.amount + policies.price.of(price.amount)
    step = minor_unit(price.currency)
    rounded = round_to(most, step)
    rounded = rounded - step if rounded > most else rounded
    return Money(max(rounded, price.amount), price.currency)


def shipping_ceiling(lines: Iterable[tuple[Money, int]], policies: OrderPolicies, *, currency: str) -> Money | None:
    """The most that shipping of these (unit price, units) may cost together; None where no limit is set."""
    if policies.shipping is None:
        return None
    goods = sum((price.amount * units for price, units in lines), Decimal(0))
    return Money(policies.shipping.of(goods), currency).rounded()


def shipping_ceilings(
    parts: Sequence[Iterable[tuple[Money, int]]],
    whole: Iterable[tuple[Money, int]],
    policies: OrderPolicies,
    *,
    spent: Money | None,
    currency: str,
) -> list[Money | None]:
    """The most that shipping of each part may cost, so that the PO as a whole (`whole`) stays within its ceiling whatever it was
    split into and however often it is ordered. `spent`: what earlier orders of it cost or may cost; None: nobody knows.

    Shared by the goods of the parts, to the cent, largest remainder first. None each where no limit is set.
    """
    most = shipping_ceiling(whole, policies, currency=currency)
    if most is None:
        return [None] * len(parts)
    left = Money.zero(currency) if spent is None or spent.amount >= most.amount else most - spent.rounded()
    goods = [sum((price.amount * units for price, units in part), Decimal(0)) for part in parts]
    return list(allocate(left, goods)) if parts else []


def whole_units(line: WantedLine) -> int | NotOrderable:
    """Amazon sells whole units, one or more."""
    if line.quantity is None:
        return NotOrderable(f"{line.label} is ordered by amount, and Amazon sells by the piece.")
    if line.quantity <= 0 or line.quantity != line.quantity.to_integral_value():
        return NotOrderable(f"{line.label} asks for {line.quantity.normalize():f} units; Amazon sells whole units.")
    return int(line.quantity)


def unit_problem(
    line: WantedLine, product: Product, policies: OrderPolicies, unit_codes: Mapping[str, str]
) -> str | None:
    """The sentence, where one unit at Amazon is not, or not for sure, what the PO line means by one. `unit_codes`: Coupa code by
    Amazon's word."""
    sold = _read_packages(product)
    if line.unit is None:
        return f"{line.label} names no unit of measure; Amazon sells {product.asin} {sold}."
    codes = {code for word in sold.words if (code := unit_codes.get(word)) is not None}
    if sold.words and line.unit not in codes:
        return f"{line.label} asks for {line.unit}, and Amazon sells {product.asin} {sold}."
    if len(sold.pieces) > 1:
        return f"{line.label}: Amazon gives several counts for one unit of {product.asin}, which it sells {sold}."
    pieces = next(iter(sold.pieces), None)
    if line.pack_size is not None and pieces is not None and line.pack_size != pieces:
        return f"{line.label} means {line.pack_size} pieces by one {line.unit}, and Amazon sells {product.asin} {sold}."
    if line.unit in policies.single_units and pieces is not None and pieces > 1 and line.pack_size != pieces:
        return f"{line.label} asks for single pieces ({line.unit}), and Amazon sells {product.asin} {sold}."
    return _unconfirmed(line, product.asin, sold, policies) if policies.units_unknown == "hold" else None


def _unconfirmed(line: WantedLine, asin: str, sold: "_Sold", policies: OrderPolicies) -> str | None:
    """The sentence, where the line means more than one piece and Amazon's silence may mean one."""
    if (line.pack_size or 1) > 1 and not sold.pieces:
        return f"{line.label} means {line.pack_size} pieces by one {line.unit}, and Amazon does not say how many one unit of {asin} has."
    if line.unit not in policies.single_units and not sold.words and sold.pieces <= {1}:
        return f"{line.label} asks for {line.unit}, and Amazon does not say that {asin} is sold so: it may be a single piece."
    return None


@dataclass(frozen=True, slots=True)
class _Sold:
    """What Amazon's words say of one unit: the packages it is sold in, and how many pieces are in it (one count, or in conflict)."""

    words: tuple[str, ...]
    pieces: frozenset[int]

    def __str__(self) -> str:
        counts = " or ".join(map(str, sorted(self.pieces)))
        of = f" of {counts}" if self.pieces - {1} else ""
        return f"by the {' or '.join(self.words) or 'piece'}{of}"


def _read_packages(product: Product) -> _Sold:
    """`12 Count`, `Pack of 12` and `12-Pack` are a count as well; a count of pieces is no package. Counts of one say nothing where
    another says more (`1 Count (Pack of 12)`)."""
    words: list[str] = []
    counts = {product.bundle} if product.bundle else set()
    for name in product.packages:
        for text in filter(None, map(str.strip, _PARTS.split(name.lower()))):
            found = next((match for form in _FORMS if (match := form.fullmatch(text))), None)
            if found is None:
                words.append(text)
                continue
            counts.add(int(found["count"]))
            if found["word"].rstrip("s") not in PIECES:
                words.append(found["word"])
    several = frozenset(counts - {0, 1})
    return _Sold(tuple(dict.fromkeys(words)), several or frozenset(counts - {0}))


def choose_offer(
    line: WantedLine,
    units: int,
    *,
    known: Mapping[str, Offer],
    product: Product | None,
    most: Money,
    policies: OrderPolicies,
) -> Chosen | NotOrderable:
    """The PO line's own offer while it stands within the ceiling; the same seller's current one where it has ended.

    `known` are the offers that still exist, by id. A line that names no offer, or a cart, chooses by policy.
    """
    current = product.offers if product is not None else ()
    offer_id = line.offer_id
    if offer_id is not None and offer_id in known:
        offer = known[offer_id]
        problem = _problem(offer, units, most)
        return Chosen(offer.id) if problem is None else _refused(line, f"its offer, {offer}, {problem}", current, most)
    fitting = sorted((one for one in current if _problem(one, units, most) is None), key=_cheapest_first)
    if offer_id is None or offer_id.startswith(policies.cart_id_prefixes):
        if fitting and policies.without_offer == "cheapest":
            return Chosen(fitting[0].id)
        return _refused(line, "it names no offer", current, most)
    same = [one for one in fitting if line.seller and one.seller and _same(one.seller, line.seller)]
    if same:
        return Chosen(same[0].id)
    return _refused(line, "the offer it was approved with has ended", current, most)


def _problem(offer: Offer, units: int, most: Money) -> str | None:
    if offer.price is None:
        return "has no price"
    if offer.price.currency != most.currency:
        return f"is in {offer.price.currency}, the PO in {most.currency}"
    if offer.price.amount > most.amount:
        return f"is above the most we may pay, {most}"
    if offer.blocked:
        return "is blocked by the company's own policy at Amazon"
    if offer.least is not None and units < offer.least:
        return f"is for at least {offer.least} units, and {units} are wanted"
    if offer.most is not None and units > offer.most:
        return f"is for at most {offer.most} units, and {units} are wanted"
    return None


def _refused(line: WantedLine, why: str, current: Sequence[Offer], most: Money) -> NotOrderable:
    listed = "; ".join(map(str, sorted(current, key=_cheapest_first)[:MOST_OFFERS]))
    now = f"On offer now: {listed}." if listed else "Nothing is on offer now."
    return NotOrderable(f"{line.label} ({line.asin}): {why}. The PO says {line.price}, at most {most} a unit. {now}")


def _cheapest_first(offer: Offer) -> tuple[bool, Decimal, str]:
    return offer.price is None, offer.price.amount if offer.price else Decimal(0), offer.id


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def line_order(number: str) -> tuple[int, Decimal, str]:
    """PO line numbers are text: 2 comes before 10, and what is no number comes last."""
    plain = number.strip().replace(".", "", 1)
    return (0, Decimal(number.strip()), number) if plain.isdigit() and plain.isascii() else (1, Decimal(0), number)


def split(units: Units) -> list[dict[str, int]]:
    """Parts of at most 50 lines by line number; lines without units are left out. The same PO always splits alike."""
    wanted = [(number, units[number]) for number in sorted(units, key=line_order) if units[number] > 0]
    return [dict(wanted[start : start + MOST_LINES]) for start in range(0, len(wanted), MOST_LINES)]


@dataclass(frozen=True, slots=True)
class PartKey:
    """One Amazon order of a PO, as the ledger and Amazon's externalId name it. Attempts and parts count from 1."""

    po_number: str
    part: int
    attempt: int

    def __str__(self) -> str:
        return f"{self.po_number}-{self.part}-{self.attempt}"


def read_key(text: str) -> PartKey | None:
    """The key that `text` is; None for anything else. PO numbers may have dashes themselves."""
    pieces = text.rsplit("-", 2)
    if len(pieces) != 3 or not all(one.isdigit() and one.isascii() for one in pieces[1:]):
        return None
    return PartKey(pieces[0], int(pieces[1]), int(pieces[2]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """An earlier order of the same PO. `open`: nothing was sent yet, and its place may be taken by a new plan.

    `unanswered`: nobody knows whether it happened, or it is on its way. `accepted`: units by line that are ordered, or that the
    answer left unaccounted for.
    """

    key: PartKey
    fate: Literal["open", "unanswered", "answered"]
    accepted: Units = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Blocked:
    """Nothing may be ordered now, because of these orders."""

    unanswered: tuple[PartKey, ...]


def remaining(ordered: Units, earlier: Iterable[Earlier]) -> dict[str, int] | Blocked:
    """What may still be ordered, by line: the PO's units less all that were accepted; nothing while an order has no answer."""
    known = list(earlier)
    unanswered = tuple(one.key for one in known if one.fate == "unanswered")
    if unanswered:
        return Blocked(unanswered)
    taken: dict[str, int] = {}
    for one in known:
        for number, units in one.accepted.items():
            taken[number] = taken.get(number, 0) + units
    left = {number: max(0, units - taken.get(number, 0)) for number, units in ordered.items()}
    return {number: units for number, units in left.items() if units}


def next_attempt(earlier: Iterable[Earlier]) -> int:
    """An open plan keeps its number; a further order after an answer takes the next."""
    attempts = [(one.key.attempt, one.fate) for one in earlier]
    latest = max((attempt for attempt, _ in attempts), default=0)
    opened = max((attempt for attempt, fate in attempts if fate == "open"), default=0)
    answered = max((attempt for attempt, fate in attempts if fate != "open"), default=0)
    return opened if opened > answered else latest + 1


def over_quantity(ordered: Units, taken: Units, asked: Units) -> list[str]:
    """The last word before sending: a sentence for each line that would be ordered beyond its quantity."""
    return [
        f"Line {number}: {units} units would be ordered on top of {taken.get(number, 0)}, and the PO has {ordered.get(number, 0)}."
        for number, units in asked.items()
        if taken.get(number, 0) + units > ordered.get(number, 0)
    ]
