"""The company's budgets: a line a cost center and calendar quarter, by the segments company and cost center.

Each is measured by the purchase orders of its quarter: Facilities and Engineering have room, the Laboratory comes near,
and Marketing's orders just fit, so that it is what was bought beside them that exceeds it. One cost center has no line,
one is kept in Canadian dollars, and older quarters are closed: what a pipeline cannot post must be seen, too.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, Decimal

from sandbox.scenarios.coding import COMPANY
from sandbox.scenarios.people import COST_CENTERS, MANAGERS
from sandbox.seed import CoupaRecord, Json

ROOM = {
    "4100": Decimal("1.5"),
    "4200": Decimal("1.3"),
    "4300": Decimal("1.15"),
    "4400": Decimal(1),
    "4900": Decimal(1),
}
LEAST = Decimal(1000)  # where nothing was ordered
STEP = Decimal(100)
IN_CANADIAN_DOLLARS = "4900"
OPEN_QUARTERS = 2  # this one and the one before; what is older is closed
QUARTER_AHEAD = timedelta(days=92)


def quarter_name(first: date) -> str:
    return f"FY{first:%y} Q{(first.month + 2) // 3}"


def first_of_quarter(day: date) -> date:
    return date(day.year, day.month - (day.month - 1) % 3, 1)


def quarters(since: date, until: date) -> list[tuple[date, date]]:
    """First and last days of the calendar quarters that touch the range, the oldest first."""
    first, found = first_of_quarter(since), []
    while first <= until:
        following = first_of_quarter(first + QUARTER_AHEAD + timedelta(days=2))
        found.append((first, following - timedelta(days=1)))
        first = following
    return found


def budget_records(at: datetime, now: datetime, orders: Iterable[CoupaRecord]) -> list[CoupaRecord]:
    """Periods from `at` to the end of the next quarter, and a line for each cost center in each; `orders` by now."""
    found = quarters(at.date(), (now + QUARTER_AHEAD).date())
    current = sum(first <= now.date() for first, _ in found)
    ordered = _ordered(record for record in orders if record.at <= now)
    records = []
    for number, (first, last) in enumerate(found, 1):
        name, is_open = quarter_name(first), number > current - OPEN_QUARTERS
        period = {"name": name, "start-date": first.isoformat(), "end-date": last.isoformat(), "is-open": is_open}
        records.append(CoupaRecord("periods", period, at))
        for center, room in ROOM.items():
            amount = max(LEAST, ordered.get((first, center), Decimal(0)) * room)
            records.append(CoupaRecord("budget_lines", _line(name, center, amount), at))
    return records


def _ordered(records: Iterable[CoupaRecord]) -> dict[tuple[date, str], Decimal]:
    """What the purchase orders of a quarter and cost center come to."""
    found: dict[tuple[date, str], Decimal] = {}
    for record in records:
        for line in record.body.get("order-lines", ()) if record.resource == "purchase_orders" else ():
            key = first_of_quarter(record.at.date()), str(line["account"]["code"]).split("-")[1]
            found[key] = found.get(key, Decimal(0)) + Decimal(str(line["price"])) * Decimal(
                str(line.get("quantity") or 1)
            )
    return found


def _line(period: str, center: str, amount: Decimal) -> Json:
    owner = next((one for one in MANAGERS if one.cost_center == center), MANAGERS[0])
    rounded = (amount / STEP).to_integral_value(ROUND_CEILING) * STEP
    return {
        "period": {"name": period}, "segment-1": COMPANY, "segment-2": center, "amount": str(rounded),
        "currency": {"code": "CAD" if center == IN_CANADIAN_DOLLARS else "USD"}, "owner": {"login": owner.login},
        "description": COST_CENTERS[center], "overrun-calculation": 1, "owner-is-approver": 0, "error-on-overrun": False,
    }  # fmt: skip
