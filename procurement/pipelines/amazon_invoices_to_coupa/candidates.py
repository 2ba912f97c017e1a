"""The transactions of a run as the planner sees them, and the decisions that need nothing but the transaction.

Amazon gives no invoices outside Japan: an invoice is the transactions that share its number. A `Candidate` is one
transaction with its ledger record; a `Group` is what will become one Coupa document; a `Verdict` says why a record
goes no further for now.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from pydantic import ValidationError

from connectors.amazon_business.payloads import OrderLineKey, Transaction, TransactionLineItem
from procurement.ledger.types import Record
from procurement.money import Money
from procurement.policies import Policies

SettledState = Literal["waiting", "held", "skipped", "dead"]
REFUNDS = frozenset({"REFUND", "OVERREFUND"})
KNOWN_TYPES = REFUNDS | {"CHARGE"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a record is not planned: its state, one reason, for a dead letter all its errors and what to do."""

    state: SettledState
    reason: str
    errors: tuple[str, ...] = ()


PAID_BY_CARD = Verdict("skipped", "paid by card")
CARD_ON_INVOICE_ORDER = Verdict("held", "charged to a card although its PO is to be paid by invoice")


@dataclass(frozen=True, slots=True)
class Candidate:
    record: Record
    transaction: Transaction

    @property
    def is_refund(self) -> bool:
        return self.transaction.transaction_type in REFUNDS

    @property
    def lines(self) -> Sequence[TransactionLineItem]:
        return self.transaction.lines

    @property
    def total(self) -> Money:
        """Amazon's own `amount`: the control total of its lines. Where it states none, the lines stand for it."""
        stated = self.transaction.amount
        amounts = [line.total_amount for line in self.lines if line.total_amount] if stated is None else [stated]
        money = (Money.of(one.amount, one.currency_code) for one in amounts)
        return Money.sum(money, amounts[0].currency_code)

    @property
    def po_numbers(self) -> list[str]:
        return [number.strip() for line in self.lines if (number := line.purchase_order_number)]

    @property
    def line_keys(self) -> list[OrderLineKey]:
        """The order lines getInvoiceDetails can be asked about."""
        return [key for line in self.lines if (key := line.key) is not None]


@dataclass(slots=True)
class Group:
    """The transactions of one invoice or credit memo number. `lent`: the order lines of its charges, for lines whose shipment
    Amazon does not name."""

    number: str
    candidates: list[Candidate] = field(default_factory=list)
    lent: list[OrderLineKey] = field(default_factory=list)

    @property
    def is_credit_note(self) -> bool:
        """Only refunds: a credit memo. A refund beside charges is a line on the original invoice."""
        return all(candidate.is_refund for candidate in self.candidates)

    @property
    def is_numbered(self) -> bool:
        """Whether the feed itself gives its number, not only Amazon's details of its order lines."""
        return any(candidate.record.group_key for candidate in self.candidates)

    @property
    def newest_feed(self) -> datetime | None:
        moments = [candidate.record.dated_at for candidate in self.candidates if candidate.record.dated_at]
        return max(moments, default=None)

    @property
    def line_keys(self) -> list[OrderLineKey]:
        return [*(key for candidate in self.candidates for key in candidate.line_keys), *self.lent]

    @property
    def names_shipments(self) -> bool:
        """Whether Amazon can be asked about each of its lines."""
        return all(line.shipment_id for candidate in self.candidates for line in candidate.lines)


def read_candidate(record: Record) -> Candidate | Verdict:
    """The record as a typed transaction, or the dead letter that lists everything wrong with it."""
    try:
        transaction = Transaction.model_validate(record.raw)
    except ValidationError as error:
        problems = tuple(
            f"{'.'.join(map(str, problem['loc'])) or 'transaction'}: {problem['msg']}."
            for problem in error.errors(include_url=False, include_input=False)
        )
        return Verdict("dead", "the transaction cannot be read", problems)
    problems = tuple(shape_problems(transaction))
    return (
        Verdict("dead", "the transaction cannot be invoiced", problems) if problems else Candidate(record, transaction)
    )


def shape_problems(transaction: Transaction) -> Iterable[str]:
    """What no later run can mend: each a finished sentence."""
    if transaction.transaction_type not in KNOWN_TYPES:
        yield f"transactionType is {transaction.transaction_type!r}; known are {', '.join(sorted(KNOWN_TYPES))}."
    if not transaction.lines:
        yield "It has no transactionLineItems, so nothing says what was bought."
    currencies = {amount.currency_code for line in transaction.lines for amount in line.amounts}
    if transaction.amount is not None:
        currencies.add(transaction.amount.currency_code)
    if len(currencies) > 1:
        yield f"Its amounts are in several currencies: {', '.join(sorted(currencies))}."
    for position, line in enumerate(transaction.lines, 1):
        if line.total_amount is None:
            yield f"Line {position} has no totalAmount."
        if line.item_quantity is not None and line.item_quantity < 0:
            yield f"Line {position} has the negative quantity {line.item_quantity}."
        if not line.order_id or not line.order_line_item_id:
            yield f"Line {position} names no order line (orderId, orderLineItemId)."


def screen(candidate: Candidate, policies: Policies) -> Verdict | None:
    """The decisions of a single transaction: how it was paid, and in which marketplace.

    Charges that name each other are parts of one split payment. What a refund names is what it pays back; if that was a part
    of a split payment, the credit note waits for an original that nobody has made.
    """
    transaction = candidate.transaction
    marketplace = policies.marketplace_of(transaction.marketplace_id)
    if marketplace not in policies.marketplaces_enabled:
        return Verdict(
            "held",
            f"legal invoice needed: marketplace {marketplace or transaction.marketplace_id or 'unknown'} is not enabled",
        )
    instrument = (transaction.payment_instrument_type or "").strip()
    if transaction.associated_transaction_details and not candidate.is_refund:
        return Verdict("held", "the payment is split over several transactions")
    if instrument in policies.invoice_instruments:
        return None
    if instrument in policies.card_instruments:
        return PAID_BY_CARD
    return Verdict(
        "held", f"unknown payment instrument {instrument[:40]!r}" if instrument else "no payment instrument given"
    )


def overdue(group: Group, reason: str, policies: Policies, now: datetime) -> Verdict:
    """It waits for `original_wait_days` after it came; then a person decides."""
    newest = group.newest_feed
    if newest is not None and now - newest > timedelta(days=policies.original_wait_days):
        return Verdict("held", f"{reason}, after {policies.original_wait_days} days")
    return Verdict("waiting", reason)


def settles_at(group: Group, policies: Policies) -> datetime | None:
    """When the group counts as complete: `settle_hours` after its newest feedDate."""
    newest = group.newest_feed
    return newest + timedelta(hours=policies.settle_hours) if newest else None
