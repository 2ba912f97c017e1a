"""What each kind of rule looks at, one pure function a kind: a purchase and what surrounds it go in, breaches come out.

A breach has one cause, named so that it is found again at every look: the line, or what several orders have in common.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from procurement.compliance.purchases import Purchase, PurchaseLine
from procurement.compliance.rules import ComplianceRule, When
from procurement.compliance.surroundings import Bought, Limit, Surroundings, Taken, approved_as
from procurement.compliance.terms import Terms
from procurement.money import Money, minor_unit, round_to
from procurement.sellers.identity import Verdict
from procurement.sellers.names import normalised, words_of

ZERO, HUNDRED = Decimal(0), Decimal(100)
WHOLE = "order"  # the cause that is the purchase itself
DEFAULT_DAYS = 7
SAME_ORDERS, SAME_SUBJECT = "orders", "subject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """One cause. `lines` are line ids; `orders` all purchases that have part in it. `shared`: how another purchase's breach
    is told to be of the same cause: by an order in common, or by `subject` alone; None: it is this purchase's own."""

    cause: str
    amount: Decimal
    sentence: str
    lines: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    subject: str = ""
    shared: str | None = None


def fits(when: When, purchase: Purchase, line: PurchaseLine | None = None) -> bool:
    """Whether a line is one of those the rule is for; without a line, whether the purchase is, by any of its lines."""
    if not _header_fits(when, purchase):
        return False
    if line is None:
        return any(_line_fits(when, purchase, one) for one in purchase.lines)
    return _line_fits(when, purchase, line)


def _header_fits(when: When, purchase: Purchase) -> bool:
    buyers = {address.casefold() for address in when.buyer}
    return (
        (not buyers or purchase.buyer.casefold() in buyers)
        and (not when.currency or purchase.currency in when.currency)
        and (not when.supplier or purchase.supplier in when.supplier)
        and (not when.country or purchase.country in when.country)
    )


def _line_fits(when: When, purchase: Purchase, line: PurchaseLine) -> bool:
    seller, country = (line.seller.name, line.seller.place.country) if line.seller else ("", "")
    return (
        (not when.unspsc or begins(line.unspsc, when.unspsc))
        and (not when.commodity or line.commodity in when.commodity)
        and (not when.cost_center or purchase.cost_center_of(line) in when.cost_center)
        and (not when.seller or normalised(seller) in {normalised(name) for name in when.seller})
        and (not when.seller_country or country in when.seller_country)
    )


def begins(code: str, prefixes: Iterable[str]) -> bool:
    return bool(code) and any(code.startswith(prefix) for prefix in prefixes)


def _lines(rule: ComplianceRule, purchase: Purchase) -> Iterator[PurchaseLine]:
    return (line for line in purchase.lines if line.quantity and fits(rule.when, purchase, line))


def unlisted_seller(rule: ComplianceRule, purchase: Purchase, at: Surroundings) -> Iterator[Breach]:
    """One breach a seller: no contract has the article, and the seller is neither contracted nor preferred."""
    by_seller: dict[str, list[PurchaseLine]] = {}
    for line in _lines(rule, purchase):
        if off_contract(line, purchase, at.terms):
            by_seller.setdefault(normalised(line.seller.name) if line.seller else "", []).append(line)
    for name, lines in by_seller.items():
        seller = lines[0].seller
        total = sum((line.amount for line in lines), ZERO)
        told = f"{seller.name} is neither contracted nor preferred" if seller else "no contract has it"
        yield Breach(
            cause=f"seller {name or '-'}", amount=total, lines=tuple(line.id for line in lines), orders=(purchase.key,),
            sentence=f"{_articles(lines)} for {_money(total, purchase)}: {told}.",
            evidence=(at.recognise(seller).sentence,) if seller else (), subject=name,
        )  # fmt: skip


def off_contract(line: PurchaseLine, purchase: Purchase, terms: Terms) -> bool:
    """Neither an article of a contract nor from a contracted or preferred seller. Of what is not ordered yet no seller is known:
    then only articles count. A seller of whom nobody is sure is not taken for a contracted one."""
    if terms.agreements.covers(line.asin, purchase.day):
        return False
    return line.seller is None or terms.recognise(line.seller).verdict is not Verdict.SAME


def over_price(rule: ComplianceRule, purchase: Purchase, at: Surroundings) -> Iterator[Breach]:
    """The price paid against the lowest contract price for so many units as the order has, above the larger of both tolerances."""
    for line in _lines(rule, purchase):
        units = purchase.units_of(line.asin)
        found = at.agreements.price_of(
            line.asin, purchase.day, purchase.currency, units, units=at.units, money=at.money
        )
        if found is None or line.unit_price is None:
            continue
        agreed, expected = found
        allowed = max(expected * (rule.tolerance_percent or ZERO) / HUNDRED, rule.tolerance_amount or ZERO)
        if line.unit_price - expected <= allowed:
            continue
        over = round_to((line.unit_price - expected) * line.quantity, minor_unit(purchase.currency))
        yield Breach(
            cause=f"line {line.id}", amount=over, lines=(line.id,), orders=(purchase.key,), subject=agreed.contract,
            sentence=f"{_article(line)} costs {_money(line.unit_price, purchase)}; contract {agreed.contract} says "
            f"{_money(expected, purchase)} for {_count(units)}, {_money(allowed, purchase)} more is tolerated: "
            f"{_money(over, purchase)} too much.",
        )  # fmt: skip


def restricted(rule: ComplianceRule, purchase: Purchase, at: Surroundings) -> Iterator[Breach]:
    del at
    for line in _lines(rule, purchase):
        by_article, by_code = line.asin in rule.asins, begins(line.unspsc, rule.unspsc)
        if by_article or by_code:
            what = "the article" if by_article else f"UNSPSC {line.unspsc}"
            yield Breach(
                cause=f"line {line.id}", amount=line.amount, lines=(line.id,), orders=(purchase.key,), subject=line.asin,
                sentence=f"{_article(line)} for {_money(line.amount, purchase)} is restricted: {what} may not be bought.",
            )  # fmt: skip


def no_po(rule: ComplianceRule, purchase: Purchase, at: Surroundings) -> Iterator[Breach]:
    """Ordered around Coupa: without a PO number, or with one that covers no Amazon order: Coupa does not have it, it was
    cancelled, or it went to another supplier."""
    flaw = "which Coupa does not have" if at.po is None else at.po.flaw
    if flaw is None or not any(line.quantity for line in purchase.lines) or not fits(rule.when, purchase):
        return
    said = f"names PO {purchase.po_number}, {flaw}" if purchase.po_number else "names no PO"
    yield Breach(
        cause=WHOLE, amount=purchase.amount, orders=(purchase.key,), subject=purchase.po_number or "",
        sentence=f"{_money(purchase.amount, purchase)} were ordered around Coupa: the order {said}.",
    )  # fmt: skip


def po_after_order(rule: ComplianceRule, purchase: Purchase, at: Surroundings) -> Iterator[Breach]:
    """Ordered before the PO was there and its requisition approved; of a PO that covers no Amazon order `no_po` tells."""
    since = at.po.since if at.po is not None else None
    if at.po is None or at.po.flaw or since is None or not fits(rule.when, purchase):
        return
    if since - purchase.ordered_at <= timedelta(hours=rule.grace_hours or 0):
        return
    yield Breach(
        cause=WHOLE, amount=purchase.amount, orders=(purchase.key,), subject=at.po.number,
        sentence=f"It was ordered on {purchase.ordered_at:%Y-%m-%d %H:%M} UTC, before PO {at.po.number} was approved and "
        f"there ({since:%Y-%m-%d %H:%M} UTC).",
    )  # fmt: skip


def split_order(rule: ComplianceRule, purchase: Purchase, at: Surroundings) -> Iterator[Breach]:
    """Purchases of one buyer within some days, each approved by itself and under the limit, together not, that share a seller or a
    commodity. Orders of one PO are one purchase: they were approved together. One that comes to the limit by itself, with all that
    it buys elsewhere, needed the higher approval and evades nothing."""
    limit = rule.limit or ZERO
    since = purchase.ordered_at - timedelta(days=DEFAULT_DAYS if rule.days is None else rule.days)
    own: dict[str, Decimal] = {}
    names: dict[str, str] = {}
    for line in _lines(rule, purchase):
        shared = _shared(rule, _seller(line), line.commodity)
        names.setdefault(shared, line.seller.name if shared and rule.same != "commodity" and line.seller else shared)
        own[shared] = own.get(shared, ZERO) + line.amount
    own_unit = approved_as(purchase, at)
    approved = _approved(purchase, own_unit, at)
    for shared, amount in own.items():
        sums, members = {own_unit: amount}, {own_unit: [(purchase.ordered_at, purchase.key)]}
        for other in at.others:
            if (
                other.order != purchase.key and other.buyer == purchase.buyer and other.currency == purchase.currency
                and since <= other.ordered_at <= purchase.ordered_at
                and _shared(rule, other.seller, other.commodity) == shared
            ):  # fmt: skip
                unit = other.approved_as
                sums[unit] = sums.get(unit, ZERO) + other.amount
                members.setdefault(unit, []).append((other.ordered_at, other.order))
        parts = {unit: total for unit, total in sums.items() if approved[unit] < limit}
        total = sum(parts.values(), ZERO)
        if own_unit not in parts or len(parts) < 2 or total < limit or not purchase.buyer:
            continue
        ordered = sorted({one for unit in parts for one in members[unit]})
        common = f" {'of' if rule.same == 'commodity' else 'from'} {names[shared]}" if shared else ""
        yield Breach(
            cause=f"split {shared or '-'}", amount=total, orders=tuple(order for _, order in ordered), shared=SAME_ORDERS,
            subject=f"{purchase.buyer}|{shared}",
            sentence=f"{len(parts)} purchases of {purchase.buyer}{common} since {ordered[0][0]:%Y-%m-%d}, each under the "
            f"approval limit of {_money(limit, purchase)}, come to {_money(total, purchase)} together.",
            evidence=tuple(
                f"{', '.join(sorted({order for _, order in members[unit]}))}: {_money(parts[unit], purchase)}" for unit in parts
            ),
        )  # fmt: skip


def _approved(purchase: Purchase, unit: str, at: Surroundings) -> dict[str, Decimal]:
    """What each purchase came to as a whole, in the currency of this one, of which `unit` is the name."""
    found = {unit: purchase.amount}
    for other in at.others:
        if other.order != purchase.key and other.currency == purchase.currency:
            found[other.approved_as] = found.get(other.approved_as, ZERO) + other.amount
    return found


def _shared(rule: ComplianceRule, seller: str, commodity: str) -> str:
    return "" if rule.same == "buyer" else commodity if rule.same == "commodity" else seller


def duplicate(rule: ComplianceRule, purchase: Purchase, at: Surroundings) -> Iterator[Breach]:
    """The same article in the same quantity, bought again within some days by the same buyer or for the same cost center."""
    since = purchase.ordered_at - timedelta(days=DEFAULT_DAYS if rule.days is None else rule.days)
    for line in _lines(rule, purchase):
        before = [
            other for other in at.others
            if other.asin == line.asin and other.quantity == line.quantity and other.order != purchase.key
            and other.approved_as != approved_as(purchase, at)
            and since <= other.ordered_at <= purchase.ordered_at and _same_owner(rule, purchase, line, other)
            and (other.ordered_at, other.order) < (purchase.ordered_at, purchase.key)
        ]  # fmt: skip
        if not before or not line.asin:
            continue
        first = min(before, key=lambda other: (other.ordered_at, other.order))
        orders = (*dict.fromkeys(other.order for other in before), purchase.key)
        whose = (
            f"by {purchase.buyer}" if rule.same != "cost_center" else f"for cost center {purchase.cost_center_of(line)}"
        )
        yield Breach(
            cause=f"line {line.id}", amount=line.amount, lines=(line.id,), orders=orders, subject=line.asin,
            sentence=f"{_article(line)}, {_count(line.quantity)} for {_money(line.amount, purchase)}, was bought {whose} on "
            f"{first.ordered_at:%Y-%m-%d} already, in order {first.order}.",
            evidence=tuple(f"{other.order}: {_count(other.quantity)} on {other.ordered_at:%Y-%m-%d}" for other in before),
        )  # fmt: skip


def _same_owner(rule: ComplianceRule, purchase: Purchase, line: PurchaseLine, other: Bought) -> bool:
    if rule.same == "cost_center":
        return bool(other.cost_center) and other.cost_center == purchase.cost_center_of(line)
    return bool(other.buyer) and other.buyer == purchase.buyer


def expired_certification(rule: ComplianceRule, purchase: Purchase, at: Surroundings) -> Iterator[Breach]:
    """A demanded certification that the seller lacks, or that had expired on the day of the order."""
    del at
    day = purchase.day
    for line in _lines(rule, purchase):
        if line.seller is None:
            continue
        for demanded in rule.certifications:
            held = [one for one in line.credentials if words_of(demanded) in words_of(one.type)]
            if any(one.expires is None or one.expires >= day for one in held):
                continue
            latest = max((one.expires for one in held if one.expires is not None), default=None)
            state = f"expired on {latest}" if latest else "is not shown by Amazon"
            yield Breach(
                cause=f"line {line.id} {words_of(demanded)}", amount=line.amount, lines=(line.id,), orders=(purchase.key,),
                subject=line.seller.name,
                sentence=f"{_article(line)} for {_money(line.amount, purchase)} from {line.seller.name}: the certification "
                f"{demanded} {state}.",
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Excess:
    """That a purchase goes beyond what was agreed on over all orders, by its `part`."""

    limit: Limit
    part: Taken
    lines: tuple[PurchaseLine, ...]


def excesses(rule: ComplianceRule, purchase: Purchase, at: Surroundings) -> Iterator[Excess]:
    on_contract: dict[str, list[PurchaseLine]] = {}
    bought: dict[str, list[PurchaseLine]] = {}
    for line in _lines(rule, purchase):
        bought.setdefault(line.asin, []).append(line)
    for asin, lines in bought.items():
        agreed = at.agreements.counted_under(asin, purchase.day, purchase.currency, purchase.units_of(asin))
        most = agreed.units if agreed is not None and agreed.units is not None else rule.units.get(asin)
        contract = agreed.contract if agreed is not None else ""
        if agreed is not None:
            on_contract.setdefault(contract, []).extend(lines)
        if most is not None:
            units = sum((line.quantity for line in lines), ZERO)
            yield from _excess((contract, asin, most), purchase, lines, units, at.units.get((contract, asin), ZERO))
    for number, lines in on_contract.items():
        bounded = at.agreements.contract(number)
        if bounded is not None and bounded.most is not None and bounded.currency == purchase.currency:
            money = sum((line.amount for line in lines), ZERO)
            yield from _excess((number, "", bounded.most), purchase, lines, money, at.money.get(number, ZERO))


def _excess(
    limit: Limit, purchase: Purchase, lines: Sequence[PurchaseLine], size: Decimal, before: Decimal
) -> Iterator[Excess]:
    amount = sum((line.amount for line in lines), ZERO)
    part = Taken(purchase.key, purchase.ordered_at, size, amount, before).beyond(limit[2], purchase.currency)
    if part is not None:
        yield Excess(limit, part, tuple(lines))


def over_contract(rule: ComplianceRule, purchase: Purchase, at: Surroundings) -> Iterator[Breach]:
    """More units of an article than agreed on over all orders, or more money than its contract may reach. One cause, whichever of
    the orders beyond it is looked at, with the parts of all; before it is placed an order stands for its own part alone."""
    for one in excesses(rule, purchase, at):
        contract, asin, most = one.limit
        others = [taken for taken in at.taken.get(one.limit, ()) if purchase.placed and taken.order != purchase.key]
        beyond = (taken.beyond(most, purchase.currency) for taken in others)
        parts = sorted([one.part, *filter(None, beyond)], key=lambda part: (part.ordered_at, part.order))
        reached, amount = max(part.reached for part in parts), sum((part.amount for part in parts), ZERO)
        whose = f"contract {contract}" if contract else "compliance.yml"
        many = f", in {len(parts)} orders" if len(parts) > 1 else ""
        if asin:
            units = _count(sum((part.size for part in parts), ZERO))
            sentence = (
                f"{_article(one.lines[0])}: {_count(reached)} over all orders, and {whose} agrees on {_plain(most)}: "
                f"{units} for {_money(amount, purchase)} too many{many}."
            )
        else:
            sentence = (
                f"{_money(reached, purchase)} were bought under {whose}, which may reach {_money(most, purchase)}: "
                f"{_money(amount, purchase)} too much{many}."
            )
        yield Breach(
            cause=f"units {asin}" if asin else f"money {contract}", amount=amount, lines=tuple(line.id for line in one.lines),
            orders=tuple(part.order for part in parts), subject=f"{contract}|{asin or 'money'}", shared=SAME_SUBJECT,
            sentence=sentence, evidence=tuple(_part(part, asin, purchase) for part in parts) if many else (),
        )  # fmt: skip


def _part(part: Taken, asin: str, purchase: Purchase) -> str:
    units = f"{_count(part.size)} for " if asin else ""
    return f"{part.order}: {units}{_money(part.amount, purchase)} on {part.ordered_at:%Y-%m-%d}"


Check = Callable[[ComplianceRule, Purchase, Surroundings], Iterator[Breach]]
CHECKS: Mapping[str, Check] = {
    check.__name__: check
    for check in (
        unlisted_seller, over_price, restricted, no_po, po_after_order, split_order, duplicate, expired_certification,
        over_contract,
    )
}  # fmt: skip


def _seller(line: PurchaseLine) -> str:
    return normalised(line.seller.name) if line.seller else ""


def _article(line: PurchaseLine) -> str:
    title = line.title if len(line.title) <= 60 else f"{line.title[:57]}..."
    return f"{title} ({line.asin})" if title and line.asin else title or line.asin or f"Line {line.id}"


def _articles(lines: Sequence[PurchaseLine]) -> str:
    more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
    return f"{_article(lines[0])}{more}"


def _money(amount: Decimal, purchase: Purchase) -> str:
    return str(Money(amount, purchase.currency))


def _count(units: Decimal) -> str:
    return f"{_plain(units)} unit{'' if units == 1 else 's'}"


def _plain(number: Decimal) -> str:
    return format(number.normalize(), "f") if number else "0"
