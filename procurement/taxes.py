"""Tax codes by country, rate and exemption, and what a zero tax means.

We never compute or accrue tax: Amazon's amount is carried, a code is found for it, and a combination nobody listed is a
decision for a person (`TaxTreatment.known` is False).
"""

from decimal import Decimal
from functools import lru_cache
from typing import Literal

from msgspec import Struct
from pydantic import Field

from procurement.rule_model import Number, RuleModel, Text, Texts

NO_EXEMPTION = "none"  # Amazon writes the type None where there is no exemption
Kind = Literal["taxed", "exempt", "reverse_charge", "use_tax_due", "not_taxable"]


class TaxRule(RuleModel):
    """The first rule that fits counts. No `rate`: any rate above zero. No `exemption`: the line shows none."""

    rate: Number | None = Field(None, ge=0, le=100, description="percent; absent: any rate above zero")
    exemption: Texts = Field((), description="taxExemption types that this rule is for; '*' for any")
    code: Text | None = Field(None, description="Coupa's tax code; absent: the tax line carries none")
    treatment: Kind = "taxed"
    description: Text | None = None


class Market(RuleModel):
    """One country. `prices`: whether Amazon's principal is without (net) or with (gross) the line's tax."""

    prices: Literal["net", "gross"] = "net"
    rules: tuple[TaxRule, ...] = Field(min_length=1)


class TaxExample(RuleModel):
    country: Text
    rate: Number
    exemption: Text | None = None
    treatment: Kind | Literal["unknown"]
    code: Text | None = None


class TaxFile(RuleModel):
    """taxes.yml."""

    countries: dict[str, Market]
    examples: list[TaxExample] = Field(min_length=1)


class TaxTreatment(Struct, frozen=True):
    kind: str
    code: str | None
    description: str | None
    known: bool = True


UNKNOWN = TaxTreatment("unknown", None, None, known=False)
_NET = Market.model_validate({"rules": [{}]})


class TaxRules:
    """The countries of taxes.yml; answers are kept, there are few rates."""

    def __init__(self, file: TaxFile) -> None:
        self.countries = dict(file.countries)
        self._find = lru_cache(maxsize=2048)(self._first)

    def market(self, country: str | None) -> Market:
        """The country's market; net prices where it is not listed (its taxes are then unknown)."""
        return self.countries.get(country or "", _NET)

    def treat(self, country: str | None, *, rate: Decimal | None, tax: Decimal, exemption: str | None) -> TaxTreatment:
        """How the line is taxed. A tax without a rate fits only a rule for any rate; no tax counts as rate 0."""
        shown = exemption if exemption and exemption.lower() != NO_EXEMPTION else None
        return self._find(country or "", rate if tax else Decimal(0), shown)

    def _first(self, country: str, rate: Decimal | None, exemption: str | None) -> TaxTreatment:
        market = self.countries.get(country)
        for rule in market.rules if market else ():
            if _fits(rule, rate, exemption):
                return TaxTreatment(rule.treatment, rule.code, rule.description)
        return UNKNOWN


def _fits(rule: TaxRule, rate: Decimal | None, exemption: str | None) -> bool:
    by_rate = (rate is None or rate > 0) if rule.rate is None else rate == rule.rate
    if not rule.exemption:
        return by_rate and (exemption is None or bool(rate))
    return by_rate and exemption is not None and ("*" in rule.exemption or exemption in rule.exemption)
