"""Budget lines: what was set aside for a period and segments, and the ledger of everything that consumed it.

`remaining` = `amount` plus all adjustments. Adjustments that name an `adjuster` are Coupa's own: an order line takes
what is not invoiced of it yet, an invoice line takes its total. `settle` posts their differences before anything about
budgets is shown, so an order that was cancelled, closed for good or invoiced meanwhile gives back what it held. The
rest are manual.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from sandbox.coupa.errors import invalid
from sandbox.coupa.incoming import create, read_body, update
from sandbox.coupa.instance import Instance
from sandbox.coupa.references import find_reference
from sandbox.coupa.schema import COMPANY_ZONE, Record

ZERO = Decimal(0)
SEGMENTS = tuple(f"segment-{n}" for n in range(1, 21))
UNCOUNTED_ORDERS = frozenset({"draft", "cancelled", "canceled", "closed", "error"})
COUNTED_INVOICES = frozenset({"approved", "payable", "paid", "pending_payment"})
PENDING_REQUISITIONS = frozenset({"pending_approval", "pending_buyer_action"})
Adjuster = tuple[str, int]  # its type and id


def create_budget_line(instance: Instance, body: Any) -> Record:
    """A line of an existing period; one a combination of segments."""
    given = read_body(body, "budget_line")
    if not any(given.get(segment) not in (None, "") for segment in SEGMENTS):
        raise invalid("budget_line", "Segment 1 can't be blank")
    line = create(instance, "budget_lines", given)
    table = instance.table("budget_lines")
    for other in table.by("period", line["period"]):
        if other is not line and all(other.get(one) == line.get(one) for one in SEGMENTS):
            table.remove(line)
            raise invalid("budget_line", "Segments have already been taken for this period")
    amount = line["remaining-budget"] if line["remaining-budget"] is not None else line["amount"] or ZERO
    currency = line["currency"] or find_reference(instance, "currencies", {"code": "USD"})["id"]
    line.update({"amount": amount, "remaining": amount, "remaining-budget": None, "pending-requisitions-amount": ZERO,
                 "currency": currency})  # fmt: skip
    return line


def update_budget_line(instance: Instance, line: Record, body: Any) -> Record:
    """Total or remainder, never period or segments."""
    given = read_body(body, "budget_line")
    if fixed := [name for name in ("period", *SEGMENTS) if name in given]:
        raise invalid("budget_line", *(f"{name.replace('-', ' ').capitalize()} cannot be changed" for name in fixed))
    settle(instance)
    consumed = line["amount"] - line["remaining"]
    update(instance, "budget_lines", line, given)
    if line["remaining-budget"] is not None:
        line.update({"amount": line["remaining-budget"] + consumed, "remaining-budget": None})
    line["remaining"] = line["amount"] - consumed
    return line


def adjust(instance: Instance, line: Record, body: Any) -> Record:
    """A manual adjustment, in the line's own currency and while its period is open."""
    given = read_body(body, "budget_line_adjustment")
    given.pop("budget-line", None)
    period = instance.get("periods", line["period"])
    assert period is not None
    if not period["is-open"]:
        raise invalid("budget_line", f"Period {period['name']} is closed")
    if given.get("adjustment-amount") in (None, ""):
        raise invalid("budget_line", "Adjustment amount can't be blank")
    settle(instance)
    row = create(instance, "budget_line_adjustments", {**given, "budget-line": {"id": line["id"]}})
    if row["currency"] not in (None, line["currency"]):
        instance.table("budget_line_adjustments").remove(row)
        raise invalid("budget_line", "Currency must be the budget line's")
    _post(instance, line, row)
    return row


def settle(instance: Instance) -> None:
    """Posts what orders and invoices consume more or less than the ledger of adjustments says."""
    lines = list(instance.table("budget_lines"))
    if not lines:
        return
    booked: dict[tuple[int, Adjuster], Decimal] = {}
    for row in instance.table("budget_line_adjustments"):
        if (by := row["adjuster"]) is not None:
            key = (row["budget-line"], (str(by["type"]), int(by["id"])))
            booked[key] = booked.get(key, ZERO) + row["amount"]
    finder = _Finder(instance, lines)
    wanted: dict[tuple[int, Adjuster], tuple[Decimal, str]] = {}
    moments: dict[Adjuster, datetime] = {}
    for account, moment, adjuster, taken, reason in _consumption(instance):
        moments[adjuster] = moment
        for line in finder.lines(account, moment):
            wanted[line["id"], adjuster] = (-taken, reason)
    for key in dict.fromkeys((*wanted, *booked)):
        amount, reason = wanted.get(key, (ZERO, "released"))
        if difference := amount - booked.get(key, ZERO):
            with instance.as_of(instance.now() if key in booked else moments[key[1]]):
                _book(instance, key, difference, reason)
    _count_pending(instance, lines, finder)


def _book(instance: Instance, key: tuple[int, Adjuster], amount: Decimal, reason: str) -> None:
    line_id, (kind, id) = key
    line = instance.get("budget_lines", line_id)
    assert line is not None
    row = create(
        instance, "budget_line_adjustments", {"budget-line": {"id": line_id}, "adjustment-amount": str(amount)}
    )
    row.update({"adjuster": {"id": id, "type": kind}, "reason": reason})
    _post(instance, line, row)


def _post(instance: Instance, line: Record, row: Record) -> None:
    line["remaining"] += row["adjustment-amount"]
    row.update({
        "amount": row["adjustment-amount"], "accounting-total": row["adjustment-amount"], "adjustment-amount": None,
        "currency": line["currency"], "budget-remaining": line["remaining"],
    })  # fmt: skip
    instance.change("budget_lines", line)


class _Finder:
    """Which budget lines an account's spend at a moment counts on: those of the period whose segments all agree."""

    def __init__(self, instance: Instance, lines: list[Record]) -> None:
        self._instance = instance
        periods = instance.table("periods").rows
        self._lines = [(line, periods[line["period"]], _segments(line)) for line in lines]
        self._known: dict[tuple[int, int], list[Record]] = {}

    def lines(self, account_id: int | None, moment: datetime) -> list[Record]:
        day = moment.astimezone(COMPANY_ZONE).date()
        key = (account_id or 0, day.toordinal())
        if key not in self._known:
            account = self._instance.get("accounts", account_id) or {}
            self._known[key] = [
                line
                for line, period, segments in self._lines
                if period["start-date"] <= day <= period["end-date"]
                and all(account.get(name) == value for name, value in segments.items())
            ]
        return self._known[key]


def _segments(line: Record) -> dict[str, str]:
    return {name: line[name] for name in SEGMENTS if line.get(name) not in (None, "")}


def _consumption(instance: Instance) -> Iterator[tuple[int | None, datetime, Adjuster, Decimal, str]]:
    """Per order line and invoice line: account, when, who, how much it holds (a credit note gives back), why."""
    invoiced: dict[int, Decimal] = {}
    for invoice in instance.table("invoices"):
        if invoice["status"] not in COUNTED_INVOICES:
            continue
        sign = -1 if invoice["is-credit-note"] and (invoice["gross-total"] or ZERO) > 0 else 1
        for line in invoice["invoice-lines"]:
            taken = sign * (line["total"] or ZERO)
            order_line = instance.get("purchase_order_lines", line["order-line-id"])
            moment = invoice["invoice-date"] or invoice["created-at"]
            account = line["account"] or (order_line or {}).get("account")
            if order_line is not None:
                invoiced[order_line["id"]] = invoiced.get(order_line["id"], ZERO) + taken
                order = instance.get("purchase_orders", order_line["_parent"]) or invoice
                moment = order["created-at"]  # what a PO took from a period, its invoice takes from the same
            yield account, _moment(moment), (line["type"], line["id"]), taken, f"Invoice {invoice['invoice-number']}"
    for order in instance.table("purchase_orders"):
        if order["status"] in UNCOUNTED_ORDERS:
            continue
        for line in order["order-lines"]:
            left = max(ZERO, (line["total"] or ZERO) - invoiced.get(line["id"], ZERO))
            if line["status"] in ("cancelled", "closed", "soft_closed_for_invoicing"):
                left = ZERO
            reason = f"Purchase order {order['po-number']} line {line['line-num']}"
            yield line["account"], order["created-at"], (line["type"], line["id"]), left, reason


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    return datetime(value.year, value.month, value.day, tzinfo=COMPANY_ZONE)


def _count_pending(instance: Instance, lines: list[Record], finder: _Finder) -> None:
    for line in lines:
        line["pending-requisitions-amount"] = ZERO
    for requisition in instance.table("requisitions"):
        if requisition["status"] in PENDING_REQUISITIONS:
            for row in requisition["requisition-lines"]:
                for line in finder.lines(row["account"], requisition["created-at"]):
                    line["pending-requisitions-amount"] += row.get("total") or ZERO
