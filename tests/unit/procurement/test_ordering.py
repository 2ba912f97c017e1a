"""What is ordered: never above the ceiling, never in another unit, never more than the purchase order has."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procurement.buying_policies import Ordering, OrderPolicies
from procurement.money import Money
from procurement.ordering import (
    Blocked,
    Chosen,
    Earlier,
    NotOrderable,
    Offer,
    PartKey,
    Product,
    WantedLine,
    ceiling,
    choose_offer,
    line_order,
    next_attempt,
    over_quantity,
    read_key,
    remaining,
    shipping_ceiling,
    shipping_ceilings,
    split,
    unit_problem,
    whole_units,
)

WORDS = {"pack": "PK", "box": "BX", "case": "CS"}


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def policies(**changes: Any) -> OrderPolicies:
    return OrderPolicies.model_validate(
        {"price": {"percent": 2, "absolute": "5.00"}, "cart_id_prefixes": ["cart-"], **changes}
    )


def line(**changes: Any) -> WantedLine:
    given: dict[str, Any] = {
        "number": "1", "line_id": 7, "asin": "B0SAMPLE01", "offer_id": "offer-1", "quantity": Decimal(2), "price": usd("20.00"), "unit": "EA",
        **changes,
    }  # fmt: skip
    return WantedLine(**given)


def offer(id: str = "offer-1", price: str | None = "20.00", seller: str = "Pen Traders LLC", **changes: Any) -> Offer:
    return Offer(id=id, seller=seller, price=usd(price) if price else None, **changes)


@pytest.mark.parametrize(
    ("price", "most"),
    [("20.00", "20.40"), ("1000.00", "1005.00"), ("0.10", "0.10"), ("19.99", "20.38"), ("0.333333", "0.333333")],
)
def test_the_ceiling_is_the_price_and_the_smaller_tolerance_rounded_down(price: str, most: str) -> None:
    assert ceiling(usd(price), policies(), safeguard="ours") == usd(most)


def test_where_amazon_has_a_safeguard_ours_does_not_come_on_top() -> None:
    assert ceiling(usd("20.00"), policies(), safeguard="amazon") == usd("20.00")


@given(st.decimals(min_value="0.01", max_value="9999", places=2))
def test_a_ceiling_is_never_below_the_price_and_never_above_the_tolerance(price: Decimal) -> None:
    most = ceiling(Money(price, "USD"), policies(), safeguard="ours").amount
    assert price <= most <= price + min(price * 2 / 100, Decimal(5))


def test_without_a_policy_no_price_may_rise_and_shipping_is_not_limited() -> None:
    bare = OrderPolicies()
    assert ceiling(usd("20.00"), bare, safeguard="ours") == usd("20.00")
    assert shipping_ceiling([(usd("20.00"), 2)], bare, currency="USD") is None


def test_shipping_is_limited_by_the_goods_of_the_order() -> None:
    chosen = policies(shipping={"percent": 10, "absolute": "25.00"})
    assert shipping_ceiling([(usd("20.00"), 2), (usd("1.00"), 10)], chosen, currency="USD") == usd("5.00")


def shares(spent: Money | None, *parts: str) -> list[str]:
    """Of a PO of USD 200 whose shipping may cost USD 20.00."""
    found = shipping_ceilings(
        [[(usd(part), 1)] for part in parts], [(usd("20.00"), 10)], policies(shipping={"percent": 50, "absolute": "20.00"}),
        spent=spent, currency="USD",
    )  # fmt: skip
    return [f"{one.amount:.2f}" for one in found if one is not None]


def test_the_parts_of_a_po_share_its_shipping_ceiling_by_their_goods_to_the_cent() -> None:
    assert shares(usd("0"), "200.00") == ["20.00"]
    assert shares(usd("0"), "100.00", "100.00") == ["10.00", "10.00"]
    assert shares(usd("0"), "50.00", "50.00", "50.00") == ["6.67", "6.67", "6.66"]


def test_a_further_order_has_only_what_the_earlier_ones_left_of_the_ceiling() -> None:
    assert shares(usd("4.99"), "40.00") == ["15.01"]
    assert shares(usd("20.00"), "40.00") == shares(usd("31.00"), "40.00") == shares(None, "40.00") == ["0.00"]


@given(st.lists(st.integers(1, 99999), min_size=1, max_size=6), st.integers(0, 3000))
def test_whatever_a_po_is_split_into_its_shipping_stays_within_its_ceiling(cents: list[int], spent: int) -> None:
    goods = [str(Decimal(one) / 100) for one in cents]
    found = shares(Money(Decimal(spent) / 100, "USD"), *goods)
    assert len(found) == len(goods)
    assert sum(map(Decimal, found)) == max(Decimal(0), Decimal(20) - Decimal(spent) / 100)


def test_where_shipping_is_not_limited_no_part_is() -> None:
    assert shipping_ceilings([[(usd("1"), 1)]] * 2, [(usd("1"), 2)], OrderPolicies(), spent=None, currency="USD") == [
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("quantity", "said"), [(None, "by amount"), (Decimal("1.5"), "1.5 units"), (Decimal(0), "0 units")]
)
def test_amazon_sells_whole_units(quantity: Decimal | None, said: str) -> None:
    found = whole_units(line(quantity=quantity))
    assert isinstance(found, NotOrderable) and said in found.sentence
    assert whole_units(line(quantity=Decimal("3.000000"))) == 3


@pytest.mark.parametrize(
    ("unit", "pack_size", "packages", "bundle", "said"),
    [
        ("EA", None, (), None, None),
        ("EA", None, ("Pack",), 12, "asks for EA, and Amazon sells B0SAMPLE01 by the pack of 12"),
        ("PK", None, ("Pack",), 12, None),
        ("PK", 12, ("Pack",), 12, None),
        ("PK", 10, ("Pack",), 12, "means 10 pieces by one PK"),
        ("BX", None, ("Pack",), None, "asks for BX, and Amazon sells B0SAMPLE01 by the pack"),
        ("EA", None, (), 12, "asks for single pieces (EA)"),
        ("EA", 12, (), 12, None),
        (None, None, (), None, "names no unit of measure"),
        ("EA", None, ("1 Count",), None, None),
        ("EA", None, ("12 Count",), None, "asks for single pieces (EA), and Amazon sells B0SAMPLE01 by the piece of 12"),
        ("PK", None, ("12 Count",), None, None),
        ("PK", 12, ("Pack of 12",), None, None),
        ("PK", 12, ("12-Pack",), 12, None),
        ("PK", 10, ("Pack of 12",), None, "means 10 pieces by one PK, and Amazon sells B0SAMPLE01 by the pack of 12"),
        ("PK", 12, ("1 Count (Pack of 12)",), None, None),
        ("EA", None, ("1 Count (Pack of 12)",), None, "by the pack of 12"),
        ("BX", None, ("Pack of 12",), None, "asks for BX, and Amazon sells B0SAMPLE01 by the pack of 12"),
        ("PK", None, ("Pack of 2",), 12, "gives several counts for one unit of B0SAMPLE01"),
    ],
)  # fmt: skip
def test_a_unit_at_amazon_must_be_what_the_po_line_means(
    unit: str | None, pack_size: int | None, packages: tuple[str, ...], bundle: int | None, said: str | None
) -> None:
    product = Product(asin="B0SAMPLE01", packages=packages, bundle=bundle)
    found = unit_problem(line(unit=unit, pack_size=pack_size), product, policies(), WORDS)
    assert (found is None) if said is None else (found is not None and said in found)


@pytest.mark.parametrize(
    ("unit", "pack_size", "packages", "bundle", "said"),
    [
        ("PK", None, (), None, "asks for PK, and Amazon does not say that B0SAMPLE01 is sold so"),
        ("PK", None, (), 1, "it may be a single piece"),
        ("PK", None, ("1 Count",), None, "it may be a single piece"),
        ("PK", 12, ("Pack",), None, "means 12 pieces by one PK, and Amazon does not say how many"),
        ("EA", 12, (), None, "means 12 pieces by one EA, and Amazon does not say how many"),
    ],
)
def test_more_than_single_pieces_that_amazon_does_not_confirm_is_held_unless_policy_accepts_it(
    unit: str, pack_size: int | None, packages: tuple[str, ...], bundle: int | None, said: str
) -> None:
    product, wanted = Product(asin="B0SAMPLE01", packages=packages, bundle=bundle), line(unit=unit, pack_size=pack_size)
    assert said in (unit_problem(wanted, product, policies(), WORDS) or "")
    assert unit_problem(wanted, product, policies(units_unknown="accept"), WORDS) is None


def test_accepting_what_is_unknown_does_not_accept_what_differs() -> None:
    product = Product(asin="B0SAMPLE01", packages=("Pack of 12",))
    assert unit_problem(line(unit="BX"), product, policies(units_unknown="accept"), WORDS) is not None
    assert unit_problem(line(unit="PK", pack_size=10), product, policies(units_unknown="accept"), WORDS) is not None


def choose(
    wanted: WantedLine, current: list[Offer], *, known: list[Offer] | None = None, **more: Any
) -> Chosen | NotOrderable:
    product = Product(asin="B0SAMPLE01", offers=tuple(current))
    named = {one.id: one for one in (current if known is None else known)}
    return choose_offer(wanted, 2, known=named, product=product, most=usd("20.40"), policies=policies(**more))


def test_the_approved_offer_is_taken_while_it_stands_within_the_ceiling() -> None:
    assert choose(line(), [offer(price="20.40"), offer("cheaper", "10.00")]) == Chosen("offer-1")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"price": "20.41"}, "above the most we may pay, USD 20.40"),
        ({"price": None}, "has no price"),
        ({"blocked": True}, "blocked by the company's own policy"),
        ({"least": 5}, "at least 5 units"),
        ({"most": 1}, "at most 1 units"),
    ],
)
def test_an_approved_offer_that_does_not_fit_is_held_with_what_is_on_offer(changed: dict[str, Any], said: str) -> None:
    found = choose(line(), [offer(**changed), offer("other", "19.00", "Other Ltd")])
    assert isinstance(found, NotOrderable)
    assert said in found.sentence and "Other Ltd at USD 19.00" in found.sentence


def test_an_offer_in_another_currency_is_not_taken() -> None:
    foreign = Offer(id="offer-1", seller="X", price=Money.of("10.00", "CAD"))
    found = choose(line(), [foreign])
    assert isinstance(found, NotOrderable) and "is in CAD, the PO in USD" in found.sentence


def test_when_the_offer_has_ended_the_same_sellers_current_one_is_taken_and_no_other() -> None:
    wanted = line(offer_id="gone", seller="pen traders llc")
    assert choose(wanted, [offer("cheap", "5.00", "Other Ltd"), offer("new", "20.10")]) == Chosen("new")
    for current in ([offer("cheap", "5.00", "Other Ltd")], [offer("new", "20.41")], []):
        assert isinstance(choose(wanted, current), NotOrderable)
    assert isinstance(choose(line(offer_id="gone"), [offer("new", "20.10")]), NotOrderable)


@pytest.mark.parametrize("offer_id", [None, "cart-77"])
def test_a_line_that_names_no_offer_or_a_cart_chooses_by_policy(offer_id: str | None) -> None:
    current = [offer("dear", "20.40"), offer("cheap", "19.00", "Other Ltd"), offer("over", "25.00")]
    assert choose(line(offer_id=offer_id), current, without_offer="cheapest") == Chosen("cheap")
    held = choose(line(offer_id=offer_id), current)
    assert isinstance(held, NotOrderable) and "it names no offer" in held.sentence
    assert isinstance(choose(line(offer_id=offer_id), [offer("over", "25.00")], without_offer="cheapest"), NotOrderable)


@given(st.integers(0, 160))
def test_parts_have_at_most_fifty_lines_and_lose_none(count: int) -> None:
    units = {str(number): number for number in range(count, 0, -1)}
    parts = split(units)
    assert all(0 < len(part) <= 50 for part in parts)
    assert [pair for part in parts for pair in part.items()] == sorted(units.items(), key=lambda pair: int(pair[0]))


def test_line_numbers_are_ordered_as_numbers_where_they_are_numbers() -> None:
    assert sorted(["10", "2", "A", "1.5"], key=line_order) == ["1.5", "2", "10", "A"]


def test_a_key_names_po_part_and_attempt_whatever_the_po_is_called() -> None:
    key = PartKey("PO-2026-7", 2, 1)
    assert str(key) == "PO-2026-7-2-1" and read_key(str(key)) == key
    assert read_key("PO-1") is None and read_key("a-b-c") is None


def test_the_last_check_before_sending_names_lines_beyond_their_quantity() -> None:
    assert over_quantity({"1": 5}, {"1": 3}, {"1": 2}) == []
    (sentence,) = over_quantity({"1": 5}, {"1": 3}, {"1": 3})
    assert sentence == "Line 1: 3 units would be ordered on top of 3, and the PO has 5."


def test_while_an_order_has_no_answer_nothing_remains_to_be_ordered() -> None:
    waiting = Earlier(key=PartKey("7", 1, 1), fate="unanswered")
    assert remaining({"1": 5}, [waiting]) == Blocked((PartKey("7", 1, 1),))


def test_an_open_plan_keeps_its_attempt_and_an_answer_starts_the_next() -> None:
    opened, answered = (Earlier(key=PartKey("7", 1, 1), fate=fate) for fate in ("open", "answered"))  # type: ignore[arg-type]
    assert next_attempt([]) == 1
    assert next_attempt([opened]) == 1
    assert next_attempt([answered]) == 2
    assert next_attempt([answered, Earlier(key=PartKey("7", 2, 1), fate="open")]) == 2
    assert next_attempt([answered, Earlier(key=PartKey("7", 1, 2), fate="open")]) == 2


def test_requesters_are_known_by_address_or_by_domain() -> None:
    ordering = Ordering.model_validate({
        "buyer_email": "b@example.com", "buying_group": "G", "requesters": ["Jane@Example.com", "*@lab.example"],
    })  # fmt: skip
    assert ordering.knows("jane@example.com") and ordering.knows("any@LAB.example")
    assert not ordering.knows("joe@example.com") and not ordering.knows(None)


ANSWERS = st.sampled_from(["full", "part", "none", "unknown_found", "unknown_not_found", "not_sent"])


@given(
    st.lists(st.tuples(ANSWERS, st.integers(0, 9), st.booleans()), max_size=12), st.integers(1, 9), st.integers(1, 9)
)
def test_over_every_sequence_of_answers_accepted_units_never_exceed_the_quantity(
    steps: list[tuple[str, int, bool]], first: int, second: int
) -> None:
    """A PO of two lines; after each answer a person may name it again. Amazon is what counts: `ordered` is what it took."""
    quantity = {"1": first, "2": second}
    earlier: list[Earlier] = []
    ordered = {"1": 0, "2": 0}
    unknown: dict[PartKey, dict[str, int]] = {}
    for answer, some, named in steps:
        if earlier and not named:
            continue
        left = remaining(quantity, earlier)
        if isinstance(left, Blocked):
            assert any(one.fate == "unanswered" for one in earlier)
            earlier = [asked_for(one, unknown) for one in earlier]
            continue
        key = PartKey("7", 1, next_attempt(earlier))
        if not left:
            continue
        assert over_quantity(quantity, taken(earlier), left) == []
        earlier = [one for one in earlier if one.key != key]
        if answer == "not_sent":
            earlier.append(Earlier(key=key, fate="open"))
            continue
        accepted = {number: accepted_of(answer, units, some) for number, units in left.items()}
        for number, units in accepted.items():
            ordered[number] += units
        unknown[key] = accepted
        fate = "unanswered" if answer.startswith("unknown") else "answered"
        earlier.append(Earlier(key=key, fate=fate, accepted={} if fate == "unanswered" else accepted))  # type: ignore[arg-type]
        assert all(ordered[number] <= quantity[number] for number in quantity)


def accepted_of(answer: str, units: int, some: int) -> int:
    return {"full": units, "unknown_found": units, "part": min(some, units)}.get(answer, 0)


def taken(earlier: list[Earlier]) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in earlier:
        for number, units in one.accepted.items():
            total[number] = total.get(number, 0) + units
    return total


def asked_for(one: Earlier, unknown: dict[PartKey, dict[str, int]]) -> Earlier:
    """Asking tells what Amazon took of an order whose answer was lost."""
    return one if one.fate != "unanswered" else Earlier(key=one.key, fate="answered", accepted=unknown[one.key])
