"""What Amazon answers to `placeOrder` and `orderDetails`: what of each line was accepted, and what was not, and why.

A business rejection is HTTP 200, so the verdict is in these lists alone. Artifacts keep Amazon's own form (`raw`), known
or not; what we read from them is None where it is missing or unreadable. Quantities are units of the product.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainValidator, model_serializer, model_validator

from connectors.payload_types import AmazonPayload, Several, read_exact, read_moment

KINDS = ("acceptanceArtifactType", "rejectionArtifactType")
SHARED = frozenset({"OrderIdentifier", "DeliveryTimeRange", "UnitPrice"})  # of a group: true of each of its items


def read_units(value: object) -> int:
    """Whole units, none or more; ValueError for anything else."""
    number = read_exact(value)
    if number < 0 or number != number.to_integral_value():
        raise ValueError("a quantity is a whole number of units")
    return int(number)


Units = Annotated[int, PlainValidator(read_units)]


class Price(NamedTuple):
    amount: Decimal
    currency: str


class Promise(NamedTuple):
    """When Amazon says it delivers, aware UTC."""

    lower: datetime | None
    upper: datetime | None


class ShippedUnits(NamedTuple):
    """Units of a line in one shipment; `packages` are the carriers' tracking numbers."""

    shipment_id: str
    quantity: int | None
    packages: tuple[str, ...]


class Artifact(BaseModel):
    """`type` is Amazon's word (OrderIdentifier, BrokenUnitPriceExpectation, ...), "" where it gave none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str
    raw: dict[str, Any]

    @model_validator(mode="before")
    @classmethod
    def _of_amazon(cls, value: object) -> object:
        if isinstance(value, dict) and not ("raw" in value and "type" in value):
            name = next((value[kind] for kind in KINDS if isinstance(value.get(kind), str)), "")
            return {"type": name, "raw": value}
        return value

    @model_serializer(mode="plain")
    def _as_it_came(self) -> dict[str, Any]:
        return self.raw

    def text(self, name: str) -> str | None:
        value = self.raw.get(name)
        return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and value != "" else None

    def price(self, name: str = "amount") -> Price | None:
        """The Money under `name` (`amount`, `boundary`, `actualAmount`)."""
        value = self.raw.get(name)
        if isinstance(value, Mapping) and isinstance(value.get("currencyCode"), str):
            with suppress(ValueError):
                return Price(read_exact(value.get("amount")), value["currencyCode"])
        return None

    def moment(self, name: str) -> datetime | None:
        with suppress(ValueError):
            return read_moment(self.raw.get(name))
        return None

    def units(self, name: str = "quantity") -> int | None:
        with suppress(ValueError):
            return read_units(self.raw.get(name))
        return None


class _Item(AmazonPayload):
    quantity: Units
    artifacts: Several[Artifact] = ()

    def first(self, type: str) -> Artifact | None:
        return next(self.every(type), None)

    def every(self, type: str) -> Iterator[Artifact]:
        return (artifact for artifact in self.artifacts if artifact.type == type)


class AcceptedItem(_Item):
    """Units of a line that Amazon takes on, alike in order, price and promise."""

    @property
    def order_id(self) -> str | None:
        """Amazon's order id; a trial has none."""
        found = self.first("OrderIdentifier")
        return found.text("identifier") if found else None

    @property
    def unit_price(self) -> Price | None:
        found = self.first("UnitPrice")
        return found.price() if found else None

    @property
    def promised(self) -> Promise | None:
        found = self.first("DeliveryTimeRange")
        return Promise(found.moment("lowerBoundary"), found.moment("upperBoundary")) if found else None

    @property
    def shipments(self) -> tuple[ShippedUnits, ...]:
        """What has been shipped of these units."""
        return tuple(
            ShippedUnits(shipment_id, group.units(), tuple(_tracking_numbers(group)))
            for group in self.every("ShipmentGroup")
            if (shipment_id := group.text("identifier"))
        )


class RejectedItem(_Item):
    """Units of a line that Amazon does not take on; the artifacts say why."""


def singles(items: object) -> object:
    """Accepted items one by one: a group of n becomes its items, each n times its own units.

    What a group says of order, promise and price holds for each of its items that does not say so itself; its charges
    and shipments, which add up, stay with the first. Answers older than groups name no type.
    """
    if not isinstance(items, list | tuple):
        return () if items is None else items
    return [single for item in items for single in _singles(item)]


def _singles(item: object) -> Iterable[object]:
    inner = item.get("items") if isinstance(item, Mapping) else None
    if not isinstance(item, Mapping) or not isinstance(inner, list) or not inner:
        return (item,)
    groups, said = read_units(item.get("quantity")), _listed(item.get("artifacts"))
    within = [single for one in inner for single in _singles(one)]
    return [_of_group(one, groups, said, first=n == 0) for n, one in enumerate(within)]


def _of_group(item: object, groups: int, said: Iterable[object], *, first: bool) -> object:
    if not isinstance(item, Mapping):
        return item
    own = _listed(item.get("artifacts"))
    known = {_kind(artifact) for artifact in own} & SHARED
    added = [
        one
        for one in said
        if (_kind(one) in SHARED and _kind(one) not in known) or (first and _kind(one) not in SHARED)
    ]
    return {**item, "quantity": groups * read_units(item.get("quantity")), "artifacts": own + added}


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []


def _kind(artifact: object) -> str | None:
    return artifact.get(KINDS[0]) if isinstance(artifact, Mapping) else None


class ResultLine(AmazonPayload):
    """`external_id` is the line's in the request. Accepted and rejected units should add up to what was asked for."""

    external_id: str
    accepted_items: Annotated[tuple[AcceptedItem, ...], BeforeValidator(singles)] = ()
    rejected_items: Several[RejectedItem] = ()

    @property
    def accepted(self) -> int:
        return sum(item.quantity for item in self.accepted_items)

    @property
    def rejected(self) -> int:
        return sum(item.quantity for item in self.rejected_items)


class OrderResult(AmazonPayload):
    """Amazon's whole verdict. `rejection_artifacts` are reasons against the order as a whole."""

    line_items: tuple[ResultLine, ...]
    acceptance_artifacts: Several[Artifact] = ()
    rejection_artifacts: Several[Artifact] = ()

    @property
    def signed(self) -> bool:
        """Everything accepted is really ordered; a trial is never signed."""
        return any(artifact.type == "Signed" for artifact in self.acceptance_artifacts)

    @property
    def order_ids(self) -> tuple[str, ...]:
        """Amazon's order ids, one request may have several; in the order of the lines, each once."""
        every = (item.order_id for line in self.line_items for item in line.accepted_items)
        return tuple(dict.fromkeys(order_id for order_id in every if order_id))


def _tracking_numbers(group: Artifact) -> Iterator[str]:
    for reference in _listed(group.raw.get("packageReferences")):
        if isinstance(reference, Mapping) and isinstance(reference.get("value"), str):
            yield reference["value"]
