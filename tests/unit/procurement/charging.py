"""Rules of charges.yml and billed lines, as short as tests need them."""

from decimal import Decimal
from typing import Any

from procurement.charge_components import Components
from procurement.charge_rules import ChargeRules
from procurement.charges import Billed, LineProblem, bill_lines, consolidate
from procurement.money import Money
from procurement.taxes import TaxFile, TaxRules

EXAMPLES = [{"name": "x", "quantity": "1", "principal": "1", "expect": {"line": "1"}}]
ACCOUNTS = {"freight": "F", "rounding": "R", "fees": "E", "discounts": "D", "lab": "L", "office": "O"}
LINE = {"component": "principal", "into": {"to": "line"}}
TAX = {"component": "tax", "into": {"to": "tax_line"}}
SHIPPING = {"component": "shipping", "into": {"to": "shipping", "description": "Freight", "account": "freight"}}
ROUNDING = {"component": "rounding", "into": {"to": "misc", "description": "Rounding", "account": "rounding"}}
TAXES = TaxRules(
    TaxFile.model_validate(
        {
            "countries": {"US": {"rules": [{"code": "T"}, {"rate": 0, "treatment": "use_tax_due"}]}},
            "examples": [{"country": "US", "rate": 1, "treatment": "taxed", "code": "T"}],
        }
    )
)
COMPONENTS = ("shipping", "gift_wrap", "regulatory_fee", "discount", "tax")


def rules(*given_rules: Any, **choices: Any) -> ChargeRules:
    """These rules, then what every file has for principal, tax and rounding."""
    return ChargeRules.model_validate({"rules": [*given_rules, LINE, TAX, ROUNDING], "examples": EXAMPLES, **choices})


def line(principal: str = "20.00", *, currency: str = "USD", quantity: int | str = 1, **more: Any) -> Components:
    money = {name: Money.of(more.pop(name), currency) for name in (*COMPONENTS, "unit_price") if name in more}
    added = sum((amount.amount for name, amount in money.items() if name != "unit_price"), Decimal(0))
    values: dict[str, Any] = {"is_refund": False, "marketplace": "US", **more}
    return Components(
        principal=Money.of(principal, currency), total=Money.of(Decimal(principal) + added, currency),
        quantity=Decimal(quantity), **money, **values,
    )  # fmt: skip


def bill(chosen: ChargeRules, *lines: Components) -> list[Billed]:
    found = bill_lines(lines, chosen, TAXES, ACCOUNTS)
    problems = [one for one in found if isinstance(one, LineProblem)]
    assert not problems, problems
    return [one for one in found if isinstance(one, Billed)]


def refusal(chosen: ChargeRules, *lines: Components) -> list[str]:
    found = bill_lines(lines, chosen, TAXES, ACCOUNTS)
    return [sentence for one in found if isinstance(one, LineProblem) for sentence in one.problems]


def charges(billed: list[Billed]) -> list[tuple[str, str | None, str]]:
    found = consolidate(charge for one in billed for charge in one.charges)
    return [(charge.kind.value, charge.account, str(charge.total.amount)) for charge in found]


def into(component: str, *destinations: Any, **when: Any) -> dict[str, Any]:
    return {"component": component, "into": list(destinations), **({"when": when} if when else {})}


FEE = {"to": "misc", "description": "Fee", "account": "fees"}
