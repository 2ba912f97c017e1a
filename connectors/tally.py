"""What a run has seen, counted from the raw pages before anything of ours has touched them.

The ledger's completeness rule compares this tally with what became of every document, so a record lost between the
page and the ledger shows.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

Json = dict[str, Any]


def content_key(document: object) -> str:
    """The key of a record that has none: a hash of its content."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), default=str, ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


@dataclass(slots=True)
class Tally:
    """Distinct documents by (kind, key) with amount and currency; repeats are counted apart.

    `amount` is None for kinds without money and for records whose amount could not be read.
    """

    seen: dict[tuple[str, str], tuple[Decimal | None, str | None]] = field(default_factory=dict)
    repeats: int = 0
    pages: int = 0

    def count(self, kind: str, key: str, amount: Decimal | None = None, currency: str | None = None) -> None:
        if (kind, key) in self.seen:
            self.repeats += 1
        self.seen[kind, key] = (amount, currency)

    @property
    def documents(self) -> int:
        return len(self.seen)

    @property
    def money(self) -> Mapping[str, Decimal]:
        """Sums by currency."""
        sums: dict[str, Decimal] = {}
        for amount, currency in self.seen.values():
            if amount is not None and currency is not None:
                sums[currency] = sums.get(currency, Decimal(0)) + amount
        return sums
