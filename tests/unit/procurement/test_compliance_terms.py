"""The terms of an order's day: kept with its lines, given back as they were, whatever holds by now."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from procurement.compliance.contracts import BY_AMOUNT, BY_ORDER, BY_QUANTITY, Agreements, Contract, ContractPrice, Tier
from procurement.compliance.purchases import Purchase, PurchaseLine
from procurement.compliance.terms import Frozen, Terms
from procurement.sellers.identity import Party, Recognition, Verdict

D = Decimal
DAY = date(2026, 2, 2)
SAME, OTHER = Recognition(Verdict.SAME), Recognition(Verdict.DIFFERENT)


def line(asin: str = "B01", seller: str | None = "Pen Traders") -> PurchaseLine:
    return PurchaseLine(
        id=asin, asin=asin, quantity=D(1), unit_price=D(9), amount=D(9), seller=Party(seller) if seller else None
    )


def purchase(*lines: PurchaseLine) -> Purchase:
    return Purchase(key="O-1", ordered_at=datetime(2026, 2, 2, 9, tzinfo=UTC), currency="USD", lines=lines)


def price(contract: str = "C", base: str = "10.00", **more: Any) -> ContractPrice:
    return ContractPrice(
        **{"contract": contract, "supplier": "A", "asin": "B01", "price": D(base), "currency": "USD"} | more
    )


def terms(*prices: ContractPrice, listed: bool = False, most: str | None = None) -> Terms:
    contracts = {
        one.contract: Contract(
            number=one.contract, supplier="A", supplier_name="", currency="USD", most=D(most) if most else None
        )
        for one in prices
    }
    return Terms(Agreements(tuple(contracts.values()), {"B01": prices}), lambda seller: SAME if listed else OTHER)


def frozen(before: Terms, *lines: PurchaseLine) -> Frozen:
    """As the ledger gives it back: through JSON."""
    one = purchase(*lines)
    return Frozen.of([(row.asin, json.loads(json.dumps(before.freeze(one, row)))) for row in one.lines])


@pytest.mark.parametrize(
    "one",
    [
        price(), price(base="44.9500"), price(currency="EUR"),
        price(term=BY_ORDER, tiers=(Tier(D(9), D(10)), Tier(None, D("8.5")))),
        price(term=BY_QUANTITY, tiers=(Tier(D(10), D(10)),), units=D(10)), price(term=BY_AMOUNT, tiers=(Tier(D(100), D(10)),)),
    ],
)  # fmt: skip
def test_a_price_comes_back_as_it_was_whatever_the_contract_says_by_now(one: ContractPrice) -> None:
    kept = frozen(terms(one, most="500"), line())
    for now in (terms(), terms(price(base="99.00"), most="9000")):
        back = kept.thaw(now, lambda seller: OTHER).agreements
        assert back.of("B01") == (one,)
        limit = back.contract("C")
        assert limit is not None and (limit.most, limit.currency) == (D(500), "USD")
    assert kept.unknown(purchase(line(), line("B02"))) == {"B02"}


def test_only_what_was_valid_on_the_day_is_kept_and_nothing_joins_it_later() -> None:
    valid = price("V", starts=DAY, ends=DAY)
    before = terms(valid, price("OLD", ends=date(2026, 2, 1)), price("NEXT", starts=date(2026, 2, 3)))
    back = frozen(before, line()).thaw(terms(price("CHEAP", "1.00")), lambda seller: OTHER).agreements
    assert [one.contract for one in back.of("B01")] == ["V"]
    assert frozen(terms(), line()).thaw(terms(price()), lambda seller: OTHER).agreements.of("B01") == ()


def test_an_article_and_a_seller_that_came_later_have_the_terms_of_now() -> None:
    kept = frozen(terms(price()), line())
    now = Terms(Agreements((), {"B02": (price(asin="B02"),)}), lambda seller: SAME)
    back = kept.thaw(now, lambda seller: OTHER)
    assert back.agreements.covers("B02", DAY) and back.recognise(Party("Newcomer")).verdict is Verdict.SAME
    assert back.recognise(Party("PEN TRADERS")).verdict is Verdict.DIFFERENT


def test_a_seller_who_was_listed_stays_it_and_the_company_s_own_list_still_acquits() -> None:
    listed = frozen(terms(listed=True), line())
    assert listed.thaw(terms(), lambda seller: OTHER).recognise(Party("Pen Traders")).verdict is Verdict.SAME
    unlisted = frozen(terms(), line(), line("B02", None))
    contracted_by_now = terms(listed=True)
    assert (
        unlisted.thaw(contracted_by_now, lambda seller: OTHER).recognise(Party("Pen Traders")).verdict
        is Verdict.DIFFERENT
    )
    assert unlisted.thaw(terms(), lambda seller: SAME).recognise(Party("Pen Traders")).verdict is Verdict.SAME
