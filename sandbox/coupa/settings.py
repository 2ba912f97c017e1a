"""What administrators set up in Coupa's pages, by event: limits, approval chains, number series.

`settings_of` gives everything in the form that `change_settings` takes, so that a snapshot can put it back.
"""

from collections.abc import Mapping
from typing import Any

from sandbox.coupa.errors import bad_query
from sandbox.coupa.instance import Instance
from sandbox.coupa.tolerances import CODES

Json = dict[str, Any]
LISTS = (
    "invoice-approvers", "requisition-approvers", "order-change-approvers", "required-to-submit",
    "currencies-without-rate",
)  # fmt: skip
NUMBERS = ("requisition-approval-levels", "next-po-number")
NAMES = ("tolerances", *LISTS, *NUMBERS, "po-number-prefix")
ATTRIBUTES = {"next-po-number": "po_series"}  # others: the name with underscores


def change_settings(instance: Instance, given: Json) -> Json:
    """Changes what is named; 400 for a value that cannot be."""
    if "tolerances" in given:
        scopes = given["tolerances"].items()
        set_tolerances(
            instance,
            {scope: {code.replace("-", "_"): one for code, one in limits.items()} for scope, limits in scopes},
        )
    for name in LISTS:
        if name in given:
            words = [str(one) for one in given[name]]
            setattr(instance, _attribute(name), tuple(words) if name == "required-to-submit" else words)
    for name in NUMBERS:
        if name in given:
            if not str(given[name]).isdecimal():
                raise bad_query(f"{name} is not a whole number")
            setattr(instance, _attribute(name), int(given[name]))
    if "po-number-prefix" in given:
        instance.po_number_prefix = str(given["po-number-prefix"] or "")
    return settings_of(instance)


def set_tolerances(instance: Instance, tolerances: Mapping[str, Mapping[str, str | None]]) -> None:
    unknown = sorted({code for limits in tolerances.values() for code in limits} - set(CODES))
    if unknown:
        raise bad_query(f"Unknown tolerance {', '.join(unknown)}; known are {', '.join(CODES)}")
    instance.tolerances = {scope: dict(limits) for scope, limits in tolerances.items()}


def settings_of(instance: Instance) -> Json:
    lists = {name: list(getattr(instance, _attribute(name))) for name in LISTS}
    numbers = {name: getattr(instance, _attribute(name)) for name in NUMBERS}
    return {"tolerances": instance.tolerances, **lists, **numbers, "po-number-prefix": instance.po_number_prefix}


def _attribute(name: str) -> str:
    return ATTRIBUTES.get(name, name.replace("-", "_"))
