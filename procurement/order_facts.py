"""What is known of an Amazon order, whatever order its observations came in.

Facts only grow: joining an observation into what was known takes the furthest each fact has got (most units shipped,
delivered once seen delivered, cancelled once seen cancelled). Joining is commutative, associative and idempotent, so
replayed, repeated and out-of-order observations end in the same facts. Quantities are units as Amazon counts them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from procurement.placed_facts import PlacedFacts, join_placed, read_written, write_placed

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFacts:
    """What Package Tracking said of one package, and when it was last asked."""

    package_id: str
    asked_at: datetime
    status: str | None = None
    delivered_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentFacts:
    """One order line in one shipment. `delivered_seen`: business time at which the report first said DELIVERED."""

    order_id: str
    shipment_id: str
    order_line_id: str
    quantity: int
    po_number: str | None = None
    po_line_number: str | None = None
    asin: str | None = None
    shipped_at: datetime | None = None
    carrier: str | None = None
    packages: tuple[tuple[str, str], ...] = ()  # (package id, carrier tracking id), sorted
    expected_at: datetime | None = None  # the latest promise seen
    first_expected_at: datetime | None = None  # the earliest promise seen
    delivered_seen: datetime | None = None
    tracking_status: str | None = None  # Package Tracking's word, where it was asked
    delivered_at: datetime | None = None  # Package Tracking's moment: the first package's
    tracked: tuple[PackageFacts, ...] = ()  # by package id
    overdue: datetime | None = None  # the latest promise that was seen to have passed without a delivery
    lost: datetime | None = None  # the last sign after which it was given up
    received_by_people: int = 0  # AB's own receivingInfo
    receiving_status: str | None = None

    @property
    def key(self) -> str:
        """order/shipment/line: names the shipped line in both the ledger and Coupa's `external-id`."""
        return f"{self.order_id}/{self.shipment_id}/{self.order_line_id}"

    @property
    def shipped(self) -> bool:
        """Whether it left; Amazon lists shipments from the day it plans them."""
        return self.shipped_at is not None or self.delivered_seen is not None or self.delivered_at is not None

    @property
    def delivered(self) -> bool:
        """By the report, which speaks of the whole shipment, or by Package Tracking where no package is still on its way."""
        if self.delivered_seen is not None:
            return True
        arrived = {package.package_id for package in self.tracked if package.delivered_at is not None}
        return self.delivered_at is not None and (not arrived or arrived >= {package for package, _ in self.packages})

    @property
    def last_sign(self) -> datetime | None:
        """The latest moment for which Amazon said anything of a parcel on its way: it left, or it should arrive."""
        return max((moment for moment in (self.shipped_at, self.expected_at) if moment is not None), default=None)

    @property
    def is_lost(self) -> bool:
        """Given up, and no later promise since."""
        return self.lost is not None and not self.delivered and self.lost == self.last_sign

    @property
    def tracking_asked(self) -> datetime | None:
        """When Package Tracking was last asked for any of its packages."""
        return max((package.asked_at for package in self.tracked), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFacts:
    """One line of an Amazon order. `ordered` is the most units ever reported, `left` the fewest (a part cancellation
    lowers the report's quantity); prices as text with currency, every one that was ever reported, sorted."""

    order_line_id: str
    ordered: int
    left: int
    po_line_number: str | None = None
    asin: str | None = None
    title: str = ""
    unit_prices: tuple[str, ...] = ()
    currency: str | None = None
    seller: str | None = None
    charged: int = 0  # units that Amazon has charged for

    @property
    def cancelled(self) -> int:
        return self.ordered - self.left


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFacts:
    """One Amazon order. `statuses`: every order status ever reported, sorted. `ended_seen`: business time at which it was
    first seen CANCELLED or CLOSED. `refunds`: keys of the refunds known of it, sorted. `placed`: what Amazon accepted when we
    ordered; nothing of an order that was placed outside."""

    order_id: str
    ordered_at: datetime
    po_number: str | None = None
    buyer_email: str | None = None
    statuses: tuple[str, ...] = ()
    ended_seen: datetime | None = None
    refunds: tuple[str, ...] = ()
    lines: Mapping[str, LineFacts] = field(default_factory=dict)  # by order line id
    shipments: Mapping[str, ShipmentFacts] = field(default_factory=dict)  # by ShipmentFacts.key
    placed: Mapping[str, PlacedFacts] = field(default_factory=dict)  # by PlacedFacts.key

    @property
    def cancelled(self) -> bool:
        return "CANCELLED" in self.statuses

    @property
    def closed(self) -> bool:
        return "CLOSED" in self.statuses

    def shipped(self, order_line_id: str) -> int:
        return sum(
            one.quantity for one in self.shipments.values() if one.order_line_id == order_line_id and one.shipped
        )

    def delivered(self, order_line_id: str) -> int:
        return sum(
            one.quantity for one in self.shipments.values() if one.order_line_id == order_line_id and one.delivered
        )


def join_shipments(one: ShipmentFacts, other: ShipmentFacts) -> ShipmentFacts:
    """Both of one key. The most units, the union of packages, the earliest delivery, the furthest tracking status."""
    assert one.key == other.key
    return replace(
        one,
        quantity=max(one.quantity, other.quantity),
        po_number=_larger(one.po_number, other.po_number),
        po_line_number=_larger(one.po_line_number, other.po_line_number),
        asin=_larger(one.asin, other.asin),
        shipped_at=_earlier(one.shipped_at, other.shipped_at),
        carrier=_larger(one.carrier, other.carrier),
        packages=tuple(sorted({*one.packages, *other.packages})),
        expected_at=_later(one.expected_at, other.expected_at),
        first_expected_at=_earlier(one.first_expected_at, other.first_expected_at),
        delivered_seen=_earlier(one.delivered_seen, other.delivered_seen),
        tracking_status=_further(one.tracking_status, other.tracking_status),
        delivered_at=_earlier(one.delivered_at, other.delivered_at),
        tracked=tuple(_join_all(_by_package(one), _by_package(other), _join_packages).values()),
        overdue=_later(one.overdue, other.overdue),
        lost=_later(one.lost, other.lost),
        received_by_people=max(one.received_by_people, other.received_by_people),
        receiving_status=_larger(one.receiving_status, other.receiving_status),
    )


def _by_package(facts: ShipmentFacts) -> dict[str, PackageFacts]:
    return {package.package_id: package for package in facts.tracked}


def _join_packages(one: PackageFacts, other: PackageFacts) -> PackageFacts:
    return replace(
        one,
        asked_at=max(one.asked_at, other.asked_at),
        status=_further(one.status, other.status),
        delivered_at=_earlier(one.delivered_at, other.delivered_at),
    )


def join_lines(one: LineFacts, other: LineFacts) -> LineFacts:
    assert one.order_line_id == other.order_line_id
    return replace(
        one,
        ordered=max(one.ordered, other.ordered),
        left=min(one.left, other.left),
        po_line_number=_larger(one.po_line_number, other.po_line_number),
        asin=_larger(one.asin, other.asin),
        title=max(one.title, other.title),
        unit_prices=tuple(sorted({*one.unit_prices, *other.unit_prices}, key=Decimal)),
        currency=_larger(one.currency, other.currency),
        seller=_larger(one.seller, other.seller),
        charged=max(one.charged, other.charged),
    )


def join_orders(one: OrderFacts, other: OrderFacts) -> OrderFacts:
    assert one.order_id == other.order_id
    return replace(
        one,
        ordered_at=min(one.ordered_at, other.ordered_at),
        po_number=_larger(one.po_number, other.po_number),
        buyer_email=_larger(one.buyer_email, other.buyer_email),
        statuses=tuple(sorted({*one.statuses, *other.statuses})),
        ended_seen=_earlier(one.ended_seen, other.ended_seen),
        refunds=tuple(sorted({*one.refunds, *other.refunds})),
        lines=_join_all(one.lines, other.lines, join_lines),
        shipments=_join_all(one.shipments, other.shipments, join_shipments),
        placed=_join_all(one.placed, other.placed, join_placed),
    )


# What a package went through, in order: a later word outranks an earlier one.
TRACKING = (
    "ORDERED", "SHIPPED", "DELAYED", "OUT_FOR_DELIVERY", "AVAILABLE_FOR_PICKUP", "CUSTOMER_ACTION", "DELIVERED",
    "UNDELIVERABLE", "RETURNED", "REFUND_ISSUED",
)  # fmt: skip


def _further(one: str | None, other: str | None) -> str | None:
    return max((one, other), key=lambda word: (TRACKING.index(word) if word in TRACKING else -1, word or ""))


def _larger(one: str | None, other: str | None) -> str | None:
    """Any rule will do that does not depend on who came first; values that never change are never touched by it."""
    return max(one or "", other or "") or None


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((moment for moment in (one, other) if moment is not None), default=None)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((moment for moment in (one, other) if moment is not None), default=None)


def _join_all(one: Mapping[str, Any], other: Mapping[str, Any], join: Any) -> dict[str, Any]:
    joined = dict(one)
    for key, value in other.items():
        joined[key] = join(joined[key], value) if key in joined else value
    return dict(sorted(joined.items()))


# As the ledger keeps them: canonical JSON, so that the same facts have the same hash.


def write_shipment(facts: ShipmentFacts) -> Json:
    return {
        "order_id": facts.order_id, "shipment_id": facts.shipment_id, "order_line_id": facts.order_line_id,
        "quantity": facts.quantity, "po_number": facts.po_number, "po_line_number": facts.po_line_number,
        "asin": facts.asin, "shipped_at": _text(facts.shipped_at), "carrier": facts.carrier,
        "packages": [list(package) for package in facts.packages], "expected_at": _text(facts.expected_at),
        "first_expected_at": _text(facts.first_expected_at), "delivered_seen": _text(facts.delivered_seen),
        "tracking_status": facts.tracking_status, "delivered_at": _text(facts.delivered_at),
        "tracked": [_write_package(package) for package in facts.tracked], "overdue": _text(facts.overdue),
        "received_by_people": facts.received_by_people, "receiving_status": facts.receiving_status,
        **({"lost": _text(facts.lost)} if facts.lost is not None else {}),  # absent, so that no other parcel reads as changed
    }  # fmt: skip


def read_shipment(raw: Json) -> ShipmentFacts:
    moments = ("shipped_at", "expected_at", "first_expected_at", "delivered_seen", "delivered_at", "overdue")
    return ShipmentFacts(
        **{
            **raw,
            "packages": tuple(tuple(package) for package in raw["packages"]),
            "tracked": tuple(map(_read_package, raw["tracked"])),
            **{name: _moment(raw[name]) for name in moments},
            "lost": _moment(raw.get("lost")),
        }
    )


def _write_package(package: PackageFacts) -> Json:
    return {
        "package_id": package.package_id, "asked_at": _text(package.asked_at), "status": package.status,
        "delivered_at": _text(package.delivered_at),
    }  # fmt: skip


def _read_package(raw: Json) -> PackageFacts:
    asked_at = _moment(raw["asked_at"])
    assert asked_at is not None
    return PackageFacts(**{**raw, "asked_at": asked_at, "delivered_at": _moment(raw["delivered_at"])})


def write_order(facts: OrderFacts) -> Json:
    return {
        "order_id": facts.order_id, "ordered_at": _text(facts.ordered_at), "po_number": facts.po_number,
        "buyer_email": facts.buyer_email, "statuses": list(facts.statuses), "ended_seen": _text(facts.ended_seen),
        "refunds": list(facts.refunds),
        "lines": [_write_line(line) for _, line in sorted(facts.lines.items())],
        "shipments": [write_shipment(one) for _, one in sorted(facts.shipments.items())],
        "placed": [write_placed(one) for _, one in sorted(facts.placed.items())],
    }  # fmt: skip


def read_order(raw: Json) -> OrderFacts:
    ordered_at = _moment(raw["ordered_at"])
    assert ordered_at is not None
    lines = [LineFacts(**{**line, "unit_prices": tuple(line["unit_prices"])}) for line in raw["lines"]]
    shipments = map(read_shipment, raw["shipments"])
    return OrderFacts(
        order_id=raw["order_id"], ordered_at=ordered_at, po_number=raw["po_number"], buyer_email=raw["buyer_email"],
        statuses=tuple(raw["statuses"]), ended_seen=_moment(raw["ended_seen"]), refunds=tuple(raw["refunds"]),
        lines={line.order_line_id: line for line in lines},
        shipments={one.key: one for one in shipments},
        placed={one.key: one for one in map(read_written, raw.get("placed", ()))},
    )  # fmt: skip


def _write_line(line: LineFacts) -> Json:
    return {
        "order_line_id": line.order_line_id, "ordered": line.ordered, "left": line.left,
        "po_line_number": line.po_line_number, "asin": line.asin, "title": line.title,
        "unit_prices": list(line.unit_prices), "currency": line.currency, "seller": line.seller,
        "charged": line.charged,
    }  # fmt: skip


def _text(moment: datetime | None) -> str | None:
    """In UTC, so that one moment has one text."""
    return moment.astimezone(UTC).isoformat() if moment is not None else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def join_all_orders(observations: Iterable[OrderFacts]) -> OrderFacts:
    """All observations of one order, in whatever order they came; ValueError for none."""
    first, *rest = observations
    for other in rest:
        first = join_orders(first, other)
    return first
