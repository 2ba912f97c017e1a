"""What Coupa and Amazon say about a run's spend: purchase orders, invoices, orders, budget lines; each read once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from connectors.amazon_business.client import AmazonBusiness
from connectors.coupa.client import Coupa
from procurement.ledger.spend import Charged, OrderLine, OwnInvoice, Part
from procurement.money import Money
from procurement.pipelines.amazon_spend_to_coupa_budgets.reading import Line, Purchase
from procurement.pipelines.order_reports import order_id_of
from procurement.policies import Rules
from procurement.spend.spend_rules import PurchaseOrderWord, Released

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


@dataclass(frozen=True, slots=True)
class Commitment:
    """A purchase order of Amazon's supplier, by line number: whether the line holds its money on a budget."""

    lines: Mapping[str, bool]

    def holds(self, line: str | None) -> bool:
        """Whether that line does; where no line of the order is named, whether any does."""
        return self.lines.get(line or "", any(self.lines.values()))


def read_commitment(raw: Json, released: Released) -> Commitment:
    issued = str(raw.get("status")) not in released.orders
    lines = {
        str(line.get("line-num")): issued and str(line.get("status")) not in released.lines
        for line in raw.get("order-lines") or ()
    }
    return Commitment(lines or {"": issued})


@dataclass(frozen=True, slots=True)
class Entered:
    """An invoice or credit note of Coupa that pays something; a credit note's total is negative. `counts`: it was submitted."""

    number: str
    status: str
    total: Money
    counts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the ledger has of the purchases: `parts` of earlier plans by record, our own invoices by transaction, and what
    Amazon charged and refunded in all under an invoice number (None: in several currencies). Of refunds that are asked for it,
    also the last day on which their order line was charged; `read_since`: from then on the feed was read without a gap."""

    parts: Mapping[int, Sequence[Part]] = field(default_factory=dict)
    own_invoices: Mapping[str, OwnInvoice] = field(default_factory=dict)
    charged: Mapping[str, Charged | None] = field(default_factory=dict)
    charge_days: Mapping[OrderLine, date] = field(default_factory=dict)
    read_since: date | None = None

    def is_posted(self, purchase: Purchase) -> bool:
        return any(part.fixed for part in self.parts.get(purchase.record.id, ()))


@dataclass(slots=True)
class Surroundings:
    """`commitments`: Coupa's purchase orders by number. `orders`: Amazon's order reports by order id, where they were asked
    for. `entered`: Coupa's invoices by number."""

    commitments: Mapping[str, Commitment] = field(default_factory=dict)
    orders: dict[str, Json] = field(default_factory=dict)
    lines: list[BudgetLine] = field(default_factory=list)
    entered: Mapping[str, Sequence[Entered]] = field(default_factory=dict)
    own_invoices: Mapping[str, OwnInvoice] = field(default_factory=dict)
    charged: Mapping[str, Charged | None] = field(default_factory=dict)
    charge_days: Mapping[OrderLine, date] = field(default_factory=dict)
    read_since: date | None = None

    def __post_init__(self) -> None:
        self._by_key: dict[tuple[str, frozenset[tuple[str, str]]], list[BudgetLine]] = {}
        for line in self.lines:
            self._by_key.setdefault((line.period, frozenset(line.segments.items())), []).append(line)
        self._periods = {line.period for line in self.lines}

    _by_key: dict[tuple[str, frozenset[tuple[str, str]]], list[BudgetLine]] = field(init=False, repr=False)
    _periods: set[str] = field(init=False, repr=False)

    def po(self, line: Line) -> PurchaseOrderWord:
        """What the number on the line stands for in Coupa."""
        if line.po_number is None:
            return "none"
        commitment = self.commitments.get(line.po_number)
        if commitment is None:
            return "unknown"
        return "known" if commitment.holds(line.po_line) else "released"

    def counting(self, name: str | None, *, refund: bool) -> list[Entered]:
        """The submitted invoices that carry this number, or the credit notes."""
        return [one for one in self.entered.get(name or "", ()) if one.counts and (one.total.amount < 0) == refund]

    def invoices_of(self, purchase: Purchase) -> list[Entered]:
        """Those that count a charge, or a refund: an invoice counts refunds of its number only where it comes to the charges
        less these."""
        number = purchase.invoice_number
        found, charged = self.counting(number, refund=purchase.is_refund), self.charged.get(number or "")
        if purchase.is_refund and not found and charged is not None:
            return [one for one in self.counting(number, refund=False) if one.total == charged.net]
        return found

    def budget_line_of(self, id: int | None) -> BudgetLine | str:
        """The line that something was posted to, while it can be adjusted; else why not."""
        line = next((one for one in self.lines if one.id == id), None)
        if line is None:
            return f"Coupa has no budget line {id} any more"
        return line if line.is_open else f"the budget period {line.period} is closed in Coupa"

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
    amazon: AmazonBusiness,
    coupa: Coupa,
    purchases: Sequence[Purchase],
    *,
    rules: Rules,
    now: datetime,
    kept: Kept | None = None,
) -> Surroundings:
    """Asks both systems about all purchases at once: fifty POs, invoices or periods a call."""
    kept = kept or Kept()
    around = read_counting(amazon, coupa, purchases, rules=rules, kept=kept)
    periods = {rules.budgets.periods.of(purchase.spent_on).name for purchase in purchases}
    periods |= {part.period for parts in kept.parts.values() for part in parts if part.fixed and part.period}
    orders, lines = (
        _orders(amazon, purchases, rules=rules, now=now),
        read_lines(coupa, sorted(periods)) if periods else [],
    )
    return replace(around, orders=orders, lines=lines)


def read_counting(
    amazon: AmazonBusiness, coupa: Coupa, purchases: Sequence[Purchase], *, rules: Rules, kept: Kept
) -> Surroundings:
    """Only what says who counts the purchases: purchase orders and invoices."""
    numbers = {line.po_number for purchase in purchases for line in purchase.lines if line.po_number}
    around = Surroundings(
        commitments=_commitments(amazon, coupa, numbers, rules=rules), own_invoices=kept.own_invoices, charged=kept.charged,
        charge_days=kept.charge_days, read_since=kept.read_since,
    )  # fmt: skip
    names = {name for purchase in purchases for name in _names(purchase, around, posted=kept.is_posted(purchase))}
    names |= {one.number for one in kept.own_invoices.values()}
    return replace(around, entered=read_entered(amazon, coupa, names, rules=rules))


def _commitments(
    amazon: AmazonBusiness, coupa: Coupa, numbers: Collection[str], *, rules: Rules
) -> dict[str, Commitment]:
    """The purchase orders of the account's supplier; one of another supplier's is not what Amazon was paid for."""
    account, released = rules.accounts.of(amazon.account), rules.spend.file.released
    found = (raw for page in coupa.purchase_orders(sorted(numbers)) for raw in page) if numbers else ()
    return {
        str(raw.get("po-number")): read_commitment(raw, released)
        for raw in found
        if account is None or (raw.get("supplier") or {}).get("number") == account.supplier
    }


def _names(purchase: Purchase, around: Surroundings, *, posted: bool) -> set[str]:
    """Under what an invoice may stand in Coupa of a purchase that no PO commits: its number, and where it was posted to a
    budget line also the order ids that a clerk may have typed instead."""
    names = {line.order_id or "" for line in purchase.lines} if posted else set()
    if any(around.po(line) != "known" for line in purchase.lines):
        names.add(purchase.invoice_number or "")
    return names - {""}


def read_entered(
    amazon: AmazonBusiness, coupa: Coupa, names: Collection[str], *, rules: Rules
) -> dict[str, list[Entered]]:
    """Coupa's invoices of the account's supplier by number, whoever made them; gone ones do not count."""
    account = rules.accounts.of(amazon.account)
    if account is None or not names:
        return {}
    found: dict[str, list[Entered]] = {}
    for one in (read_invoice(raw, rules) for page in coupa.invoices(account.supplier, sorted(names)) for raw in page):
        if one.status not in rules.reconciliation.statuses.gone:
            found.setdefault(one.number, []).append(one)
    return found


def read_invoice(raw: Json, rules: Rules) -> Entered:
    status = str(raw.get("status"))
    counts = status not in rules.reconciliation.statuses.unsubmitted
    return Entered(str(raw.get("invoice-number")), status, _total(raw), counts)


def _total(raw: Json) -> Money:
    total = Money.of(
        Decimal(str(raw.get("total-with-taxes") or raw.get("gross-total") or 0)),
        str((raw.get("currency") or {}).get("code")),
    )
    is_credit_note = raw.get("document-type") == "Credit Note"
    return -total if is_credit_note and total.amount > 0 else total


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
