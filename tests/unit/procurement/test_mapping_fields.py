"""One field: where its value comes from, and what is said when there is none."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from procurement.mapping.converters import (
    CONVERTERS,
    FieldProblem,
    date_in_zone,
    to_date,
    to_money,
    to_number,
    to_text,
    to_whole,
    zone,
)
from procurement.mapping.fields import Tables, compile_read, compile_target
from procurement.mapping.grammar import ConverterName, FieldRule, split_path
from procurement.mapping.lookups import Lookup
from procurement.money import Money

TABLES = Tables(
    {
        "gl": Lookup("gl", {"6100": "10-6100", "4100/6100": "10-4100-6100"}),
        "unspsc": Lookup("unspsc", {"44": "Office", "4412": "Pens"}, "prefix"),
    },
    {"A1": "Asia/Tokyo", "A2": "America/Los_Angeles"},
)


def field(target: str, *rules: dict[str, Any]) -> Any:
    return compile_target(target, [FieldRule.model_validate(rule) for rule in rules], TABLES)


def problem(target: str, rule: dict[str, Any], context: dict[str, Any]) -> str:
    with pytest.raises(FieldProblem) as caught:
        field(target, rule)(context)
    return str(caught.value)


def line(**values: object) -> dict[str, Any]:
    return {"line": values}


def test_a_path_leads_through_objects_and_lists() -> None:
    context = {"po": {"lines": [{"code": "A"}, {"code": "B"}], "x.y": "dotted"}}
    assert compile_read(["po.lines.1.code"])(context) == "B"
    assert compile_read(["po.lines.2.code"])(context) is None
    assert compile_read(["po.lines.first.code"])(context) is None
    assert compile_read(["po.nothing.code"])(context) is None
    assert compile_read([r"po.x\.y"])(context) == "dotted"
    assert compile_read(["line.asin"])(context) is None
    assert compile_read(["po.lines.1.code.more"])(context) is None
    assert split_path(r"a.b\.c.d") == ("a", "b.c", "d")


def test_the_first_filled_path_counts_and_blanks_are_not_filled() -> None:
    rule = {"from": ["line.businessOrderInfo.GL code", "line.businessOrderInfo.glCode"]}
    assert field("account", rule)(line(businessOrderInfo={"GL code": "6100", "glCode": "9"})) == "6100"
    assert field("account", rule)(line(businessOrderInfo={"GL code": "  ", "glCode": "9"})) == "9"
    assert field("account", rule)(line(businessOrderInfo={"GL code": "", "glCode": 9})) == "9"
    assert field("account", rule)(line()) is None


def test_the_first_rule_that_yields_a_value_counts() -> None:
    target = field("account", {"from": "line.a"}, {"from": "line.b", "lookup": "gl"}, {"default": "none"})
    assert target(line(a="1", b="6100")) == "1"
    assert target(line(b="6100")) == "10-6100"
    assert target(line(b="unknown")) == "none"
    assert target(line()) == "none"


def test_a_key_without_a_row_is_a_problem_where_no_other_rule_follows() -> None:
    assert (
        problem("account", {"from": "line.b", "lookup": "gl"}, line(b="6999"))
        == "is unknown: gl.yml has no row for '6999'; add one"
    )
    assert field("account", {"from": "line.b", "lookup": "gl"})(line()) is None


def test_a_rule_counts_only_where_nothing_stands_at_its_unless_and_a_lost_key_is_named() -> None:
    both = {"from_all": [["line.cc"], ["line.gl"]], "lookup": "gl"}
    alone = {"from": "line.gl", "unless": "line.cc", "lookup": "gl"}
    target = field("account", both, alone)
    assert target(line(cc="4100", gl="6100")) == "10-4100-6100"
    assert target(line(gl="6100")) == "10-6100"
    with pytest.raises(FieldProblem, match=r"is unknown: gl\.yml has no row for '4199/6100'; add one"):
        target(line(cc="4199", gl="6100"))
    assert field("account", {"from": "line.a", "lookup": "gl"}, {"default": "elsewhere"})(line(a="6999")) == "elsewhere"


def test_several_values_make_one_key_only_when_all_are_filled() -> None:
    target = field("account", {"from_all": [["line.cc", "line.costCenter"], ["line.gl"]], "lookup": "gl"})
    assert target(line(costCenter=4100, gl=" 6100 ")) == "10-4100-6100"
    assert target(line(cc="4100")) is None


def test_a_required_field_says_where_it_looked() -> None:
    rule = {"from": ["line.a", "line.b"], "required": True}
    assert problem("account", rule, line(b=" ")) == "is missing (looked in line.a, line.b)"
    assert problem("description", {"from": "line.a"}, line()) == "is missing (looked in line.a)"


def test_a_default_stands_in_for_nothing_only() -> None:
    rule = {"from": "line.a", "default": "EA"}
    assert field("unit_of_measure", rule)(line()) == "EA"
    assert field("unit_of_measure", rule)(line(a="PK")) == "PK"


def test_long_text_is_cut_or_refused() -> None:
    assert field("description", {"from": "line.a", "convert": "truncate", "max": 5})(line(a="pens and ink")) == "pens"
    assert field("description", {"from": "line.a", "max": 4})(line(a="pens")) == "pens"
    assert (
        problem("description", {"from": "line.a", "max": 3}, line(a="pens"))
        == "is 4 characters long; at most 3 are allowed"
    )
    assert field("number", {"from": "line.a"})(line(a="x" * 40)) == "x" * 40
    assert problem("number", {"from": "line.a"}, line(a="x" * 41)) == "is 41 characters long; at most 40 are allowed"


@pytest.mark.parametrize(
    ("target", "limit"),
    [
        ("number", 40), ("original_number", 40), ("description", 1550), ("po_number", 20), ("po_line_number", 255), ("part_number", 255),
        ("match_reference", 255),
    ],
)  # fmt: skip
def test_no_field_is_longer_than_coupa_takes(target: str, limit: int) -> None:
    assert field(target, {"from": "line.a"})(line(a="x" * limit)) == "x" * limit
    assert f"at most {limit} are allowed" in problem(target, {"from": "line.a"}, line(a="x" * (limit + 1)))


def test_what_coupa_cannot_do_without_is_needed_whatever_the_mapping_says() -> None:
    needed = "number date supplier currency supplier_total is_refund principal total po_number po_line_number po_line_id description"
    for target in needed.split():
        assert problem(target, {"from": "line.a"}, line()) == "is missing (looked in line.a)"
    assert field("commodity", {"from": "line.a"})(line()) is None


def test_a_text_of_ten_megabytes_is_refused_at_once() -> None:
    said = problem("description", {"from": "line.a", "convert": "truncate", "max": 5}, line(a="x" * 10_000_000))
    assert said == "is 10,000,000 characters long; no field takes more than 20,000"
    assert to_text("x" * 20_000) == "x" * 20_000
    assert len(problem("tax_rate", {"from": "line.a"}, line(a="9" * 10_000_000))) < 120


def test_conversions_run_in_their_order_before_the_lookup() -> None:
    rule = {"from": "line.a", "convert": ["digits"], "lookup": "unspsc"}
    assert field("commodity", rule)(line(a="44-12-17")) == "Pens"
    assert field("commodity", rule)(line(a="44990000")) == "Office"
    assert (
        field("description", {"from": "line.a", "convert": ["single_line", "upper"]})(line(a=" red\n pens "))
        == "RED PENS"
    )
    assert field("description", {"from": "line.a", "convert": "lower"})(line(a="Red")) == "red"
    assert field("commodity", rule)(line(a="no digits")) is None


@pytest.mark.parametrize(
    ("moment", "zone", "day"),
    [
        ("2026-02-01T07:30:00Z", "A2", date(2026, 1, 31)),  # 23:30 of the day before
        ("2026-02-01T08:00:00Z", "A2", date(2026, 2, 1)),
        ("2026-01-31T15:00:00+00:00", "A1", date(2026, 2, 1)),
        ("2026-01-31T23:00:00", "A2", date(2026, 1, 31)),
        (datetime.fromisoformat("2026-07-01T06:59:59Z"), "A2", date(2026, 6, 30)),
    ],
)
def test_the_day_is_that_of_the_marketplace(moment: object, zone: str, day: date) -> None:
    target = field("date", {"from": "line.when", "convert": "marketplace_date", "zone_from": "line.market"})
    assert target(line(when=moment, market=zone)) == day


def test_a_marketplace_without_a_zone_cannot_date_anything() -> None:
    rule = {"from": "line.when", "convert": "marketplace_date", "zone_from": "line.market"}
    said = problem("date", rule, line(when="2026-02-01T07:30:00Z", market="A9"))
    assert said == "cannot be dated: marketplace 'A9' has no time zone in policies.yml"


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("soon", "is 'soon', which is no date"),
        ("2026-13-01", "is '2026-13-01', which is no date"),
        (20260131, "is 20260131, where a date is needed"),
        ("1999-12-31", "is 1999-12-31; dates must be between 2000 and 2099"),
        ("2100-01-01", "is 2100-01-01; dates must be between 2000 and 2099"),
    ],
)
def test_absurd_dates_are_refused(value: object, sentence: str) -> None:
    assert problem("date", {"from": "line.a"}, line(a=value)) == sentence


def test_the_first_and_last_plausible_day_are_taken() -> None:
    assert to_date("2000-01-01") == date(2000, 1, 1)
    assert to_date(date(2099, 12, 31)) == date(2099, 12, 31)
    assert to_date("2026-02-01T23:59:00-08:00") == date(2026, 2, 1)
    with pytest.raises(FieldProblem, match="no plausible date"):
        date_in_zone("0001-01-01T00:00:00Z", "America/Los_Angeles")


@pytest.mark.parametrize("value", [0.1, True, None, [1]])
def test_a_number_is_never_a_float(value: object) -> None:
    with pytest.raises(FieldProblem):
        to_number(value)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (0.1, "is 0.1, where an amount with its currencyCode is needed"),
        ({"amount": "1"}, "is {'amount': '1'}, where an amount with its currencyCode is needed"),
        ({"currencyCode": "USD"}, "where an amount with its currencyCode is needed"),
        (
            {"currencyCode": "USD", "amount": 0.1},
            "cannot be used: 0.1 is a float; amounts are text, whole numbers or Decimal, never floats",
        ),
        ({"currencyCode": "XXX", "amount": "1"}, "cannot be used: unknown currency 'XXX'; known are AUD"),
        ({"currencyCode": "USD", "amount": "abc"}, "cannot be used: 'abc' is not a number"),
        ({"currencyCode": "USD", "amount": "1E+99"}, "cannot be used: '1E+99' is not a plausible amount or quantity"),
    ],
)
def test_money_needs_an_exact_amount_and_a_known_currency(value: object, sentence: str) -> None:
    assert sentence in problem("principal", {"from": "line.a"}, line(a=value))


def test_money_takes_texts_and_decimals() -> None:
    assert to_money({"currencyCode": "USD", "amount": Decimal("1.5")}) == Money.of("1.5", "USD")


@pytest.mark.parametrize(
    ("fraction", "rate"),
    [("0.0825", "8.25"), ("0.1", "10"), ("1", "100"), ("0", "0"), (Decimal("0.19"), "19"), (0, "0")],
)
def test_a_fraction_is_a_rate_in_percent(fraction: object, rate: str) -> None:
    assert str(CONVERTERS["percent"].convert(fraction)) == rate


@pytest.mark.parametrize("value", ["1.01", "-0.01", "8.25", 0.0825, "x"])
def test_a_rate_that_is_no_fraction_is_refused(value: object) -> None:
    with pytest.raises(FieldProblem):
        CONVERTERS["percent"].convert(value)


def test_only_known_transaction_types_are_charges_or_refunds() -> None:
    convert = CONVERTERS["is_refund"].convert
    assert [convert("CHARGE"), convert("REFUND"), convert("OVERREFUND")] == [False, True, True]
    with pytest.raises(FieldProblem, match="is 'charge'; known are CHARGE, REFUND, OVERREFUND"):
        convert("charge")
    with pytest.raises(FieldProblem):
        convert(["CHARGE"])


def test_texts_are_trimmed_and_nothing_else_becomes_one() -> None:
    assert to_text("  a ") == "a"
    assert to_text("  ") is None
    assert to_text(Decimal("1.50")) == "1.50"
    assert to_text(12) == "12"
    for value in (True, 1.5, {"a": 1}, ["a"]):
        with pytest.raises(FieldProblem, match="where a text is needed"):
            to_text(value)


def test_a_number_is_at_most_forty_characters_long() -> None:
    assert to_number("0" * 39 + "1") == 1
    with pytest.raises(FieldProblem, match="which is no number"):
        to_number("0" * 40 + "1")


def test_conversions_say_exactly_what_is_wrong() -> None:
    for convert, value, sentence in (
        (to_whole, "12.5", "is 12.5, where a whole number is needed"),
        (to_number, None, "is None, where an exact number is needed"),
        (to_text, 1.5, "is 1.5, where a text is needed"),
        (CONVERTERS["percent"].convert, "2", "is '2'; a rate is a fraction between 0 and 1"),
        (CONVERTERS["is_refund"].convert, "X", "is 'X'; known are CHARGE, REFUND, OVERREFUND"),
        (to_money, 5, "is 5, where an amount with its currencyCode is needed"),
    ):
        with pytest.raises(FieldProblem) as caught:
            convert(value)
        assert str(caught.value) == sentence


def test_a_time_zone_that_does_not_exist_is_named() -> None:
    with pytest.raises(ValueError, match="^there is no time zone 'Mars'; write one such as America/Los_Angeles$"):
        zone("Mars")


def test_whole_numbers_have_no_fraction() -> None:
    assert to_whole("12") == 12
    assert to_whole(Decimal("12.0")) == 12
    with pytest.raises(FieldProblem, match=r"is 12\.5, where a whole number is needed"):
        to_whole("12.5")


def test_a_target_refuses_the_wrong_kind_of_value() -> None:
    assert problem("is_refund", {"from": "line.a"}, line(a="yes")) == "is 'yes', where true or false is needed"
    assert problem("po_line_id", {"from": "line.a"}, line(a="x")) == "cannot be used: 'x' is not a number"
    assert field("is_refund", {"from": "line.a"})(line(a=True)) is True


def test_the_grammar_and_the_converters_know_the_same_words() -> None:
    assert set(CONVERTERS) == set(ConverterName.__args__)  # type: ignore[attr-defined]
    assert all(converter.meaning for converter in CONVERTERS.values())


def test_a_lookup_answers_for_the_longest_prefix_or_its_default() -> None:
    table = Lookup("t", {"44": "Office", "4412": "Pens", "441217": "Ink"}, "prefix", "Other")
    assert [table.find(key) for key in ("44121704", "44129999", "44", "441217", "4", "")] == [
        "Ink",
        "Pens",
        "Office",
        "Ink",
        "Other",
        "Other",
    ]
    assert Lookup("t", {"44": "Office"}, "exact").find("4412") is None
    assert Lookup("t", {"44": "Office"}, "prefix").find("45") is None
