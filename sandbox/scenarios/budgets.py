"""The company's budgets: a line a cost center and calendar quarter, by the segments company and cost center.

Older quarters are closed, one cost center has no line, one is kept in Canadian dollars: what a pipeline cannot post must be
seen, too.
"""

from datetime import date, datetime, timedelta

from sandbox.scenarios.coding import COMPANY
from sandbox.scenarios.people import COST_CENTERS, MANAGERS
from sandbox.seed import CoupaRecord, Json

AMOUNTS = {"4100": "60000", "4200": "30000", "4300": "30000", "4400": "9000", "4900": "8000"}
WITHOUT_LINE = "4500"
IN_CANADIAN_DOLLARS = "4900"
OPEN_QUARTERS = 2  # this one and the one before; what is older is closed


def quarter_name(first: date) -> str:
    return f"FY{first:%y} Q{(first.month + 2) // 3}"


def quarters(since: date, until: date) -> list[tuple[date, date]]:
    """First and last days of the calendar quarters that touch the range, the oldest first."""
    first = date(since.year, since.month - (since.month - 1) % 3, 1)
    found = []
    while first <= until:
        following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
        for _ in range(2):
            following = date(following.year + following.month // 12, following.month % 12 + 1, 1)
        found.append((first, following - timedelta(days=1)))
        first = following
    return found


def budget_records(at: datetime, now: datetime) -> list[CoupaRecord]:
    """Periods from `at` to the end of the next quarter, and a line for each cost center in each."""
    found = quarters(at.date(), (now + timedelta(days=92)).date())
    current = sum(first <= now.date() for first, _ in found)
    records = []
    for number, (first, last) in enumerate(found, 1):
        name, is_open = quarter_name(first), number > current - OPEN_QUARTERS
        period = {"name": name, "start-date": first.isoformat(), "end-date": last.isoformat(), "is-open": is_open}
        records.append(CoupaRecord("periods", period, at))
        records += [CoupaRecord("budget_lines", _line(name, center), at) for center in AMOUNTS]
    return records


def _line(period: str, center: str) -> Json:
    owner = next((one for one in MANAGERS if one.cost_center == center), MANAGERS[0])
    return {
        "period": {"name": period}, "segment-1": COMPANY, "segment-2": center, "amount": AMOUNTS[center],
        "currency": {"code": "CAD" if center == IN_CANADIAN_DOLLARS else "USD"}, "owner": {"login": owner.login},
        "description": COST_CENTERS[center], "overrun-calculation": 1, "owner-is-approver": 0, "error-on-overrun": False,
    }  # fmt: skip
