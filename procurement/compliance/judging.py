"""All rules over one purchase: its violations, gravest first. Pure; the same before an order is placed and after."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from procurement.compliance.checks import CHECKS, Breach
from procurement.compliance.purchases import Purchase
from procurement.compliance.rules import SEVERITIES, Action, ComplianceFile, ComplianceRule, Severity, Waiver
from procurement.compliance.surroundings import Surroundings

NO_CANCEL = "Amazon Business offers no call to cancel an order"


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One cause under one rule. `key` is the same at every look; `orders` are all that have part in it."""

    key: str
    rule: str
    kind: str
    severity: Severity
    action: Action
    purchase: str
    amount: Decimal
    currency: str
    sentence: str
    buyer: str
    cost_center: str
    seller: str
    commodity: str
    orders: tuple[str, ...]
    evidence: tuple[str, ...]
    subject: str
    shared: str | None
    act_by: date

    def under(self, key: str) -> "Violation":
        """The same cause, known already under another purchase's key."""
        return replace(self, key=key)


def judge(
    purchase: Purchase, at: Surroundings, file: ComplianceFile, *, today: date, before_order: bool = False
) -> list[Violation]:
    """Every violation of `purchase`; a cancelled one has none. `before_order`: only what may stop an order before it is sent."""
    if purchase.cancelled:
        return []
    found = [
        _violation(rule, breach, purchase, today)
        for rule in file.rules
        if rule.before_order or not before_order
        for breach in CHECKS[rule.kind](rule, purchase, at)
        if _enough(rule, breach) and not waived(rule, purchase, file.waivers, today)
    ]
    return sorted(found, key=lambda one: (SEVERITIES.index(one.severity), one.key))


def _enough(rule: ComplianceRule, breach: Breach) -> bool:
    return rule.when.min_amount is None or breach.amount >= rule.when.min_amount


def waived(rule: ComplianceRule, purchase: Purchase, waivers: Iterable[Waiver], today: date) -> bool:
    return any(
        waiver.rule == rule.name
        and (waiver.until is None or today <= waiver.until)
        and (waiver.order == purchase.key if waiver.order else waiver.po in (purchase.po_number, purchase.key))
        for waiver in waivers
    )


def _violation(rule: ComplianceRule, breach: Breach, purchase: Purchase, today: date) -> Violation:
    lines = [line for line in purchase.lines if line.id in breach.lines] or list(purchase.lines)
    return Violation(
        key=f"{purchase.key}/{rule.name}/{breach.cause}", rule=rule.name, kind=rule.kind, severity=rule.severity,
        action=rule.action, purchase=purchase.key, amount=breach.amount, currency=purchase.currency,
        sentence=breach.sentence, buyer=purchase.buyer, evidence=breach.evidence, orders=breach.orders, shared=breach.shared,
        subject=f"{rule.name}|{breach.subject}", cost_center=_only(purchase.cost_center_of(line) for line in lines),
        seller=_only(line.seller.name if line.seller else "" for line in lines),
        commodity=_only(line.commodity for line in lines), act_by=today + timedelta(days=rule.act_within_days),
    )  # fmt: skip


def _only(values: Iterable[str]) -> str:
    """The one value, or all of them in their order."""
    return ", ".join(dict.fromkeys(value for value in values if value))


def unapproved(violations: Sequence[Violation], file: ComplianceFile, approved_by: Iterable[str]) -> list[Violation]:
    """All but what a rule routes to an approver who has approved the purchase."""
    approvers = frozenset(approved_by)
    return [one for one in violations if one.action != "route" or approver_of(one, file) not in approvers]


def approver_of(violation: Violation, file: ComplianceFile) -> str | None:
    rule = file.rule(violation.rule)
    return rule.approver if rule is not None else None


def who_must_act(violation: Violation) -> str:
    """After the fact: what nobody can undo by a call, who has to, and by when."""
    who = violation.buyer or "the buyer"
    if violation.action == "flag":
        return f"{who} explains it by {violation.act_by}."
    wanted = "cancels it" if violation.action == "block" else "cancels it, or has it approved,"
    return f"{NO_CANCEL}: {who} {wanted} on Amazon's order page by {violation.act_by} as long as it has not shipped, and returns it after that."
