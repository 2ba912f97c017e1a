"""What Coupa's contracts promise: prices by article, tiers, units and money over all orders. Pure.

A contract counts on a day when it is published and the day lies between its start and end. Its prices are the supplier
items that name it. A tier applies up to its upper bound; beyond the last bound the last tier's price holds, and for terms
by total quantity the last bound is the quantity that was agreed on.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from procurement.errors import MoneyError
from procurement.money import to_decimal

Json = Mapping[str, Any]
PUBLISHED = "published"
MOST_TIERS = 20
ZERO, HUNDRED = Decimal(0), Decimal(100)
NOTHING: Mapping[Any, Decimal] = MappingProxyType({})
BY_ORDER, BY_QUANTITY, BY_AMOUNT = "PerOrderContractTerm", "TotalQtyContractTerm", "TotalAmtContractTerm"


@dataclass(frozen=True, slots=True)
class Tier:
    """`upper` in units or money, as the term counts; None: without a bound."""

    upper: Decimal | None
    price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractPrice:
    """One article on one contract, per unit in `currency`. `units`: the most over all orders, where the terms bound them."""

    contract: str
    supplier: str
    asin: str
    price: Decimal
    currency: str
    starts: date | None = None
    ends: date | None = None
    term: str | None = None
    tiers: tuple[Tier, ...] = ()
    units: Decimal | None = None

    def valid_on(self, day: date) -> bool:
        return (self.starts is None or self.starts <= day) and (self.ends is None or day <= self.ends)

    def price_for(self, quantity: Decimal, *, units_before: Decimal, money_before: Decimal) -> Decimal:
        """The agreed price of `quantity` units, when so much was bought under the contract before. Of terms over all orders the
        tier counts in which the order begins: one that reaches into the next is accused of nothing."""
        reached = {BY_QUANTITY: units_before + 1, BY_AMOUNT: money_before + self.price}
        measure = reached.get(self.term or "", quantity)
        for tier in self.tiers:
            if tier.upper is None or measure <= tier.upper:
                return tier.price
        return self.tiers[-1].price if self.tiers else self.price


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A published contract. `most`: the money it may reach over all orders, in `currency`."""

    number: str
    supplier: str
    supplier_name: str
    currency: str
    starts: date | None = None
    ends: date | None = None
    most: Decimal | None = None
    preferred: bool = False

    def valid_on(self, day: date) -> bool:
        return (self.starts is None or self.starts <= day) and (self.ends is None or day <= self.ends)


@dataclass(frozen=True, slots=True)
class Agreements:
    """Every published contract with its prices."""

    contracts: tuple[Contract, ...] = ()
    prices: Mapping[str, tuple[ContractPrice, ...]] | None = None  # by ASIN

    def offered(self, asin: str, day: date, currency: str) -> list[ContractPrice]:
        """All in this currency that are valid on the day."""
        return [one for one in self.of(asin) if one.valid_on(day) and one.currency == currency]

    def price_of(
        self,
        asin: str,
        day: date,
        currency: str,
        quantity: Decimal,
        *,
        units: Mapping[tuple[str, str], Decimal] = NOTHING,
        money: Mapping[str, Decimal] = NOTHING,
    ) -> tuple[ContractPrice, Decimal] | None:
        """The lowest price for so many units, and whose it is; ties go to the contract's number. `units` by contract and ASIN, and
        `money` by contract: bought before."""
        prices = [
            (one, one.price_for(
                quantity, units_before=units.get((one.contract, asin), ZERO), money_before=money.get(one.contract, ZERO)
            ))
            for one in self.offered(asin, day, currency)
        ]  # fmt: skip
        return min(prices, key=lambda found: (found[1], found[0].contract), default=None)

    def counted_under(self, asin: str, day: date, currency: str, quantity: Decimal) -> ContractPrice | None:
        """Whose price has the article for so many units, had nothing been bought before: under that contract a purchase counts, so
        that it does not move from one to the other as tiers are reached."""
        found = self.price_of(asin, day, currency, quantity)
        return found[0] if found is not None else None

    def covers(self, asin: str, day: date) -> bool:
        return any(one.valid_on(day) for one in self.of(asin))

    def of(self, asin: str) -> tuple[ContractPrice, ...]:
        return (self.prices or {}).get(asin, ())

    def valid_on(self, day: date) -> Iterator[Contract]:
        return (one for one in self.contracts if one.valid_on(day))

    def contract(self, number: str) -> Contract | None:
        return next((one for one in self.contracts if one.number == number), None)


def read_agreements(contracts: Iterable[Json], supplier_items: Iterable[Json]) -> Agreements:
    """Coupa's records; what is not published, has no price or cannot be read promises nothing."""
    found, terms = dict[str, Contract](), dict[str, list[Json]]()
    for raw in contracts:
        if raw.get("status") != PUBLISHED or not raw.get("number") or raw.get("terminated") is True:
            continue
        number = str(raw["number"])
        found[number] = _contract(number, raw)
        terms[number] = [term for term in raw.get("contract-terms") or () if isinstance(term, Mapping)]
    prices: dict[str, list[ContractPrice]] = {}
    for raw in supplier_items:
        one = _price(raw, found, terms)
        if one is not None:
            prices.setdefault(one.asin, []).append(one)
    return Agreements(tuple(found.values()), {asin: tuple(some) for asin, some in prices.items()})


def _contract(number: str, raw: Json) -> Contract:
    supplier = raw.get("supplier") or {}
    return Contract(
        number=number, supplier=str(supplier.get("number") or ""), supplier_name=str(supplier.get("name") or ""),
        currency=str((raw.get("currency") or {}).get("code") or ""), starts=_day(raw.get("start-date")),
        ends=_day(raw.get("end-date")), most=_number(raw.get("maximum-value")) or _number(raw.get("max-commit")),
        preferred=raw.get("preferred") is True,
    )  # fmt: skip


def _price(raw: Json, contracts: Mapping[str, Contract], terms: Mapping[str, Sequence[Json]]) -> ContractPrice | None:
    contract = contracts.get(str((raw.get("contract") or {}).get("number") or ""))
    price, asin = _number(raw.get("price")), str(raw.get("supplier-part-num") or "")
    if contract is None or price is None or not asin:
        return None
    term = _term(raw, terms[contract.number])
    kind = str(term.get("contract-term-type") or term.get("type") or "") if term else None
    tiers = _tiers(raw, term, price) if term else ()
    bounds = [tier.upper for tier in tiers]
    return ContractPrice(
        contract=contract.number, supplier=contract.supplier, asin=asin, price=price,
        currency=str((raw.get("currency") or {}).get("code") or contract.currency), starts=contract.starts,
        ends=contract.ends, term=kind, tiers=tiers, units=bounds[-1] if kind == BY_QUANTITY and bounds else None,
    )  # fmt: skip


def _term(raw: Json, terms: Sequence[Json]) -> Json | None:
    """The term that the supplier item names; it need not repeat the only one of its contract."""
    named = raw.get("contract-term") or {}
    if named:
        return next((term for term in terms if term.get("id") == named.get("id")), named)
    return terms[0] if len(terms) == 1 and raw.get("price-tier-1") is not None else None


def _tiers(raw: Json, term: Json, price: Decimal) -> tuple[Tier, ...]:
    found = []
    for n in range(1, MOST_TIERS + 1):
        upper, given = _number(term.get(f"tier-{n}-upper-bound")), _number(raw.get(f"price-tier-{n}"))
        discount = _number(term.get(f"tier-{n}-disc-pct"))
        if term.get("use-pct-discounts") is True:
            given = price * (HUNDRED - discount) / HUNDRED if discount is not None else None
        if given is None:
            break
        found.append(Tier(upper, given))
        if upper is None:
            break
    return tuple(found)


def _number(value: Any) -> Decimal | None:
    try:
        return to_decimal(value) if value not in (None, "") else None
    except MoneyError:
        return None


def _day(value: Any) -> date | None:
    """A contract's moments are days to people: Coupa writes midnight in the tenant's own zone, so the zone is left alone."""
    try:
        return value.date() if isinstance(value, datetime) else datetime.fromisoformat(str(value)).date()
    except ValueError:
        return None
