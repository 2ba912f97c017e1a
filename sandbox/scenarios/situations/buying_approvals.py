"""What can happen in Coupa between asking for something and ordering it, and to a PO that is on its way.

Each function takes an ordinary open purchase and states what should become of it.
"""

from datetime import timedelta

from sandbox.scenarios.buying import Buying, OpenPurchase
from sandbox.scenarios.people import BUYER, NEWCOMER
from sandbox.scenarios.reference_data import user_body
from sandbox.seed import CoupaEvent, CoupaRecord, Fate, FateStep


def plain_purchase(buying: Buying, purchase: OpenPurchase) -> None:
    """Approved, ordered whole, shipped, charged and received: nothing deviates."""
    buying.state(purchase, "plain_purchase", "ordered")


def approval_pending(buying: Buying, purchase: OpenPurchase) -> None:
    """The manager approves six hours after `now`: until then there is no PO."""
    purchase.approved_at = buying.now + timedelta(hours=6)
    buying.state(purchase, "approval_pending", "ordered", approved_at=purchase.approved_at.isoformat())


def requisition_rejected(buying: Buying, purchase: OpenPurchase) -> None:
    """The manager rejects it; Coupa never makes a PO of it."""
    assert purchase.approved_at is not None
    body = {"req-title": purchase.title, "reason": "We have these in stock."}
    purchase.events.append(CoupaEvent("reject", body, purchase.approved_at))
    purchase.approved_at = None
    buying.state(purchase, "requisition_rejected", "no_po")


def withdrawn(buying: Buying, purchase: OpenPurchase) -> None:
    """The requester takes the requisition back an hour after `now`, before anybody approved it."""
    purchase.approved_at = None
    at = buying.now + timedelta(hours=1)
    purchase.events.append(CoupaEvent("withdraw_requisition", {"req-title": purchase.title}, at))
    buying.state(purchase, "withdrawn", "no_po")


def cancelled_before_order(buying: Buying, purchase: OpenPurchase) -> None:
    """The PO is issued hours before `now` and cancelled an hour before it: nobody may order it."""
    buying.later(purchase, "cancel", -1)
    buying.state(purchase, "cancelled_before_order", "not_ordered")


def approver_missing(buying: Buying, purchase: OpenPurchase) -> None:
    """Coupa shows the PO as issued although an approval of its requisition is still pending."""
    assert purchase.approved_at is not None
    body = {"req-title": purchase.title, "approver": BUYER.login}
    purchase.events.append(CoupaEvent("add_approver", body, purchase.approved_at + timedelta(minutes=10)))
    buying.state(purchase, "approver_missing", "held", approver=BUYER.login)


def changed_after_approval(buying: Buying, purchase: OpenPurchase) -> None:
    """A buyer raises a quantity on the issued PO: it is not what was approved."""
    line = purchase.lines[0]
    buying.later(purchase, "change_order", -1, line_num=line.number, quantity=str(line.quantity + 2))
    buying.state(purchase, "changed_after_approval", "held", line=line.number)


def already_transmitted(buying: Buying, purchase: OpenPurchase) -> None:
    """Coupa has sent the PO to Amazon by cXML: ordering it here would order it twice."""
    buying.later(purchase, "transmit_order", -1, transmission_status="sent_via_cxml")
    buying.state(purchase, "already_transmitted", "held")


def old_po(buying: Buying, purchase: OpenPurchase) -> None:
    """Issued long before anybody connected the two systems; nobody ordered it."""
    buying.move(purchase, 45)
    buying.state(purchase, "old_po", "skipped")


def unknown_requester(buying: Buying, purchase: OpenPurchase) -> None:
    """The requester is new in Coupa and not a user of the Amazon Business group."""
    if not any(record.resource == "users" for record in buying.records):
        buying.records.append(CoupaRecord("users", user_body(NEWCOMER, "E2001"), buying.now - timedelta(days=30)))
    purchase.requester = NEWCOMER
    buying.state(purchase, "unknown_requester", "ordered_by_buyer", requester=NEWCOMER.email)


def expensive(buying: Buying, purchase: OpenPurchase) -> None:
    """A line above what is received without a person."""
    buying.state(purchase, "expensive", "receipt_waits_for_a_person", line=purchase.lines[0].number)


def asset_line(buying: Buying, purchase: OpenPurchase) -> None:
    """A line whose commodity is an asset: a person confirms that it is there."""
    buying.state(purchase, "asset_line", "receipt_waits_for_a_person", line=purchase.lines[0].number)


def received_by_person(buying: Buying, purchase: OpenPurchase) -> None:
    """The requester posts the receipt in Coupa before the carrier says that it was delivered."""
    line = purchase.lines[0]
    purchase.fate = Fate(steps=[FateStep(22, "ship"), FateStep(54, "deliver")])
    buying.later(purchase, "receive", 48, line_num=line.number, quantity=str(line.quantity))
    buying.state(purchase, "received_by_person", "received_once", line=line.number)


def cancelled_by_person_after_order(buying: Buying, purchase: OpenPurchase) -> None:
    """The PO is cancelled in Coupa a day after it was ordered, before anything shipped: somebody must cancel at
    Amazon."""
    purchase.fate = Fate(steps=[FateStep(40, "ship"), FateStep(80, "deliver")])
    buying.later(purchase, "cancel", 24)
    buying.state(purchase, "cancelled_by_person_after_order", "buyer_told")
