"""mappings/catalog.yml: which articles are kept in Coupa's catalog, which offers count, what is written and what waits.

Every default is the careful one: only negotiated prices count, large moves wait for a person, nothing is removed before
it was missing for several complete runs, and what people entered stays theirs.
"""

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from procurement.rule_model import Flag, Number, RuleModel, Text

Guidance = Literal["NEGOTIATED", "PREFERRED", "NONE", "UNKNOWN"]
Availability = Literal["in_stock", "out_of_stock", "backordered"]
ItemField = Literal["name", "description", "commodity", "manufacturer_name", "image_url"]
PriceField = Literal["price", "tiers", "catalog", "availability", "minimum_order_quantity"]
Asin = Annotated[Text, Field(pattern=r"^[A-Z0-9]{10}$")]
ALL_PRICE_FIELDS: tuple[PriceField, ...] = ("price", "tiers", "catalog", "availability", "minimum_order_quantity")


def _addresses(value: object) -> object:
    addresses = value if isinstance(value, list | tuple) else (value,)
    for one in addresses:
        if "@" not in str(one):
            raise ValueError(f"{one!r} is no mail address")
    return tuple(addresses)


Mails = Annotated[tuple[Text, ...], BeforeValidator(_addresses, json_schema_input_type=str | list[str])]


class ArticleList(RuleModel):
    """Articles that belong into the catalog though no contract of Coupa's names them yet."""

    name: Text
    asins: tuple[Asin, ...] = Field(min_length=1)


class Search(RuleModel):
    """Articles that a search of Amazon's finds, the first `most` of them."""

    name: Text
    keywords: Text
    most: int = Field(24, ge=1, le=312, description="Amazon shows 24 a page and 13 pages")


class Reading(RuleModel):
    """What is read, and when all of it."""

    full_at_hour: int = Field(
        3, ge=0, le=23, description="UTC: the first run since this hour compares the whole catalog"
    )
    lists: tuple[ArticleList, ...] = ()
    searches: tuple[Search, ...] = ()
    bought_days: int = Field(
        30,
        ge=0,
        le=366,
        description="articles bought in so many days belong in when their price is negotiated; 0: none",
    )
    negotiated_programs: tuple[Text, ...] = Field(
        (),
        description="names of pricing programs that are a negotiated price, as Amazon's order lines show them; only what was "
        "bought under one belongs in then; none: today's offer decides",
    )


class Offers(RuleModel):
    """Which of Amazon's offers is the price of an article: the first kind of guidance that has one, the cheapest of it."""

    accept: tuple[Guidance, ...] = Field(
        ("NEGOTIATED",), min_length=1, description="the company's own word on an offer"
    )


class AvailabilityRule(RuleModel):
    """Amazon's words for availability are a text in the marketplace's language; the first rule that fits decides."""

    contains: Text
    means: Availability


class Writing(RuleModel):
    """What is written into Coupa, and under which names."""

    catalog: Text = Field(description="name of the accepted catalog that supplier items join")
    contract: Text | None = Field(
        None, description="number of the contract for articles that are new; none: no contract"
    )
    contracts: tuple[Text, ...] = Field(
        (), description="where an article is on several, the first of these has its price"
    )
    additions: Flag = Field(True, description="false: an article that Coupa lacks is a finding")
    item_number_prefix: Text = "AMZN-"
    marker: Text = Field(
        "amazon-sync", description="custom field of items and supplier items that names our last write"
    )
    manufacturer_unknown: Text = "Not stated"
    unit: Text = Field("EA", description="Coupa unit of an article for which Amazon names no package")
    supplier_item: tuple[PriceField, ...] = Field(ALL_PRICE_FIELDS, description="what is kept equal to Amazon")
    our_items: tuple[ItemField, ...] = Field(
        ("name", "description", "commodity", "manufacturer_name", "image_url"),
        description="what is kept equal on items that this pipeline made",
    )
    peoples_items: tuple[ItemField, ...] = Field((), description="the same on items that people made")


class Prices(RuleModel):
    """How far a price may move by itself; a larger move is held with old and new until a person releases the ASIN."""

    hold_over_percent: Number = Field(Decimal(10), ge=0)
    hold_over_amount: Number | None = Field(
        None, ge=0, description="per unit, in the offer's currency; either limit holds"
    )


class Removal(RuleModel):
    """When an article that Amazon does not sell any more leaves the catalog. Nothing is deleted."""

    missing_runs: int = Field(3, ge=1, le=30, description="complete full runs in a row in which Amazon did not know it")
    most_at_once_percent: Number = Field(
        Decimal(20), ge=0, le=100, description="when more vanish in one run, no absence of that run counts"
    )
    doubted_nights: int = Field(
        5, ge=1, le=30, description="missing for so many such nights in a row, they are believed to be gone"
    )
    deactivate_items: Flag = Field(True, description="also the item, where Amazon is its only supplier")


class Requisitions(RuleModel):
    """Articles on requisitions that wait for approval, priced again every hour."""

    reprice: Flag = True
    tell_over_percent: Number = Field(Decimal(1), ge=0, description="a smaller move of a price is not told")


class Owners(RuleModel):
    """Who answers for what is held, by commodity."""

    default: Mails
    commodities: dict[str, Mails] = {}

    def of(self, commodity: str | None) -> tuple[str, ...]:
        return self.commodities.get(commodity or "", self.default)


class CatalogExample(RuleModel):
    """A price in Coupa and Amazon's price of today; `expect` says what happens to it."""

    name: Text
    coupa: Number
    amazon: Number
    expect: Literal["unchanged", "written", "held"]


class AvailabilityExample(RuleModel):
    text: Text
    expect: Availability


class CatalogFile(RuleModel):
    """catalog.yml."""

    reading: Reading = Field(default_factory=lambda: Reading.model_validate({}))
    offers: Offers = Field(default_factory=lambda: Offers.model_validate({}))
    availability: tuple[AvailabilityRule, ...] = ()
    writing: Writing
    prices: Prices = Field(default_factory=lambda: Prices.model_validate({}))
    removal: Removal = Field(default_factory=lambda: Removal.model_validate({}))
    requisitions: Requisitions = Field(default_factory=lambda: Requisitions.model_validate({}))
    administrators: Mails = Field(description="who gets the summary, and the list of what failed")
    owners: Owners
    examples: list[CatalogExample] = Field(min_length=1)
    availability_examples: list[AvailabilityExample] = []

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [one.name for one in self.reading.lists] + [one.name for one in self.reading.searches]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"reading: {', '.join(twice)} is named twice")
        return self

    def is_negotiated(self, program: str | None) -> bool:
        """Whether an order line's pricing program is one of those that are named."""
        return (program or "").casefold() in map(str.casefold, self.reading.negotiated_programs)

    def availability_of(self, words: str | None) -> Availability:
        """What Amazon's text means for Coupa; an article with an offer and without a fitting rule is in stock."""
        rule = self.availability_rule(words)
        return rule.means if rule is not None else "in_stock"

    def availability_rule(self, words: str | None) -> AvailabilityRule | None:
        """The first that fits Amazon's text."""
        said = (words or "").casefold()
        return next((rule for rule in self.availability if rule.contains.casefold() in said), None)
