"""What Coupa and Amazon say about a run's spend: purchase orders, invoices, orders, budget lines; each read once."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from connectors.amazon_business.client import AmazonBusiness
from connectors.coupa.client import Coupa
from procurement.money import Money
from procurement.pipelines.amazon_spend_to_coupa_budgets.reading import Purchase
from procurement.pipelines.order_reports import order_id_of
from procurement.policies import Rules

Json = dict[str, Any]
LONGEST_REPORT = timedelta(days=366)
SEGMENTS = tuple(f"segment-{n}" for n in range(1, 21))


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """A budget line as Coupa shows it. `consumed`: the budget less what remains, by Coupa's own arithmetic."""

    id: int
    period: str
    is_open: bool
    currency: str
    budget: Money
    remaining: Money
    owner: str | None  # login
    raw: Json

    @property
    def consumed(self) -> Money:
        return self.budget - self.remaining

    @property
    def segments(self) -> dict[str, str]:
        return {name: str(self.raw[name]) for name in SEGMENTS if self.raw.get(name) not in (None, "")}

    @property
    def name(self) -> str:
        return (
            f"budget line {self.id} ({self.raw.get('description') or '-'.join(self.segments.values())}, {self.period})"
        )


def read_line(raw: Json) -> BudgetLine:
    period, currency = raw.get("period") or {}, str((raw.get("currency") or {}).get("code"))
    return BudgetLine(
        id=int(raw["id"]), period=str(period.get("name")), is_open=period.get("is-open") is not False, currency=currency,
        budget=Money.of(Decimal(str(raw.get("amount") or 0)), currency),
        remaining=Money.of(Decimal(str(raw.get("remaining") or 0)), currency),
        owner=(raw.get("owner") or {}).get("login"), raw=raw,
    )  # fmt: skip


def read_lines(coupa: Coupa, periods: Iterable[str]) -> list[BudgetLine]:
    return [read_line(raw) for page in coupa.budget_lines(periods) for raw in page]


@dataclass(slots=True)
class Surroundings:
    """`orders`: Amazon's order reports by order id, where they were asked for."""

    known_pos: Collection[str] = frozenset()
    invoiced: Collection[str] = frozenset()
    orders: dict[str, Json] = field(default_factory=dict)
    lines: list[BudgetLine] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._by_key: dict[tuple[str, frozenset[tuple[str, str]]], list[BudgetLine]] = {}
        for line in self.lines:
            self._by_key.setdefault((line.period, frozenset(line.segments.items())), []).append(line)
        self._periods = {line.period for line in self.lines}

    _by_key: dict[tuple[str, frozenset[tuple[str, str]]], list[BudgetLine]] = field(init=False, repr=False)
    _periods: set[str] = field(init=False, repr=False)

    def budget_line(self, period: str, segments: dict[str, str], currency: str) -> BudgetLine | str:
        """The one open line in that currency, or why there is none, in words that do not change from run to run."""
        wanted = "-".join(segments.values())
        found = self._by_key.get((period, frozenset(segments.items())), [])
        if not found:
            if period not in self._periods:
                return f"Coupa has no budget for the period {period}"
            return f"Coupa has no budget line {wanted} in {period}"
        if len(found) > 1:
            return f"Coupa has several budget lines {wanted} in {period}: {', '.join(str(one.id) for one in found)}"
        [line] = found
        if not line.is_open:
            return f"the budget period {period} is closed in Coupa"
        if line.currency != currency:
            return f"{line.name} is kept in {line.currency}, the spend is in {currency}: never added together"
        return line


def read_surroundings(
    amazon: AmazonBusiness, coupa: Coupa, purchases: Sequence[Purchase], *, rules: Rules, now: datetime
) -> Surroundings:
    """Asks both systems about all purchases at once: fifty POs, invoices or periods a call."""
    lines = [line for purchase in purchases for line in purchase.lines]
    numbers = {line.po_number for line in lines if line.po_number}
    known = (
        {str(raw.get("po-number")) for page in coupa.purchase_orders(sorted(numbers)) for raw in page}
        if numbers
        else set()
    )
    periods = {rules.budgets.periods.of(purchase.spent_on).name for purchase in purchases}
    return Surroundings(
        known_pos=known,
        invoiced=_invoiced(amazon, coupa, purchases, known, rules=rules),
        orders=_orders(amazon, purchases, rules=rules, now=now),
        lines=read_lines(coupa, sorted(periods)) if periods else [],
    )


def _invoiced(
    amazon: AmazonBusiness, coupa: Coupa, purchases: Sequence[Purchase], known_pos: Collection[str], *, rules: Rules
) -> set[str]:
    """Invoice numbers of purchases without a PO that Coupa has an invoice of, whoever made it; gone ones do not count."""
    account = rules.accounts.of(amazon.account)
    numbers = {
        purchase.invoice_number
        for purchase in purchases
        if purchase.invoice_number and any(line.po_number not in known_pos for line in purchase.lines)
    }
    if account is None or not numbers:
        return set()
    gone = set(rules.reconciliation.statuses.gone)
    found = (raw for page in coupa.invoices(account.supplier, sorted(numbers)) for raw in page)
    return {str(raw.get("invoice-number")) for raw in found if raw.get("status") not in gone}


def _orders(amazon: AmazonBusiness, purchases: Sequence[Purchase], *, rules: Rules, now: datetime) -> dict[str, Json]:
    """The order reports that rules want, by the range of order dates in which they can lie."""
    lacking = [
        (line.order_id, purchase.spent_on)
        for purchase in purchases
        for line in purchase.lines
        if line.order_id and rules.spend.lacks_order(line=line.raw, transaction=purchase.raw)
    ]
    if not lacking:
        return {}
    wanted, days = {order for order, _ in lacking}, [day for _, day in lacking]
    first = min(days) - timedelta(days=rules.spend.file.order_look_back_days)
    start = datetime.combine(first, time.min, UTC)
    end = min(datetime.combine(max(days) + timedelta(days=2), time.min, UTC), now)
    found: dict[str, Json] = {}
    while start < end:
        until = min(start + LONGEST_REPORT, end)
        rows = (raw for page in amazon.order_pages(start, until) for raw in page)
        found |= {order_id_of(raw): raw for raw in rows if order_id_of(raw) in wanted}
        start = until
    return found
