"""What is to happen to one article, as `comparing` decides it."""

from dataclasses import dataclass, field
from typing import Any, Literal

from procurement.catalog.entries import NEVER_WRITTEN, ItemRow, LastItem, LastWritten, PriceRow
from procurement.catalog.pricing import Move

Kind = Literal["unchanged", "added", "changed", "removed", "left"]
Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """Something people should see; it is never written by itself."""

    kind: str
    sentence: str
    expected: str | None = None
    actual: str | None = None


@dataclass(frozen=True, slots=True)
class ItemChange:
    """The fields to write on an item, and what Coupa shows of them now; `delivered` is what will have been written of it then.
    `taken_out`: the supplier items that go with one that goes inactive; while there is another, it does not."""

    item: ItemRow
    fields: Fields
    was: Fields
    delivered: LastItem
    taken_out: tuple[int, ...] = ()


@dataclass(slots=True)
class Decision:
    """`price`: the fields to write on the supplier item `row` (None: a new one), in Coupa's spelling, `also` what is to be
    written on other rows beside it; `price_was` is what Coupa shows of them now. `new_item` is an item that Coupa lacks, `items` what
    changes on others. `written`: what
    will have been delivered of each row then, by `PriceRow.under`. `held`: what a person must decide; `reason`: why nothing is written."""

    asin: str
    kind: Kind = "unchanged"
    row: PriceRow | None = None
    also: tuple[tuple[PriceRow, Fields], ...] = ()
    new_item: Fields = field(default_factory=dict)
    items: list[ItemChange] = field(default_factory=list)
    price: Fields = field(default_factory=dict)
    price_was: Fields = field(default_factory=dict)
    written: dict[str, LastWritten] = field(default_factory=dict)
    move: Move | None = None
    held: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    reason: str = ""
    waits: bool = False

    def last(self, row: PriceRow) -> LastWritten:
        return self.written.get(row.under, NEVER_WRITTEN)

    @property
    def writes(self) -> bool:
        return bool(self.new_item or self.items or self.price or self.also)
