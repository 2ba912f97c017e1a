"""charges.yml: what becomes of each component of an Amazon charge, as data.

Per component the first rule whose conditions hold decides. A rule sends its amount to one or more destinations by
percent: into the price of the invoice line, to an invoice charge, or to a tax line; a charge or a line may be split over
GL accounts. `over` spreads an amount over all lines of the document. Shares are in the currency's smallest unit, and the
odd cents go to the largest remainders, of equal ones to the earlier share.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from procurement.rule_model import Flag, Number, RuleModel, Text, Texts

ZERO, HUNDRED = Decimal(0), Decimal(100)
LINE_ACCOUNT = "line"  # the account of the line that bears the charge
CHARGES = ("shipping", "handling", "misc")
Component = Literal[
    "principal", "shipping", "gift_wrap", "regulatory_fee", "discount", "tax", "rounding"
]  # fmt: skip
Over = Literal["amount", "quantity", "equal"]


def _tuple(value: object) -> object:
    return value if isinstance(value, list | tuple) else (value,)


class Destination(RuleModel):
    """Where an amount, or `percent` of it, goes. Accounts are names that `entities.yml` resolves per chart of accounts."""

    to: Literal["line", "shipping", "handling", "misc", "tax_line"]
    percent: Number = Field(HUNDRED, gt=0, le=100)
    description: Text | None = Field(None, description="what people read on the charge or the tax line")
    account: Text | None = Field(
        None, description="a name in entities.yml, or line: the account of the invoice line that bears it"
    )
    accounts: dict[str, Number] = Field(
        {}, description="split over several accounts: percent by name in entities.yml; together 100"
    )
    code: Text | None = Field(None, description="Coupa's tax code of a tax line")
    over: Over | None = Field(
        None, description="borne by all lines of the document, by amount, by quantity or in equal shares"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.accounts and sum(self.accounts.values(), ZERO) != HUNDRED:
            raise ValueError(f"accounts: the percentages come to {sum(self.accounts.values(), ZERO)}, not to 100")
        if any(percent <= 0 for percent in self.accounts.values()):
            raise ValueError("accounts: each share is more than 0 percent")
        if self.to in CHARGES:
            if self.description is None:
                raise ValueError(f"to: {self.to} needs a description")
            if (self.account is None) == (not self.accounts):
                raise ValueError(f"to: {self.to} needs either account or accounts")
        elif self.account:
            raise ValueError(f"to: {self.to} has no account of its own; it is for {', '.join(CHARGES)}")
        elif self.accounts and self.to == "tax_line":
            raise ValueError("to: tax_line has no accounts; a tax follows its line")
        if self.code and self.to != "tax_line":
            raise ValueError("code is for to: tax_line")
        return self


class When(RuleModel):
    """Conditions; all that are given must hold. Texts may end or begin with `*`; what a line does not say fits none."""

    commodity: Texts = ()
    cost_center: Texts = ()
    account: Texts = Field((), description="the GL account of the line")
    country: Texts = ()
    supplier: Texts = ()
    tax_rate: Number | None = Field(None, description="percent")
    at_least: Number | None = Field(None, description="the amount, without its sign")
    below: Number | None = Field(None, description="the amount, without its sign")

    def holds(self, amount: Decimal, facts: Mapping[str, str | None], tax_rate: Decimal | None) -> bool:
        if self.at_least is not None and abs(amount) < self.at_least:
            return False
        if self.below is not None and abs(amount) >= self.below:
            return False
        if self.tax_rate is not None and tax_rate != self.tax_rate:
            return False
        return all(_fits(getattr(self, name), facts.get(name)) for name in CONDITIONS)


CONDITIONS = ("commodity", "cost_center", "account", "country", "supplier")


def _fits(patterns: tuple[str, ...], value: str | None) -> bool:
    return not patterns or (value is not None and any(fnmatchcase(value, pattern) for pattern in patterns))


class ChargeRule(RuleModel):
    """What becomes of one component, or of several."""

    component: Annotated[
        tuple[Component, ...], BeforeValidator(_tuple, json_schema_input_type=Component | list[Component])
    ]
    when: When | None = None
    into: Annotated[
        tuple[Destination, ...], BeforeValidator(_tuple, json_schema_input_type=Destination | list[Destination])
    ]

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not self.component:
            raise ValueError("component: names none")
        percent = sum((one.percent for one in self.into), ZERO)
        if percent != HUNDRED:
            raise ValueError(f"into: the percentages come to {percent}, not to 100")
        if "principal" in self.component and any(one.to != "line" or one.over for one in self.into):
            raise ValueError(
                "the principal is the price of its own invoice line: into {to: line}, with accounts if need be"
            )
        if "rounding" in self.component and any(one.to not in CHARGES or one.over for one in self.into):
            raise ValueError(f"rounding is what a line cannot hold: into {', '.join(CHARGES)}, not over other lines")
        if any(one.to == "line" and one.accounts for one in self.into) and self.component != ("principal",):
            raise ValueError("accounts of a line belong to its principal alone")
        if self.component == ("principal",) and len({bool(one.accounts) for one in self.into}) > 1:
            raise ValueError("accounts: either each share of the principal names them, or none does")
        return self


class ExampleLine(RuleModel):
    """One billed line of an example."""

    quantity: Number
    unit_price: Number | None = None
    principal: Number
    shipping: Number = ZERO
    gift_wrap: Number = ZERO
    regulatory_fee: Number = ZERO
    discount: Number = ZERO
    tax: Number = ZERO
    tax_rate: Number | None = None
    commodity: Text | None = None
    cost_center: Text | None = None
    account: Text | None = None


class ChargeExample(ExampleLine):
    """A billed line, with the other lines of its document, and what must become of it."""

    name: Text
    currency: Text = "USD"
    marketplace: Text = "US"
    supplier: Text | None = None
    refund: Flag = False
    others: list[ExampleLine] = []
    expect: dict[str, Text]


class ChargeRules(RuleModel):
    """charges.yml."""

    free_shipping: Literal["netted", "shown"] = Field(
        "netted", description="shipping and an equal discount: netted shows neither, shown applies the rules to both"
    )
    rounding_limit: Number = Field(
        Decimal("1.00"), ge=0, description="what price times quantity may miss of a line; more refuses the document"
    )
    consolidate: Flag = Field(
        True, description="one charge per kind, account and description on an invoice, instead of one per line"
    )
    rules: tuple[ChargeRule, ...] = Field(min_length=1, description="per component the first that fits decides")
    examples: list[ChargeExample] = Field(min_length=1)

    def find(
        self, component: Component, amount: Decimal, facts: Mapping[str, str | None], tax_rate: Decimal | None
    ) -> tuple[Destination, ...] | None:
        """Where the amount goes; None where no rule takes it."""
        for rule in self._by_component.get(component, ()):
            if rule.when is None or rule.when.holds(amount, facts, tax_rate):
                return rule.into
        return None

    @cached_property
    def _by_component(self) -> dict[str, list[ChargeRule]]:
        found: dict[str, list[ChargeRule]] = {}
        for rule in self.rules:
            for component in rule.component:
                found.setdefault(component, []).append(rule)
        return found

    def named_accounts(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Every account name with its place in the file."""
        for number, rule in enumerate(self.rules):
            for position, one in enumerate(rule.into):
                if one.account and one.account != LINE_ACCOUNT:
                    yield ("rules", number, "into", position, "account"), one.account
                for name in one.accounts:
                    yield ("rules", number, "into", position, "accounts", name), name
