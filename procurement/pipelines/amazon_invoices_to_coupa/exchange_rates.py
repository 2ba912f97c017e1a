"""Coupa's exchange rates, for invoices in another currency than their PO.

The rate that counts converts the invoice's currency into the PO's, as Coupa itself does: the latest that is dated on or
before the invoice date, and not too old. Coupa's rates hold in one direction, and no other is guessed from them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from procurement.ledger.types import Plan, PlannedFinding
from procurement.money import to_decimal
from procurement.pipelines.amazon_invoices_to_coupa.candidates import Verdict
from procurement.pipelines.amazon_invoices_to_coupa.drafts import Draft
from procurement.policy_files import Policies

Json = Mapping[str, Any]
DAY = timedelta(days=1)


class RateSource(Protocol):
    """The part of the Coupa client that knows exchange rates."""

    def exchange_rates(self, source: str, since: date, until: date) -> Iterable[Sequence[Json]]: ...


@dataclass(frozen=True, slots=True)
class CoupaRates:
    """`Rates` for the match. Coupa is read once for each currency and day that is asked for, and for no other."""

    coupa: RateSource
    days: int
    _read: dict[tuple[str, date], dict[str, Decimal]] = field(default_factory=dict)

    def __call__(self, source: str, target: str, on: date) -> Decimal | None:
        """`source`: the PO's currency, `target`: the invoice's. None where Coupa has no usable rate."""
        found = self._of(target, on).get(source)
        return 1 / found if found else None

    def _of(self, currency: str, on: date) -> dict[str, Decimal]:
        """What one unit of the currency was worth that day, by the other currency."""
        if (currency, on) not in self._read:
            since = on - timedelta(days=self.days)
            pages = self.coupa.exchange_rates(currency, since - DAY, on + DAY)  # a day more: Coupa's zone may be ahead
            self._read[currency, on] = latest((raw for page in pages for raw in page), since, on)
        return self._read[currency, on]


def latest(rates: Iterable[Json], since: date, on: date) -> dict[str, Decimal]:
    """The last rate into each currency that is dated from `since` to `on`, both included; of one day the one posted last."""
    best: dict[str, tuple[date, int, Decimal]] = {}
    for raw in rates:
        rate, day = raw.get("rate"), _day(raw)
        if day is None or not since <= day <= on or rate in (None, "") or to_decimal(str(rate)) <= 0:
            continue
        target = str((raw.get("to-currency") or {}).get("code"))
        best[target] = max(best.get(target, (date.min, 0, Decimal(0))), (day, int(raw["id"]), to_decimal(str(rate))))
    return {target: rate for target, (_, _, rate) in best.items()}


def _day(raw: Json) -> date | None:
    """The day in Coupa's own zone, as its people typed it."""
    moment = raw.get("rate-date")
    return datetime.fromisoformat(str(moment)).date() if moment else None


def coupa_rates(coupa: RateSource, policies: Policies) -> CoupaRates | None:
    """None where policies.yml holds what is billed in another currency."""
    return CoupaRates(coupa, policies.exchange_rate_days) if policies.foreign_currency == "convert" else None


def hold_foreign(plan: Plan, draft: Draft, rates: CoupaRates | None, on: date | None) -> Verdict | None:
    """Held, with a finding in `plan`, where it is billed in another currency than its PO and is not converted: by policy, or
    for want of a rate. `on`: the invoice date, None while it is not known yet."""
    billed, orders = draft.total.currency, draft.orders
    ordered = next((order.currency for order in orders.values()), billed)
    if billed == ordered:
        return None
    why = ""
    if rates is not None:
        if on is None or rates(ordered, billed, on) is not None:
            return None
        why = f", and Coupa has no exchange rate from {billed} to {ordered} of {on} or the {rates.days} days before"
    sentence = f"Invoice {draft.identity.number}: {draft.total} is billed, but the PO is in {ordered}{why}."
    plan.findings.append(PlannedFinding(
        kind="currency", record_id=draft.group.candidates[0].record.id, expected=ordered, actual=billed, money=draft.total,
        sentence=sentence,
    ))  # fmt: skip
    return Verdict("held", f"billed in {billed}, ordered in {ordered}", (sentence,))
