"""What is to happen to one article, as `comparing` decides it."""

from dataclasses import dataclass, field
from typing import Any, Literal

from procurement.catalog.entries import NEVER_WRITTEN, LastWritten, PriceRow
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


@dataclass(slots=True)
class Decision:
    """`item` and `price`: the fields to write on the item and on the supplier item `row` (None: a new one), in Coupa's
    spelling, `also` what is to be written on other rows beside it; `was` is what Coupa shows of them now. `held`: what a person must decide;
    `reason`: why nothing is written."""

    asin: str
    kind: Kind = "unchanged"
    row: PriceRow | None = None
    also: tuple[tuple[PriceRow, Fields], ...] = ()
    item: Fields = field(default_factory=dict)
    price: Fields = field(default_factory=dict)
    item_was: Fields = field(default_factory=dict)
    price_was: Fields = field(default_factory=dict)
    written: LastWritten = NEVER_WRITTEN
    move: Move | None = None
    held: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    commodity: str | None = None
    reason: str = ""
    waits: bool = False

    @property
    def writes(self) -> bool:
        return bool(self.item or self.price or self.also)
