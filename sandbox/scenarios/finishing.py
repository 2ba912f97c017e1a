"""From finished purchases to a `World`: both seeds in wire form, and the facts that say what is in it.

Counts and money in the facts are of everything planted; `at_now` is what Amazon's feed shows at the world's `now`.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal

from sandbox.scenarios.amazon_documents import write_payments, write_purchase
from sandbox.scenarios.budgets import budget_records
from sandbox.scenarios.contracts import contract_records
from sandbox.scenarios.coupa_documents import order_record, receipt_record
from sandbox.scenarios.drafting import Draft
from sandbox.scenarios.offers import Shop
from sandbox.scenarios.purchases import Purchase, PurchaseOrder, Transaction
from sandbox.scenarios.reference_data import TOLERANCES, reference_records
from sandbox.seed import AmazonSeed, CoupaRecord, CoupaSeed, Json, World

SET_UP_BEFORE = timedelta(days=30)
ON_SALE_FOR = timedelta(days=400)


@contextmanager
def garbage_kept() -> Iterator[None]:
    """A large world is millions of dicts and no cycles: the collector would walk them again and again for nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def finish(draft: Draft, *, approvers: Sequence[str] = ()) -> World:
    """Writes every purchase, and Coupa's own records in the order of their moments."""
    amazon = AmazonSeed(user_emails=[person.email for person in draft.people], ids=draft.ids)
    amazon.products = Shop(f"{draft.name}/{draft.seed}").documents(draft.now - ON_SALE_FOR)
    for purchase in draft.purchases:
        write_purchase(amazon, purchase)
    write_payments(amazon, draft.purchases, draft.now)
    coupa = CoupaSeed(
        _records(draft),
        tolerances={scope: dict(limits) for scope, limits in TOLERANCES.items()},
        invoice_approvers=list(approvers),
    )
    return World(draft.name, draft.seed, draft.now, amazon, coupa, _facts(draft))


def _records(draft: Draft) -> list[CoupaRecord]:
    orders = purchase_orders(draft.purchases)
    dated = [order_record(order) for order in orders]
    for purchase in draft.purchases:
        if purchase.po:
            dated += [
                receipt_record(purchase.po, receipt) for shipment in purchase.shipments for receipt in shipment.receipts
            ]
    dated += draft.records
    first = min((record.at for record in dated), default=draft.now)
    set_up = min(first, draft.now) - SET_UP_BEFORE
    reference = (
        reference_records(set_up, draft.people) + contract_records(set_up) + budget_records(set_up, draft.now, dated)
    )
    return reference + sorted(dated, key=lambda record: record.at)


def purchase_orders(purchases: Sequence[Purchase]) -> list[PurchaseOrder]:
    """The POs behind the purchases, each once."""
    return list({purchase.po.number: purchase.po for purchase in purchases if purchase.po}.values())


def _facts(draft: Draft) -> Json:
    transactions = [(purchase, one) for purchase in draft.purchases for one in purchase.transactions]
    return {
        "counts": {
            "orders": len(draft.purchases),
            "order_lines": sum(len(purchase.lines) for purchase in draft.purchases),
            "shipments": sum(len(purchase.shipments) for purchase in draft.purchases),
            "purchase_orders": len(purchase_orders(draft.purchases)),
            "receipts": sum(
                len(one.receipts) for purchase in draft.purchases if purchase.po for one in purchase.shipments
            ),
            **_transaction_counts([one for _, one in transactions]),
        },
        "money": _money(transactions, None),
        "at_now": {
            "transactions": sum(one.feed_at <= draft.now for _, one in transactions),
            "money": _money(transactions, draft.now),
        },
        "situations": {
            name: {"count": len(found), "documents": found} for name, found in sorted(draft.situations.items())
        },
        "ids": draft.ids,
    }


def _transaction_counts(transactions: Sequence[Transaction]) -> Json:
    numbers: dict[str, set[str]] = {"CHARGE": set(), "REFUND": set(), "OVERREFUND": set()}
    for one in transactions:
        if one.invoice:
            numbers[one.kind].add(one.invoice.number)
    return {
        "transactions": len(transactions),
        "transaction_lines": sum(len(one.parcels) for one in transactions),
        "invoice_numbers": len(numbers["CHARGE"]),
        "credit_memos": len(numbers["REFUND"] | numbers["OVERREFUND"]),
    }


def _money(transactions: Sequence[tuple[Purchase, Transaction]], until: datetime | None) -> dict[str, str]:
    """Per currency the sum of all line totals, as text."""
    sums: dict[str, Decimal] = {}
    for purchase, one in transactions:
        if until is None or one.feed_at <= until:
            currency = purchase.marketplace.currency
            sums[currency] = sums.get(currency, Decimal(0)) + one.total
    return {currency: str(total) for currency, total in sorted(sums.items())}
