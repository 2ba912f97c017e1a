"""The shapes of policies.yml, rollout.yml, accounts.yml and entities.yml, with the answers that pipelines ask of them.

Every default is the careful one: nothing is live until rollout.yml says so with a date, only the marketplaces listed
are invoiced, and what is unclear waits for a person.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from procurement.buying_policies import Ordering, OrderPolicies
from procurement.duplicates import DuplicatePolicies
from procurement.mapping.converters import zone
from procurement.mapping.lookups import Lookup
from procurement.mapping.reading import nearest
from procurement.owed_policies import OwedPolicies
from procurement.receipt_policies import ReceiptPolicies
from procurement.rule_model import Document, RuleModel, Text


def _seconds(value: object) -> object:
    return value if isinstance(value, bool) else float(value) if isinstance(value, int) else float(str(value))


Seconds = Annotated[float, BeforeValidator(_seconds), Field(ge=0)]
Hours = Annotated[int, Field(ge=0, le=24 * 366)]
Days = Annotated[int, Field(ge=0, le=366)]


class Mode(StrEnum):
    """How far a pipeline may go: not at all, plan and compare only, or send."""

    OFF = "off"
    SHADOW = "shadow"
    LIVE = "live"


CAREFULNESS = (Mode.OFF, Mode.SHADOW, Mode.LIVE)  # the most careful first


class Sending(RuleModel):
    """How writes are repeated and asked for, in seconds of machine time."""

    timeout: Seconds = Field(60.0, gt=0, description="hard limit of one attempt")
    ask_again_after: Seconds = Field(600.0, description="beyond the timeout: how long 'not found' does not count yet")
    max_attempts: int = Field(5, ge=1, le=100)
    retry_not_sent_after: Seconds = 5.0
    patience: Seconds = 30.0
    outage_after: int = Field(5, ge=1)

    @property
    def wait(self) -> float:
        return self.timeout + self.ask_again_after


class Marketplace(RuleModel):
    """One Amazon website: its country, its legal day."""

    country: Text
    time_zone: Text

    @field_validator("time_zone")
    @classmethod
    def _exists(cls, name: str) -> str:
        return zone(name).key


class Policies(RuleModel):
    """policies.yml: what pipelines do where the business has a choice."""

    settle_hours: Hours = Field(24, description="an invoice number is complete when nothing new carried it for so long")
    overlap_hours: Hours = Field(24, description="how far a scheduled run reads back into what was already read")
    original_wait_days: Days = Field(
        30, description="a credit note waits so long for its original, or for a date, then it is held"
    )
    invoice_due_warning_days: Days = Field(
        5, description="unapproved invoices are mailed to AP so long before they are due"
    )
    no_po: Literal["dead_letter", "hold", "coded_invoice"] = Field(
        "dead_letter", description="coded_invoice: what names no PO becomes an invoice without one, coded line by line"
    )
    late_component: Literal["finding", "second_invoice"] = "finding"
    foreign_currency: Literal["hold", "convert"] = Field(
        "hold", description="an invoice in another currency than its PO; convert: at Coupa's rate of the invoice date"
    )
    exchange_rate_days: Days = Field(31, description="a rate of Coupa counts so long after its date")
    invoice_instruments: tuple[Text, ...] = Field(
        ("Pay by Invoice",), description="payment instruments that make payable documents"
    )
    card_instruments: tuple[Text, ...] = Field(
        (), description="payment instruments that pay at once: no invoice is made"
    )
    marketplaces_enabled: tuple[Text, ...] = ("US",)
    marketplaces: dict[str, Marketplace] = Field(description="by marketplaceId")
    alert_recipients: tuple[Text, ...] = ()
    sending: Sending = Field(default_factory=lambda: Sending.model_validate({}))
    orders: OrderPolicies = Field(default_factory=lambda: OrderPolicies.model_validate({}))
    receipts: ReceiptPolicies = Field(default_factory=lambda: ReceiptPolicies.model_validate({}))
    duplicates: DuplicatePolicies = Field(default_factory=lambda: DuplicatePolicies.model_validate({}))
    owed: OwedPolicies = Field(default_factory=lambda: OwedPolicies.model_validate({}))
    examples: list["PolicyExample"] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        both = set(self.invoice_instruments) & set(self.card_instruments)
        if both:
            raise ValueError(f"{', '.join(sorted(both))} is both an invoice and a card instrument")
        for country in self.marketplaces_enabled:
            if country not in self.countries:
                raise ValueError(
                    f"marketplaces_enabled: no marketplace is in {country!r}{nearest(country, self.countries)}"
                )
        for address in self.alert_recipients:
            if "@" not in address:
                raise ValueError(f"alert_recipients: {address!r} is no mail address")
        return self

    @property
    def countries(self) -> tuple[str, ...]:
        return tuple(entry.country for entry in self.marketplaces.values())

    @property
    def zones(self) -> dict[str, str]:
        return {name: entry.time_zone for name, entry in self.marketplaces.items()}

    @property
    def lookups(self) -> dict[str, Lookup]:
        return {
            "marketplaces": Lookup("marketplaces", {name: entry.country for name, entry in self.marketplaces.items()})
        }

    def marketplace_of(self, marketplace_id: str | None) -> str | None:
        """The country of a marketplaceId; None when policies.yml does not know it."""
        entry = self.marketplaces.get(marketplace_id or "")
        return entry.country if entry else None


class PolicyExample(RuleModel):
    """Which country a marketplace is in."""

    marketplace: Text
    expect: Text


class RolloutRule(RuleModel):
    """`go_live` is the first invoice date that counts; live needs it."""

    mode: Mode = Mode.OFF
    go_live: date | None = None

    @field_validator("go_live", mode="before")
    @classmethod
    def _date(cls, value: object) -> object:
        return date.fromisoformat(value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _dated(self) -> Self:
        if self.mode is Mode.LIVE and self.go_live is None:
            raise ValueError("mode live needs go_live, the first invoice date that counts (2026-01-31)")
        return self


class PipelineRollout(RolloutRule):
    """A pipeline's switch; an entry for an account or supplier overrules it for those alone."""

    accounts: dict[str, RolloutRule] = {}
    suppliers: dict[str, RolloutRule] = {}
    cost_centers: dict[str, RolloutRule] = {}


class RolloutExample(RuleModel):
    pipeline: Text
    account: Text | None = None
    supplier: Text | None = None
    cost_center: Text | None = None
    expect: Mode


class RolloutFile(RuleModel):
    """rollout.yml."""

    pipelines: dict[str, PipelineRollout]
    examples: list[RolloutExample] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Rollout:
    """Which pipelines may send."""

    pipelines: Mapping[str, PipelineRollout]

    def of(
        self, pipeline: str, *, account: str | None = None, supplier: str | None = None, cost_center: str | None = None
    ) -> RolloutRule:
        """The narrowest entry: cost center, supplier, account, pipeline; off for a pipeline nobody listed."""
        entry = self.pipelines.get(pipeline)
        if entry is None:
            return RolloutRule()
        scopes = ((entry.cost_centers, cost_center), (entry.suppliers, supplier), (entry.accounts, account))
        return next((scope[name] for scope, name in scopes if name in scope), entry)

    def most_careful(
        self, pipeline: str, *, account: str | None, supplier: str | None, cost_centers: Iterable[str]
    ) -> RolloutRule:
        """Of a document: the most careful of the rules that hold for its cost centers, its supplier and the account; of equally
        careful ones the one that goes live last."""
        centers: list[str | None] = [center for center in dict.fromkeys(cost_centers) if center]
        rules = [
            self.of(pipeline, account=account, supplier=supplier, cost_center=center) for center in centers or [None]
        ]
        return min(rules, key=lambda one: (CAREFULNESS.index(one.mode), -one.go_live.toordinal() if one.go_live else 0))

    def widest(self, pipeline: str, *, account: str | None = None) -> RolloutRule:
        """How far any part of the pipeline (or of what it does for `account`) may go, and from the earliest date: what decides
        whether it runs and reads at all."""
        entry = self.pipelines.get(pipeline)
        rules: list[RolloutRule] = []
        if entry is not None:
            own = entry.accounts.get(account) if account is not None else None
            base = [entry, *entry.accounts.values()] if account is None else [own or entry]
            rules = [*base, *entry.suppliers.values(), *entry.cost_centers.values()]
        active = [rule for rule in rules if rule.mode is not Mode.OFF]
        return RolloutRule(
            mode=max((rule.mode for rule in active), key=CAREFULNESS.index, default=Mode.OFF),
            go_live=min((rule.go_live for rule in active if rule.go_live is not None), default=None),
        )


class Account(RuleModel):
    """One Amazon Business account and what it stands for in Coupa."""

    region: Text
    marketplace: Text = Field(description="the country it buys in, as in policies.yml")
    supplier: Text = Field(description="number of the Coupa supplier that stands for Amazon Business")
    chart_of_accounts: Text
    legal_entity: Text | None = Field(
        None, description="as Amazon writes it in legalEntityName; another one holds the invoice"
    )
    business_group: Text | None = None
    requester_email: Text | None = Field(None, description="who stands for requesters whom Coupa does not know")
    ordering: Ordering | None = Field(None, description="how its orders are placed; without it nothing is ordered")


class AccountExample(RuleModel):
    account: Text
    expect: dict[str, Text | dict[str, Any]]


class AccountFile(RuleModel):
    """accounts.yml."""

    accounts: dict[str, Account] = Field(min_length=1)
    examples: list[AccountExample] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Accounts:
    accounts: Mapping[str, Account]

    def context(self, account: str) -> Document:
        """The account's entry for mappings (`account.supplier`); an account nobody listed has its name alone."""
        entry = self.accounts.get(account)
        return {"name": account, **(entry.model_dump(exclude_none=True) if entry else {})}

    def of(self, account: str) -> Account | None:
        return self.accounts.get(account)


class Entity(RuleModel):
    """What Coupa's header needs for one chart of accounts."""

    bill_to: Text = Field(description="location code of the bill-to address")
    remit_to: Text = Field(description="remit-to code of the supplier")
    accounts: dict[str, Text] = Field(description="GL accounts by the names that charges.yml uses")


class EntityExample(RuleModel):
    chart: Text
    expect: dict[str, Text]


class EntityFile(RuleModel):
    """entities.yml."""

    charts: dict[str, Entity] = Field(min_length=1)
    examples: list[EntityExample] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Entities:
    charts: Mapping[str, Entity]

    @property
    def lookups(self) -> dict[str, Lookup]:
        """bill_to and remit_to by chart, for mappings."""
        return {
            "bill_to": Lookup("entities", {chart: entity.bill_to for chart, entity in self.charts.items()}),
            "remit_to": Lookup("entities", {chart: entity.remit_to for chart, entity in self.charts.items()}),
        }

    @property
    def accounts(self) -> dict[str, Mapping[str, str]]:
        """Named accounts by chart."""
        return {chart: entity.accounts for chart, entity in self.charts.items()}
