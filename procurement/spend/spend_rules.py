"""The shape of spend.yml: which spend Coupa does not count by itself, and how each line is categorised.

Every default is the careful one: what no rule of `outside` fits is held for a person, what no rule categorises is
uncategorised and says why.
"""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from procurement.rule_model import Flag, RuleModel, Text, Texts

Dimension = Literal["legal_entity", "cost_center", "department", "gl_account", "commodity"]
DIMENSIONS: tuple[Dimension, ...] = ("legal_entity", "cost_center", "department", "gl_account", "commodity")
Count = Literal["budget", "coupa", "wait", "hold"]
PurchaseOrderWord = Literal["known", "released", "unknown", "none"]
PaidBy = Literal["invoice", "card", "other"]
ROOTS = ("line", "transaction", "order", "dimension")
UNSPSC_DIGITS = 8


def _several(value: object) -> object:
    return value if isinstance(value, list | tuple) else (value,)


def unspsc_range(text: str) -> tuple[int, int]:
    """First and last code of `43`, `4321` or `43000000-43999999`; ValueError for anything else."""
    first, _, last = (part.strip() for part in text.partition("-"))
    last = last or first
    for part in (first, last):
        if not (part.isascii() and part.isdecimal() and 2 <= len(part) <= UNSPSC_DIGITS and len(part) % 2 == 0):
            raise ValueError(f"{text!r} is no UNSPSC range; write 43, 4321 or 43000000-43999999")
    low, high = int(first.ljust(UNSPSC_DIGITS, "0")), int(last.ljust(UNSPSC_DIGITS, "9"))
    if low > high:
        raise ValueError(f"{text!r} ends before it begins")
    return low, high


class OutsideWhen(RuleModel):
    """`po`: the line names a PO of Amazon's supplier that commits its money (known), that commits none any more (released), no
    such PO (unknown), or none. `invoice`: a submitted one that counts the charge, or a credit note that counts the refund."""

    po: Annotated[tuple[PurchaseOrderWord, ...], BeforeValidator(_several)] = ()
    paid_by: Annotated[tuple[PaidBy, ...], BeforeValidator(_several)] = ()
    invoice: Literal["in_coupa", "not_in_coupa"] | None = None

    def fits(self, po: str, paid_by: str, *, invoiced: bool) -> bool:
        return (
            (not self.po or po in self.po)
            and (not self.paid_by or paid_by in self.paid_by)
            and (self.invoice is None or (self.invoice == "in_coupa") == invoiced)
        )


class Released(RuleModel):
    """By which statuses a PO, or a line of it, commits no money: not issued, cancelled, closed."""

    orders: Texts = ("draft", "error", "cancelled", "canceled", "closed")
    lines: Texts = ("cancelled", "canceled", "closed", "soft_closed_for_invoicing")


class OutsideRule(RuleModel):
    """`budget`: posted as an adjustment; `coupa`: counted there already; `wait`: until its invoice is in Coupa; `hold`."""

    when: OutsideWhen = Field(default_factory=OutsideWhen)
    count: Count


class SpendWhen(RuleModel):
    """All that is given must hold; texts are compared whole, without regard to case."""

    unspsc: Texts = ()
    group: Texts = ()
    legal_entity: Texts = ()
    buyer: Texts = ()
    seller: Texts = ()
    marketplace: Texts = ()

    @model_validator(mode="after")
    def _ranges(self) -> Self:
        for one in self.unspsc:
            unspsc_range(one)
        return self


class SpendRule(RuleModel):
    """One way to a value: `is` says it, `from` reads it; `table` (or a `lookup` file) turns what was read into it."""

    when: SpendWhen = Field(default_factory=SpendWhen)
    is_: Text | None = Field(None, alias="is")
    from_: Text | None = Field(None, alias="from")
    table: dict[str, Text] = {}
    lookup: Text | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.is_ is None) == (self.from_ is None):
            raise ValueError("a rule says its value with `is` or reads it with `from`")
        if self.from_ is not None and self.from_.partition(".")[0] not in ROOTS:
            raise ValueError(f"from: {self.from_!r} begins with none of {', '.join(ROOTS)}")
        if self.is_ is not None and (self.table or self.lookup):
            raise ValueError("`table` and `lookup` translate what `from` reads")
        if self.table and self.lookup:
            raise ValueError("`table` and `lookup` exclude each other")
        return self


class DimensionRules(RuleModel):
    """`values`: the only ones that count, with their names; `required`: without one the line is uncategorised."""

    required: Flag = False
    values: dict[str, Text] = {}
    rules: list[SpendRule] = Field(min_length=1)


class CountedLater(RuleModel):
    """Who counts it is asked again: of what stands on a budget line, and of what was left to Coupa and would else be posted.
    `take_back`: a budget line gets back what a PO commits by now, or an invoice has with Amazon's number and money, else a
    person decides; `hold`: a person always decides."""

    look_back_days: int = Field(
        120, ge=0, le=3660, description="so long after it was posted, or read last, it is asked again; 0: never"
    )
    then: Literal["take_back", "hold"] = "hold"


class SpendExample(RuleModel):
    """A line in Amazon's spelling, and what becomes of it; `expect_uncategorised`: a part of the reason."""

    name: Text
    line: dict[str, object] = {}
    transaction: dict[str, object] = {}
    order: dict[str, object] = {}
    po: PurchaseOrderWord = "none"
    paid_by: PaidBy = "card"
    invoiced: Flag = False
    expect_count: Count = "budget"
    expect: dict[str, Text] = {}
    expect_uncategorised: Text | None = None


class SpendFile(RuleModel):
    """spend.yml."""

    order_info: Literal["missing", "never"] = Field(
        "missing", description="order reports are read where a line lacks what a rule reads from `order`"
    )
    order_look_back_days: int = Field(60, ge=1, le=366, description="an order may be so much older than its charge")
    refund_look_back_days: int = Field(
        120,
        ge=0,
        le=3660,
        description="so long after go-live it is seen to that what is refunded was charged after it, too",
    )
    settle_days: int = Field(7, ge=0, le=366, description="an authorised amount waits so long for its real one")
    outside: list[OutsideRule] = Field(min_length=1)
    released: Released = Field(default_factory=lambda: Released.model_validate({}))
    counted_later: CountedLater = Field(default_factory=lambda: CountedLater.model_validate({}))
    dimensions: dict[Dimension, DimensionRules]
    examples: list[SpendExample] = Field(min_length=1)

    @model_validator(mode="after")
    def _something_required(self) -> Self:
        if not any(one.required for one in self.dimensions.values()):
            raise ValueError("dimensions: none is required, so nothing could ever be uncategorised")
        for name, dimension in self.dimensions.items():
            for rule in dimension.rules:
                root, _, rest = (rule.from_ or "").partition(".")
                if root == "dimension" and rest not in self.dimensions:
                    raise ValueError(f"dimensions.{name}: there is no dimension {rest!r} in this file")
        return self
