"""Tax codes: by country, rate and exemption; nothing is guessed."""

from decimal import Decimal

import pytest

from procurement.policies import Rules


def kind_and_code(
    rules: Rules, country: str | None, rate: str | None, tax: str = "1.00", exemption: str | None = None
) -> tuple[str, str | None]:
    found = rules.taxes.treat(country, rate=Decimal(rate) if rate else None, tax=Decimal(tax), exemption=exemption)
    assert found.known is (found.kind != "unknown")
    return found.kind, found.code


@pytest.mark.parametrize(
    ("country", "rate", "tax", "exemption", "expected"),
    [
        ("US", "8.25", "1.00", None, ("taxed", "US-TX")),
        ("US", "8.26", "1.00", None, ("taxed", None)),
        ("US", None, "1.00", None, ("taxed", None)),
        ("US", "0.5", "1.00", None, ("taxed", None)),
        ("US", "0", "1.00", None, ("use_tax_due", None)),
        ("US", "8.25", "1.00", "Resale", ("taxed", "US-TX")),
        ("US", "8.25", "0.00", None, ("use_tax_due", None)),
        ("US", "8.25", "0", "Resale", ("exempt", "US-EXEMPT")),
        ("US", "0", "0", "None", ("use_tax_due", None)),
        ("US", "0", "0", "none", ("use_tax_due", None)),
        ("DE", "19", "1.00", None, ("taxed", "DE-19")),
        ("DE", "19.0", "1.00", None, ("taxed", "DE-19")),
        ("DE", "16", "1.00", None, ("unknown", None)),
        ("DE", None, "1.00", None, ("unknown", None)),
        ("DE", "19", "0", None, ("unknown", None)),
        ("DE", "0", "0", "ReverseCharge", ("reverse_charge", "DE-RC")),
        ("DE", "0", "0", "Resale", ("unknown", None)),
        ("JP", "8", "1", None, ("taxed", "JP-8")),
        ("FR", "20", "1.00", None, ("unknown", None)),
        (None, "20", "1.00", None, ("unknown", None)),
    ],
)
def test_the_first_rule_that_fits_counts(
    rules: Rules,
    country: str | None,
    rate: str | None,
    tax: str,
    exemption: str | None,
    expected: tuple[str, str | None],
) -> None:
    assert kind_and_code(rules, country, rate, tax, exemption) == expected


def test_a_country_nobody_listed_has_net_prices(rules: Rules) -> None:
    assert rules.taxes.market("FR").prices == "net"
    assert rules.taxes.market(None).prices == "net"
