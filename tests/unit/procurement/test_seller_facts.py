"""Facts about a spelling join in any order, any number of times, and count nothing twice."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procurement.sellers.facts import MOST_ORDERS, Bought, FeedDay, SellerFacts, join

DAY = date(2026, 6, 1)


def feed_day(hour: int, lines: int, amount: str, dated: date = DAY) -> FeedDay:
    return FeedDay(
        until=datetime(2026, 6, 1, hour, tzinfo=UTC),
        bought={dated: Bought(lines=lines, money={"USD": Decimal(amount)})},
    )


def facts(**given: object) -> SellerFacts:
    return SellerFacts.read({"key": "Pens", "name": "Pens", **given})


def test_a_day_that_was_read_further_replaces_what_was_read_before() -> None:
    morning, evening = facts(feed={DAY: feed_day(9, 1, "10")}), facts(feed={DAY: feed_day(18, 3, "35.50")})
    for joined in (join(morning, evening), join(evening, morning), join(join(morning, evening), morning)):
        assert joined.bought() == Bought(lines=3, money={"USD": Decimal("35.50")})


def test_only_purchases_since_a_day_count_and_old_days_are_forgotten() -> None:
    old = date(2025, 1, 1)
    both = facts(feed={DAY: feed_day(18, 1, "10"), old: feed_day(18, 1, "7", old)})
    assert both.bought(date(2026, 1, 1)).lines == 1
    assert join(both, both).bought().lines == 1  # more than 400 days before the latest day


def test_the_latest_expiry_of_an_agency_stands_and_an_unknown_one_does_not_hide_it() -> None:
    one = facts(credentials={"Women-Owned": {"Council": "2025-01-31T00:00:00+00:00"}})
    other = facts(credentials={"Women-Owned": {"Council": "2027-01-31T00:00:00+00:00", "State": ""}, "Small": {}})
    found = join(one, other).credentials
    assert found == {"Women-Owned": {"Council": "2027-01-31T00:00:00+00:00", "State": ""}, "Small": {}}


def test_two_spellings_do_not_join() -> None:
    with pytest.raises(ValueError, match="two spellings"):
        join(facts(), SellerFacts(key="Pens LLC", name="Pens LLC"))


WORDS = st.sampled_from(["a", "b", "c", "d"])
AMOUNTS = st.decimals(-100, 100, places=2, allow_nan=False)
SOME = st.lists(WORDS, unique=True, max_size=3).map(sorted).map(tuple)
MONEY = st.dictionaries(st.sampled_from(["USD", "EUR"]), AMOUNTS)
BOUGHT = st.builds(Bought, lines=st.integers(0, 3), money=MONEY, orders=SOME, codes=SOME)
DAYS = st.dates(date(2025, 3, 1), date(2026, 6, 30))
FEEDS = st.dictionaries(
    DAYS,
    st.builds(
        FeedDay,
        until=st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 3), timezones=st.just(UTC)),
        bought=st.dictionaries(DAYS, BOUGHT, max_size=2),
    ),
    max_size=3,
)
FACTS = st.builds(
    SellerFacts,
    key=st.just("k"), name=st.just("k"), registration=st.sampled_from(["", "T1"]), first_bought=st.none() | DAYS,
    credentials=st.dictionaries(WORDS, st.dictionaries(WORDS, st.sampled_from(["", "2026-01-01", "2027-01-01"]), max_size=2)),
    linked=st.dictionaries(WORDS, WORDS, max_size=3), feed=FEEDS,
)  # fmt: skip


@given(FACTS, FACTS, FACTS)
def test_joining_is_commutative_associative_and_idempotent(
    one: SellerFacts, other: SellerFacts, third: SellerFacts
) -> None:
    assert join(one, other) == join(other, one)
    assert join(join(one, other), third) == join(one, join(other, third))
    once = join(one, other)
    assert join(once, once) == once == join(once, other)


@given(FACTS)
def test_facts_read_back_as_they_were_written(one: SellerFacts) -> None:
    assert SellerFacts.read(one.written()) == one


def test_more_orders_than_a_rule_can_ask_for_are_not_kept() -> None:
    many = Bought(orders=tuple(f"A-{n:03}" for n in range(40)))
    more = Bought(orders=tuple(f"B-{n:03}" for n in range(40)))
    assert len(Bought.total([many, more, many]).orders) == MOST_ORDERS


def test_an_order_that_is_charged_on_two_days_is_one() -> None:
    days = {
        on: FeedDay(until=datetime(2026, 6, 9, tzinfo=UTC), bought={on: Bought(lines=1, orders=("A-1",))})
        for on in (DAY, date(2026, 6, 2))
    }
    assert facts(feed=days).bought() == Bought(lines=2, orders=("A-1",))


def test_what_an_earlier_version_kept_without_a_day_is_read_and_does_not_count() -> None:
    old = {"key": "Pens", "name": "Pens", "orders": ["A-1"], "codes": ["44121704"]}
    assert SellerFacts.read(old) == facts()
