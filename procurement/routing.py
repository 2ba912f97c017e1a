"""mappings/routing.yml: whom an exception goes to, by when, and who is told when nothing happens. Pure.

The rules are read from the top; the first that fits a difference decides. An invoice with several differences has one
route: everybody who owns one of them, what any of them asks to be done, the earliest day. The last rule fits everything,
so that no exception is nobody's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from procurement.mapping.reading import nearest
from procurement.rule_model import Number, RuleModel, Text, Texts
from procurement.tolerances import CHECKS

REQUESTER, MANAGER = "requester", "manager"
OTHER_KINDS = (
    "unbacked",
    "unit",
    "currency",
    "use_tax",
    "late_component",
    "amount_differs",
)  # differences without a limit
KINDS = tuple(dict.fromkeys((*CHECKS, *OTHER_KINDS)))
Step = Literal["comment", "add_approver", "dispute", "task", "integration_error"]
STEPS: tuple[Step, ...] = ("comment", "add_approver", "dispute", "task", "integration_error")
WaitReason = Literal["receipt", "number", "original", "decision", "other"]
Days = Annotated[int, Field(ge=0, le=366)]
SomeDays = Annotated[int, Field(ge=1, le=366)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One breached difference of a document, and what it concerns. `amount` is the document's total without its sign."""

    kind: str
    amount: Decimal = Decimal(0)
    supplier: str | None = None
    cost_centers: frozenset[str] = frozenset()
    commodities: frozenset[str] = frozenset()
    requester: str | None = None  # by mail address


class RouteWhen(RuleModel):
    """Which differences a rule is for; all that is said must be so."""

    kind: Texts = Field((), description="kinds of differences", json_schema_extra={"examples": list(KINDS)})
    min_amount: Number | None = Field(None, ge=0, description="total of the document, in its currency")
    cost_center: Texts = ()
    commodity: Texts = Field((), description="Coupa commodities")
    supplier: Texts = Field((), description="Coupa supplier numbers")
    requester: Texts = Field((), description="mail addresses")

    @field_validator("kind")
    @classmethod
    def _known(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        for kind in kinds:
            if kind not in KINDS:
                raise ValueError(f"there is no difference {kind!r}{nearest(kind, KINDS)}")
        return kinds

    @property
    def fits_everything(self) -> bool:
        return self == RouteWhen()

    def fits(self, case: Case) -> bool:
        requesters = {address.casefold() for address in self.requester}
        return (
            (not self.kind or case.kind in self.kind)
            and (self.min_amount is None or case.amount >= self.min_amount)
            and (not self.cost_center or not case.cost_centers.isdisjoint(self.cost_center))
            and (not self.commodity or not case.commodities.isdisjoint(self.commodity))
            and (not self.supplier or case.supplier in self.supplier)
            and (not requesters or (case.requester or "").casefold() in requesters)
        )


class TaskRule(RuleModel):
    """A task in Coupa for a team."""

    group: Text = Field(description="name of a Coupa user group")


class RouteRule(RuleModel):
    """`owner` is a Coupa login, or requester. `escalate_to`: one after the other, every `escalate_after_days`."""

    when: RouteWhen = Field(default_factory=lambda: RouteWhen.model_validate({}))
    do: tuple[Step, ...] = ("comment",)
    owner: Text
    approver: Text | None = Field(None, description="login of whom add_approver adds; else the owner")
    dispute_reason: Text | None = Field(None, description="code of Coupa's reason for the dispute")
    task: TaskRule | None = Field(None, description="whom task is for")
    due_days: Days = 3
    escalate_after_days: SomeDays = 3
    escalate_to: Texts = Field((), description="logins, or manager (of the requester)")

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if "comment" not in self.do:
            raise ValueError("do has no comment: the owner would not know")
        if len(set(self.do)) < len(self.do):
            raise ValueError("do says the same thing twice")
        if self.owner == MANAGER:
            raise ValueError("manager can be escalated to, but owns nothing: name a login, or requester")
        if "add_approver" in self.do and (self.approver or self.owner) in (REQUESTER, MANAGER):
            raise ValueError("add_approver needs an approver: the login of whom Coupa shall ask")
        if "dispute" in self.do and self.dispute_reason is None:
            raise ValueError("dispute needs dispute_reason, the code of an active reason in Coupa")
        if ("task" in self.do) != (self.task is not None):
            raise ValueError("task needs task: {group: ...}, the Coupa user group, and stands in do")
        if {"dispute", "add_approver"} <= set(self.do):
            raise ValueError("dispute and add_approver exclude each other: a disputed invoice has no approvers")
        return self


class Wait(RuleModel):
    """The first of `tell` is told after `days`, each next one `again_days` later."""

    days: Days
    again_days: SomeDays = 5
    tell: Texts = Field(min_length=1, description="logins, requester or manager")


class Waits(RuleModel):
    """By what is waited for. decision: dead letters and documents that are held."""

    receipt: Wait
    number: Wait
    original: Wait
    decision: Wait
    other: Wait

    def of(self, reason: WaitReason) -> Wait:
        found: Wait = getattr(self, reason)
        return found


class RoutingExample(RuleModel):
    """Where a difference goes; only what `expect...` names is compared."""

    kind: Text
    amount: Number = Decimal(0)
    supplier: Text | None = None
    cost_center: Texts = ()
    commodity: Texts = ()
    requester: Text | None = None
    expect: Text = Field(description="the owner")
    expect_do: tuple[Step, ...] | None = None

    @property
    def case(self) -> Case:
        return Case(
            kind=self.kind, amount=self.amount, supplier=self.supplier, cost_centers=frozenset(self.cost_center),
            commodities=frozenset(self.commodity), requester=self.requester,
        )  # fmt: skip


class RoutingFile(RuleModel):
    """routing.yml."""

    accounts_payable_lead: Text = Field(description="Coupa login; asked where nobody else is known")
    integration: Text | None = Field(None, description="code of the Coupa integration under which errors are written")
    task_done: Text = Field("completed", description="Coupa's status of a task that is done")
    disputable_suppliers: tuple[Text, ...] = Field(
        (), description="supplier numbers that may be sent a dispute; others get a message that a person sends on"
    )
    rules: list[RouteRule] = Field(min_length=1)
    waiting: Waits
    examples: list[RoutingExample] = Field(min_length=1)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.rules[-1].when.fits_everything:
            raise ValueError("the last of the rules must have no when: else some exception would be nobody's")
        for number, rule in enumerate(self.rules[:-1]):
            if rule.when.fits_everything:
                raise ValueError(f"rules.{number} fits everything: no rule after it is ever read")
        if self.integration is None and any("integration_error" in rule.do for rule in self.rules):
            raise ValueError("integration_error needs integration, the code of a Coupa integration")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What is done about one exception. `owners` are logins, or requester; the first has the gravest difference."""

    owners: tuple[str, ...]
    do: tuple[Step, ...]
    approver: str | None
    dispute_reason: str | None
    task_group: str | None
    due_days: int
    escalate_after_days: int
    escalate_to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoutingRules:
    """routing.yml, ready for use."""

    rules: Sequence[RouteRule]
    waiting: Waits
    lead: str
    integration: str | None
    disputable: frozenset[str]
    task_done: str

    @classmethod
    def from_file(cls, file: RoutingFile) -> Self:
        return cls(
            rules=tuple(file.rules), waiting=file.waiting, lead=file.accounts_payable_lead, integration=file.integration,
            disputable=frozenset(file.disputable_suppliers), task_done=file.task_done,
        )  # fmt: skip

    def route(self, case: Case) -> Route:
        """What the first fitting rule says."""
        rule = next(rule for rule in self.rules if rule.when.fits(case))
        return Route(
            owners=(rule.owner,),
            do=tuple(step for step in STEPS if step in rule.do),
            approver=(rule.approver or rule.owner) if "add_approver" in rule.do else None,
            dispute_reason=rule.dispute_reason if "dispute" in rule.do else None,
            task_group=rule.task.group if rule.task else None,
            due_days=rule.due_days,
            escalate_after_days=rule.escalate_after_days,
            escalate_to=rule.escalate_to or (self.lead,),
        )

    def route_all(self, cases: Sequence[Case]) -> Route:
        """One route for one document; `cases` gravest first, and not empty."""
        routes = [self.route(case) for case in cases]
        done = {step for route in routes for step in route.do}
        return Route(
            owners=_distinct(owner for route in routes for owner in route.owners),
            do=tuple(step for step in STEPS if step in done),
            approver=next((route.approver for route in routes if route.approver), None),
            dispute_reason=next((route.dispute_reason for route in routes if route.dispute_reason), None),
            task_group=next((route.task_group for route in routes if route.task_group), None),
            due_days=min(route.due_days for route in routes),
            escalate_after_days=min(route.escalate_after_days for route in routes),
            escalate_to=_distinct(person for route in routes for person in route.escalate_to),
        )

    def may_dispute(self, supplier: str) -> bool:
        return supplier in self.disputable

    @property
    def owner_logins(self) -> frozenset[str]:
        """Whom comments may mention, beside requesters."""
        return frozenset(rule.owner for rule in self.rules) - {REQUESTER}


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def steps_due(since: datetime, now: datetime, *, days: int, again_days: int, most: int) -> int:
    """How many of `most` people should have been told by now."""
    waited = now - since - timedelta(days=days)
    return 0 if waited < timedelta(0) else min(most, waited // timedelta(days=again_days) + 1)
