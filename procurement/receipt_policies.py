"""policies.yml, `receipts`: when a delivery becomes a goods receipt by itself, and when a person is asked.

Every default is the careful one: all packages must have arrived, nothing dear is received without a person, no unit
beyond the order, and silence never receives.
"""

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from procurement.rule_model import Number, RuleModel, Text, Texts

Days = Annotated[int, Field(ge=0, le=366)]


class ReceiptPolicies(RuleModel):
    """What the receipts pipeline does where the business has a choice. Values are in the PO's currency."""

    received_when: Literal["all_packages", "first_package"] = Field(
        "all_packages", description="a shipment counts as delivered when all its packages are, or the first one"
    )
    tracking: Literal["always", "month_end", "never"] = Field(
        "month_end", description="when Package Tracking is asked for the moment of a delivery: one call a package"
    )
    month_end_days: Days = Field(3, description="so close to a month's end tracking is asked")
    tracking_wait_days: Days = Field(
        2, description="so long a receipt waits for tracking before the report's day counts"
    )
    automatic_up_to: Number = Field(
        Decimal(250), ge=0, description="value per PO line that is received without asking anybody"
    )
    asset_commodities: Texts = Field((), description="Coupa commodities that only a person receives")
    ask_when_amazon_says: Texts = Field(
        ("ITEMS_MISSING", "PARTIALLY_RECEIVED"), description="words of Amazon's own receiving that need a person"
    )
    silence_days: Days = Field(5, description="unanswered so long, the requester's manager is told, once")
    lost_after_days: Days = Field(
        45,
        description="so long after its last promise a parcel that never arrived is given up, and people are told; 0: never",
    )
    over_receipt: Literal["refuse", "tolerance", "accept"] = "refuse"
    over_receipt_percent: Number = Field(
        Decimal(0), ge=0, le=100, description="for tolerance: percent of the ordered units"
    )
    wait_for_match_reference: Literal["never", "direct_matching", "always"] = Field(
        "direct_matching", description="which receipts wait until the id that invoices carry is known"
    )
    match_reference_wait_days: Days = Field(5, description="after that the shipment id of the report is used")
    reversing_tracking: Texts = Field(("RETURNED", "UNDELIVERABLE"), description="words of tracking that reverse")
    reversing_refund_reasons: Texts = Field((), description="refund reasons that mean the goods went back")
    reopen_reason: Text = Field("RETURN", description="code of Coupa's reason for reopening a soft-closed PO")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.over_receipt == "tolerance" and not self.over_receipt_percent:
            raise ValueError("over_receipt tolerance needs over_receipt_percent above 0")
        return self

    def reverses(self, refund_reason: str | None) -> bool:
        """Whether a refund with this reason means that goods went back; case and blanks around do not matter."""
        known = {reason.strip().lower() for reason in self.reversing_refund_reasons}
        return (refund_reason or "").strip().lower() in known
