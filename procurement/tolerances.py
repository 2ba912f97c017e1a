"""How far an invoice may stray from its purchase order, as data.

A limit is a percentage of the expected value, an absolute amount (money, or units), or both: then the smaller counts.
0 allows nothing; an absent limit is not checked at all. Scopes by supplier and commodity overrule `default`, limit by
limit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from pydantic import Field, model_validator

from procurement.rule_model import Flag, Number, RuleModel, Text

CHECKS = ("price", "received", "ordered", "tax", "shipping", "total")


class Limit(RuleModel):
    """At least one of the two."""

    percent: Number | None = Field(None, ge=0, description="of the expected value")
    absolute: Number | None = Field(None, ge=0, description="money in the invoice's currency, or units")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.percent is None and self.absolute is None:
            raise ValueError("give percent, absolute or both; leave the check out to switch it off")
        return self

    def of(self, expected: Decimal) -> Decimal:
        """The largest difference that is allowed."""
        bounds = [
            bound
            for bound in (self.absolute, abs(expected) * self.percent / 100 if self.percent is not None else None)
            if bound is not None
        ]
        return min(bounds)


class Limits(RuleModel):
    """One scope. price: unit price over the PO's. received, ordered: units billed over those. tax: Amazon's tax against
    its own rate. shipping: shipping and handling, in percent of the goods. total: the rest of the invoice against the PO."""

    price: Limit | None = None
    received: Limit | None = None
    ordered: Limit | None = None
    tax: Limit | None = None
    shipping: Limit | None = None
    total: Limit | None = None


class ToleranceExample(RuleModel):
    """`expect` is what the check says of the difference between `expected` and `actual`."""

    check: Text
    supplier: Text | None = None
    commodity: Text | None = None
    expected: Number
    actual: Number
    breached: Flag


class ToleranceFile(RuleModel):
    """tolerances.yml."""

    default: Limits
    suppliers: dict[str, Limits] = {}
    commodities: dict[str, Limits] = {}
    examples: list[ToleranceExample] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Tolerances:
    """`find` gives the limit in force: the commodity's, else the supplier's, else the default; None: not checked."""

    default: Limits
    suppliers: Mapping[str, Limits]
    commodities: Mapping[str, Limits]

    @classmethod
    def from_file(cls, file: ToleranceFile) -> Self:
        return cls(file.default, dict(file.suppliers), dict(file.commodities))

    def find(self, check: str, *, supplier: str | None = None, commodity: str | None = None) -> Limit | None:
        for scope in (self.commodities.get(commodity or ""), self.suppliers.get(supplier or ""), self.default):
            limit: Limit | None = getattr(scope, check) if scope is not None else None
            if limit is not None:
                return limit
        return None
