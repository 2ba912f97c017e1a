"""Amazon's verdict on an order in plain words, whatever was refused of it and why."""

from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from connectors.amazon_business.order_results import OrderResult
from procurement.ledger.encoding import dump_json, parse_json
from procurement.money import Money
from procurement.order_results import Asked, OrderOutcome, read_facts, read_outcome, shipping_spent

USD = "USD"
REASONS: dict[str, tuple[dict[str, Any], str]] = {
    "price": (
        {
            "rejectionArtifactType": "BrokenUnitPriceExpectation",
            "boundary": {"currencyCode": USD, "amount": Decimal("20.38")},
            "actualAmount": {"currencyCode": USD, "amount": Decimal("21.5")},
        },
        "a unit costs USD 21.50, and at most USD 20.38 is allowed",
    ),
    "shipping": (
        {
            "rejectionArtifactType": "BrokenChargeExpectation",
            "boundary": {"currencyCode": USD, "amount": 5},
            "actualAmount": {"currencyCode": USD, "amount": Decimal("7.25")},
            "sources": ["SHIPPING"],
        },
        "shipping costs USD 7.25, and at most USD 5.00 is allowed",
    ),
    "quantity": ({"rejectionArtifactType": "UnavailableQuantity", "quantity": 2}, "2 are not available"),
    "age": (
        {"rejectionArtifactType": "AgeRestriction", "minimumAge": 18},
        "it is sold only to people of 18 or older",
    ),
    "delivery": (
        {
            "rejectionArtifactType": "DeliveryTimeRangeIncongruity",
            "upperBoundary": "2026-03-05T00:00:00Z",
            "actualDateTime": "2026-03-09T00:00:00Z",
        },
        "it would arrive on 2026-03-09, and the latest that is allowed is 2026-03-05",
    ),
}


def asked(lines: int, units: int = 3) -> dict[str, Asked]:
    return {
        str(number): Asked(number=str(number), asin="B0SAMPLE01", units=units, price=Money.of("19.99", USD))
        for number in range(1, lines + 1)
    }


def accepted(units: int, order_id: str | None = "112-1111111-2222222") -> dict[str, Any]:
    artifacts: list[dict[str, Any]] = [
        {"acceptanceArtifactType": "UnitPrice", "amount": {"currencyCode": USD, "amount": Decimal("19.99")}},
        {
            "acceptanceArtifactType": "DeliveryTimeRange",
            "lowerBoundary": "2026-03-04T03:00:00Z",
            "upperBoundary": "2026-03-05T03:00:00Z",
        },
    ]
    if order_id:
        artifacts.append({"acceptanceArtifactType": "OrderIdentifier", "identifier": order_id})
    return {"acceptedItemType": "SingleAcceptedItem", "quantity": units, "artifacts": artifacts}


def answer(
    lines: list[dict[str, Any]], *, signed: bool = True, against: tuple[dict[str, Any], ...] = ()
) -> OrderResult:
    return OrderResult.model_validate(
        {
            "lineItems": lines,
            "acceptanceArtifacts": [{"acceptanceArtifactType": "Signed"}] if signed else [],
            "rejectionArtifacts": list(against),
        }
    )


def line(number: str, *, taken: int, refused: int = 0, why: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "externalId": number,
        "acceptedItems": [accepted(taken)] if taken else [],
        "rejectedItems": [{"quantity": refused, "artifacts": [why] if why else []}] if refused else [],
    }


@pytest.mark.parametrize(("taken", "reason", "count"), list(product((3, 1, 0), REASONS, (1, 2, 51))), ids=str)
def test_every_partial_acceptance_is_told_line_by_line_with_the_money_at_stake(
    taken: int, reason: str, count: int
) -> None:
    why, words = REASONS[reason]
    refused = 3 - taken
    others = [line(str(number), taken=3) for number in range(2, count + 1)]
    outcome = read_outcome(
        asked(count), answer([line("1", taken=taken, refused=refused, why=why), *others], signed=True)
    )
    assert outcome.accepted_units == taken + 3 * (count - 1)
    assert outcome.taken == {"1": taken, **{str(number): 3 for number in range(2, count + 1)}}
    assert outcome.alarms == () and outcome.settled
    if not refused:
        assert outcome.rejections == [] and outcome.refused is None
        return
    stake = Money.of("19.99", USD) * refused
    (sentence,) = outcome.rejections
    assert sentence == f"Line 1 (B0SAMPLE01): {refused} of 3 units are not ordered, {stake}: {words}."
    assert outcome.lines[0].rejected[0].kind == reason
    assert (outcome.refused is None) == (taken > 0 or count > 1)


def test_a_reason_against_the_whole_order_answers_for_lines_that_say_nothing() -> None:
    message = {"rejectionArtifactType": "RejectionMessage", "message": "Legal entity is\nmissing."}
    outcome = read_outcome(asked(2), answer([], signed=False, against=(message,)))
    assert outcome.refused is not None and outcome.settled
    assert (
        outcome.rejections[1]
        == "Line 2 (B0SAMPLE01): 3 of 3 units are not ordered, USD 59.97: Amazon says: Legal entity is missing."
    )


def test_a_charge_other_than_shipping_and_an_unknown_reason_are_other_reasons() -> None:
    tax = {**REASONS["shipping"][0], "sources": ["TAX"]}
    outcome = read_outcome(asked(1), answer([line("1", taken=0, refused=3, why=tax)]))
    assert outcome.lines[0].rejected[0].kind == "other" and "tax costs USD 7.25" in outcome.rejections[0]
    strange = read_outcome(asked(1), answer([line("1", taken=0, refused=3, why={"rejectionArtifactType": "Moon"})]))
    assert strange.rejections == [
        "Line 1 (B0SAMPLE01): 3 of 3 units are not ordered, USD 59.97: Amazon's reason is Moon."
    ]
    silent = read_outcome(asked(1), answer([line("1", taken=0, refused=3)]))
    assert silent.rejections[0].endswith("Amazon gives no reason.")


def test_more_than_was_asked_and_lines_nobody_asked_for_are_alarms() -> None:
    outcome = read_outcome(asked(1), answer([line("1", taken=5), line("9", taken=1)]))
    assert [alarm[:60] for alarm in outcome.alarms] == [
        "ALARM: line 1: Amazon accepted 5 units of 3 asked for; 2 too",
        "ALARM: Amazon answers for line 9, which was not asked for: 1",
    ]
    assert outcome.taken == {"1": 5}


def test_units_the_answer_says_nothing_of_count_as_taken_and_are_an_alarm() -> None:
    outcome = read_outcome(asked(1), answer([line("1", taken=1)]))
    assert outcome.taken == {"1": 3} and outcome.refused is None
    assert "says nothing of 2 of 3 units, USD 39.98" in outcome.alarms[0]


def test_the_same_line_twice_in_an_answer_is_added_up() -> None:
    assert read_outcome(asked(1), answer([line("1", taken=1), line("1", taken=2)])).taken == {"1": 3}


@pytest.mark.parametrize(
    ("signed", "order_id", "settled", "alarms"),
    [(True, "112-1", True, 0), (True, None, True, 1), (False, "112-1", True, 1), (False, None, False, 1)],
)
def test_what_is_neither_signed_nor_numbered_is_not_ordered_for_sure(
    signed: bool, order_id: str | None, settled: bool, alarms: int
) -> None:
    lines = [{"externalId": "1", "acceptedItems": [accepted(3, order_id)], "rejectedItems": []}]
    outcome = read_outcome(asked(1), answer(lines, signed=signed))
    assert (outcome.settled, len(outcome.alarms), outcome.refused) == (settled, alarms, None)


def test_an_empty_answer_settles_nothing() -> None:
    outcome = read_outcome(asked(1), answer([], signed=False))
    assert not outcome.settled and outcome.refused is None


def test_facts_are_read_as_they_were_written() -> None:
    outcome = read_outcome(
        asked(2), answer([line("1", taken=1, refused=2, why=REASONS["price"][0]), line("2", taken=3)])
    )
    assert read_facts(parse_json(dump_json(outcome.write()))) == outcome
    assert read_facts({}) == OrderOutcome(lines=(), signed=False)


def shipped(*charges: tuple[str, str, str]) -> dict[str, Any]:
    """The facts of an order of one line, accepted with these charges."""
    item = accepted(3)
    item["artifacts"] = item["artifacts"] + [
        {
            "acceptanceArtifactType": "Charge",
            "category": category,
            "type": kind,
            "amount": {"currencyCode": USD, "amount": amount},
        }
        for category, kind, amount in charges
    ]
    result = {
        "lineItems": [{"externalId": "1", "acceptedItems": [item], "rejectedItems": []}],
        "acceptanceArtifacts": [],
        "rejectionArtifacts": [],
    }
    outcome = read_outcome(asked(1), OrderResult.model_validate(result))
    facts: dict[str, Any] = parse_json(dump_json(outcome.write()))
    assert read_facts(facts) == outcome
    return facts


def test_shipping_is_spent_as_amazon_charges_it() -> None:
    charges = [("SUBTOTAL", "PRINCIPAL", "59.97"), ("SHIPPING", "PRINCIPAL", "7.25"), ("SHIPPING", "TAX", "0.50")]
    assert shipping_spent(shipped(*charges) | {"shipping_most": "9.00"}, USD) == Money.of("7.25", USD)
    assert shipping_spent(shipped(charges[0]) | {"shipping_most": "9.00"}, USD) == Money.zero(USD)


def test_where_amazon_gives_no_charges_the_whole_ceiling_counts_as_spent() -> None:
    assert shipping_spent(shipped() | {"shipping_most": "9.00"}, USD) == Money.of("9.00", USD)
    assert shipping_spent(shipped(), USD) is None


def test_an_order_that_was_refused_spent_nothing() -> None:
    result = {
        "lineItems": [],
        "acceptanceArtifacts": [],
        "rejectionArtifacts": [{"rejectionArtifactType": "RejectionMessage"}],
    }
    outcome = read_outcome(asked(1), OrderResult.model_validate(result))
    assert shipping_spent(outcome.write() | {"shipping_most": "9.00"}, USD) == Money.zero(USD)
