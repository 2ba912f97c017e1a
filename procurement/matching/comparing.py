"""One comparison: a difference, the rule in force on its side, and whether it goes beyond."""

from datetime import date
from decimal import Decimal
from typing import Protocol

from msgspec import Struct

from procurement.documents import Invoice
from procurement.tolerances import InForce, Rule, Tolerances


class Rates(Protocol):
    """Exchange rates as data: how many `target` one `source` was worth that day; None where that is not known."""

    def __call__(self, source: str, target: str, on: date) -> Decimal | None: ...


class Compared(Struct, frozen=True):
    """`allowed` and `rule` None: that side is not checked."""

    difference: Decimal
    breached: bool
    allowed: Decimal | None
    rule: Rule | None

    @property
    def place(self) -> str | None:
        return self.rule.place if self.rule else None


def compare(rules: InForce, check: str, difference: Decimal, base: Decimal) -> Compared | None:
    """None when nothing differs or neither side is checked; percentages are of `base`."""
    if not difference:
        return None
    rule = rules.get((check, "over" if difference > 0 else "under"))
    if rule is None:
        other = rules.get((check, "under" if difference > 0 else "over"))
        return Compared(difference, breached=False, allowed=None, rule=None) if other else None
    allowed = rule.of(base)
    return Compared(difference, breached=abs(difference) > allowed, allowed=allowed, rule=rule)


def is_checked(rules: InForce, check: str) -> bool:
    return (check, "over") in rules or (check, "under") in rules


def rules_for(tolerances: Tolerances, invoice: Invoice, commodity: str | None = None) -> InForce:
    """The rules in force on the invoice date."""
    return tolerances.in_force(
        commodity=commodity, supplier=invoice.supplier, chart=invoice.chart_of_accounts, on=invoice.date
    )
