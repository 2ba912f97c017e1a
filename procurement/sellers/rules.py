"""suppliers.yml: who is a seller, which spellings are one, from when on a seller is taken on as a supplier, and how."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, model_validator

from procurement.rule_model import Flag, Number, RuleModel, Text, Texts
from procurement.sellers.facts import MOST_ORDERS, REMEMBERED, Bought, FeedDay, SellerFacts
from procurement.sellers.identity import AS_SHIPPED, Decisions, Party, Place, Thresholds, Verdict, compare
from procurement.sellers.names import normalised, words_of

PO_METHOD = Literal["cxml", "xml", "email", "prompt", "mark_as_sent", "buy_online"]
MATCHING_LEVEL = Literal["2-way", "3-way", "3-way-direct", "none"]
DIVERSITY = Literal[
    "ABILITYONE", "ACDBE", "AMS", "ANC", "BOB", "DBE", "DOB", "DVBE", "EDWOSB", "EMB", "HBCU", "HUBZone", "IOB", "LGBTBE", "LSA",
    "MBE", "MGOB", "NPO", "SBA8A", "SBE", "SDB", "SDVBE", "SDVOSB", "VOB", "VVO", "WBE", "WOSB",
]  # fmt: skip
_EXAMPLE_DAY = date(2026, 6, 30)
CommodityOf = Callable[[str], str | None]


class OnboardingRule(RuleModel):
    """All that is stated must hold. `spent` is what Amazon charged less refunds, taxes included, in `currency`."""

    spent: Number | None = Field(None, ge=0)
    currency: Text | None = None
    orders: int | None = Field(None, ge=1, le=MOST_ORDERS, description="distinct orders of the last 400 days")
    commodities: Texts = Field((), description="one of these was bought, as commodities.yml names them")
    within_days: int = Field(365, ge=1, le=365, description="how far back money counts")

    @model_validator(mode="after")
    def _states_something(self) -> Self:
        if self.spent is None and self.orders is None and not self.commodities:
            raise ValueError("a rule states `spent` with its `currency`, `orders` or `commodities`")
        if (self.spent is None) != (self.currency is None):
            raise ValueError("`spent` and `currency` stand together")
        return self

    def __str__(self) -> str:
        parts = [f"{self.currency} {self.spent} within {self.within_days} days"] if self.spent is not None else []
        parts += [f"{self.orders} orders"] if self.orders is not None else []
        parts += [f"a purchase of {' or '.join(self.commodities)}"] if self.commodities else []
        return " and ".join(parts)


class Onboarding(RuleModel):
    """`create` off, as shipped: a seller past a rule goes to the review list, and a person creates the supplier."""

    create: Flag = False
    rules: tuple[OnboardingRule, ...] = Field(min_length=1, description="one of them is enough")
    invite: Flag = Field(False, description="invite to the supplier portal once a person entered a mail address")


class SupplierProfile(RuleModel):
    """What a new supplier begins with: not orderable, payment on hold, until people decide."""

    status: Text = Field("draft", description="of the supplier information")
    number_prefix: Text = Field("ABS-", max_length=20)
    po_method: PO_METHOD = "prompt"
    invoice_matching_level: MATCHING_LEVEL | None = None
    buyer_hold: Flag = True
    hold_payment: Flag = True


class Certification(RuleModel):
    """Coupa's diversity category for Amazon's words, in these countries (of the seller)."""

    amazon: Texts
    category: DIVERSITY
    countries: Texts = ()


class Progress(RuleModel):
    """Statuses, as the company's Coupa writes them, that end an onboarding."""

    approved: Texts = ("approved", "applied")
    rejected: Texts = ("rejected",)
    active: Texts = Field(("active",), description="statuses of the supplier itself that mean approved")
    inactive: Texts = Field(("inactive",), description="statuses of the supplier itself that mean rejected")

    def outcome(self, information: str | None, supplier: str | None) -> str | None:
        """`approved`, `rejected`, or None while it goes on; a rejection anywhere stands."""
        if information in self.rejected or supplier in self.inactive:
            return "rejected"
        return "approved" if information in self.approved or supplier in self.active else None


class ExampleParty(RuleModel):
    name: Text
    street: str = ""
    city: str = ""
    postal_code: str = ""
    country: str = ""

    @property
    def party(self) -> Party:
        place = Place(street=self.street, city=self.city, postal_code=self.postal_code, country=self.country)
        return Party(self.name, place)


class ExamplePurchases(RuleModel):
    spent: Number = Decimal(0)
    currency: Text = "USD"
    orders: int = Field(0, ge=0)
    unspsc: Text | None = None


class ExampleCertificates(RuleModel):
    words: Texts
    country: Text


class SuppliersExample(RuleModel):
    """One of: two spellings (`same`, `different` or `unsure`), purchases (`taken on` or `not yet`), or certificates (Coupa's
    codes, and `unknown: ` with Amazon's word)."""

    spellings: tuple[ExampleParty, ExampleParty] | None = None
    purchases: ExamplePurchases | None = None
    certificates: ExampleCertificates | None = None
    expect: Texts

    @model_validator(mode="after")
    def _one_question(self) -> Self:
        if sum(one is not None for one in (self.spellings, self.purchases, self.certificates)) != 1:
            raise ValueError("an example has `spellings`, `purchases` or `certificates`")
        return self


class SuppliersFile(RuleModel):
    """suppliers.yml."""

    identity: Thresholds = AS_SHIPPED
    not_sellers: tuple[Text, ...] = Field((), description="Amazon itself, under each of its names")
    same: tuple[tuple[Text, Text], ...] = Field((), description="spellings a person declared one seller")
    different: tuple[tuple[Text, Text], ...] = Field((), description="spellings a person declared two")
    known_as: dict[str, Texts] = Field({}, description="Amazon's spellings of a Coupa supplier, by its number")
    take_on: tuple[Text, ...] = Field((), description="sellers a person released: created whatever the rules say")
    leave_out: tuple[Text, ...] = Field((), description="sellers that shall not become suppliers")
    onboarding: Onboarding
    supplier: SupplierProfile = Field(default_factory=lambda: SupplierProfile.model_validate({}))
    certifications: tuple[Certification, ...] = ()
    not_diversity: tuple[Text, ...] = Field((), description="certificates that need no place in Coupa")
    asked_for: tuple[Text, ...] = Field((), description="what Amazon never says and a person must ask the seller for")
    progress: Progress = Field(default_factory=lambda: Progress.model_validate({}))
    procurement_team: tuple[Text, ...] = Field((), description="who is told of new suppliers and gets the review list")
    examples: list[SuppliersExample] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        both = {words_of(name) for name in self.take_on} & {words_of(name) for name in self.leave_out}
        if both:
            raise ValueError(f"{', '.join(sorted(both))} is in take_on and in leave_out")
        settled = {frozenset(map(words_of, pair)) for pair in self.same} & {
            frozenset(map(words_of, pair)) for pair in self.different
        }
        if settled:
            raise ValueError(f"{' and '.join(sorted(next(iter(settled))))} are declared same and different")
        for address in self.procurement_team:
            if "@" not in address:
                raise ValueError(f"procurement_team: {address!r} is no mail address")
        return self

    @property
    def decisions(self) -> Decisions:
        return Decisions.of(self.same, self.different)

    def is_listed(self, names: tuple[str, ...], facts: SellerFacts) -> bool:
        """By the name as written, or by its legal part where the list gives only that."""
        listed = {words_of(name) for name in names}
        return words_of(facts.name) in listed or normalised(facts.name) in listed

    def past(self, purchases: "Purchases", today: date) -> OnboardingRule | None:
        """The first rule that the purchases fulfil."""
        return next((rule for rule in self.onboarding.rules if purchases.fulfil(rule, today)), None)

    def certified(self, word: str, country: str) -> Certification | None:
        return next((one for one in self.certifications if _means(one, word, country)), None)

    def ignores(self, word: str) -> bool:
        return words_of(word) in {words_of(one) for one in self.not_diversity}


def _means(certification: Certification, word: str, country: str) -> bool:
    here = not certification.countries or country.upper() in {one.upper() for one in certification.countries}
    return here and words_of(word) in {words_of(one) for one in certification.amazon}


class Purchases:
    """What one seller, under all its spellings, sold us: what the rules of onboarding look at.

    `commodity` gives commodities.yml's word for a UNSPSC code; transactions before `since` (go-live) do not count."""

    def __init__(self, facts: Sequence[SellerFacts], commodity: CommodityOf, since: date | None = None) -> None:
        self._facts, self._since = facts, since
        self._counted = self.bought()
        self.orders = len(self._counted.orders)
        self.commodities = sorted({word for code in self._counted.codes if (word := commodity(code)) is not None})
        firsts = [one.first_bought for one in facts if one.first_bought is not None]
        self.first = min(firsts, default=None)
        self.all_lines = sum(one.bought().lines for one in facts)

    def bought(self, since: date | None = None) -> Bought:
        later = max((day for day in (since, self._since) if day is not None), default=None)
        return Bought.total(facts.bought(later) for facts in self._facts)

    @property
    def only_before_go_live(self) -> bool:
        return self._since is not None and self._counted.lines == 0 and self.all_lines > 0

    def fulfil(self, rule: OnboardingRule, today: date) -> bool:
        if rule.orders is not None and self.orders < rule.orders:
            return False
        if rule.commodities and not set(rule.commodities) & set(self.commodities):
            return False
        if rule.spent is None or rule.currency is None:
            return True
        recent = self.bought(today - timedelta(days=rule.within_days))
        return recent.money.get(rule.currency, Decimal(0)) >= rule.spent

    def __str__(self) -> str:
        """`3 orders, USD 512.33 in 400 days, first on 2026-05-04`."""
        money = [
            f"{currency} {amount} in {REMEMBERED.days} days" for currency, amount in sorted(self._counted.money.items())
        ]
        first = [f"first on {self.first}"] if self.first else []
        return ", ".join([self._counted.counted_orders, *(money or ["nothing charged"]), *first])


def try_example(example: SuppliersExample, rules: SuppliersFile, commodity: CommodityOf) -> tuple[str, ...]:
    """What comes out, in the words of `expect`."""
    if example.spellings is not None:
        one, other = (spelled.party for spelled in example.spellings)
        return (compare(one, other, thresholds=rules.identity, decisions=rules.decisions).verdict.value,)
    if example.purchases is not None:
        today = _EXAMPLE_DAY
        past = rules.past(_bought(example.purchases, commodity, today), today)
        return ("taken on" if past is not None else "not yet",)
    assert example.certificates is not None
    found = [
        (word, rules.certified(word, example.certificates.country))
        for word in example.certificates.words
        if not rules.ignores(word)
    ]
    return tuple(dict.fromkeys(rule.category if rule else f"unknown: {word}" for word, rule in found))


def unshown(rules: SuppliersFile, commodity: CommodityOf) -> list[str]:
    """What no example shows: a verdict, a rule of onboarding, a certification."""
    today, seen = _EXAMPLE_DAY, set[str]()
    for example in rules.examples:
        seen |= {f"verdict {word}" for word in example.expect} | {f"certification {code}" for code in example.expect}
        if example.purchases is not None:
            seen.add(f"rule {rules.past(_bought(example.purchases, commodity, today), today)}")
    known = [
        *(f"verdict {verdict.value}" for verdict in Verdict),
        *(f"rule {rule}" for rule in rules.onboarding.rules),
        *(f"certification {one.category}" for one in rules.certifications),
    ]
    return [one for one in dict.fromkeys(known) if one not in seen]


def _bought(example: ExamplePurchases, commodity: CommodityOf, today: date) -> "Purchases":
    bought = Bought(
        lines=1, money={example.currency: example.spent}, orders=tuple(str(number) for number in range(example.orders)),
        codes=(example.unspsc,) if example.unspsc else (),
    )  # fmt: skip
    day = FeedDay(until=datetime.combine(today, time.max, UTC), bought={today: bought})
    return Purchases((SellerFacts(key="example", name="example", feed={today: day}),), commodity)
