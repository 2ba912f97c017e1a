"""mappings/compliance.yml: which purchases break the company's rules, how grave that is, and what follows.

Every rule is of one kind. It looks at the purchases that its `when` fits, and at nothing else; several may find the same
purchase, each its own cause. What a person allowed stands in `waivers`.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from procurement.mapping.reading import nearest
from procurement.rule_model import Flag, Number, RuleModel, Text, Texts
from procurement.sellers.identity import Thresholds

Kind = Literal[
    "unlisted_seller", "over_price", "restricted", "no_po", "po_after_order", "split_order", "duplicate",
    "expired_certification", "over_contract",
]  # fmt: skip
Severity = Literal["low", "medium", "high"]
Action = Literal["flag", "route", "block"]
Tell = Literal["at_once", "weekly"]
SEVERITIES: tuple[Severity, ...] = ("high", "medium", "low")
BEFORE_ORDER: frozenset[str] = frozenset(
    {"unlisted_seller", "over_price", "restricted", "split_order", "duplicate", "over_contract"}
)
Days = Annotated[int, Field(ge=0, le=366)]
# Which settings belong to which kind; the first line says what must be given.
NEEDED: Mapping[str, tuple[str, ...]] = {"split_order": ("limit",), "expired_certification": ("certifications",)}
ALLOWED: Mapping[str, tuple[str, ...]] = {
    "over_price": ("tolerance_percent", "tolerance_amount"), "restricted": ("unspsc", "asins"),
    "po_after_order": ("grace_hours",), "split_order": ("limit", "days", "same"), "duplicate": ("days", "same"),
    "expired_certification": ("certifications",), "over_contract": ("units",),
}  # fmt: skip
SETTINGS = tuple(dict.fromkeys(name for names in ALLOWED.values() for name in names))


class When(RuleModel):
    """Which purchases a rule is for; all that is said must be so. Of lines, each is asked by itself."""

    min_amount: Number | None = Field(None, ge=0, description="money at stake, in the purchase's currency")
    currency: Texts = ()
    unspsc: Texts = Field((), description="UNSPSC codes, or what they begin with")
    commodity: Texts = Field((), description="Coupa commodities of the line")
    cost_center: Texts = ()
    buyer: Texts = Field((), description="mail addresses")
    seller: Texts = Field((), description="sellers by name, whatever their spelling")
    supplier: Texts = Field((), description="numbers of the Coupa supplier that stands for Amazon")
    country: Texts = Field((), description="where it was bought, as in accounts.yml")
    seller_country: Texts = Field((), description="two-letter codes of the seller's address")


class ComplianceRule(RuleModel):
    """`action`: flag says it; route asks `approver` before the purchase goes on; block stops it. The last two stop an order
    before it is sent where `before_order` says so, and a requisition that waits for approval; afterwards they say who must act."""

    name: Text = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: Kind
    when: When = Field(default_factory=lambda: When.model_validate({}))
    severity: Severity = "medium"
    action: Action = "flag"
    before_order: Flag = Field(False, description="also asked at the gate, before an order is sent to Amazon")
    tell: Tell = Field("weekly", description="at_once: a comment in Coupa; weekly: the category owner's digest")
    approver: Text | None = Field(None, description="Coupa login of whom route asks")
    act_within_days: Days = Field(3, description="by when somebody must act after the fact")
    escalate_to: Texts = Field((), description="mail addresses told when nobody acted after the reminder either")
    escalate_after_days: Days = Field(3, description="days after the reminder")
    tolerance_percent: Number | None = Field(None, ge=0)
    tolerance_amount: Number | None = Field(None, ge=0, description="per unit; with a percentage the larger one counts")
    unspsc: Texts = Field((), description="restricted UNSPSC codes, or what they begin with")
    asins: Texts = Field((), description="restricted articles")
    grace_hours: int | None = Field(None, ge=0, le=24 * 31, description="an order so much before its PO is no breach")
    limit: Number | None = Field(None, gt=0, description="the approval limit that nobody may stay under by splitting")
    days: Days | None = Field(None, description="how far apart orders still belong together")
    same: Literal["seller", "commodity", "buyer", "cost_center"] | None = Field(
        None, description="what split orders share beside the buyer; of duplicates: whose they are"
    )
    certifications: Texts = Field(
        (), description="demanded certifications, as Amazon words them; parts of words suffice"
    )
    units: dict[str, Number] = Field(
        {}, description="agreed units over all orders by ASIN, where no contract term says them"
    )

    @field_validator("asins", mode="after")
    @classmethod
    def _as_amazon_writes(cls, asins: Texts) -> Texts:
        """Amazon writes an ASIN in capitals: another spelling would never be met."""
        return tuple(asin.upper() for asin in asins)

    @field_validator("units", mode="after")
    @classmethod
    def _units_as_amazon_writes(cls, units: dict[str, Decimal]) -> dict[str, Decimal]:
        return {asin.upper(): agreed for asin, agreed in units.items()}

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        given = {name for name in SETTINGS if getattr(self, name) not in (None, (), {})}
        for name in NEEDED.get(self.kind, ()):
            if name not in given:
                raise ValueError(f"{self.kind} needs {name}")
        for name in sorted(given - set(ALLOWED.get(self.kind, ()))):
            raise ValueError(f"{name} is no setting of {self.kind}{nearest(name, ALLOWED.get(self.kind, ()))}")
        if self.kind == "restricted" and not (self.unspsc or self.asins):
            raise ValueError("restricted needs unspsc or asins: else nothing is restricted")
        if self.action == "route" and self.approver is None:
            raise ValueError("route needs approver, the Coupa login of whom is asked")
        for address in self.escalate_to:
            if "@" not in address:
                raise ValueError(f"escalate_to: {address!r} is no mail address")
        if self.kind == "split_order" and self.same == "cost_center":
            raise ValueError("same: split orders share a seller, a commodity or the buyer alone")
        if self.kind == "duplicate" and self.same in ("seller", "commodity"):
            raise ValueError("same: duplicates are of one buyer or one cost center")
        return self

    @model_validator(mode="after")
    def _can_be_asked_before(self) -> Self:
        if not self.before_order:
            return self
        unknown = "before_order: no seller is known before Amazon has the order"
        if self.kind not in BEFORE_ORDER:
            raise ValueError(f"before_order: {self.kind} can only be known once Amazon has the order")
        if self.when.seller or self.when.seller_country:
            raise ValueError(f"{unknown}: leave out when.seller and when.seller_country")
        if self.kind == "split_order" and self.same not in ("buyer", "commodity"):
            raise ValueError(f"{unknown}: say same: buyer or same: commodity")
        return self


class Waiver(RuleModel):
    """What a person allowed: the rule does not find this order or purchase order any more."""

    rule: Text
    order: Text | None = Field(None, description="Amazon order id")
    po: Text | None = Field(None, description="PO number, or number of a requisition")
    by: Text
    reason: Text
    until: date | None = Field(None, description="last day on which it holds")

    @field_validator("until", mode="before")
    @classmethod
    def _date(cls, value: object) -> object:
        return date.fromisoformat(value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.order is None) == (self.po is None):
            raise ValueError("a waiver names an order or a po, one of them")
        return self


class Reading(RuleModel):
    """How orders are read. Amazon tells no changes: what is not finished is read again."""

    overlap_hours: int = Field(1, ge=0, le=72, description="how far a run looks back into what was already read")
    recheck_hours: int = Field(24, ge=1, le=24 * 31, description="orders with open violations are looked at again")
    finish_days: int = Field(90, ge=1, le=366, description="after so long an open violation is only listed")
    reread_days: int = Field(
        30, ge=0, le=365, description="so young an order is asked for changes every recheck_hours; 0: never"
    )
    history_days: int = Field(30, ge=1, le=366, description="how far split orders and duplicates are looked for")
    leakage_months: int = Field(
        12, ge=1, le=120, description="whole months, beside the present one, in the leakage report"
    )
    cost_center_segment: int = Field(2, ge=1, le=20, description="which segment of a Coupa account is the cost center")


class People(RuleModel):
    """Who is told. Mail addresses, and one login for mentions in Coupa."""

    digest: Texts = Field(min_length=1, description="the weekly digest of what has no category owner")
    category_owners: dict[str, Text] = Field({}, description="mail address by Coupa commodity")
    queue: Text = Field(description="mail address for what concerns people who left, or whom Coupa does not know")
    digest_weekday: int = Field(0, ge=0, le=6, description="0 is Monday")
    integration: Text | None = Field(None, description="code of the Coupa integration under which errors are written")

    @model_validator(mode="after")
    def _addresses(self) -> Self:
        for address in (*self.digest, *self.category_owners.values(), self.queue):
            if "@" not in address:
                raise ValueError(f"{address!r} is no mail address")
        return self


class ExampleLine(RuleModel):
    asin: Text = "B0EXAMPLE1"
    unspsc: str = ""
    commodity: str = ""
    quantity: Number = Decimal(1)
    price: Number
    seller: Text = "Unknown Trader LLC"
    seller_country: Text = "US"
    certifications: dict[str, date] = {}

    @field_validator("unspsc", mode="before")
    @classmethod
    def _code(cls, value: object) -> object:
        return str(value)

    @field_validator("certifications", mode="before")
    @classmethod
    def _days(cls, value: object) -> object:
        read = date.fromisoformat
        return (
            {name: read(day) if isinstance(day, str) else day for name, day in value.items()}
            if isinstance(value, dict)
            else value
        )


class ExampleContract(RuleModel):
    """One article of a contract that is valid on every day."""

    asin: Text = "B0EXAMPLE1"
    price: Number
    tiers: list[tuple[Number, Number]] = Field([], description="upper bound and price")
    units: Number | None = None
    bought_before: Number = Decimal(0)


class ComplianceExample(RuleModel):
    """A purchase, and the names of the rules that find it. It has a PO from before the order unless said otherwise."""

    name: Text
    lines: list[ExampleLine] = Field(min_length=1)
    contracts: list[ExampleContract] = []
    currency: Text = "USD"
    buyer: Text = "jane.doe@example.com"
    cost_center: Text = "4100"
    country: Text = "US"
    po: Literal["before", "after", "none"] = "before"
    earlier: list[ExampleLine] = Field([], description="bought by the same buyer the day before, one order each")
    expect: list[Text]


class ComplianceFile(RuleModel):
    """compliance.yml."""

    report_only_days: Days = Field(
        30, description="from go_live: everything is found and listed, nobody is written to in Coupa"
    )
    reject_pending_approvals: Flag = Field(
        False, description="block rejects the pending approval of a requisition by API, with the reason"
    )
    reading: Reading = Field(default_factory=lambda: Reading.model_validate({}))
    people: People
    preferred_sellers: Texts = Field((), description="sellers who may be bought from beside those with a contract")
    active_suppliers_count: Flag = Field(
        False, description="sellers whom Coupa knows as active suppliers count as preferred, by name and address"
    )
    recognition: Thresholds = Field(default_factory=lambda: Thresholds(same=80, different=40))
    rules: list[ComplianceRule] = Field(min_length=1)
    waivers: list[Waiver] = []
    examples: list[ComplianceExample] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [rule.name for rule in self.rules]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two rules are called {name!r}: a violation names its rule")
        for waiver in self.waivers:
            if waiver.rule not in names:
                raise ValueError(f"waivers: there is no rule {waiver.rule!r}{nearest(waiver.rule, names)}")
        for example in self.examples:
            for name in example.expect:
                if name not in names:
                    raise ValueError(f"example {example.name!r}: there is no rule {name!r}{nearest(name, names)}")
        longest = max((rule.days or 0 for rule in self.rules), default=0)
        if longest > self.reading.history_days:
            raise ValueError(
                f"reading.history_days is {self.reading.history_days}, and a rule looks back {longest} days"
            )
        return self

    def rule(self, name: str) -> ComplianceRule | None:
        return next((rule for rule in self.rules if rule.name == name), None)
