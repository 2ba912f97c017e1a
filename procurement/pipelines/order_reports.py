"""Amazon's order, shipment and tracking answers as facts; each answer alone, at the business moment it was read.

Source: Reporting API 2025-06-09 (getOrderReports, getOrderLineItemReports, getShipmentReports, getShipmentLineItemReports)
and getPackageTrackingDetails. Nothing here knows what was read before.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.amazon_business.payloads import (
    OrderLineItemReport,
    OrderReport,
    ShipmentLineItemReport,
    ShipmentReport,
)
from connectors.amazon_business.tracking import PackageTracking
from procurement.order_facts import LineFacts, OrderFacts, PackageFacts, ShipmentFacts, join_shipments
from procurement.placed_facts import plain

Json = dict[str, Any]
SHIPPED = "SHIPPED"
DELIVERED = "DELIVERED"
ENDED = frozenset({"CANCELLED", "CLOSED"})


@dataclass(frozen=True, slots=True)
class Report:
    """The raw rows of one order: its header, lines, shipments and shipped lines."""

    header: Json
    lines: list[Json] = field(default_factory=list)
    shipments: list[Json] = field(default_factory=list)
    shipment_lines: list[Json] = field(default_factory=list)


def order_id_of(raw: Json) -> str:
    """Every row of every report names its order."""
    return str((raw.get("orderMetadata") or {}).get("orderId") or "")


def read_report(report: Report, *, now: datetime, late_after: timedelta) -> OrderFacts:
    """The order as this report shows it; pydantic's ValidationError where a row cannot be read."""
    header = OrderReport.model_validate(report.header)
    metadata = header.order_metadata
    if metadata.order_date is None:
        raise ValueError(f"order {metadata.order_id} has no order date")
    lines = [read_line(raw) for raw in report.lines]
    shipments = read_shipment_lines(report, now=now, late_after=late_after)
    status = header.order_status
    return OrderFacts(
        order_id=metadata.order_id, ordered_at=metadata.order_date, po_number=header.purchase_order_number,
        buyer_email=header.buying_customer.email if header.buying_customer else None,
        statuses=(status,) if status else (), ended_seen=now if status in ENDED else None,
        lines={line.order_line_id: line for line in lines}, shipments=shipments,
    )  # fmt: skip


def read_line(raw: Json) -> LineFacts:
    line = OrderLineItemReport.model_validate(raw)
    product, price, seller = line.product_details, line.unit_price, raw.get("seller")
    quantity = int(line.quantity or 0)
    return LineFacts(
        order_line_id=line.order_line_item_id, ordered=quantity, left=quantity,
        po_line_number=line.purchase_order_line_item_number, asin=product.asin if product else None,
        title=(product.title if product else None) or "",
        unit_prices=(plain(price.amount),) if price else (), currency=price.currency_code if price else None,
        seller=str(seller["name"]) if isinstance(seller, dict) and seller.get("name") else None,
    )  # fmt: skip


def read_shipment_lines(report: Report, *, now: datetime, late_after: timedelta) -> dict[str, ShipmentFacts]:
    """By key. A shipped line stands twice where a shipment lists it twice: its units are not added up."""
    headers = {
        header.shipment_metadata.shipment_id: header for header in map(ShipmentReport.model_validate, report.shipments)
    }
    found: dict[str, ShipmentFacts] = {}
    for raw in report.shipment_lines:
        line = ShipmentLineItemReport.model_validate(raw)
        header = headers.get(line.shipment_metadata.shipment_id)
        facts = _shipment(line, header, now=now, late_after=late_after)
        found[facts.key] = join_shipments(found[facts.key], facts) if facts.key in found else facts
    return dict(sorted(found.items()))


def _shipment(
    line: ShipmentLineItemReport, header: ShipmentReport | None, *, now: datetime, late_after: timedelta
) -> ShipmentFacts:
    delivery = header.delivery_info if header else None
    expected = delivery.expected_delivery_date if delivery else None
    delivered = delivery is not None and delivery.status == DELIVERED
    left = delivered or (header is not None and header.shipment_status == SHIPPED)
    receiving = line.receiving_info
    return ShipmentFacts(
        order_id=line.order_metadata.order_id, shipment_id=line.shipment_metadata.shipment_id,
        order_line_id=line.order_line_item_id, quantity=int(line.quantity or 0), po_number=line.purchase_order_number,
        po_line_number=line.purchase_order_line_item_number,
        asin=line.product_details.asin if line.product_details else None,
        shipped_at=(line.shipment_metadata.shipment_date or now) if left else None, carrier=line.carrier_name,
        packages=tuple(sorted(
            (package.package_id, package.tracking_id or "") for package in line.packages if package.package_id
        )),
        expected_at=expected, first_expected_at=expected, delivered_seen=now if delivered else None,
        overdue=expected if expected and not delivered and now > expected + late_after else None,
        received_by_people=int(receiving.quantity or 0) if receiving else 0,
        receiving_status=receiving.status if receiving else None,
    )  # fmt: skip


def track(
    shipment: ShipmentFacts, package_id: str, *, asked_at: datetime, answer: PackageTracking | None
) -> ShipmentFacts:
    """`shipment` with what Package Tracking answered about one of its packages (None: no data yet)."""
    if answer is None:
        observed = replace(shipment, tracked=(PackageFacts(package_id=package_id, asked_at=asked_at),))
    else:
        package = PackageFacts(
            package_id=package_id, asked_at=asked_at, status=answer.status, delivered_at=answer.delivered_at
        )
        observed = replace(
            shipment, tracked=(package,), tracking_status=answer.status, delivered_at=answer.delivered_at,
            expected_at=answer.window_end if answer.delivered_at is None else None,
        )  # fmt: skip
    return join_shipments(shipment, observed)


def by_order(headers: Iterable[Json], rows: Mapping[str, Iterable[Json]]) -> dict[str, Report]:
    """Reports by order id; rows of orders without header are left out (their header comes with the next read).

    `rows`: raw rows by the name of the report's list.
    """
    reports = {order_id_of(header): Report(header) for header in headers}
    for name, found in rows.items():
        for raw in found:
            report = reports.get(order_id_of(raw))
            if report is not None:
                getattr(report, name).append(raw)
    return reports
