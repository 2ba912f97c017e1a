"""What each component of an Amazon charge becomes in Coupa: line, charge, tax line, GL split, rounding.

Amazon bills every order line as principal, shipping, gift wrap, fee, discount and tax. `bill_lines` sends each by the
first rule of `charges.yml` that fits, and promises that nothing is lost: lines + charges + taxes are Amazon's totals,
to the cent, or the document is refused with the sums. An amount that no rule takes is refused with the amount.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from procurement.charge_components import AMOUNTS, Components, TaxShare, shape_problems, shares_of, tax_by_rate
from procurement.charge_rules import HUNDRED, LINE_ACCOUNT, ZERO, ChargeRules, Component, Destination
from procurement.documents import AccountShare, ChargeKind, InvoiceCharge, TaxLine
from procurement.money import UNIT_PRICE_PLACES, Money, allocate, minor_unit, round_to
from procurement.taxes import TaxRules, TaxTreatment

PRICE_STEP = Decimal(1).scaleb(-UNIT_PRICE_PLACES)
ADDED: tuple[Component, ...] = ("shipping", "gift_wrap", "regulatory_fee", "discount")


class Billed(Struct, frozen=True, kw_only=True):
    """A line as Coupa takes it; `quantity` and `total` are negative on a refund, the price never."""

    quantity: Decimal
    unit_price: Decimal
    total: Money
    adjustment_type: str | None
    tax_lines: tuple[TaxLine, ...]
    charges: tuple[InvoiceCharge, ...]
    treatment: TaxTreatment  # the goods', or the first that is not known
    treated_rate: Decimal | None  # of the treatment
    untaxed: Money  # what a zero tax leaves untaxed
    allocations: tuple[AccountShare, ...] = ()


class LineProblem(Exception):
    """A line cannot be billed; each problem completes the sentence 'Line n: ...'."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(" ".join(problems))


@dataclass(slots=True)
class _Bill:
    """A line while it is put together: what its price, its charges and its tax lines come to so far."""

    parts: Components
    price: Decimal = ZERO
    taxes: Sequence[TaxShare] = ()
    taxed: dict[Decimal | None, Decimal] = field(
        default_factory=dict
    )  # of Amazon's tax, what stays a tax line, by rate
    others: list[tuple[Destination, Decimal]] = field(default_factory=list)
    split: dict[str, Decimal] = field(default_factory=dict)  # percent by account
    problems: list[str] = field(default_factory=list)


class _Pools(dict[tuple[int, bool], tuple[Destination, Decimal]]):
    """What all lines bear together, by destination; refunds apart from charges."""

    def pay_in(self, destination: Destination, is_refund: bool, amount: Decimal) -> None:
        key = (id(destination), is_refund)
        self[key] = (destination, self.get(key, (destination, ZERO))[1] + amount)


def bill_line(parts: Components, rules: ChargeRules, taxes: TaxRules, accounts: Mapping[str, str]) -> Billed:
    """A document of one line; raises LineProblem with everything wrong."""
    (found,) = bill_lines([parts], rules, taxes, accounts)
    if isinstance(found, LineProblem):
        raise found
    return found


def bill_lines(
    lines: Sequence[Components], rules: ChargeRules, taxes: TaxRules, accounts: Mapping[str, str]
) -> list[Billed | LineProblem]:
    """The lines of one document, all in one currency, in their order; a line that cannot be billed is its LineProblem.

    `accounts` are the named accounts of the document's chart. Where any line has a problem, the document is refused as a
    whole by the caller, so what the others share with it does not matter.
    """
    bills, pools = [_Bill(parts) for parts in lines], _Pools()
    for bill in bills:
        bill.problems.extend(shape_problems(bill.parts))
        if not bill.problems:
            _place(bill, pools, rules, taxes)
    _spread(pools, bills)
    return [_finished(bill, rules, taxes, accounts) for bill in bills]


def _place(bill: _Bill, pools: _Pools, rules: ChargeRules, taxes: TaxRules) -> None:
    """Every component to where its rule sends it."""
    parts = bill.parts
    net = taxes.market(parts.marketplace).prices == "net"
    tax, shipping, discount = parts.amount("tax"), parts.amount("shipping"), parts.amount("discount")
    principal = parts.amount("principal") - (ZERO if net else tax)
    free = discount == -shipping and rules.free_shipping == "netted"
    added = {name: parts.amount(name) for name in ADDED if not (free and name in ("shipping", "discount"))}
    amounts: dict[Component, Decimal] = {"principal": principal, **added}
    for component, amount in amounts.items():
        if amount or component == "principal":
            _send(bill, pools, component, amount, rules, rate=parts.tax_rate)
    bill.taxes = tax_by_rate(parts, gross=not net)
    for share in bill.taxes:
        if share.amount:
            _send(bill, pools, "tax", share.amount, rules, rate=share.rate)
    charged = sum((parts.amount(name) for name in AMOUNTS), ZERO) - (ZERO if net else tax)
    if charged != parts.total.amount:
        bill.problems.append(_imbalance(parts, charged))


def _send(
    bill: _Bill, pools: _Pools, component: Component, amount: Decimal, rules: ChargeRules, *, rate: Decimal | None
) -> None:
    parts = bill.parts
    into = rules.find(component, amount, parts.facts, rate)
    if into is None:
        name, money = component.replace("_", " "), Money(amount, parts.principal.currency)
        bill.problems.append(f"charges.yml has no rule for its {name} of {money}; add one, then replay.")
        return
    for destination, share in zip(
        into, shares_of(amount, [one.percent for one in into], parts.principal.currency), strict=True
    ):
        if destination.over:
            pools.pay_in(destination, parts.is_refund, share)
        elif destination.to == "tax_line" and component == "tax" and not destination.code:
            bill.taxed[rate] = bill.taxed.get(rate, ZERO) + share
        elif destination.to == "line":
            bill.price += share
            for name, percent in destination.accounts.items():
                bill.split[name] = bill.split.get(name, ZERO) + percent * destination.percent / HUNDRED
        else:
            bill.others.append((destination, share))


def _spread(pools: _Pools, bills: Sequence[_Bill]) -> None:
    for (_, is_refund), (destination, amount) in pools.items():
        bearers = [bill for bill in bills if bill.parts.is_refund == is_refund]
        weights = [_weight(destination, bill.parts) for bill in bearers]
        for bill, share in zip(bearers, shares_of(amount, weights, bearers[0].parts.principal.currency), strict=True):
            if destination.to == "line":
                bill.price += share
            elif share:
                bill.others.append((destination, share))


def _weight(destination: Destination, parts: Components) -> Decimal:
    if destination.over == "quantity":
        return abs(parts.quantity or ZERO)
    return abs(parts.principal.amount) if destination.over == "amount" else Decimal(1)


def _finished(bill: _Bill, rules: ChargeRules, taxes: TaxRules, accounts: Mapping[str, str]) -> Billed | LineProblem:
    if bill.problems:
        return LineProblem(bill.problems)
    parts, currency = bill.parts, bill.parts.principal.currency
    if (bill.price < 0) if not parts.is_refund else (bill.price > 0):
        money = Money(bill.price, currency)
        return LineProblem([f"what charges.yml puts into its price comes to {money}; a price is never negative."])
    quantity, price, adjustment = _price(parts, bill.price, _included(parts, taxes))
    total = round_to(quantity * price, minor_unit(currency))
    rest = bill.price - total
    if abs(rest) > rules.rounding_limit:
        whole = parts.principal if bill.price == parts.principal.amount else Money(bill.price, currency)
        return LineProblem([
            f"{quantity} x {price:f} misses the principal {whole} by {rest}, more than rounding explains."
        ])  # fmt: skip
    charged = len(bill.others)
    if rest:
        _send(bill, _Pools(), "rounding", rest, rules, rate=parts.tax_rate)
    try:
        charges = tuple(
            _charge(one, amount, parts, accounts, is_rounding=place >= charged)
            for place, (one, amount) in enumerate(bill.others)
            if _is_charge(one, amount)
        )
        allocations = _account_shares(Money(total, currency), bill.split, accounts)
    except LineProblem as problem:
        bill.problems.extend(problem.problems)
    if bill.problems:
        return LineProblem(bill.problems)
    treated = [
        (share, taxes.treat(parts.marketplace, rate=share.rate, tax=share.amount, exemption=parts.tax_exemption))
        for share in [one for one in bill.taxes if one.says_something] or bill.taxes[:1]
    ]
    leading, treatment = next((one for one in treated if not one[1].known), treated[0])
    return Billed(
        quantity=quantity, unit_price=price, total=Money(total, currency), adjustment_type=adjustment,
        tax_lines=(*_tax_lines(bill, treated), *_other_taxes(bill)), charges=charges, treatment=treatment,
        treated_rate=leading.rate, untaxed=Money(leading.base, currency), allocations=allocations,
    )  # fmt: skip


def _included(parts: Components, taxes: TaxRules) -> Decimal:
    """The tax that Amazon's principal contains."""
    return parts.amount("tax") if taxes.market(parts.marketplace).prices == "gross" else ZERO


def _is_charge(destination: Destination, amount: Decimal) -> bool:
    return bool(amount) and destination.to != "tax_line"


def _price(parts: Components, whole: Decimal, included: Decimal) -> tuple[Decimal, Decimal, str | None]:
    """(quantity, unit price, adjustment type) of a line that comes to `whole`; its principal has `included` so much tax.

    A refund of money alone credits the price of the units it names, or of one.
    """
    units = parts.quantity or Decimal(1)
    listed = parts.unit_price.amount if parts.unit_price is not None else None
    exact = listed is not None and listed * units == abs(whole) and -_exponent(listed) <= UNIT_PRICE_PLACES
    price = listed if exact and listed is not None else six_decimals(abs(whole) / units)
    if not parts.is_refund:
        return units, price, None
    if parts.is_overrefund:
        return -units, price, "other"
    return -units, price, "quantity" if _gives_units_back(parts, included) else "price"


def _gives_units_back(parts: Components, included: Decimal) -> bool:
    """Its principal is the price of the units it names, as far as a price that is rounded per unit can tell; without a price,
    any principal is. A price may be without the tax that the principal includes."""
    units, principal = parts.quantity, abs(parts.principal.amount)
    if not units or not principal:
        return False
    if parts.unit_price is None:
        return True
    step, goods = minor_unit(parts.principal.currency), parts.unit_price.amount * units
    apart = min(abs(goods - principal), abs(goods - principal + abs(included)))
    return apart <= max(step, units * step / 2)


def _exponent(number: Decimal) -> int:
    return int(number.as_tuple().exponent)


def six_decimals(price: Decimal) -> Decimal:
    """At most six decimals, and no zeros that say nothing beyond the second."""
    rounded = round_to(price, PRICE_STEP).normalize()
    return rounded if -_exponent(rounded) >= 2 else round_to(rounded, Decimal("0.01"))


def _charge(
    destination: Destination, amount: Decimal, parts: Components, accounts: Mapping[str, str], *, is_rounding: bool
) -> InvoiceCharge:
    assert destination.description is not None  # the grammar demands it of a charge
    total, named = Money(amount, parts.principal.currency), destination.account
    return InvoiceCharge(
        kind=ChargeKind(destination.to),
        total=total,
        description=destination.description,
        account=parts.account if named == LINE_ACCOUNT else accounts.get(named) if named else None,
        allocations=_account_shares(total, destination.accounts, accounts),
        is_rounding=is_rounding,
    )


def _account_shares(
    total: Money, percents: Mapping[str, Decimal], accounts: Mapping[str, str]
) -> tuple[AccountShare, ...]:
    """A GL split, adding up to `total`; raises LineProblem for an account the chart does not have."""
    if not percents:
        return ()
    if missing := [name for name in percents if name not in accounts]:
        raise LineProblem([f"charges.yml splits {total} over accounts the chart does not have: {', '.join(missing)}."])
    return split_over(total, [AccountShare(accounts[name], percent, total) for name, percent in percents.items()])


def split_over(total: Money, shares: Sequence[AccountShare]) -> tuple[AccountShare, ...]:
    """The same accounts and percentages, with the amounts that `total` gives."""
    if not shares:
        return ()
    whole = total.rounded()
    amounts = allocate(whole, [share.percent for share in shares])
    amounts[0] += total - whole
    return tuple(replace(share, amount=amount) for share, amount in zip(shares, amounts, strict=True))


def _tax_lines(bill: _Bill, treated: Iterable[tuple[TaxShare, TaxTreatment]]) -> Iterator[TaxLine]:
    """Amazon's tax, rate by rate, under the code that taxes.yml finds; an exemption shows its code with no tax."""
    currency = bill.parts.principal.currency
    for share, treatment in treated:
        tax = bill.taxed.get(share.rate, ZERO)
        if not tax and (treatment.code is None or share.amount):
            continue
        whole = tax == share.amount  # of a part, the rate would not explain the amount
        yield TaxLine(
            amount=Money(tax, currency), rate=(share.rate if whole else None) if tax else ZERO,
            code=treatment.code, description=treatment.description, base=Money(share.base, currency),
        )  # fmt: skip


def _other_taxes(bill: _Bill) -> Iterator[TaxLine]:
    """What a rule makes a tax of its own: a fee that is a tax by law, a tax under another code."""
    for destination, amount in bill.others:
        if destination.to == "tax_line" and amount:
            yield TaxLine(
                amount=Money(amount, bill.parts.principal.currency),
                code=destination.code,
                description=destination.description,
            )


def _imbalance(parts: Components, charged: Decimal) -> str:
    currency = parts.principal.currency
    named = [(name, getattr(parts, name)) for name in AMOUNTS]
    listed = ", ".join(f"{name.replace('_', ' ')} {money.amount}" for name, money in named if money)
    missing = parts.total.amount - charged
    return f"its components come to {currency} {charged} ({listed}), its totalAmount is {parts.total}: {missing} is unexplained."


def consolidate(charges: Iterable[InvoiceCharge]) -> tuple[InvoiceCharge, ...]:
    """One charge per kind, account (or split) and description, roundings apart, in order of first appearance; what adds up to nothing
    disappears."""
    sums: dict[tuple[object, ...], InvoiceCharge] = {}
    for charge in charges:
        key = (
            charge.kind, charge.account, charge.description, charge.is_rounding,
            tuple((share.account, share.percent) for share in charge.allocations),
        )  # fmt: skip
        before = sums.get(key)
        sums[key] = charge if before is None else replace(before, total=before.total + charge.total)
    return tuple(
        replace(charge, allocations=split_over(charge.total, charge.allocations))
        for charge in sums.values()
        if charge.total
    )
