"""Purchase orders that were sent to Amazon and that its reports, and so the ledger's books, do not show yet.

Amazon reports an order some time after it was placed. Without these, two orders of one day would each be judged as if there
were no other.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from procurement.compliance.documents import read_purchase_order
from procurement.compliance.purchases import Purchase
from procurement.compliance.surroundings import Bought, Surroundings
from procurement.errors import RecordError
from procurement.ledger import Ledger
from procurement.ordering import read_key
from procurement.pipelines.compliance_surroundings import contract_of, frame_of
from procurement.policies import Rules

NEIGHBORLY = frozenset({"split_order", "duplicate", "over_contract"})  # kinds that look at other orders
ZERO = Decimal(0)
Json = dict[str, Any]


def looks_around(rules: Rules) -> bool:
    """Whether a rule that is asked before the order looks at other orders."""
    return any(rule.before_order and rule.kind in NEIGHBORLY for rule in rules.compliance.rules)


class PurchaseOrders(Protocol):
    """The part of the Coupa client that is read here."""

    def purchase_orders(self, numbers: Iterable[str]) -> Iterable[Sequence[Json]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreported:
    """`action`: of the orders' pipeline, that sends them. Each PO is read once, 50 a call. Where it is `wanted`, the gate looks at one
    order after the other, and the next one sees what was claimed before it."""

    coupa: PurchaseOrders
    ledger: Ledger
    rules: Rules
    account: str
    now: datetime
    action: tuple[str, str]  # pipeline and action
    _read: dict[str, Purchase | None] = field(default_factory=dict)

    @property
    def wanted(self) -> bool:
        """Whether a rule that is asked at the gate looks at other orders."""
        return looks_around(self.rules)

    def remember(self, purchase: Purchase) -> None:
        """What the gate read and let through need not be read again, should it be sent."""
        if purchase.po_number is not None and self.wanted:
            self._read[purchase.po_number] = purchase

    def beside(self, purchase: Purchase, source: str) -> list[Purchase]:
        """The others; none where no rule asks for them."""
        if not self.wanted:
            return []
        since = self.now - timedelta(days=self.rules.compliance.reading.history_days)
        sent: dict[str, datetime] = {}
        for key, moment in self.ledger.compliance.sent_since(*self.action, scope=self.account, since=since):
            if (parsed := read_key(key)) is not None:
                sent[parsed.po_number] = moment
        reported = self.ledger.compliance.reported(source, sent)
        self._read_orders({number: moment for number, moment in sent.items() if number not in reported})
        unreported = (number for number in sent if number not in reported and number != purchase.po_number)
        return [one for number in unreported if (one := self._read.get(number)) is not None]

    def _read_orders(self, sent: Mapping[str, datetime]) -> None:
        new = sorted(sent.keys() - self._read.keys())
        if not new:
            return
        read: dict[str, Purchase | None] = dict.fromkeys(new)
        for page in self.coupa.purchase_orders(new):
            for raw in page:
                number = str(raw["po-number"])
                frame = frame_of(self.rules, min(sent[number], self.now))
                try:
                    read[number] = read_purchase_order(raw, raw.get("requisition-header") or {}, frame)
                except RecordError:
                    continue  # it was judged by its own gate; without prices it is no neighbor
        self._read.update(read)


def lines_of(purchases: Iterable[Purchase]) -> list[Bought]:
    return [
        Bought(
            order=one.key, po_number=one.po_number or "", ordered_at=one.ordered_at, buyer=one.buyer,
            cost_center=one.cost_center_of(line), seller="", commodity=line.commodity, asin=line.asin, quantity=line.quantity,
            amount=line.amount, currency=one.currency,
        )
        for one in purchases
        for line in one.lines
    ]  # fmt: skip


def with_bought(around: Surroundings, others: Iterable[Purchase]) -> Surroundings:
    """With what the others take from the contracts."""
    units, money = dict(around.units), dict(around.money)
    for one in others:
        for line in one.lines:
            contract = contract_of(one, line.asin, around.agreements)
            units[contract, line.asin] = units.get((contract, line.asin), ZERO) + line.quantity
            if contract:
                money[contract] = money.get(contract, ZERO) + line.amount
    return replace(around, units=units, money=money)
