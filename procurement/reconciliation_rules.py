"""reconciliation.yml: what is held against what, how far it may stray, and who is told.

Every default is the strict one: to the cent, every field that we sent, no status overlooked.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from procurement.rule_model import Number, RuleModel, Text, Texts

Days = Annotated[int, Field(ge=0, le=366)]
Kind = Literal[
    "missing_in_coupa", "missing_at_amazon", "amount_differs", "number_differs", "doubled", "state_differs", "changed_by_hand",
]  # fmt: skip
HEADER = ("invoice-number", "invoice-date", "currency", "supplier", "original-invoice-number", "original-invoice-date")
LINE = (
    "type", "quantity", "price", "order-line-id", "account", "account-allocations", "match-reference", "adjustment-type",
    "tax-lines",
)  # fmt: skip
CHARGE = ("type", "total", "account", "account-allocations", "tax-lines")


class Compared(RuleModel):
    """The fields of an invoice of ours that nobody should have changed, in Coupa's spelling; only what was sent is compared."""

    header: Texts = HEADER
    line: Texts = LINE
    charge: Texts = CHARGE


class Statuses(RuleModel):
    """Coupa's words for an invoice or credit note that stands for nothing, and for one that was not submitted yet.

    `gone` is the one list of them for every pipeline: such a document pays nothing, counts for no units, is nobody's
    duplicate or original, and needs nobody's decision.
    """

    gone: Texts = ("voided", "abandoned", "rejected")
    unsubmitted: Texts = ("draft", "new")

    @property
    def finished(self) -> frozenset[str]:
        """Coupa has decided: nothing blocks the document any more, and it needs nobody."""
        return frozenset({"approved", *self.gone})

    def stands(self, raw: Mapping[str, Any]) -> bool:
        """Whether the document, as Coupa shows it, stands for anything."""
        return not raw.get("canceled") and raw.get("status") not in self.gone


class ReconciliationExample(RuleModel):
    """One document of ours: Amazon's total, what Coupa shows, and the difference that is found; none where they agree."""

    name: Text
    submitted: bool = True
    amazon: Number
    read_back: Number | None = Field(None, description="Coupa's total when it was created; default: as Amazon's")
    coupa: Number | None = Field(None, description="Coupa's total now; without one Coupa has no such document")
    status: Text = "approved"
    expect: Kind | None = None


class ReconciliationFile(RuleModel):
    """reconciliation.yml."""

    days: int = Field(120, ge=1, le=366, description="how far back a run looks that was not given a range")
    unread_hours: int = Field(
        2, ge=0, le=24 * 7, description="the newest hours of Amazon's feed are left out: the invoice run may still come"
    )
    feed_delay_days: Days = Field(
        3, description="an invoice in Coupa that is younger may not have reached Amazon's feed yet"
    )
    tolerance: Number = Field(Decimal(0), ge=0, description="how far totals may differ; 0: to the cent")
    doubled_within_days: Days = Field(
        60, description="same lines and money under another number within so many days is the same invoice twice"
    )
    compared: Compared = Field(default_factory=lambda: Compared.model_validate({}))
    statuses: Statuses = Field(default_factory=lambda: Statuses.model_validate({}))
    mail: Literal["red", "always", "never"] = "red"
    recipients: tuple[Text, ...] = Field((), description="who gets the mail; none: alert_recipients of policies.yml")
    examples: list[ReconciliationExample] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for address in self.recipients:
            if "@" not in address:
                raise ValueError(f"recipients: {address!r} is no mail address")
        if both := set(self.statuses.gone) & set(self.statuses.unsubmitted):
            raise ValueError(f"statuses: {', '.join(sorted(both))} cannot be both gone and unsubmitted")
        return self
