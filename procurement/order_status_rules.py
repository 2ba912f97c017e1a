"""mappings/order_status.yml: how open orders are read, and what each change of one does in Coupa."""

from pydantic import Field

from procurement.rule_model import RuleModel


class Reading(RuleModel):
    """When open orders are read, and when Package Tracking (a call per package) is asked."""

    every_minutes: int = Field(15, ge=1, le=1440, description="orders with units on their way")
    settled_every_hours: int = Field(24, ge=1, le=24 * 30, description="all arrived or cancelled; refunds may come")
    finish_days: int = Field(60, ge=0, le=366, description="so long after that an order is not read any more")
    late_after_days: int = Field(1, ge=0, le=60, description="a promise this far in the past is late")
