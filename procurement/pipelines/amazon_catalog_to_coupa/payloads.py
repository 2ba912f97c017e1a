"""A decision as the writes that carry it out: bodies in Coupa's form, each under a business key of its own.

Every body carries the key in the custom field that catalog.yml names (`marker`), by which Coupa is asked for it.
What the ledger has to remember travels with each write and comes back from it, each about its own record: `hidden` with those of
supplier items (what Coupa never shows, and what people may have changed since), `delivered` with those of items.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from procurement.catalog.decisions import Decision, Fields
from procurement.catalog.entries import Entry, LastItem, LastWritten, PriceRow
from procurement.pipelines.amazon_catalog_to_coupa.names import (
    CREATE_ITEM,
    CREATE_PRICE,
    UPDATE_ITEM,
    UPDATE_PRICE,
    price_series,
)

Json = dict[str, Any]
REFERENCES = {"currency": "code", "uom": "code", "catalog": "name", "commodity": "name", "contract": "number"}


@dataclass(frozen=True, slots=True)
class Write:
    """One intended write: its action, the series that numbers it, what it sends, and what it follows."""

    action: str
    series: str
    payload: Json
    follows: str | None = None  # another write's action, of the same decision


def writes_of(decision: Decision, entry: Entry, *, supplier: str) -> list[Write]:
    """At most one of each item and one of each supplier item: a new item comes first, one that goes comes last."""
    writes: list[Write] = []
    told: Json = {"asin": entry.asin, "supplier": supplier, "kind": decision.kind, "title": entry.article.title}
    if decision.new_item:
        delivered = LastItem(supplier, entry.asin, decision.new_item)
        payload = {**told, "delivered": asdict(delivered), "body": spelled(decision.new_item)}
        writes.append(Write(CREATE_ITEM, str(decision.new_item["item-number"]), payload))
    if decision.price:
        writes.append(_price_write(decision, entry, told, supplier))
    for row, fields in decision.also:
        writes.append(_price_change(row, fields, decision, told, was={}))
    for change in decision.items:
        item = change.item
        payload = {
            **told, "delivered": asdict(change.delivered), "id": item.id, "item_number": item.number,
            "body": spelled(change.fields), "was": spelled(change.was), "taken_out": list(change.taken_out),
        }  # fmt: skip
        follows = UPDATE_PRICE if decision.kind == "removed" else None
        writes.append(Write(UPDATE_ITEM, item.number, payload, follows))
    return writes


def _price_write(decision: Decision, entry: Entry, told: Json, supplier: str) -> Write:
    if decision.move is not None and any(name.startswith("price") for name in decision.price):
        told = {
            **told,
            "move": {"old": str(decision.move.old), "new": str(decision.move.new), "currency": decision.move.currency},
        }
    if decision.row is not None:
        return _price_change(decision.row, decision.price, decision, told, was=decision.price_was)
    number = entry.item.number if entry.item is not None else str(decision.new_item["item-number"])
    body = {
        **spelled(decision.price), "item": {"item-number": number}, "supplier": {"number": supplier},
        "supplier-part-num": entry.asin,
    }  # fmt: skip
    contract = decision.price.get("contract")
    payload = {**told, **_remembered(decision, contract or ""), "body": body}
    write = Write(CREATE_PRICE, price_series(supplier, entry.asin, contract), payload)
    return write if entry.item is not None else Write(write.action, write.series, write.payload, CREATE_ITEM)


def _price_change(row: PriceRow, fields: Fields, decision: Decision, told: Json, *, was: Fields) -> Write:
    remembered = _remembered(decision, row.under)
    payload = {**told, **remembered, "id": row.id, "body": spelled(fields), "was": spelled(was)}
    return Write(UPDATE_PRICE, price_series(told["supplier"], decision.asin, row.contract), payload)


def _remembered(decision: Decision, under: str) -> Json:
    return {"under": under, "hidden": asdict(decision.written[under])}


def spelled(fields: Fields) -> Json:
    """References by their one key, decimals as text; what is None stays, so that a gate can tell it."""
    return {name: _spelled(name, value) for name, value in fields.items()}


def _spelled(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in REFERENCES:
        return {REFERENCES[name]: value}
    if name == "contract-term":
        return {"id": value}
    return format(value, "f") if isinstance(value, Decimal) else value


def marked(payload: Json, *, marker: str, key: str, run: int) -> Json:
    """The payload as it is planned: its body names the write, and the plan its run."""
    return {**payload, "body": {**payload["body"], "custom-fields": {marker: key}}, "run": run}


def content_of(payload: Mapping[str, Any]) -> Json:
    """What a write would change, whoever planned it and under which number."""
    return {name: value for name, value in payload["body"].items() if name != "custom-fields"}


def read_hidden(facts: Mapping[str, Any]) -> dict[str, LastWritten]:
    """What a delivered write left behind of its supplier item, by `PriceRow.under`; nothing of another kind of write."""
    return {facts["under"]: LastWritten(**facts["hidden"])} if "under" in facts else {}


def read_delivered(facts: Mapping[str, Any]) -> LastItem | None:
    """What a delivered write of an item left behind."""
    delivered = facts.get("delivered")
    return LastItem(**delivered) if isinstance(delivered, Mapping) else None
