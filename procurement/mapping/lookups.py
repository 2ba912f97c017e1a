"""Lookup tables of `mappings/`: a key of one system and the word the other has for it.

`exact` tables answer for the key as written; `prefix` tables for the longest entry the key begins with, so that one row
covers a range of UNSPSC codes and a longer row makes an exception of part of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pydantic import Field

from procurement.rule_model import RuleModel, Text
from procurement.units_of_measure import Conversion, ConversionExample


class LookupExample(RuleModel):
    """`expect` absent: the key must be unknown."""

    key: Text
    expect: Text | None = None


class LookupFile(RuleModel):
    """One table; `default` answers for every key that has no row."""

    lookup: Text = Field(description="what is looked up, in words")
    match: Literal["exact", "prefix"] = "exact"
    default: Text | None = None
    values: dict[str, Text]
    examples: list[LookupExample] = Field(min_length=1)


class UnitFile(LookupFile):
    """units.yml: Coupa's unit by Amazon's word, how many of one unit are in another, and what Amazon sells in which unit."""

    conversions: list[Conversion] = []
    sold_in: dict[str, Text] = Field(
        {},
        description="by ASIN: the Coupa unit of which Amazon bills so many, where that is not the unit of the PO line",
    )
    conversion_examples: list[ConversionExample] = []


@dataclass(frozen=True, slots=True, eq=False)
class Lookup:
    """A table ready for use. `find` gives None for a key nobody listed; the caller decides what that means."""

    name: str
    values: Mapping[str, str]
    match: str = "exact"
    default: str | None = None

    def find(self, key: str) -> str | None:
        found = self.values.get(key)
        if found is None and self.match == "prefix":
            found = self._longest_prefix(key)
        return self.default if found is None else found

    def _longest_prefix(self, key: str) -> str | None:
        for length in _lengths(self):
            if length < len(key) and (found := self.values.get(key[:length])) is not None:
                return found
        return None


@lru_cache(maxsize=64)
def _lengths(lookup: Lookup) -> tuple[int, ...]:
    return tuple(sorted({len(key) for key in lookup.values}, reverse=True))


def build_lookup(name: str, file: LookupFile) -> Lookup:
    return Lookup(name, dict(file.values), file.match, file.default)
