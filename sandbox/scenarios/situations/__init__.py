"""The situations a purchase can be in: what each does, which purchases suit it, how many a quarter of 300 orders has.

A situation changes one ordinary purchase and states the fact under its name. To add one, write the function in the
module of its subject and give it a line here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sandbox.scenarios.drafting import Draft
from sandbox.scenarios.purchases import Purchase
from sandbox.scenarios.situations import charges, deliveries, invoice_numbers, payments, references, refunds


def _any(purchase: Purchase) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Situation:
    """`in_quarter`: how many of 300 orders; ages in days before `now` at the time of ordering."""

    apply: Callable[[Draft, Purchase], None]
    in_quarter: int
    suits: Callable[[Purchase], bool] = _any
    min_age: int = 0
    max_age: int = 400

    @property
    def name(self) -> str:
        return self.apply.__name__

    def fits(self, draft: Draft, purchase: Purchase) -> bool:
        age = draft.now - purchase.ordered_at
        return timedelta(days=self.min_age) <= age <= timedelta(days=self.max_age) and self.suits(purchase)


OLD_ENOUGH_TO_RETURN = 25
SITUATIONS = {
    situation.name: situation
    for situation in (
        Situation(payments.paid_by_card, 60),
        Situation(references.two_orders_on_one_po, 5, references.has_several_lines),
        Situation(payments.split_instruments, 2, references.has_several_lines),
        Situation(payments.unknown_instrument, 2),
        Situation(payments.card_on_invoice_po, 2),
        Situation(invoice_numbers.number_appears_later, 6, max_age=20),
        Situation(invoice_numbers.consolidated_pending, 2, max_age=20),
        Situation(invoice_numbers.consolidated_numbered, 1),
        Situation(invoice_numbers.end_of_month, 1),
        Situation(invoice_numbers.late_component, 2, deliveries.has_two_units, max_age=25),
        Situation(invoice_numbers.still_settling, 8),
        Situation(invoice_numbers.keyed_by_clerk, 4, max_age=60),
        Situation(refunds.returned, 8, min_age=OLD_ENOUGH_TO_RETURN),
        Situation(refunds.partly_returned, 4, deliveries.has_line_of_several, min_age=OLD_ENOUGH_TO_RETURN),
        Situation(refunds.price_refund, 3, min_age=OLD_ENOUGH_TO_RETURN),
        Situation(refunds.overrefund, 2, min_age=OLD_ENOUGH_TO_RETURN),
        Situation(refunds.refund_never_invoiced, 2, min_age=OLD_ENOUGH_TO_RETURN),
        Situation(deliveries.split_over_two_invoices, 10, deliveries.has_two_units, min_age=18),
        Situation(deliveries.one_invoice_over_two_shipments, 8, deliveries.has_two_units, min_age=12),
        Situation(deliveries.two_packages, 5),
        Situation(deliveries.partial_receipt, 7, deliveries.has_line_of_several),
        Situation(deliveries.quantity_over_receipt, 4, deliveries.has_line_of_several),
        Situation(deliveries.late_receipt, 7, max_age=30),
        Situation(deliveries.quantity_over_order, 5, deliveries.has_line_of_several),
        Situation(deliveries.cancelled, 4),
        Situation(charges.promotion, 8),
        Situation(charges.free_shipping, 10),
        Situation(charges.paid_shipping, 12),
        Situation(charges.gift_wrap, 3),
        Situation(charges.regulatory_fee, 6),
        Situation(charges.tax_exempt, 6),
        Situation(charges.rounding_cent, 4),
        Situation(charges.price_over_po, 12),
        Situation(charges.price_under_po, 5),
        Situation(charges.authorised_amount, 2),
        Situation(references.no_po_number, 6),
        Situation(references.unknown_po_number, 2),
        Situation(references.no_po_line, 6),
        Situation(references.asin_on_two_lines, 3),
        Situation(references.ambiguous_po_line, 1),
    )
}
