"""Which of Coupa's exchange rates counts on an invoice date, and how seldom Coupa is asked."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from procurement.pipelines.amazon_invoices_to_coupa.exchange_rates import CoupaRates, coupa_rates
from procurement.policies import read_rules

Json = dict[str, Any]
ON = date(2026, 5, 20)


def rate(id: int, day: str, value: str, target: str = "CAD") -> Json:
    return {"id": id, "rate": value, "rate-date": f"{day}T00:00:00-07:00", "to-currency": {"code": target}}


class Coupa:
    def __init__(self, *rows: Json) -> None:
        self.rows = rows
        self.asked: list[tuple[str, date, date]] = []

    def exchange_rates(self, source: str, since: date, until: date) -> list[Sequence[Json]]:
        self.asked.append((source, since, until))
        return [self.rows[:1], self.rows[1:]]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([rate(1, "2026-05-04", "1.2"), rate(2, "2026-05-18", "1.25")], "0.8"),  # the latest before the day
        ([rate(1, "2026-05-20", "1.25"), rate(2, "2026-05-21", "2")], "0.8"),  # not one of the future
        ([rate(1, "2026-05-20", "2"), rate(2, "2026-05-20", "1.25")], "0.8"),  # of one day, the one posted last
        ([rate(2, "2026-05-20", "1.25"), rate(1, "2026-05-20", "2")], "0.8"),
        ([rate(1, "2026-04-29", "1.25")], None),  # too old
        ([rate(1, "2026-04-30", "1.25")], "0.8"),
        ([rate(1, "2026-05-20", "0"), rate(2, "2026-05-19", "1.25")], "0.8"),  # nothing is no rate
        ([rate(1, "2026-05-20", "1.25", "EUR")], None),
        ([{"id": 1, "rate": None, "rate-date": None, "to-currency": None}], None),
        ([], None),
    ],
)
def test_the_rate_in_force_on_the_day_counts(rows: list[Json], found: str | None) -> None:
    expected = None if found is None else Decimal(found)
    assert CoupaRates(Coupa(*rows), days=20)("CAD", "USD", ON) == expected


def test_coupa_is_asked_once_for_a_currency_and_day() -> None:
    coupa = Coupa(rate(1, "2026-05-20", "1.25"), rate(2, "2026-05-20", "0.5", "EUR"))
    rates = CoupaRates(coupa, days=20)
    assert [rates("CAD", "USD", ON), rates("EUR", "USD", ON), rates("JPY", "USD", ON)] == [Decimal("0.8"), 2, None]
    assert coupa.asked == [("USD", date(2026, 4, 29), date(2026, 5, 21))]
    rates("CAD", "USD", date(2026, 5, 21))
    assert len(coupa.asked) == 2


def test_as_shipped_nothing_is_converted() -> None:
    rules = read_rules()
    assert coupa_rates(Coupa(), rules.policies) is None
    convert = rules.policies.model_copy(update={"foreign_currency": "convert"})
    found = coupa_rates(Coupa(), convert)
    assert found is not None and found.days == 31
