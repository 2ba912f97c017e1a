"""One article compared: what Amazon sells today against Coupa's item and supplier item, field by field.

    compare(entry, rules, around) -> Decision
    compare_all(entries, rules, around) -> list[Decision]

Articles that are on one Coupa item are compared together, since the item is decided once (`items.py`). Nothing is decided by
halves: a decision is unchanged, added, changed or removed, names the fields to write, and what waits for a person beside them.
Rows of other suppliers, of contracts not in force, and fields that are not ours are never in it. Removing destroys nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from procurement.catalog.decisions import Decision, Difference, Fields
from procurement.catalog.entries import (
    BOUGHT,
    Article,
    Entry,
    LastWritten,
    PriceRow,
    Release,
    Surroundings,
    rows_in_force,
)
from procurement.catalog.items import decide_items, new_item
from procurement.catalog.pricing import Move, is_held
from procurement.catalog.quantity_prices import changed_tiers, check_tiers_left, new_tiers, shown_tier
from procurement.catalog.rules import CatalogFile

OUT, IN = "out_of_stock", "in_stock"
NEGOTIATED = "NEGOTIATED"
MISSING = "Amazon does not know it"


def compare(entry: Entry, rules: CatalogFile, around: Surroundings) -> Decision:
    """What is to happen today to an article that is alone on its items."""
    return compare_all([entry], rules, around)[0]


def compare_all(entries: Sequence[Entry], rules: CatalogFile, around: Surroundings) -> list[Decision]:
    """What is to happen to each; all articles that are on one item are among them, or none."""
    decisions = [_compare(entry, rules, around) for entry in entries]
    decide_items(zip(entries, decisions, strict=True), rules, around)
    return decisions


def _compare(entry: Entry, rules: CatalogFile, around: Surroundings) -> Decision:
    decision = Decision(entry.asin, written=dict(around.written.get(entry.asin, {})))
    if not entry.article.sold:
        return _missing(decision, entry, rules, around)
    if entry.article.price is None:
        return _without_price(decision, entry, rules, around)
    if not entry.rows:
        return _added(decision, entry, rules, around)
    row = _row_that_counts(decision, entry, rules, around)
    if row is None:
        return decision
    decision.row = row
    _restrictions(decision, entry.article)
    _price_fields(decision, entry, row, rules, around)
    decision.kind = "changed" if decision.writes else "unchanged"
    return decision


def _row_that_counts(decision: Decision, entry: Entry, rules: CatalogFile, around: Surroundings) -> PriceRow | None:
    """The supplier item that has Amazon's price. Of several in force the rule file's order decides, then the one under a
    contract; where both leave two, a person must."""
    live = rows_in_force(entry.rows, around.contracts)
    if not live:
        names = ", ".join(sorted({row.contract or "none" for row in entry.rows}))
        decision.kind, decision.reason = "left", f"its contract is not in force: {names}"
        return None
    if len(live) == 1:
        return live[0]
    under = [row for row in live if row.contract is not None]
    named = [row for number in rules.writing.contracts for row in under if row.contract == number]
    if named or len(under) == 1:
        chosen = (named or under)[0]
        others = ", ".join(row.contract or "no contract" for row in live if row is not chosen)
        sentence = f"{entry.asin} also has a price under {others}; only the one under {chosen.contract} is kept equal to Amazon."
        decision.differences.append(Difference("other_price", sentence))
        return chosen
    numbers = ", ".join(str(row.contract) for row in under)
    sentence = (
        f"{entry.asin} is on {len(under)} contracts in force ({numbers}) and Amazon shows one price: name one of them"
    )
    decision.kind = "left"
    decision.differences.append(Difference("several_contracts", f"{sentence} in catalog.yml (writing.contracts)."))
    decision.held.append(f"on {len(under)} contracts in force: {numbers}")
    return None


def _missing(decision: Decision, entry: Entry, rules: CatalogFile, around: Surroundings) -> Decision:
    """Out of stock and not preferred, after so many complete runs in a row; until then it only waits."""
    runs, needed = len(entry.missed), rules.removal.missing_runs
    live = rows_in_force(entry.rows, around.contracts)
    decision.kind = "left"
    if not live:
        decision.reason = f"{MISSING}, and nothing in Coupa is to be taken out"
    elif not (still_in := [row for row in live if not decision.last(row).removed]):
        decision.reason = f"{MISSING}; it was taken out before"
    elif entry.doubted and not runs:
        nights, enough = len(entry.doubted), rules.removal.doubted_nights
        decision.reason, decision.waits = f"{MISSING}: too many vanished at once, in {nights} of {enough} nights", True
        sentence = (
            f"{entry.asin}: Amazon does not know it, nor too many others, in {nights} nights in a row; after {enough} that counts. "
            "To do: look whether the configured user still sees it at Amazon; if it is gone, release it."
        )
        decision.differences.append(Difference("vanished", sentence))
    elif runs < needed:
        decision.reason, decision.waits = f"{MISSING}: missing in {runs} of {needed} complete runs", True
    else:
        decision.kind, decision.row = "removed", still_in[0]
        decision.price = {"availability": OUT, "preferred": False}
        decision.also = tuple((row, dict(decision.price)) for row in still_in[1:])
        decision.price_was = {"preferred": still_in[0].preferred}
        for row in still_in:
            decision.written[row.under] = replace(
                decision.last(row), availability=OUT, removed=True, preferred=row.preferred
            )
    return decision


def _without_price(decision: Decision, entry: Entry, rules: CatalogFile, around: Surroundings) -> Decision:
    """No offer at all is out of stock; offers that do not count leave Coupa's price as it is, and say so."""
    article = entry.article
    live = rows_in_force(entry.rows, around.contracts)
    accepted = ", ".join(rules.offers.accept)
    decision.kind = "left"
    if article.offers:
        decision.reason = f"Amazon shows no price that counts ({accepted})"
        if live:
            sentence = (
                f"{entry.asin}: {decision.reason} among its {article.offers} offers. Coupa's price stays as it is."
            )
            decision.differences.append(Difference("no_accepted_price", sentence))
        return decision
    decision.reason = "Amazon has no offer"
    still_in = [row for row in live if decision.last(row).availability != OUT]
    if still_in and "availability" in rules.writing.supplier_item:
        decision.kind, decision.row = "changed", still_in[0]
        decision.price = {"availability": OUT}
        decision.also = tuple((row, dict(decision.price)) for row in still_in[1:])
        for row in still_in:
            decision.written[row.under] = replace(decision.last(row), availability=OUT)
    return decision


def _added(decision: Decision, entry: Entry, rules: CatalogFile, around: Surroundings) -> Decision:
    article, writing = entry.article, rules.writing
    assert article.price is not None
    if entry.origin == BOUGHT and article.guidance != NEGOTIATED:
        decision.kind, decision.reason = "left", "it was bought, and is at no negotiated price today"
        return decision
    if not writing.additions:
        decision.kind, decision.reason = "left", "Coupa lacks it, and additions are off"
        decision.differences.append(Difference("not_in_coupa", f"{entry.asin} is not in Coupa's catalog."))
        return decision
    contract = around.contracts.get(writing.contract) if writing.contract else None
    if writing.contract and (contract is None or not contract.in_force):
        why = contract.why_not if contract is not None else "Coupa has no such contract"
        decision.kind, decision.reason = "left", f"it would be added under contract {writing.contract}: {why}"
        decision.held.append(decision.reason)
        return decision
    if _is_closed(decision, around):
        decision.kind = "left"
        return decision
    prices = {"price": article.price} | (new_tiers(decision, entry, article.price, contract) if article.tiers else {})
    _check_moves(decision, entry, None, rules, around, prices)
    if decision.held:
        decision.kind = "left"
        return decision
    decision.kind = "added"
    _restrictions(decision, article)
    if entry.item is None:
        decision.new_item = new_item(entry, rules, around)
    decision.price = {"price": article.price, "currency": article.currency, "preferred": True}
    if writing.catalog:
        decision.price["catalog"] = writing.catalog
    decision.price["availability"] = rules.availability_of(article.availability)
    if article.least is not None and article.least > 1:
        decision.price["minimum-order-quantity"] = Decimal(article.least)
    if contract is not None:
        decision.price["contract"] = contract.number
    decision.price |= prices
    under = contract.number if contract is not None else ""
    decision.written[under] = LastWritten(decision.price["availability"], writing.catalog)
    return decision


def _is_closed(decision: Decision, around: Surroundings) -> bool:
    """Whether nothing may join the catalog today; the article then waits for it."""
    if around.catalog is None or not around.catalog.why_not:
        return False
    decision.reason, decision.waits = f"it joins catalog {around.catalog.name}: {around.catalog.why_not}", True
    sentence = f"{decision.asin} is not put into catalog {around.catalog.name}: {around.catalog.why_not}."
    decision.differences.append(Difference("catalog_not_accepted", sentence, "accepted", around.catalog.why_not))
    return True


def _restrictions(decision: Decision, article: Article) -> None:
    if article.restrictions:
        kinds = ", ".join(article.restrictions)
        decision.differences.append(
            Difference("restricted", f"{decision.asin} may be bought with a restriction: {kinds}.")
        )


def _price_fields(decision: Decision, entry: Entry, row: PriceRow, rules: CatalogFile, around: Surroundings) -> None:
    article, ours, last = entry.article, rules.writing.supplier_item, decision.last(row)
    assert article.price is not None
    wanted: Fields = {}
    if "price" in ours:
        wanted |= _money(decision, entry, row, rules, around)
    if "catalog" in ours and row.catalog != rules.writing.catalog:
        wanted |= _catalog(decision, row, rules, around)
    availability = rules.availability_of(article.availability)
    if ("availability" in ours or last.removed) and (last.availability or IN) != availability:
        wanted["availability"] = availability
    if "minimum_order_quantity" in ours and article.least and article.least != (row.least or 1):
        wanted["minimum-order-quantity"] = Decimal(article.least)
        decision.price_was["minimum-order-quantity"] = row.least
    if last.preferred and not row.preferred:
        wanted["preferred"], decision.price_was["preferred"] = True, False
    decision.price = wanted
    decision.also = tuple(_others_back(decision, entry, row, around, availability))
    for one, fields in [(row, wanted), *decision.also]:
        before = decision.last(one)
        decision.written[one.under] = LastWritten(
            fields.get("availability", before.availability), fields.get("catalog", before.catalog)
        )


def _catalog(decision: Decision, row: PriceRow, rules: CatalogFile, around: Surroundings) -> Fields:
    """A supplier item of no catalog joins ours, and one follows us from where we put it. Another catalog is a person's choice."""
    ours, theirs = rules.writing.catalog, row.catalog or "none"
    if row.catalog != decision.last(row).catalog:
        sentence = f"{decision.asin}: its supplier item is in catalog {theirs}, not in {ours}. What people chose stays."
        decision.differences.append(Difference("other_catalog", sentence, ours, theirs))
        return {}
    if _is_closed(decision, around):
        return {}
    decision.price_was["catalog"] = row.catalog
    return {"catalog": ours}


def _others_back(
    decision: Decision, entry: Entry, row: PriceRow, around: Surroundings, availability: str
) -> Iterator[tuple[PriceRow, Fields]]:
    """What we took out of the other rows in force, given back with the article."""
    for other in rows_in_force(entry.rows, around.contracts):
        fields: Fields = {}
        last = decision.last(other)
        if last.availability == OUT and availability != OUT:
            fields["availability"] = availability
        if last.preferred and not other.preferred:
            fields["preferred"] = True
        if other is not row and fields:
            yield other, fields


def _money(decision: Decision, entry: Entry, row: PriceRow, rules: CatalogFile, around: Surroundings) -> Fields:
    """Price and quantity prices, unless something about them is a person's to decide: then all of them wait."""
    article = entry.article
    assert article.price is not None
    before = len(decision.held)
    _check_currency(decision, entry, row)
    _check_pack(decision, entry, row, around)
    wanted: Fields = {}
    if row.price != article.price:
        wanted["price"], decision.price_was["price"] = article.price, row.price
    if "tiers" in rules.writing.supplier_item:
        if article.tiers:
            wanted |= changed_tiers(decision, entry, row, around.contracts.get(row.contract or ""))
        else:
            check_tiers_left(decision, entry, row)
    if len(decision.held) == before and wanted:
        _check_moves(decision, entry, row, rules, around, wanted)
    if len(decision.held) == before:
        return wanted
    for name in wanted:
        decision.price_was.pop(name, None)
    return {}


def _check_currency(decision: Decision, entry: Entry, row: PriceRow) -> None:
    """A price in another currency is never written."""
    shown = entry.article.currency
    if row.currency is not None and shown != row.currency:
        sentence = f"{entry.asin}: Coupa's price is in {row.currency}, Amazon's in {shown}. It is not written."
        decision.differences.append(Difference("currency_changed", sentence, row.currency, shown))
        decision.held.append(f"currency: {row.currency} in Coupa, {shown} at Amazon")


def _check_pack(decision: Decision, entry: Entry, row: PriceRow, around: Surroundings) -> None:
    """A price of another quantity of goods is never written: neither where Amazon's pack changed since the article was
    first seen or released, nor where Coupa counts in another unit than Amazon sells."""
    article, item = entry.article, entry.item_of(row)
    if (article.pack or "") != (entry.pack_agreed or ""):
        old, new = entry.pack_agreed or "single", article.pack or "single"
        sentence = f"{entry.asin}: Amazon sells it as {new} now, before as {old}. Its price is not written."
        decision.differences.append(Difference("pack_changed", sentence, old, new))
        decision.held.append(f"pack: {old} before, {new} now")
    unit = around.unit_of((article.package or "").casefold())
    if item is not None and item.unit and unit and item.unit != unit:
        sentence = f"{entry.asin}: Coupa counts in {item.unit}, Amazon sells by {article.package} ({unit})."
        decision.differences.append(
            Difference("unit_differs", f"{sentence} Its price is not written.", item.unit, unit)
        )
        decision.held.append(f"unit: {item.unit} in Coupa, {unit} at Amazon")


def _check_moves(
    decision: Decision, entry: Entry, row: PriceRow | None, rules: CatalogFile, around: Surroundings, wanted: Fields
) -> None:
    """Every move of price and tiers must be within the limits, and nothing is free, unless a person accepted that very price.
    A quantity price that Coupa does not have yet may be lower than the price of one unit, and not far above it."""
    prices = {name: new for name, new in wanted.items() if name.startswith("price")}
    moves = {name: move for name, new in prices.items() if (move := _move(entry.article, row, name, new)) is not None}
    released = around.released.get(entry.asin, Release())
    if free := [name for name, new in prices.items() if new <= 0 and not released.accepts(name, new)]:
        decision.held.append(f"price: Amazon asks nothing for it ({', '.join(free)})")
    if not moves:
        return
    decision.move = moves.get("price", max(moves.values(), key=_width))
    over = {
        name: move
        for name, move in moves.items()
        if is_held(move, rules.prices) and not released.accepts(name, move.new)
    }
    if over:
        decision.move = over.get("price") or max(over.values(), key=_width)
        other = f"; released was {format(released.price, 'f')}" if released.price is not None else ""
        decision.held.append(f"price: {decision.move.words} is over the limit{other}")


def _move(article: Article, row: PriceRow | None, name: str, new: Decimal) -> Move | None:
    """From what Coupa has; a new quantity price that is dearer than a single unit, from the price of that."""
    currency, single = article.currency or "", article.price or Decimal(0)
    shown = None if row is None else row.price if name == "price" else shown_tier(row, name)
    if shown is not None:
        return Move(shown, new, currency)
    return Move(single, new, currency) if new > single else None


def _width(move: Move) -> Decimal:
    return abs(move.percent) if move.percent is not None else Decimal(10**6)
