"""The situations an open purchase can be in: what each does, and on what it is staged.

To add one, write the function in the module of its subject and give it a line here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from sandbox.scenarios.buying import USUAL, Buying, OpenPurchase
from sandbox.scenarios.catalog import ARTICLES, Article
from sandbox.scenarios.situations import buying_approvals as approvals
from sandbox.scenarios.situations import buying_deliveries as deliveries
from sandbox.scenarios.situations import buying_offers as offers
from sandbox.scenarios.situations import buying_owed as owed

BY_ASIN = {article.asin: article for article in ARTICLES}
PENS, MARKERS, STICKY_NOTES = BY_ASIN["B0QX10001A"], BY_ASIN["B0QX10008H"], BY_ASIN["B0QX10003C"]
MOUSE, KEYBOARD, MONITOR = BY_ASIN["B0QX20003C"], BY_ASIN["B0QX20004D"], BY_ASIN["B0QX20002B"]
SOAP, ORGANIZER, CHAIR = BY_ASIN["B0QX40007G"], BY_ASIN["B0QX10007G"], BY_ASIN["B0QX60002B"]
TEA, CABLE_TIES = BY_ASIN["B0QX40002B"], BY_ASIN["B0QX80002B"]
GLOVES, BEAKERS, PIPETTE_TIPS = BY_ASIN["B0QX30001A"], BY_ASIN["B0QX30002B"], BY_ASIN["B0QX30003C"]


@dataclass(frozen=True, slots=True)
class BuyingSituation:
    """`articles` and `quantities` of the lines it is staged on; without articles chance picks one to five. Where lines
    ship apart they are one seller's: of several sellers Amazon makes several orders."""

    apply: Callable[[Buying, OpenPurchase], None]
    articles: Sequence[Article] = ()
    quantities: Sequence[int] = ()

    @property
    def name(self) -> str:
        return self.apply.__name__

    def stage(self, buying: Buying) -> OpenPurchase:
        purchase = buying.purchase(articles=self.articles, quantities=self.quantities)
        self.apply(buying, purchase)
        return purchase


TWO = (MOUSE, KEYBOARD)
BUYING_SITUATIONS = {
    situation.name: situation
    for situation in (
        BuyingSituation(approvals.plain_purchase),
        BuyingSituation(offers.several_sellers, (PENS, SOAP, STICKY_NOTES), (3, 2, 1)),
        BuyingSituation(approvals.approval_pending),
        BuyingSituation(approvals.requisition_rejected),
        BuyingSituation(approvals.approver_missing),
        BuyingSituation(approvals.withdrawn),
        BuyingSituation(approvals.cancelled_before_order),
        BuyingSituation(approvals.changed_after_approval, TWO, (2, 1)),
        BuyingSituation(approvals.already_transmitted),
        BuyingSituation(approvals.old_po),
        BuyingSituation(offers.ordered_elsewhere, TWO, (1, 1)),
        BuyingSituation(offers.price_within_ceiling, (KEYBOARD,), (2,)),
        BuyingSituation(offers.price_over_ceiling, (MOUSE, SOAP), (3, 2)),
        BuyingSituation(offers.offer_gone_same_seller, (KEYBOARD,), (1,)),
        BuyingSituation(offers.offer_gone, (MARKERS,), (4,)),
        BuyingSituation(offers.cart_id, (PENS, ORGANIZER), (2, 1)),
        BuyingSituation(offers.pack_mismatch, (PENS, SOAP), (12, 1)),
        BuyingSituation(offers.short_units, (MOUSE, SOAP), (4, 2)),
        BuyingSituation(offers.refused_line, (TEA, SOAP), (2, 1)),
        BuyingSituation(offers.all_refused, (MOUSE, KEYBOARD), (1, 1)),
        BuyingSituation(offers.fifty_one_lines, tuple(islice(cycle(USUAL), 51)), (1,) * 51),
        BuyingSituation(approvals.unknown_requester),
        BuyingSituation(approvals.expensive, (MONITOR, MOUSE), (2, 1)),
        BuyingSituation(approvals.asset_line, (CHAIR,), (1,)),
        BuyingSituation(deliveries.two_shipments, (PENS, MARKERS), (4, 2)),
        BuyingSituation(deliveries.late_delivery, TWO, (1, 2)),
        BuyingSituation(deliveries.cancelled_before_shipping, (SOAP, ORGANIZER), (2, 1)),
        BuyingSituation(deliveries.partly_cancelled, (MOUSE, SOAP), (3, 1)),
        BuyingSituation(deliveries.cancelled_after_charge, (KEYBOARD,), (2,)),
        BuyingSituation(deliveries.undeliverable, (ORGANIZER,), (2,)),
        BuyingSituation(deliveries.returned_goods, (KEYBOARD,), (2,)),
        BuyingSituation(deliveries.goodwill_refund, (STICKY_NOTES,), (5,)),
        BuyingSituation(deliveries.price_changed, (MOUSE, SOAP), (2, 1)),
        BuyingSituation(approvals.received_by_person, (GLOVES,), (3,)),
        BuyingSituation(approvals.cancelled_by_person_after_order, (CABLE_TIES,), (2,)),
        BuyingSituation(deliveries.two_packages_apart, (GLOVES,), (6,)),
        BuyingSituation(deliveries.partial_po_receipt, (GLOVES, PIPETTE_TIPS, BEAKERS), (2, 2, 1)),
        BuyingSituation(deliveries.over_shipment, (GLOVES, BEAKERS), (2, 1)),
        BuyingSituation(owed.returned_without_credit, (ORGANIZER,), (2,)),
        BuyingSituation(owed.undelivered_without_credit, (KEYBOARD,), (1,)),
        BuyingSituation(owed.lost_without_credit, (STICKY_NOTES,), (3,)),
        BuyingSituation(owed.cancelled_without_credit, (MOUSE,), (2,)),
    )
}
# Amazon would have to show an order of its own for it, and a world may count its orders.
NOT_BESIDE_OTHERS = frozenset({"ordered_elsewhere"})


def stage_story(buying: Buying) -> OpenPurchase:
    """The purchase that can be followed from requisition to matched invoice."""
    purchase = buying.purchase(articles=(PENS, MARKERS), quantities=(3, 2))
    deliveries.story(buying, purchase)
    return purchase
