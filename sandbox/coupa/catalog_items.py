"""Contracts, items and supplier items: the rules Coupa puts on them.

A supplier item is one price of an item at a supplier, under one contract or under none: supplier, part number and
contract are its identity and stay as they were created. Published contracts go to `inactive` and never back to draft.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.coupa.errors import bad_query, invalid
from sandbox.coupa.incoming import all_or_nothing, create, read_body, update
from sandbox.coupa.instance import Instance
from sandbox.coupa.naming import named
from sandbox.coupa.schema import Record

Json = dict[str, Any]
MODEL = "supplier_item"
IDENTITY = {"supplier": "Supplier", "supplier-part-num": "Supplier part num", "contract": "Contract"}
FROM = {  # a contract's status -> those it may get
    "draft": {"draft", "published", "inactive", "completed"},
    "published": {"published", "inactive", "completed"},
    "completed": {"completed", "inactive"},
    "inactive": {"inactive"},
}


def create_contract(instance: Instance, body: Any) -> Record:
    given = read_body(body, "contract")
    _check_dates(given)
    contract = create(instance, "contracts", given)
    _note_publication(instance, contract)
    return contract


def update_contract(instance: Instance, contract: Record, body: Any) -> Record:
    given = read_body(body, "contract")
    status = given.get("status")
    if status is not None and status not in FROM.get(str(contract["status"]), {status}):
        raise invalid("contract", f"Status cannot change from {contract['status']} to {status}")
    update(instance, "contracts", contract, given)
    _note_publication(instance, contract)
    return contract


def create_term(instance: Instance, contract: Record, body: Any) -> Record:
    """A pricing term of the contract."""
    given = read_body(body, "contract_term")
    term = create(instance, "contract_terms", given, parent=contract)
    contract["contract-terms"].append(term)
    return term


def _check_dates(given: Json) -> None:
    start, end = given.get("start-date"), given.get("end-date")
    if start and end and str(end)[:10] < str(start)[:10]:
        raise invalid("contract", "End date must be after the start date")


def _note_publication(instance: Instance, contract: Record) -> None:
    if contract["status"] == "published" and contract["published-date"] is None:
        instance.change("contracts", contract, published_date=instance.now())


def create_supplier_item(instance: Instance, body: Any) -> Record:
    supplier_item = create(instance, "supplier_items", read_body(body, MODEL))
    twins = instance.table("supplier_items").by("supplier-part-num", supplier_item["supplier-part-num"])
    try:
        if sum(all(one[name] == supplier_item[name] for name in IDENTITY) for one in twins) > 1:
            raise invalid(MODEL, "Supplier part num has already been taken")
        _check_term(instance, supplier_item)
    except Exception:
        instance.table("supplier_items").remove(supplier_item)
        raise
    return supplier_item


def update_supplier_item(instance: Instance, supplier_item: Record, body: Any) -> Record:
    given = read_body(body, MODEL)
    before = {name: supplier_item[name] for name in ("price", *IDENTITY)}
    with all_or_nothing(instance, "supplier_items", supplier_item):
        update(instance, "supplier_items", supplier_item, given)
        moved = [title for name, title in IDENTITY.items() if supplier_item[name] != before[name]]
        if moved:
            raise invalid(MODEL, *(f"{title} cannot be changed" for title in moved))
        _check_term(instance, supplier_item)
    old, new = before["price"], supplier_item["price"]
    if None not in (old, new) and new != old:
        instance.table("supplier_items").update(supplier_item, {"price-change": new - old})
    return supplier_item


def _check_term(instance: Instance, supplier_item: Record) -> None:
    term = instance.get("contract_terms", supplier_item["contract-term"])
    if term is not None and term.get("_parent") != supplier_item["contract"]:
        raise invalid(MODEL, "Contract term is not a term of the contract")


def _edit(resource: str, change: Callable[[Instance, Record, Any], Record]) -> Callable[[Instance, Json], Json]:
    def handle(instance: Instance, given: Json) -> Json:
        record = named(instance, resource, {key: given[key] for key in NAMES[resource] if given.get(key) is not None})
        changes = given.get("changes")
        if not isinstance(changes, Mapping) or not changes:
            raise bad_query("changes is an object of the attributes to change")
        change(instance, record, changes)
        return {"id": record["id"]}

    return handle


def _change_item(instance: Instance, item: Record, changes: Any) -> Record:
    update(instance, "items", item, read_body(changes, "item"))
    return item


def _change_catalog(instance: Instance, catalog: Record, changes: Any) -> Record:
    update(instance, "catalogs", catalog, read_body(changes, "catalog"))
    return catalog


NAMES: Mapping[str, tuple[str, ...]] = {
    "catalogs": ("name", "id"),
    "contracts": ("number", "id"),
    "items": ("item-number", "id"),
    "supplier_items": ("supplier-part-num", "contract", "supplier", "id"),
}
EVENTS: Mapping[str, Callable[[Instance, Json], Json]] = {
    "edit_catalog": _edit("catalogs", _change_catalog),
    "edit_contract": _edit("contracts", update_contract),
    "edit_item": _edit("items", _change_item),
    "edit_supplier_item": _edit("supplier_items", update_supplier_item),
}
DESCRIPTIONS: Mapping[str, str] = {
    "edit_catalog": "A person edits a catalog, for which the API has no call. name or id; changes",
    "edit_contract": "A person edits a contract. number or id; changes",
    "edit_item": "A person edits an item. item-number or id; changes",
    "edit_supplier_item": "A person edits a supplier item. supplier-part-num (contract, supplier) or id; changes",
}
