"""Who is a contracted or preferred seller: the suppliers of valid contracts and the file's own list, by spelling. Pure.

Contracts and the list give no address, so the same name word for word (80 points, but for legal form and case) has to suffice."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from procurement.compliance.contracts import Agreements
from procurement.compliance.rules import ComplianceFile
from procurement.sellers.identity import KnownParties, Party, Place, Recognition


def recogniser(
    agreements: Agreements, file: ComplianceFile, day: date, suppliers: Iterable[Party] = ()
) -> Callable[[Party], Recognition]:
    """Answers for a seller; each spelling and place is compared once. `suppliers`: Coupa's, where the file lets them count."""
    names = [contract.supplier_name for contract in agreements.valid_on(day) if contract.supplier_name]
    listed = [Party(name, key=name) for name in dict.fromkeys([*file.preferred_sellers, *names])]
    known = KnownParties([*listed, *suppliers], thresholds=file.recognition)
    answers: dict[Party, Recognition] = {}

    def recognise(seller: Party) -> Recognition:
        if seller not in answers:
            answers[seller] = known.recognise(seller)
        return answers[seller]

    return recognise


def read_supplier(raw: Mapping[str, Any]) -> Party | None:
    """An active Coupa supplier as one spells it; None for others."""
    if raw.get("status") != "active" or not raw.get("name"):
        return None
    address = raw.get("primary-address") or {}
    place = Place(
        street=str(address.get("street1") or ""), city=str(address.get("city") or ""), region=str(address.get("state") or ""),
        postal_code=str(address.get("postal-code") or ""), country=str((address.get("country") or {}).get("code") or ""),
    )  # fmt: skip
    other = str(raw.get("display-name") or "")
    return Party(str(raw["name"]), place, key=str(raw.get("number") or ""), aliases=(other,) if other else ())
