"""What the business decides about buying: the `orders` part of policies.yml, and an account's `ordering` in accounts.yml.

Every default is the careful one: no tolerance on prices, no free choice of an offer, and an order that Coupa may have
transmitted by another channel is never placed.
"""

from decimal import Decimal
from typing import Literal

from pydantic import Field

from procurement.rule_model import Flag, RuleModel, Text
from procurement.tolerances import Limit

RejectionKind = Literal["price", "shipping", "quantity", "age", "delivery", "other"]
RejectionAction = Literal["comment", "integration_error", "soft_close", "leave"]
REJECTION_KINDS: tuple[RejectionKind, ...] = ("price", "shipping", "quantity", "age", "delivery", "other")
SENT_MANUALLY = "sent_manually"  # Coupa's word for an order that somebody marked as sent
MARK_AS_SENT = "mark_as_sent"  # Coupa's method that does nothing but mark


class OrderPolicies(RuleModel):
    """How purchase orders become Amazon orders. Amounts are in the order's currency."""

    overlap_minutes: int = Field(
        60, ge=0, le=60 * 24, description="how far a run reads back into what was already read"
    )
    trial_mode: Literal["off", "always"] = Field(
        "off", description="always: Amazon checks each order before it is placed"
    )
    price: Limit = Field(
        default=Limit(absolute=Decimal(0)), description="how far a unit price may rise above the purchase order's"
    )
    shipping: Limit | None = Field(
        None, description="the most that shipping may cost, in percent of the goods and absolute; absent: not limited"
    )
    without_offer: Literal["hold", "cheapest"] = Field(
        "hold", description="a line that names no offer: take the cheapest within the ceiling, or ask a person"
    )
    cart_id_prefixes: tuple[Text, ...] = Field(
        (), description="an auxiliary part number that begins so is a cart's, and names no offer"
    )
    single_units: tuple[Text, ...] = Field(("EA",), description="Coupa units of a single piece")
    units_unknown: Literal["hold", "accept"] = Field(
        "hold",
        description="a line asks for more than single pieces and Amazon confirms none of it: ask a person, or order it",
    )
    transmission_statuses: tuple[Text, ...] = Field(
        ("created", "deferred", "pending_manual"), description="Coupa's states of an order that nobody was told of"
    )
    silent_methods: tuple[Text, ...] = Field(
        ("prompt", MARK_AS_SENT), description="methods of a supplier by which Coupa itself sends nothing"
    )
    look_back_days: int = Field(
        7, ge=1, le=366, description="orders of younger POs are looked up by one range, of older ones by PO number"
    )
    look_again_minutes: int = Field(
        0,
        ge=0,
        le=60 * 24,
        description="before it is sent, Amazon is asked again for orders of the PO if it was asked so long ago; 0: always",
    )
    may_differ: tuple[Literal["account", "auxiliary"], ...] = Field(
        (),
        description="what of a PO line may differ from the approved requisition line: its accounting, its auxiliary part number",
    )
    rejections: dict[RejectionKind, RejectionAction] = Field(
        {},
        description="what is done in Coupa about units that Amazon refuses, by reason; a comment where nothing is said",
    )
    tell_requester: Flag = Field(True, description="a comment to the requester on what was ordered")
    contact: Text = Field(
        "Procurement",
        description="who orders refused units again or closes lines, as requesters read it: a name, an address",
    )
    integration: Text | None = Field(None, description="code of the Coupa integration under which errors are reported")

    def action_on(self, kind: RejectionKind) -> RejectionAction:
        return self.rejections.get(kind, "comment")


class Ordering(RuleModel):
    """How orders of one Amazon Business account are placed."""

    buyer_email: Text = Field(description="the Amazon user who orders for requesters that Amazon does not know")
    buying_group: Text = Field(description="identity of the purchasing-system group at Amazon")
    requesters_from: Literal["buyer", "requester"] = Field(
        "buyer", description="requester: who asked orders in their own name where Amazon knows them"
    )
    requesters: tuple[Text, ...] = Field(
        (), description="mail addresses of requesters in the Amazon group; *@domain for all of one"
    )
    others: Literal["buyer", "hold"] = Field("buyer", description="who orders for a requester who is not in the group")
    mark_as_sent: Flag = Field(False, description="the supplier's orders are marked as sent without being sent")
    price_safeguard: Literal["ours", "amazon"] = Field(
        "ours", description="amazon: the group allows price changes itself, so that ours does not come on top"
    )

    def knows(self, email: str | None) -> bool:
        """Whether the requester is listed as a member of the Amazon group."""
        address = (email or "").strip().lower()
        listed = {entry.strip().lower() for entry in self.requesters}
        return bool(address) and (address in listed or f"*@{address.rpartition('@')[2]}" in listed)
