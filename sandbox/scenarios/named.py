"""Small worlds that show one thing each: a few orders in one situation beside one or two ordinary ones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from sandbox.scenarios.buying_named import BESIDE_TINY, add_open_purchases
from sandbox.scenarios.catalog import ARTICLES, Article
from sandbox.scenarios.drafting import Draft
from sandbox.scenarios.finishing import finish
from sandbox.scenarios.purchases import DE, Purchase
from sandbox.scenarios.situations import SITUATIONS, Situation
from sandbox.scenarios.situations.references import drop_po
from sandbox.seed import World


@dataclass(frozen=True, slots=True)
class Plan:
    """`situations` in order, each on a purchase of its own; `plain` ordinary purchases beside them; `buying`: the
    situations of open purchases."""

    title: str
    situations: tuple[str, ...]
    plain: int = 1
    buying: tuple[str, ...] = ()


USUAL_AGE = 28
NAMED = {
    "tiny": Plan(
        "A dozen orders, the most usual situations once each, and three purchases to be ordered",
        (
            "split_over_two_invoices",
            "one_invoice_over_two_shipments",
            "partial_receipt",
            "late_receipt",
            "returned",
            "free_shipping",
            "price_over_po",
            "no_po_number",
            "number_appears_later",
            "paid_by_card",
        ),
        plain=2,
        buying=BESIDE_TINY,
    ),
    "split_shipments": Plan(
        "Orders in two shipments: two invoices when far apart, one when within five days",
        ("split_over_two_invoices", "one_invoice_over_two_shipments"),
    ),
    "refund": Plan(
        "Returns, whole and in part, and a price adjustment, each with a credit memo",
        ("returned", "partly_returned", "price_refund"),
    ),
    "overrefund": Plan(
        "More refunded than was paid, and a refund of what was never invoiced", ("overrefund", "refund_never_invoiced")
    ),
    "promotion": Plan(
        "A promotion, and free shipping as shipping with an equal discount",
        ("promotion", "free_shipping", "paid_shipping"),
    ),
    "regulatory_fee": Plan("A regulatory fee on a line, and gift wrap", ("regulatory_fee", "gift_wrap")),
    "tax_exempt": Plan("A tax-exempt order beside a taxed one", ("tax_exempt",)),
    "no_po_number": Plan(
        "Website orders without a PO number, and one with a number Coupa does not know",
        ("no_po_number", "unknown_po_number"),
    ),
    "number_appears_later": Plan(
        "An invoice number that appears hours after its charge", ("number_appears_later", "still_settling")
    ),
    "consolidated": Plan(
        "A consolidated invoice that is Pending, then numbered; another numbered from the start",
        ("consolidated_pending", "consolidated_numbered"),
    ),
    "deviations": Plan(
        "Prices and quantities that stray from the PO and the receipts",
        (
            "price_over_po",
            "price_over_po",
            "price_over_po",
            "price_under_po",
            "quantity_over_order",
            "quantity_over_receipt",
            "rounding_cent",
        ),
    ),
    "references": Plan(
        "Ways an order can fail to say which PO line it fills",
        ("no_po_line", "asin_on_two_lines", "ambiguous_po_line", "two_orders_on_one_po"),
    ),
    "instruments": Plan(
        "Card, split and unknown payment instruments",
        ("paid_by_card", "card_on_invoice_po", "split_instruments", "unknown_instrument"),
    ),
    "already_in_coupa": Plan("An invoice that accounts payable already keyed by hand", ("keyed_by_clerk",)),
    "foreign_marketplace": Plan(
        "An order on the German marketplace, in euro, beside one in the US", ("foreign_marketplace",)
    ),
    "end_of_month": Plan("An invoice dated 23:00 on the last of a month in the marketplace's zone", ("end_of_month",)),
}


def build_named(name: str, seed: int, now: datetime, *, ids: str = "equal") -> World:
    plan = NAMED[name]
    draft = Draft(name, seed, now, ids)
    for days in range(plan.plain):
        draft.purchase(draft.now - timedelta(days=12 + days), line_count=2)
    for name_of_situation in plan.situations:
        situation = SITUATIONS.get(name_of_situation, FOREIGN)
        situation.apply(draft, _staged(draft, min(USUAL_AGE, situation.max_age // 2)))
    world = finish(draft)
    return add_open_purchases(world, plan.buying) if plan.buying else world


def _staged(draft: Draft, days_old: int) -> Purchase:
    """A purchase that suits every situation of that age: three lines, the first of several units."""
    articles: Sequence[Article] = draft.random.sample(ARTICLES, 3)
    purchase = draft.purchase(draft.now - timedelta(days=days_old), articles=articles)
    for line, quantity in zip(purchase.lines, (4, 1, 2), strict=True):
        line.quantity = quantity
        if line.po_line:
            line.po_line.quantity = Decimal(quantity)
    draft.restage(purchase, purchase.ordered_at)
    draft.ship(purchase, purchase.ordered_at + timedelta(days=1), [(line, line.quantity) for line in purchase.lines])
    return purchase


def foreign_marketplace(draft: Draft, purchase: Purchase) -> None:
    """A website order in Germany: prices in euro, VAT instead of sales tax."""
    drop_po(purchase)
    purchase.marketplace = replace(DE)
    draft.restage(purchase, purchase.ordered_at)
    draft.ship(purchase, purchase.ordered_at + timedelta(days=1), [(line, line.quantity) for line in purchase.lines])
    draft.state("foreign_marketplace", purchase, marketplace=DE.region)


FOREIGN = Situation(foreign_marketplace, 0)
