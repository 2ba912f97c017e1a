"""Money finer than the currency, taxes in parts, and what people read when a line cannot be billed."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from procurement.charges import LineProblem, bill_line
from procurement.errors import MappingError
from procurement.money import Money
from procurement.policies import read_rules
from procurement.taxes import TaxFile, TaxRules
from tests.unit.procurement.charging import ACCOUNTS, FEE, TAXES, bill, charges, into, line, refusal, rules

HALF = {"percent": 50}
GROSS = TaxRules(
    TaxFile.model_validate({
        "countries": {"JP": {"prices": "gross", "rules": [{"code": "JP-10"}]}},
        "examples": [{"country": "JP", "rate": 10, "treatment": "taxed", "code": "JP-10"}],
    })
)  # fmt: skip


@pytest.mark.parametrize("amount", ["0.055", "0.054", "-0.055"])
def test_what_is_finer_than_a_cent_stays_with_the_first_share(amount: str) -> None:
    chosen = rules(into("discount", FEE | HALF, {"to": "handling", "description": "x", "account": "lab"} | HALF))
    billed = bill(chosen, line("20.00", discount=amount))
    (first, second) = [Decimal(share) for _, _, share in charges(billed)]
    assert first + second == Decimal(amount)
    assert second == second.quantize(Decimal("0.01")) != 0


def test_a_split_charge_with_more_decimals_keeps_them_on_its_first_account() -> None:
    chosen = rules(into("shipping", {"to": "misc", "description": "x", "accounts": {"lab": 50, "office": 50}}))
    (charge,) = bill(chosen, line(shipping="0.034"))[0].charges
    assert [(share.account, str(share.amount.amount)) for share in charge.allocations] == [
        ("L", "0.024"),
        ("O", "0.01"),
    ]


def test_tax_that_goes_to_two_tax_lines_without_a_code_of_their_own_is_one_of_the_whole() -> None:
    chosen = rules(into("tax", {"to": "tax_line"} | HALF, {"to": "tax_line"} | HALF))
    (tax,) = bill(chosen, line(tax="1.65", tax_rate=Decimal("8.25")))[0].tax_lines
    assert (tax.code, str(tax.amount), tax.rate) == ("T", "USD 1.65", Decimal("8.25"))


def test_a_discount_lowers_what_is_taxed() -> None:
    chosen = rules(into("discount", FEE))
    (tax,) = bill(chosen, line("20.00", discount="-5.00", tax="1.24", tax_rate=Decimal("8.25")))[0].tax_lines
    assert tax.base == Money.of("15.00", "USD")


def test_what_all_lines_bear_keeps_to_the_destination_of_its_own_rule() -> None:
    chosen = rules(
        into("shipping", {"to": "misc", "description": "Freight", "account": "freight", "over": "equal"}),
        into("regulatory_fee", {"to": "handling", "description": "Fee", "account": "fees", "over": "amount"}),
    )
    billed = bill(chosen, line("20.00", shipping="1.00", regulatory_fee="3.00"), line("10.00"))
    assert charges(billed) == [("misc", "F", "1.00"), ("handling", "E", "3.00")]
    assert [[str(one.total.amount) for one in part.charges] for part in billed] == [["0.50", "2.00"], ["0.50", "1.00"]]


@pytest.mark.parametrize("unit_price", ["500", "550"])  # without the tax, and with it
def test_a_refund_of_units_at_gross_prices_is_one_of_units(unit_price: str) -> None:
    refund = line(
        "-1100", currency="JPY", quantity=2, unit_price=unit_price, is_refund=True, tax="-100", marketplace="JP",
    )  # fmt: skip
    gross = replace(refund, total=Money.of("-1100", "JPY"))
    billed = bill_line(gross, rules(), GROSS, ACCOUNTS)
    assert (billed.quantity, billed.unit_price, billed.adjustment_type) == (-2, 500, "quantity")


def test_a_price_of_a_refund_never_turns_round_by_less_than_one() -> None:
    chosen = rules(into("discount", {"to": "line"}))
    assert refusal(chosen, line("-20.00", discount="20.50", is_refund=True)) == [
        "what charges.yml puts into its price comes to USD 0.50; a price is never negative."
    ]


def test_what_rounding_cannot_explain_names_the_price_with_what_was_put_into_it() -> None:
    chosen = rules(into("shipping", {"to": "line"}))
    assert refusal(chosen, line("2000000.00", quantity=6_000_000, shipping="0.50")) == [
        "6000000 x 0.333333 misses the principal USD 2,000,000.50 by 2.50, more than rounding explains."
    ]


def test_the_parts_of_a_sum_that_is_wrong_are_named_in_words() -> None:
    wrong = replace(line("20.00", gift_wrap="3.99", regulatory_fee="4.00"), total=Money.of("28.00", "USD"))
    chosen = rules(into("gift_wrap", FEE), into("regulatory_fee", FEE))
    (problem,) = refusal(chosen, wrong)
    assert problem == (
        "its components come to USD 27.99 (principal 20.00, gift wrap 3.99, regulatory fee 4.00), its totalAmount is "
        "USD 28.00: 0.01 is unexplained."
    )


def test_every_account_that_a_chart_lacks_is_named_and_every_problem_is_in_the_error() -> None:
    chosen = rules(
        into("shipping", {"to": "misc", "description": "x", "accounts": {"moon": 50, "lab": 20, "mars": 30}}),
    )
    with pytest.raises(LineProblem) as caught:
        bill_line(line(shipping="1.00"), chosen, TAXES, ACCOUNTS)
    assert str(caught.value) == "charges.yml splits USD 1.00 over accounts the chart does not have: moon, mars."
    assert str(LineProblem(["one.", "two."])) == "one. two."


def test_an_account_of_a_split_that_no_chart_has_is_found_when_the_file_is_read(edited: Callable[..., Path]) -> None:
    split = "into: {to: shipping, description: Amazon shipping, accounts: {freight: 50, frieght: 50}}"
    old = "into: {to: shipping, description: Amazon shipping, account: freight}"
    folder = edited("charges.yml", old, split)
    with pytest.raises(MappingError) as caught:
        read_rules(folder)
    lines = (folder / "charges.yml").read_text().splitlines()
    place = next(number for number, text in enumerate(lines, 1) if "frieght" in text)
    assert f"charges.yml:{place}: " in str(caught.value)
    assert "did you mean 'freight'" in str(caught.value)
