"""Small differences in money that nobody need look at: what of them goes to an account, cause by cause."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from procurement.matching.positions import ZERO
from procurement.matching.result import Finding
from procurement.matching.variance import Variance, Written, WrittenShare
from procurement.matching.words import let_through
from procurement.money import Money
from procurement.tolerances import SIDES, InForce, Side

MONEY_KINDS = frozenset({"price", "line", "tax", "shipping", "charges", "total"})


def write_off(rules: InForce, findings: list[Finding], variance: Variance) -> tuple[list[Finding], Variance]:
    """Breaches in money alone are let through where all of them together are small enough, and say so; never units, and not
    what is within its own limit. Nothing is written off an invoice that a person decides on anyway.

    What counts is their sum whatever their signs, against the limit of each side that they are on: two large ones never
    cancel out, and one more difference never lets another through.
    """
    breached = [one for one in findings if one.breached and not one.waits]
    if not breached or any(one.kind not in MONEY_KINDS for one in breached):
        return findings, variance
    nothing = Money(ZERO, variance.billed.currency)
    shares = tuple(share for share in _shares(breached, nothing) if share.money)
    money = Money.sum((share.money for share in shares), nothing.currency)
    sides = [rules.get(("write_off", side)) for side in _sides(shares)]
    first: Side = "over" if money.amount > 0 else "under"
    rule = next((one for side in (first, *SIDES) if (one := rules.get(("write_off", side)))), None)
    if rule is None or rule.account is None or None in sides:
        return findings, variance
    limit = min(one.of(variance.billed.amount) for one in (rule, *sides) if one is not None)
    if sum((abs(share.money.amount) for share in shares), ZERO) > limit:
        return findings, variance
    written = Written(money=money, account=rule.account, rule=rule.place, shares=shares)
    noted = Finding(
        kind="write_off", line=None, breached=False, expected=ZERO, actual=money.amount, difference=money.amount,
        limit=limit, money=money, rule=rule.place,
        sentence=f"A difference of {money} is written off to the account {rule.account}.",
    )  # fmt: skip
    return [*map(_released, findings), noted], replace(variance, written_off=written)


def _released(finding: Finding) -> Finding:
    if not finding.breached or finding.kind not in MONEY_KINDS:
        return finding
    return replace(finding, breached=False, sentence=let_through(finding.sentence))


def _sides(shares: Sequence[WrittenShare]) -> Iterator[Side]:
    for side in SIDES:
        if any((share.money.amount > 0) is (side == "over") for share in shares):
            yield side


def _shares(breached: Sequence[Finding], nothing: Money) -> Iterator[WrittenShare]:
    """Each cent once: of a line what is larger, its price or its amount; of the total what lines and charges do not say."""
    lines: dict[int | None, Money] = {}
    for one in breached:
        if one.kind in ("price", "line"):
            money = one.money or nothing
            lines[one.line] = max(money, lines.get(one.line, money), key=abs)
    shares = [WrittenShare(cause="line", line=number, money=money) for number, money in lines.items()]
    shares += (
        WrittenShare(cause=one.kind, line=one.line, money=one.money or nothing)
        for one in breached
        if one.kind in ("tax", "shipping", "charges")
    )
    yield from shares
    for one in breached:
        if one.kind == "total":
            said = Money.sum((share.money for share in shares if share.cause in ("line", "charges")), nothing.currency)
            if rest := (one.money or nothing) - said:
                yield WrittenShare(cause="total", line=None, money=rest)
