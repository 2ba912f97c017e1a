"""Coupa's suppliers as sellers are looked for among them. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from rapidfuzz import process

from procurement.policies import Rules
from procurement.sellers.identity import Decisions, KnownParties, Party, Place
from procurement.sellers.onboarding import Decision, Seller, registration_of
from procurement.sellers.rules import SuppliersFile

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CoupaSuppliers:
    """`parties`: to be recognised by name, display name, address, Japanese number, and suppliers.yml's spellings, with
    Coupa's id as key; `named`: number, or else id, by name in lower case; `statuses` by id."""

    parties: KnownParties
    numbers: frozenset[str]
    named: Mapping[str, str]
    statuses: Mapping[str, str]

    @classmethod
    def read(cls, raws: Iterable[Json], rules: Rules) -> Self:
        suppliers, parties = rules.suppliers, list[Party]()
        same, numbers, named, statuses = [*suppliers.same], set[str](), dict[str, str](), dict[str, str]()
        for raw in raws:
            id, name, number, shown = (str(raw.get(key) or "") for key in ("id", "name", "number", "display-name"))
            same += [(spelled, name) for spelled in suppliers.known_as.get(number, ())]
            aliases = (shown,) if shown and shown != name else ()
            tax_number = registration_of(str(raw.get("tax-id") or ""))
            parties.append(Party(name, read_place(raw.get("primary-address") or {}), tax_number, id, aliases))
            numbers.add(number)
            named[name.casefold()], statuses[id] = number or id, str(raw.get("status") or "")
        decisions = Decisions.of(same, suppliers.different)
        known = KnownParties(parties, thresholds=suppliers.identity, decisions=decisions)
        return cls(known, frozenset(numbers - {""}), named, statuses)

    def unknown_numbers(self, seller: Seller, suppliers: SuppliersFile) -> Iterator[str]:
        """Under which numbers people declared the seller known that Coupa does not have, each with the nearest that it has."""
        for number, spellings in suppliers.known_as.items():
            if number not in self.numbers and any(suppliers.is_listed(spellings, one) for one in seller.members):
                close = process.extractOne(number, self.numbers, score_cutoff=50)
                yield f"{number!r}" + (f" (did you mean {close[0]!r}?)" if close else "")

    def ended(self, decision: Decision, suppliers: SuppliersFile) -> str | None:
        """`V-9 is inactive`, where people ended the supplier that the seller is."""
        supplier = decision.supplier
        if supplier is None or self.statuses[supplier.key] not in suppliers.progress.inactive:
            return None
        return f"{self.named[supplier.name.casefold()]} is {self.statuses[supplier.key]}"


def read_place(raw: Mapping[str, Any]) -> Place:
    """Coupa's address."""
    country = raw.get("country") or {}
    streets = [str(raw[name]) for name in ("street1", "street2") if raw.get(name)]
    return Place(
        street=", ".join(streets), city=str(raw.get("city") or ""), region=str(raw.get("state") or ""),
        postal_code=str(raw.get("postal-code") or ""), country=str(country.get("code") or ""),
    )  # fmt: skip
