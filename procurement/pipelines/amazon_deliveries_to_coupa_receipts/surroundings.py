"""What planning receipts needs around the shipped lines: purchase orders and receipts from Coupa (50 a call), and from the
ledger what was sent before.

The order of reading matters: the ledger before the receipts, so that whatever the ledger calls delivered is there to be
seen.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Protocol

from procurement.documents import PurchaseOrder
from procurement.errors import RecordError
from procurement.ledger.types import Known
from procurement.mapping.receipt_grammar import read_name
from procurement.money import to_decimal
from procurement.pipelines.amazon_deliveries_to_coupa_receipts.names import (
    ASK,
    ASKED,
    CREATE,
    ESCALATED,
    MARK,
    NUMBERED,
    VOID,
    numbered,
)
from procurement.purchase_orders import read_purchase_order
from procurement.receiving_facts import History, Receipt

Json = dict[str, Any]
MOST_AT_ONCE = 4  # numbers of one shipped line that are looked up together
NOT_YET_SILENT = datetime.max.replace(tzinfo=UTC)
Numbered = dict[str, list[tuple[int, Known]]]  # by prefix: number and delivery
KnownDeliveries = Callable[[str, Iterable[str]], Mapping[str, Known]]  # (action, business keys)


class Target(Protocol):
    """The part of the Coupa client that planning reads."""

    def purchase_orders(self, numbers: Iterable[str]) -> Iterable[Sequence[Json]]: ...
    def receipts(self, order_line_ids: Iterable[int]) -> Iterable[Sequence[Json]]: ...
    def users(self, logins: Iterable[str] = (), *, emails: Iterable[str] = ()) -> Iterable[Sequence[Json]]: ...


@dataclass(slots=True)
class Orders:
    """Purchase orders by number, or why one cannot be read; a number Coupa does not know is absent."""

    documents: dict[str, PurchaseOrder] = field(default_factory=dict)
    unreadable: dict[str, tuple[str, ...]] = field(default_factory=dict)


def read_orders(coupa: Target, numbers: Iterable[str]) -> Orders:
    orders = Orders()
    wanted = sorted(set(numbers))
    for page in coupa.purchase_orders(wanted) if wanted else ():
        for raw in page:
            try:
                order = read_purchase_order(raw)
            except RecordError as error:
                orders.unreadable[str(raw.get("po-number"))] = error.problems
            else:
                orders.documents[order.number] = order
    return orders


def read_receipts(coupa: Target, line_ids: Iterable[int], external_id: str) -> dict[int, list[Receipt]]:
    """All receiving transactions by PO line id, in Coupa's order; `external_id` names the custom field of ours."""
    found: dict[int, list[Receipt]] = {}
    wanted = sorted(set(line_ids))
    for page in coupa.receipts(wanted) if wanted else ():
        for raw in page:
            line = (raw.get("order-line") or {}).get("id")
            if line is not None:
                found.setdefault(int(line), []).append(read_receipt(raw, external_id))
    return {line: sorted(receipts, key=lambda one: one.id) for line, receipts in found.items()}


def read_receipt(raw: Json, external_id: str) -> Receipt:
    quantity = _number(raw.get("quantity"))
    by = raw.get("created-by") or {}
    whole = str(raw.get("status") or "").lower() == "voided"
    name = str((raw.get("custom-fields") or {}).get(external_id) or "")
    original = raw.get("original-transaction-id") or read_name(name)[1]
    return Receipt(
        id=int(raw["id"]), kind=str(raw.get("type") or ""), quantity=quantity,
        voided=quantity if whole else _number(raw.get("voided-value")),
        external_id=name, match_reference=raw.get("match-reference") or None,
        original_id=int(original) if original else None, by=str(by.get("fullname") or by.get("login") or "somebody"),
    )  # fmt: skip


def _number(value: object) -> Decimal:
    return abs(to_decimal(str(value))) if value not in (None, "") else Decimal(0)


def read_histories(known: KnownDeliveries, prefixes: Iterable[str]) -> Numbered:
    """What the ledger has planned or sent, with its number, by the prefix of its shipped line."""
    return _read_numbered(known, prefixes, NUMBERED, few=(ASK,))


def read_words(known: KnownDeliveries, prefixes: Iterable[str]) -> Numbered:
    """The words on whole purchase orders, by `order_key`."""
    return _read_numbered(known, prefixes, (MARK,))


def _read_numbered(
    known: KnownDeliveries, prefixes: Iterable[str], actions: Sequence[str], *, few: Sequence[str] = ()
) -> Numbered:
    """`few` are actions that have but the first numbers."""
    found: dict[str, list[tuple[int, Known]]] = {prefix: [] for prefix in prefixes}
    open_prefixes, first = list(found), 1
    while open_prefixes:
        keys = {
            numbered(prefix, n): (prefix, n) for prefix in open_prefixes for n in range(first, first + MOST_AT_ONCE)
        }
        numbers_seen: dict[str, int] = {}
        for action in (*actions, *few) if first == 1 else actions:
            for key, row in known(action, keys).items():
                prefix, n = keys[key]
                numbers_seen[prefix] = max(n, numbers_seen.get(prefix, 0))
                found[prefix].append((n, row))
        first += MOST_AT_ONCE
        open_prefixes = [prefix for prefix in open_prefixes if numbers_seen.get(prefix, 0) == first - 1]
    return found


def history_of(rows: Sequence[tuple[int, Known]], receipts: Sequence[Receipt], shipment_key: str) -> History:
    """The past of one shipped line: what was sent, what is open, what Coupa shows of it."""
    sent = [(n, row) for n, row in rows if row.claimed and row.action in NUMBERED]
    asked = {n: row for n, row in rows if row.claimed and row.action == ASK}
    shown = {one.id for one in receipts}
    numbers = [n for n, _ in sent] + [read_name(one.external_id)[0] for one in receipts if one.is_of(shipment_key)]
    return History(
        sequence=max(numbers, default=0) + 1,
        voided=frozenset(
            int(row.target_id) for _, row in sent if row.action == VOID and row.state == "delivered" and row.target_id
        ),
        stuck=next((why for _, row in sent if (why := _stuck(row)) is not None), None),
        lost=next((why for _, row in sent if (why := _lost(row, shown)) is not None), None),
        unsettled=any(row.state in ("sending", "planned", "waiting") for _, row in sent),
        asked_at=_asked_at(asked.get(ASKED)),
        escalated=ESCALATED in asked,
    )


def has_unsent(rows: Sequence[tuple[int, Known]]) -> bool:
    """Whether an earlier plan stands that nobody has sent: it must be planned anew, or taken back."""
    return any(is_unsent(row) for _, row in rows)


def is_unsent(row: Known) -> bool:
    return not row.claimed and row.state in ("planned", "waiting")


def _stuck(row: Known) -> str | None:
    what = row.action.replace("_", " ")
    if row.state in ("dead", "held"):
        return f"its {what} needs a person first: see the dead letters"
    return f"a person discarded its {what}: nothing more is sent by itself" if row.state == "skipped" else None


def _lost(row: Known, shown: set[int]) -> str | None:
    if row.action != CREATE or row.state != "delivered" or not row.target_id or int(row.target_id) in shown:
        return None
    return f"Coupa does not show our receipt {row.target_id}: nothing is posted before a person has looked"


def _asked_at(row: Known | None) -> datetime | None:
    """When the question was planned; a question that failed or was held counts as asked: it has its own dead letter."""
    if row is None:
        return None
    text = row.facts.get("asked_at")
    return datetime.fromisoformat(str(text)) if text else NOT_YET_SILENT


@dataclass(frozen=True, slots=True)
class Manager:
    id: int
    name: str


def read_managers(coupa: Target, emails: Iterable[str]) -> dict[str, Manager]:
    """Managers by the mail address of those who report to them, as far as Coupa knows."""
    wanted = sorted(set(emails))
    found: dict[str, Manager] = {}
    for page in coupa.users(emails=wanted) if wanted else ():
        for raw in page:
            manager = raw.get("manager") or {}
            if manager.get("id") and raw.get("email"):
                name = str(manager.get("fullname") or manager.get("login") or "")
                found[str(raw["email"]).lower()] = Manager(int(manager["id"]), name)
    return found
