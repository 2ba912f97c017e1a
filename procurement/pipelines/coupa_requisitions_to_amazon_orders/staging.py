"""A purchase order as the ledger keeps it: only what is ordered, so that Coupa's counters and our own write-back change nothing."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.coupa.client import Coupa
from connectors.tally import Tally, content_key
from procurement.ledger.types import Staged, Window
from procurement.order_gate import substance
from procurement.pipelines.coupa_requisitions_to_amazon_orders.names import KIND
from procurement.policies import Rules

Json = dict[str, Any]


def ordering_suppliers(rules: Rules) -> list[str]:
    """The Coupa suppliers whose purchase orders go to an Amazon account."""
    return sorted({account.supplier for account in rules.accounts.accounts.values() if account.ordering is not None})


def pages(coupa: Coupa, rules: Rules, *, window: Window | None, numbers: tuple[str, ...]) -> Iterator[list[Json]]:
    """The POs that a person named, else those of our suppliers that changed in the window; nothing without either."""
    if numbers:
        yield from coupa.purchase_orders(numbers)
    elif window is not None and (suppliers := ordering_suppliers(rules)):
        yield from coupa.purchase_orders_updated(suppliers, window.start, window.end)


def count(tally: Tally, page: list[Json]) -> None:
    """Counted from the raw page, before anything else touches it."""
    tally.pages += 1
    for raw in page:
        tally.count(KIND, key_of(raw))


def key_of(raw: Json) -> str:
    """Its number, or the hash of its content where it has none. PostgreSQL cannot keep NUL, so keys have none."""
    number = str(raw.get("po-number") or "").strip().replace("\0", "")
    return number or content_key(raw)


def staged(raw: Json) -> Staged:
    key = key_of(raw)
    return Staged(key=key, raw=substance(raw), group_key=key, dated_at=issued_at(raw))


def issued_at(raw: Mapping[str, Any]) -> datetime | None:
    """When Coupa made the PO, in UTC: it issues one as it makes it. None where it does not say so readably."""
    try:
        moment = datetime.fromisoformat(str(raw.get("created-at")))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
