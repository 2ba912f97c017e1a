"""mappings/order_status.yml: how open orders are read, and what each change of one does in Coupa.

The rules are read from the top; the first that fits a change decides. A change that no rule fits does nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from procurement.rule_model import Flag, Number, RuleModel, Text, Texts

ChangeKind = Literal[
    "shipped_in_part",
    "late",
    "backordered",
    "cancelled",
    "cancelled_in_part",
    "price_changed",
    "undeliverable",
    "returned",
    "refunded",
    "closed",
    "closed_short",
    "po_cancelled_by_person",
]
StatusAction = Literal[
    "note",
    "notify_requester",
    "notify_buyer",
    "soft_close_line",
    "change_quantity",
    "cancel_order",
    "close_order",
    "flag_compliance",
]
CANCELLING: frozenset[str] = frozenset({"soft_close_line", "change_quantity", "cancel_order"})
CANCELLATIONS: frozenset[str] = frozenset({"cancelled", "cancelled_in_part", "closed_short"})


def _several(value: object) -> object:
    return value if isinstance(value, list | tuple) else (value,)


class Reading(RuleModel):
    """When open orders are read, and when Package Tracking (a call per package) is asked."""

    every_minutes: int = Field(15, ge=1, le=1440, description="orders with units on their way")
    settled_every_hours: int = Field(24, ge=1, le=24 * 30, description="all arrived or cancelled; refunds may come")
    finish_days: int = Field(60, ge=0, le=366, description="so long after that an order is not read any more")
    most_tracking_calls: int = Field(150, ge=0, le=1800, description="in one run; the rest is asked by the next one")
    most_details_calls: int = Field(
        60,
        ge=0,
        le=1800,
        description="orderDetails in one run, about orders of ours that did not ship by their promise",
    )
    late_after_days: int = Field(1, ge=0, le=60, description="a promise this far in the past is late")
    returns_asked_after_days: int = Field(
        45,
        ge=0,
        le=366,
        description="so long after a delivery Package Tracking tells once whether the goods went back; 0: never asked",
    )

    @model_validator(mode="after")
    def _read_so_long(self) -> Self:
        if self.returns_asked_after_days > self.finish_days:
            raise ValueError(
                f"returns_asked_after_days: by then, {self.returns_asked_after_days} days, the order is not read any more "
                f"(finish_days: {self.finish_days})"
            )
        return self


class When(RuleModel):
    """Which changes a rule is for; all that is said must be so."""

    change: Annotated[
        tuple[ChangeKind, ...], BeforeValidator(_several, json_schema_input_type=ChangeKind | list[ChangeKind])
    ] = Field(min_length=1)
    charged: Flag | None = Field(None, description="whether Amazon has charged for the units")
    min_amount: Number | None = Field(None, ge=0, description="money at stake, in the order's currency")
    commodity: Texts = Field((), description="Coupa commodities of the line")

    def fits(self, change: str, *, charged: bool, amount: Decimal | None, commodity: str | None) -> bool:
        return (
            change in self.change
            and self.charged in (None, charged)
            and (self.min_amount is None or (amount is not None and abs(amount) >= self.min_amount))
            and (not self.commodity or commodity in self.commodity)
        )


class StatusRule(RuleModel):
    """`do` may be empty: the change is known and needs nothing."""

    when: When
    do: tuple[StatusAction, ...]

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        chosen = CANCELLING & set(self.do)
        if len(chosen) > 1:
            raise ValueError(f"{' and '.join(sorted(chosen))} exclude each other: give one of them")
        strange = set(self.when.change) - CANCELLATIONS
        if chosen and strange:
            raise ValueError(f"{min(chosen)} is for units that will not come, not for {', '.join(sorted(strange))}")
        return self


class StatusExample(RuleModel):
    """`expect`: the actions of the rule that decides."""

    change: ChangeKind
    charged: Flag = False
    amount: Number | None = None
    commodity: Text | None = None
    expect: tuple[StatusAction, ...]


class OrderStatusFile(RuleModel):
    """order_status.yml."""

    reading: Reading = Field(default_factory=lambda: Reading.model_validate({}))
    backordered_when_unavailable: Flag = Field(
        False,
        description="units that Amazon did not have when we ordered are backordered, beside what policies.yml does",
    )
    compliance_recipients: tuple[Text, ...] = Field((), description="who is mailed what flag_compliance finds")
    rules: list[StatusRule] = Field(min_length=1)
    examples: list[StatusExample] = Field(min_length=1)

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        for address in self.compliance_recipients:
            if "@" not in address:
                raise ValueError(f"compliance_recipients: {address!r} is no mail address")
        if not self.compliance_recipients and any("flag_compliance" in rule.do for rule in self.rules):
            raise ValueError("flag_compliance mails nobody: compliance_recipients is empty")
        return self


@dataclass(frozen=True, slots=True)
class OrderStatusRules:
    """order_status.yml, ready for use."""

    reading: Reading
    compliance_recipients: tuple[str, ...]
    rules: Sequence[StatusRule]
    backordered_when_unavailable: bool = False

    @classmethod
    def from_file(cls, file: OrderStatusFile) -> Self:
        return cls(file.reading, file.compliance_recipients, tuple(file.rules), file.backordered_when_unavailable)

    def rule(
        self, change: str, *, charged: bool = False, amount: Decimal | None = None, commodity: str | None = None
    ) -> StatusRule | None:
        """The first fitting rule."""
        for rule in self.rules:
            if rule.when.fits(change, charged=charged, amount=amount, commodity=commodity):
                return rule
        return None

    def actions(
        self, change: str, *, charged: bool = False, amount: Decimal | None = None, commodity: str | None = None
    ) -> tuple[StatusAction, ...]:
        """What the first fitting rule says; nothing where none fits."""
        rule = self.rule(change, charged=charged, amount=amount, commodity=commodity)
        return rule.do if rule is not None else ()
