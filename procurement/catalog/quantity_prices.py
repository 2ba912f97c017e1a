"""Quantity prices: Amazon's, of the units of one order, against the tiers of a contract's terms.

They are written only where both sides agree on the price of every quantity that Amazon sells in one order; else a person
is told of both.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from procurement.catalog.decisions import Decision, Difference, Fields
from procurement.catalog.entries import Contract, Entry, PriceRow, Term, Tier

MOST_TIERS = 10  # of one supplier item that are read and written


def fitting_term(tiers: Sequence[Tier], terms: Sequence[Term], *, most: int | None = None) -> Term | None:
    """The term whose tiers hold for the same units of one order as Amazon's quantity prices; None where none does.

    Coupa's tier N goes up to its upper bound, so tiers begin one unit after the bound before. Where Amazon's last tier is
    open, the term's is open as well, or goes at least to `most`, what Amazon sells in one order: no order lies beyond it.
    """
    wanted = _bounds(tiers)
    if wanted is None or len(tiers) >= MOST_TIERS:
        return None
    return next((term for term in terms if term.per_order and _fits(term.bounds, wanted, tiers[-1].until, most)), None)


def _bounds(tiers: Sequence[Tier]) -> tuple[Decimal, ...] | None:
    """The upper bounds before each of Amazon's tiers; None where they are unsure, out of order, or leave a gap."""
    starts = [tier.units for tier in tiers if tier.units is not None]
    if not starts or len(starts) < len(tiers) or starts != sorted(set(starts)) or starts[0] < 2:
        return None
    ends = [tier.until for tier in tiers[:-1]]
    if any(end is not None and end + 1 != start for end, start in zip(ends, starts[1:], strict=True)):
        return None
    return tuple(Decimal(start - 1) for start in starts)


def _fits(bounds: Sequence[Decimal | None], wanted: Sequence[Decimal], until: int | None, most: int | None) -> bool:
    before, rest = tuple(bounds[: len(wanted)]), bounds[len(wanted) :]
    if before != tuple(wanted) or len(rest) > 1:
        return False
    ends = until is not None and (most is None or until < most)  # Amazon's last price has an end that orders can pass
    if not rest:
        return not ends
    return rest[0] == until if ends else most is not None and rest[0] is not None and rest[0] >= most


def bounds_in_words(term: Term) -> str:
    """A term as a finding names it: `Volume: up to 9, up to 49`."""
    named = ", ".join(
        f"up to {format(bound.normalize(), 'f')}" if bound is not None else "no bound" for bound in term.bounds
    )
    counts = "" if term.per_order else " (it does not price the units of one order)"
    return f"{term.name or f'term {term.id}'}: {named or 'no bounds'}{counts}"


def tier_prices(price: Decimal, tiers: Sequence[Tier]) -> tuple[Decimal, ...]:
    """What each tier of a fitting term costs: the offer's price first, then Amazon's quantity prices."""
    return (price, *(tier.price for tier in tiers))


def new_tiers(decision: Decision, entry: Entry, price: Decimal, contract: Contract | None) -> Fields:
    """The prices of each tier, where a term of the contract has the same bounds; else a finding that names both."""
    article, terms = entry.article, contract.terms if contract is not None else ()
    term = fitting_term(article.tiers, terms, most=article.most)
    if term is None:
        most = f"; at most {article.most} units of one order" if article.most is not None else ""
        fit = (
            f"fit no term of contract {contract.number}"
            if contract is not None
            else "have no contract whose term they could fit"
        )
        names = f" ({'; '.join(map(bounds_in_words, terms)) or 'it has none'})" if contract is not None else ""
        sentence = f"{entry.asin}: Amazon's quantity prices ({_in_words(article.tiers)}{most}) {fit}{names}, so they are not written."
        decision.differences.append(Difference("tiers_without_term", sentence))
        return {}
    prices = tier_prices(price, article.tiers)
    return {"contract-term": term.id} | {f"price-tier-{n}": one for n, one in enumerate(prices, start=1)}


def changed_tiers(decision: Decision, entry: Entry, row: PriceRow, contract: Contract | None) -> Fields:
    wanted = new_tiers(decision, entry, entry.article.price or Decimal(0), contract)
    if not wanted:
        check_tiers_left(decision, entry, row)
    changed: Fields = {}
    for name, value in wanted.items():
        shown = shown_tier(row, name)
        if shown != value:
            changed[name], decision.price_was[name] = value, shown
    return changed


def check_tiers_left(decision: Decision, entry: Entry, row: PriceRow) -> None:
    """Coupa orders at the price of a tier wherever a row has tiers: those that Amazon does not ask any more, or for other
    quantities, are a person's to take out."""
    price, tiers = entry.article.price or Decimal(0), entry.article.tiers
    left = [one for one in row.tiers if one is not None and (tiers or one != price)]
    if row.term is None or not left:
        return
    shown = ", ".join(format(one, "f") for one in left)
    asks = f"asks {format(price, 'f')}" + (f", {_in_words(tiers)}" if tiers else " for any quantity")
    sentence = (
        f"{entry.asin}: Coupa still has quantity prices ({shown}) and orders at them; Amazon {asks}. "
        "To do: take the contract term off the supplier item."
    )
    decision.differences.append(Difference("tiers_gone", sentence))


def _in_words(tiers: Sequence[Tier]) -> str:
    return ", ".join(f"{tier.shown or tier.units} at {format(tier.price, 'f')}" for tier in tiers)


def shown_tier(row: PriceRow, name: str) -> Any:
    if name == "contract-term":
        return row.term
    place = int(name.rsplit("-", 1)[1]) - 1
    return row.tiers[place] if place < len(row.tiers) else None
