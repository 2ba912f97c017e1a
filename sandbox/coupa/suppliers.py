"""Suppliers with their remit-to addresses, and the small rules of the other reference data: what Coupa computes on
saving."""

from collections.abc import Mapping
from typing import Any

from sandbox.coupa.errors import invalid, not_found
from sandbox.coupa.incoming import create, read_body, update
from sandbox.coupa.instance import Instance
from sandbox.coupa.references import find_reference
from sandbox.coupa.schema import Record


def spell(resource: str, given: Record) -> Record:
    """Names Coupa takes on the way in only."""
    if resource == "suppliers" and "supplier-status" in given:
        given["status"] = given.pop("supplier-status")
    if resource == "users":
        given.pop("generate-password-and-notify", None)
        given.pop("password", None)
    return given


def create_record(instance: Instance, resource: str, body: Any) -> Record:
    """A record of reference data or monitoring, with the values Coupa derives."""
    given = spell(resource, read_body(body, instance.table(resource).resource.model))
    record = create(instance, resource, given, extra=_derived(instance, resource, given))
    complete(instance, resource, record)
    return record


def _derived(instance: Instance, resource: str, given: Mapping[str, Any]) -> Record:
    if resource == "accounts":
        segments = [str(given[f"segment-{n}"]) for n in range(1, 21) if given.get(f"segment-{n}") not in (None, "")]
        if segments:
            return {"code": "-".join(segments)}
        if given.get("code") and instance.trusted:
            return {f"segment-{n}": part for n, part in enumerate(str(given["code"]).split("-")[:20], start=1)}
        raise invalid("account", "Segment 1 can't be blank")
    if resource == "users":
        names = (given.get("firstname"), given.get("lastname"))
        return {"fullname": " ".join(str(name) for name in names if name)}
    if resource == "lookup_values":
        return {"external-ref-code": given.get("external-ref-code") or _path(instance, given)}
    return {}


def _path(instance: Instance, given: Mapping[str, Any]) -> str | None:
    """Reference numbers from the root down, joined with a hyphen."""
    own = given.get("external-ref-num")
    if not given.get("parent"):
        return own
    try:
        parent = find_reference(instance, "lookup_values", given["parent"])
    except ValueError:
        return own  # reading the attributes refuses it with its own sentence
    return f"{parent['external-ref-code']}-{own}"


def complete(instance: Instance, resource: str, record: Record) -> None:
    if resource == "users":
        names = (record["firstname"], record["lastname"])
        instance.table("users").update(record, {"fullname": " ".join(name for name in names if name)})


def create_remit_to(instance: Instance, supplier: Record, body: Any) -> Record:
    address = create(instance, "remit_to_addresses", read_body(body, "remit_to_address"), parent=supplier)
    supplier["remit-to-addresses"].append(address)
    return address


def find_remit_to(instance: Instance, supplier_id: int, address_id: int) -> Record:
    address = instance.get("remit_to_addresses", address_id)
    if address is None or address["_parent"] != supplier_id:
        raise not_found("Remit to address", address_id)
    return address


def update_remit_to(instance: Instance, address: Record, body: Any) -> Record:
    if not address["active"]:
        raise invalid("remit_to_address", "Inactive addresses cannot be updated")
    update(instance, "remit_to_addresses", address, read_body(body, "remit_to_address"))
    return address
