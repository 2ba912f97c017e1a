"""Which limit holds: the narrowest scope, side by side; the newest entry on the invoice date; and where it stands."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from procurement.documents import ChargeKind, TaxLine
from procurement.errors import MappingError
from procurement.matching import Outcome, three_way_match
from procurement.policies import read_rule_files, read_rules, read_tolerances
from procurement.tolerances import Bound, Limits, ToleranceFile, Tolerances
from tests.unit.procurement.matches import charge, limits, only, tolerances, usd


def scoped(default: Any, **scopes: Any) -> Tolerances:
    """Upper price limits by scope."""
    return Tolerances(
        limits(price=default),
        {"AMZN-US": limits(price=scopes["supplier"])} if "supplier" in scopes else {},
        {"Pens": limits(price=scopes["commodity"])} if "commodity" in scopes else {},
        {"US Chart": limits(price=scopes["chart"])} if "chart" in scopes else {},
    )


def percent(value: str) -> dict[str, str]:
    return {"percent": value}


FULL = {"commodity": "Pens", "supplier": "AMZN-US", "chart": "US Chart"}


@pytest.mark.parametrize(
    ("scopes", "place", "value"),
    [
        ({"commodity": percent("1"), "supplier": percent("2"), "chart": percent("3")}, "commodities.Pens", 1),
        ({"supplier": percent("2"), "chart": percent("3")}, "suppliers.AMZN-US", 2),
        ({"chart": percent("3")}, "charts.US Chart", 3),
        ({}, "default", 4),
    ],
)
def test_the_narrowest_scope_decides_and_is_named(scopes: Any, place: str, value: int) -> None:
    rule = scoped(percent("4"), **scopes).find("price", **FULL)
    assert rule is not None
    assert (rule.place, rule.bound.percent) == (f"tolerances.yml: {place}.price.over", value)


def test_a_scope_overrules_one_side_and_leaves_the_other_to_the_default() -> None:
    found = scoped({"over": percent("4"), "under": percent("5")}, commodity={"over": percent("1")})
    over, under = found.find("price", **FULL), found.find("price", side="under", **FULL)
    assert over is not None and under is not None
    assert (over.bound.percent, under.bound.percent) == (1, 5)


def test_a_scope_can_switch_a_check_off_that_a_wider_one_makes() -> None:
    assert scoped(percent("4"), commodity={"over": {"checked": False}}).find("price", **FULL) is None


def test_an_absent_check_is_not_made() -> None:
    assert scoped(percent("4")).find("tax") is None
    assert scoped(percent("4")).find("price", side="under") is None


@pytest.mark.parametrize(
    ("day", "value", "since"),
    [(None, 2, ""), ("2026-06-30", 2, ""), ("2026-07-01", 1, ", from 2026-07-01"), ("2027-01-01", 3, ", from 2026-12-31")],
)  # fmt: skip
def test_the_newest_entry_in_force_on_the_invoice_date_counts(day: str | None, value: int, since: str) -> None:
    entries = [
        {"valid_from": "2026-12-31", "over": percent("3")}, {"over": percent("2")}, {"valid_from": "2026-07-01", "over": percent("1")},
    ]  # fmt: skip
    rule = scoped(entries).find("price", on=date.fromisoformat(day) if day else None)
    assert rule is not None
    assert (rule.bound.percent, rule.place) == (value, f"tolerances.yml: default.price.over{since}")


def test_a_narrow_scope_that_is_not_in_force_yet_leaves_the_wider_one() -> None:
    found = scoped(percent("4"), commodity=[{"valid_from": "2026-07-01", "over": percent("1")}])
    before, after = (found.find("price", on=day, **FULL) for day in (date(2026, 6, 30), date(2026, 7, 1)))
    assert before is not None and before.place == "tolerances.yml: default.price.over"
    assert after is not None and after.place == "tolerances.yml: commodities.Pens.price.over, from 2026-07-01"


def test_a_later_entry_replaces_side_by_side_and_can_end_a_check() -> None:
    found = scoped(
        [{"over": percent("4"), "under": percent("5")}, {"valid_from": "2026-07-01", "over": {"checked": False}}]
    )
    day = date(2026, 7, 1)
    assert found.find("price", on=day) is None
    assert found.find("price", side="under", on=day) is not None


@pytest.mark.parametrize(("combine", "allowed"), [("both", "2"), ("either", "10")])
def test_how_percent_and_amount_combine_is_said(combine: str, allowed: str) -> None:
    bound = Bound.model_validate({"percent": "2", "absolute": "10", "combine": combine})
    assert bound.of(Decimal(100)) == Decimal(allowed)
    assert bound.of(Decimal(-100)) == Decimal(allowed)


@pytest.mark.parametrize(
    "side",
    [
        {"percent": "2", "absolute": "10"},
        {"percent": "2", "combine": "both"},
        {"absolute": "2", "combine": "either"},
        {"percent": "2", "absolute": "10", "combine": "any"},
        {"checked": False, "absolute": "0"},
        {"checked": True},
        {},
        {"absolute": "-1"},
    ],
)
def test_a_side_that_leaves_a_question_open_is_refused(side: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Bound.model_validate(side)


@pytest.mark.parametrize(
    "scope",
    [
        {"price": {}},
        {"price": {"valid_from": "2026-07-01"}},
        {"price": [{"over": percent("1")}, {"over": percent("2")}]},
        {"date": {"over": percent("1")}},
        {"write_off": {"over": {"absolute": "1"}}},
        {"price": {"over": percent("1"), "account": "rounding"}},
        {"prices": {"over": percent("1")}},
    ],
)
def test_a_scope_that_says_nothing_or_too_much_is_refused(scope: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Limits.model_validate(scope)


def test_every_scope_of_the_file_is_listed_with_its_keys() -> None:
    one = {"price": {"over": percent("1")}}
    file = ToleranceFile.model_validate({
        "default": one, "charts": {"US Chart": one}, "suppliers": {"A": one}, "commodities": {"Pens": one},
        "examples": [{"check": "price", "expected": 1, "actual": 1, "breached": False}],
    })  # fmt: skip
    assert [keys for keys, _ in file.scopes()] == [("default",), ("charts", "US Chart"), ("suppliers", "A"), ("commodities", "Pens")]  # fmt: skip
    assert Tolerances.from_file(file).find("price", chart="US Chart") is not None


def test_a_finding_names_the_rule_of_its_commodity_supplier_chart_and_day(make: Any) -> None:
    from procurement.matching import three_way_match

    day = [{"over": percent("50")}, {"valid_from": "2026-02-01", "over": percent("10")}]
    order, invoice = make.order(), make.invoice(make.line(10, "11.50"), chart_of_accounts="US Chart")
    for scope, name in (("commodities", "Office Supplies"), ("suppliers", "AMZN-US"), ("charts", "US Chart")):
        given: dict[str, Any] = {"suppliers": {}, "commodities": {}, scope: {name: limits(price=day)}}
        chosen = Tolerances(tolerances(total=None, price=percent("20")).default, **given)
        result = three_way_match(invoice, {order.number: order}, [], chosen)
        assert result.outcome is Outcome.EXCEPTION
        assert only(result).rule == f"tolerances.yml: {scope}.{name}.price.over, from 2026-02-01"


def document(make: Any, *commodities: str, tax: str = "8.75", **changes: Any) -> tuple[Any, Any]:
    """A line of each commodity, each with its tax of 8.25 % or a little more."""
    lines = [
        make.line(
            number=n, po_line_id=n, po_line_number=str(n),
            tax_lines=(TaxLine(amount=usd(tax), rate=Decimal("8.25"), base=usd("100.00")),),
        )
        for n, _ in enumerate(commodities, 1)
    ]  # fmt: skip
    ordered = [make.po_line(id=n, number=str(n), commodity=name) for n, name in enumerate(commodities, 1)]
    return make.invoice(*lines, **changes), make.order(*ordered)


def judged(invoice: Any, order: Any, receipts: Any = (), **own: Any) -> Any:
    """By what holds for office supplies alone, beside wide limits for all."""
    wide = limits(tax={"absolute": "1"}, shipping={"absolute": "25"}, charges={"absolute": "25"})
    found = three_way_match(
        invoice, {order.number: order}, receipts, Tolerances(wide, {}, {"Office Supplies": limits(**own)})
    )
    return [(one.kind, one.line) for one in found.findings if one.breached]


NOTHING = {"absolute": "0"}


def test_a_commodity_decides_on_the_tax_of_its_own_lines(make: Any) -> None:
    invoice, order = document(make, "Office Supplies", "Furniture")
    assert judged(invoice, order, tax=NOTHING) == [("tax", 1)]


@pytest.mark.parametrize(("check", "kind"), [("shipping", ChargeKind.SHIPPING), ("charges", ChargeKind.MISC)])
def test_a_commodity_decides_on_the_whole_where_all_lines_have_it(make: Any, check: str, kind: ChargeKind) -> None:
    own = {check: NOTHING}
    fee = (charge(kind, "3.00"),)
    assert judged(*document(make, "Office Supplies", "Office Supplies", charges=fee), **own) == [(check, None)]
    assert judged(*document(make, "Office Supplies", "Furniture", charges=fee), **own) == []
    invoice, order = document(make, "Office Supplies", charges=fee)
    unbacked = replace(invoice, lines=(*invoice.lines, make.line(number=9, po_line_id=None, po_number="")))
    assert (check, None) not in judged(unbacked, order, **own)


def test_a_commodity_decides_on_the_date_of_its_own_lines(make: Any) -> None:
    invoice, order = document(make, "Furniture", "Office Supplies", date=date(2026, 2, 9))
    receipts = [make.receipt(10, line=1), make.receipt(10, line=2)]
    assert judged(invoice, order, receipts, date={"over": NOTHING}) == [("date", 2)]
    assert judged(invoice, order, receipts, date={"over": {"absolute": "8"}}) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Food and Beverage: #", "Food and Beverages: #", "no commodity 'Food and Beverages'; did you mean 'Food and Beverage'"),
        ("suppliers: {}", "suppliers: {AMZN-USS: {price: {over: {absolute: 0}}}}", "no supplier 'AMZN-USS'; did you mean 'AMZN-US'"),
        ("charts: {}", "charts: {US Chrat: {price: {over: {absolute: 0}}}}", "no chart 'US Chrat'; did you mean 'US Chart'"),
    ],
)  # fmt: skip
def test_a_scope_that_nothing_has_is_refused(edited: Any, old: str, new: str, message: str) -> None:
    folder = edited("tolerances.yml", old, new)
    path = folder / "tolerances.yml"
    name = new.split(":", maxsplit=1)[0]
    if old.startswith("Food"):
        path.write_text(
            path.read_text()
            .replace("commodity: Food and Beverage\n", f"commodity: {name}\n")
            .replace("commodities.Food and Beverage.price", f"commodities.{name}.price")
        )
    with pytest.raises(MappingError, match=message):
        read_rules(folder)


def test_tolerances_that_are_only_tried_are_held_against_the_other_files_too(edited: Any, tmp_path: Path) -> None:
    folder = edited("tolerances.yml", "suppliers: {}", "suppliers: {}")
    other = tmp_path / "other.yml"
    text = (folder / "tolerances.yml").read_text()
    other.write_text(text.replace("percent: 10}", "percent: 3}"))
    shipped = read_rule_files(folder)
    tried = read_tolerances(other, shipped).find("price", commodity="Food and Beverage")
    assert tried is not None and tried.bound.percent == 3
    other.write_text(text.replace("suppliers: {}", "suppliers: {AMZN-USS: {price: {over: {absolute: 0}}}}"))
    with pytest.raises(MappingError, match="other.yml:[0-9]+.*no supplier 'AMZN-USS'"):
        read_tolerances(other, shipped)
