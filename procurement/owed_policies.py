"""From when on Amazon owes a credit: `policies.yml`, under `owed`."""

from pydantic import Field

from procurement.rule_model import RuleModel


class OwedPolicies(RuleModel):
    """From when on Amazon owes a credit."""

    undelivered_after_days: int = Field(
        30, ge=1, le=366, description="a shipment that is so long past its promise, and not delivered, counts as lost"
    )
    patience_days: int = Field(7, ge=0, le=366, description="a credit may take so long before it is missed")
    look_back_days: int = Field(365, ge=1, le=3660, description="orders older than that are not looked at")
