"""A decision as the writes that carry it out: bodies in Coupa's form, each under a business key of its own.

Every body carries the key in the custom field that catalog.yml names (`marker`), by which Coupa is asked for it.
`hidden` is what was last written of fields that Coupa never shows; it travels with each write, and comes back from the
ledger.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from procurement.catalog.decisions import Decision, Fields
from procurement.catalog.entries import Entry, LastWritten, PriceRow
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
    """At most one of the item and one of each supplier item: a new item comes first, one that goes comes last."""
    hidden, writes = asdict(decision.written), []
    told: Json = {
        "asin": entry.asin,
        "supplier": supplier,
        "kind": decision.kind,
        "hidden": hidden,
        "title": entry.article.title,
    }
    item = entry.item
    if decision.item and item is None:
        payload = {**told, "body": spelled(decision.item)}
        writes.append(Write(CREATE_ITEM, str(decision.item["item-number"]), payload))
    if decision.price:
        writes.append(_price_write(decision, entry, told, supplier))
    for row, fields in decision.also:
        writes.append(_price_change(row, fields, entry, told, was={}))
    if decision.item and item is not None:
        payload = {**told, "id": item.id, "body": spelled(decision.item), "was": spelled(decision.item_was)}
        payload |= {"item_number": item.number}
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
        return _price_change(decision.row, decision.price, entry, told, was=decision.price_was)
    number = entry.item.number if entry.item is not None else str(decision.item["item-number"])
    body = {
        **spelled(decision.price), "item": {"item-number": number}, "supplier": {"number": supplier},
        "supplier-part-num": entry.asin,
    }  # fmt: skip
    contract = decision.price.get("contract")
    write = Write(CREATE_PRICE, price_series(supplier, entry.asin, contract), {**told, "body": body})
    return write if entry.item is not None else Write(write.action, write.series, write.payload, CREATE_ITEM)


def _price_change(row: PriceRow, fields: Fields, entry: Entry, told: Json, *, was: Fields) -> Write:
    payload = {**told, "id": row.id, "body": spelled(fields), "was": spelled(was)}
    return Write(UPDATE_PRICE, price_series(told["supplier"], entry.asin, row.contract), payload)


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


def read_hidden(facts: Mapping[str, Any]) -> LastWritten | None:
    """What a delivered write left in fields that Coupa never shows."""
    hidden = facts.get("hidden")
    if not isinstance(hidden, Mapping):
        return None
    ids = {name: tuple(hidden.get(name) or ()) for name in ("also_out", "preferred")}
    return LastWritten(**{**hidden, **ids})
