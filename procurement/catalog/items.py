"""Coupa's items, each decided once by all the articles that are on it: its fields, and whether it is active.

An item's fields follow one article, the first that wrote them: another one on the same item, or another account's, never
overwrites them. What Coupa shows otherwise than it was last written was changed by a person, and stays. An item goes
inactive when the last of its articles goes, and comes back with the first.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from procurement.catalog.decisions import Decision, Difference, Fields, ItemChange
from procurement.catalog.entries import Article, Entry, ItemRow, LastItem, Surroundings
from procurement.catalog.rules import CatalogFile

LONGEST_NAME = 255
SPELLED = {"name": "name", "description": "description", "commodity": "commodity"} | {
    "manufacturer_name": "manufacturer-name",
    "image_url": "image-url",
}
IMAGE = "image-url"  # taken in and never shown
Compared = tuple[Entry, Decision]


def new_item(entry: Entry, rules: CatalogFile, around: Surroundings) -> Fields:
    """The item of an article that Coupa lacks."""
    article, writing = entry.article, rules.writing
    fields: Fields = {
        "item-number": f"{writing.item_number_prefix}{entry.asin}", "name": (article.title or entry.asin)[:LONGEST_NAME],
        "description": article.title or entry.asin, "active": True,
        "uom": around.unit_of((article.package or "").casefold()) or writing.unit,
        "commodity": commodity(article, around), "manufacturer-name": article.manufacturer or writing.manufacturer_unknown,
        "manufacturer-part-number": entry.asin, IMAGE: article.image,
    }  # fmt: skip
    return {name: value for name, value in fields.items() if value is not None}


def commodity(article: Article, around: Surroundings) -> str | None:
    return around.commodity_of(article.unspsc) if article.unspsc else None


def decide_items(compared: Iterable[Compared], rules: CatalogFile, around: Surroundings) -> None:
    """Adds what is to be written on the items to the decisions about their articles, once an item."""
    for item, on_it in _by_item(compared):
        delivered = around.items.get(item.number, LastItem())
        selling = [one for one in on_it if _sells(*one, item)]
        follows = _followed(selling, delivered, around)
        fields = _fields(*follows, item, delivered, rules, around) if follows is not None else {}
        active = _active(on_it, selling, item, delivered, rules)
        if not fields and active is None:
            continue
        decision = follows[1] if fields and follows is not None else _speaker(on_it, selling)
        if active is not None:
            fields["active"] = active
        shown = item.shown
        decision.items.append(
            ItemChange(
                item, fields, {name: shown[name] for name in fields if name in shown},
                _left_behind(delivered, fields, follows, around),
                tuple(row.id for entry, _ in on_it for row in entry.rows) if active is False else (),
            )
        )  # fmt: skip
        if decision.kind == "unchanged":
            decision.kind = "changed"


def _by_item(compared: Iterable[Compared]) -> Iterator[tuple[ItemRow, Sequence[Compared]]]:
    found: dict[int, tuple[ItemRow, list[Compared]]] = {}
    for entry, decision in compared:
        for item in entry.items:
            found.setdefault(item.id, (item, []))[1].append((entry, decision))
    yield from found.values()


def _sells(entry: Entry, decision: Decision, item: ItemRow) -> bool:
    """Whether the article has, or gets, Amazon's price on this item."""
    if not entry.article.sold or entry.article.price is None:
        return False
    if decision.row is None:
        return decision.kind == "added"
    place = entry.item_of(decision.row)
    return place is not None and place.id == item.id


def _followed(selling: Sequence[Compared], delivered: LastItem, around: Surroundings) -> Compared | None:
    """The article that the item's fields follow; where none wrote them yet, the first of those that have it in Coupa."""
    if delivered.asin:
        owner = (delivered.supplier, delivered.asin)
        return next((one for one in selling if (around.supplier, one[0].asin) == owner), None)
    there = [one for one in selling if one[1].row is not None]
    return min(there, key=lambda one: one[0].asin, default=None)


def _fields(
    entry: Entry, decision: Decision, item: ItemRow, delivered: LastItem, rules: CatalogFile, around: Surroundings
) -> Fields:
    """Of an item that people made only what the rule file gives us; of our own, what is ours, as long as people left it."""
    ours = item.number.startswith(rules.writing.item_number_prefix)
    wanted, shown, fields = _wanted(entry.article, around), item.shown, {}
    for name in rules.writing.our_items if ours else rules.writing.peoples_items:
        spelled = SPELLED[name]
        value, last = wanted.get(spelled), delivered.fields.get(spelled)
        now = last if spelled == IMAGE else shown[spelled]
        if not value or value == now:
            continue
        if now != last and (ours or spelled in delivered.fields):
            sentence = (
                f"{entry.asin}: item {item.number} has another {spelled} in Coupa ({now}) than was last written ({last}); Amazon's is "
                f"{value}. What people changed stays. To have it kept equal again, enter what was last written."
            )
            decision.differences.append(Difference("changed_by_people", sentence, str(value), str(now)))
        else:
            fields[spelled] = value
    return fields


def _wanted(article: Article, around: Surroundings) -> dict[str, Any]:
    """What Amazon says, in Coupa's spelling."""
    return {
        "name": (article.title or "")[:LONGEST_NAME], "description": article.title, "commodity": commodity(article, around),
        "manufacturer-name": article.manufacturer, IMAGE: article.image,
    }  # fmt: skip


def _active(
    on_it: Sequence[Compared], selling: Sequence[Compared], item: ItemRow, delivered: LastItem, rules: CatalogFile
) -> bool | None:
    """What it is to become; None: as it is. One that we had taken out is active again, one that people did is theirs."""
    was_taken_out = delivered.fields.get("active") is False
    if item.active:
        goes = any(decision.kind == "removed" for _, decision in on_it) and all(_is_gone(*one, rules) for one in on_it)
        return False if goes and rules.removal.deactivate_items and not was_taken_out else None
    if selling and was_taken_out:
        return True
    for entry, decision in selling:
        sentence = (
            f"{entry.asin}: Amazon sells it, and item {item.number} is inactive in Coupa, so nobody can order it."
        )
        to_do = "To do: activate the item, or take the supplier item off it."
        decision.differences.append(Difference("item_inactive", f"{sentence} {to_do}", "active", "inactive"))
    return None


def _is_gone(entry: Entry, decision: Decision, rules: CatalogFile) -> bool:
    """Taken out now or before, or missing for long enough where nothing was to be taken out."""
    taken_out = any(one.removed for one in decision.written.values())
    return not entry.article.sold and (taken_out or len(entry.missed) >= rules.removal.missing_runs)


def _speaker(on_it: Sequence[Compared], selling: Sequence[Compared]) -> Decision:
    """Whose write it is where no fields are: the first that sells it again, or the last that goes."""
    if selling:
        return selling[0][1]
    return [decision for _, decision in on_it if decision.kind == "removed"][-1]


def _left_behind(delivered: LastItem, fields: Fields, follows: Compared | None, around: Surroundings) -> LastItem:
    """What the ledger is to remember of the item once this is written."""
    supplier, asin = delivered.supplier, delivered.asin
    if not asin and follows is not None and fields.keys() - {"active"}:
        supplier, asin = around.supplier, follows[0].asin
    return LastItem(supplier, asin, {**delivered.fields, **fields})
