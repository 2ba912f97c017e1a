"""Money that Amazon took and should give back, and does not: charged, then lost, returned or cancelled, and no credit."""

from sandbox.scenarios.buying import Buying, OpenPurchase
from sandbox.scenarios.situations.buying_deliveries import SHIPPED, arrives, step
from sandbox.seed import Fate

DAY = 24.0


def returned_without_credit(buying: Buying, purchase: OpenPurchase) -> None:
    """It arrives, is sent back, and no refund follows."""
    purchase.fate = Fate(steps=[*arrives(), step(9 * DAY, "return_goods", refund=False)])
    buying.state(purchase, "returned_without_credit", "received_whole", owed="returned")


def undelivered_without_credit(buying: Buying, purchase: OpenPurchase) -> None:
    """The carrier cannot deliver it and says so; no refund follows."""
    purchase.fate = Fate(steps=[step(SHIPPED, "ship"), step(4 * DAY, "undeliverable")])
    buying.state(purchase, "undelivered_without_credit", "nothing_received", owed="undelivered")


def lost_without_credit(buying: Buying, purchase: OpenPurchase) -> None:
    """It leaves, is charged and never arrives; nobody says a word."""
    purchase.fate = Fate(steps=[step(SHIPPED, "ship")])
    buying.state(purchase, "lost_without_credit", "nothing_received", owed="undelivered")


def cancelled_without_credit(buying: Buying, purchase: OpenPurchase) -> None:
    """Charged, then cancelled before it leaves; no refund follows."""
    purchase.fate = Fate(steps=[step(8, "charge"), step(30, "cancel")])
    buying.state(purchase, "cancelled_without_credit", "cancelled", owed="cancelled")
