"""Reading Amazon's orders: those of the window, and those that are looked at again; staged whole, as Amazon shows them.

Fewest calls: the window's headers by date; only where it has orders their lines, by date too, which takes a third of the
calls that 30 order ids a call would; headers and lines of older orders only when their day has come. Of young orders all
headers are compared with those in the ledger now and then, and only what changed, or was not there, is read whole.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.amazon_business.client import LONGEST_REPORT, AmazonBusiness
from connectors.amazon_business.purchases import by_order, order_id_of
from procurement.compliance.purchases import order_amount
from procurement.ledger import Ledger
from procurement.ledger.encoding import dump_json
from procurement.ledger.types import Run, Staged
from procurement.pipelines.purchase_compliance.names import PURCHASE, RECHECK
from procurement.pipelines.sources import amazon_source
from procurement.pipelines.windows import pieces

Json = dict[str, Any]
FORGOTTEN = LONGEST_REPORT - timedelta(days=1)  # Amazon's reports show nothing older in one call


@dataclass(slots=True)
class Reports:
    """Raw rows by order id."""

    orders: dict[str, Json] = field(default_factory=dict)
    lines: dict[str, list[Json]] = field(default_factory=dict)


def read(
    amazon: AmazonBusiness, ledger: Ledger, *, run: Run, order_ids: Sequence[str], young_since: datetime | None = None
) -> Reports:
    """The window's orders, those a person named, and those whose day has come; since `young_since` those that changed, too."""
    reports = Reports()
    for piece in pieces(run.window, LONGEST_REPORT):
        found = {order_id_of(raw): raw for page in amazon.order_pages(piece.start, piece.end) for raw in page}
        if found:
            rows = (raw for page in amazon.order_line_pages(piece.start, piece.end) for raw in page)
            lines = by_order(rows)
            reports.orders |= found
            reports.lines |= {id: lines.get(id, []) for id in found}
    again = [id for id in _due(ledger, run, order_ids) if id not in reports.orders]
    if again or young_since is not None:
        _read_again(amazon, reports, ledger, run=run, wanted=again, young_since=young_since)
    return reports


def _due(ledger: Ledger, run: Run, order_ids: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*order_ids, *(one.key for one in ledger.open_documents.due(RECHECK, run.now))]))


def _read_again(
    amazon: AmazonBusiness,
    reports: Reports,
    ledger: Ledger,
    *,
    run: Run,
    wanted: Sequence[str],
    young_since: datetime | None,
) -> None:
    """Headers by date since the oldest of them, lines 30 orders a call; those that Amazon does not show stay as they are."""
    source = amazon_source(amazon.account)
    known = ledger.records.find(source, PURCHASE, wanted)
    dates = [(known[id].dated_at if id in known else None) or run.now - FORGOTTEN for id in wanted]
    oldest = min([*dates, *([young_since] if young_since is not None else [])])
    start, end = max(oldest, run.now - FORGOTTEN), run.now
    if start >= end:
        return
    chosen, found = frozenset(wanted), dict[str, Json]()
    for page in amazon.order_pages(start, end):
        headers = {id: raw for raw in page if (id := order_id_of(raw)) not in reports.orders}
        young = {id: raw for id, raw in headers.items() if young_since is not None and _is_young(raw, young_since)}
        again = chosen | _changed({id: raw for id, raw in young.items() if id not in chosen}, ledger, source)
        found |= {id: raw for id, raw in headers.items() if id in again}
    if found:
        rows = (raw for page in amazon.order_line_pages(start, end, order_ids=sorted(found)) for raw in page)
        lines = by_order(rows)
        reports.orders |= found
        reports.lines |= {id: lines.get(id, []) for id in found}


def _is_young(order: Json, since: datetime) -> bool:
    moment = _ordered_at(order)
    return moment is None or moment >= since


def _changed(headers: dict[str, Json], ledger: Ledger, source: str) -> set[str]:
    """Those that the ledger has otherwise, or not at all: Amazon shows some orders late."""
    known = ledger.records.find(source, PURCHASE, headers) if headers else {}
    return {id for id, raw in headers.items() if id not in known or dump_json(known[id].raw["order"]) != dump_json(raw)}


def staged(reports: Reports) -> list[Staged]:
    """Lines in the order of their ids, so that another order of Amazon's pages is no change."""
    rows = []
    for id, order in reports.orders.items():
        lines = sorted(reports.lines.get(id, []), key=lambda raw: str(raw.get("orderLineItemId")))
        amount, currency = order_amount(lines)
        rows.append(Staged(
            key=id, raw={"order": order, "lines": lines}, amount=amount, currency=currency, dated_at=_ordered_at(order),
            group_key=str(order.get("purchaseOrderNumber") or "") or None,
        ))  # fmt: skip
    return rows


def _ordered_at(order: Json) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str((order.get("orderMetadata") or {}).get("orderDate")))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
