"""Every row of an order report is accounted for, Amazon's money is the report's, and only Coupa's side deviates."""

import csv
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.scenarios.orders_report import SAMPLE, read_orders_report
from sandbox.seed import Json, World

REAL = Path(__file__).parents[4] / "shared" / "data" / "amazon-orders-report.csv"
needs_real = pytest.mark.skipif(not REAL.exists(), reason=f"NOT RUN: the real report is not at {REAL}")
REPORTS = [SAMPLE, pytest.param(REAL, marks=needs_real)]


def cells_of(path: Path) -> dict[int, dict[str, str]]:
    """The file as it is, by spreadsheet row; deliberately not read by the code under test."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        return dict(enumerate(csv.DictReader(file), start=2))


def amount(text: str) -> Decimal:
    return Decimal(text.replace("$", "").replace(",", "") or "0")


def lines(world: World) -> Iterator[tuple[Json, Json]]:
    for row in world.amazon.transactions:
        for line in row.document["transactionLineItems"]:
            yield row.document, line


@pytest.mark.parametrize("path", REPORTS)
@pytest.mark.parametrize("ids", ["equal", "different"])
def test_every_row_is_a_transaction_line_or_has_a_reason(path: Path, ids: str) -> None:
    world, cells = read_orders_report(path, ids=ids), cells_of(path)
    where = world.facts["report"]["where"]
    assert sorted([fact["row"] for fact in where] + [one.row for one in world.refused]) == sorted(cells)
    carried = {(document["transactionId"], line["orderLineItemId"]): line for document, line in lines(world)}
    for fact in where:
        cell = cells[fact["row"]]
        if "transaction" not in fact:
            assert fact["reason"]
            continue
        line = carried.pop((fact["transaction"], fact["line"]))
        assert Decimal(line["totalAmount"]["amount"]) == amount(cell["Item Total"])
        assert Decimal(line["principalAmount"]["amount"]) == amount(cell["Item Subtotal"])
        assert Decimal(line["unitPrice"]["amount"]) == amount(cell["Purchase Price Per Unit"])
        seen = (line["orderId"], line["asin"], str(line["itemQuantity"]), line["unspsc"], line["merchantLegalName"])
        assert seen == tuple(cell[name] for name in ("Order ID", "ASIN/ISBN", "Quantity", "UNSPSC Code", "Seller"))
    assert carried == {}, "no line comes from nowhere"


@pytest.mark.parametrize("path", REPORTS)
def test_the_feed_holds_the_money_of_the_rows_that_shipped(path: Path) -> None:
    world, cells = read_orders_report(path), cells_of(path)
    refused = {one.row for one in world.refused}
    shipped = sum(
        amount(cell["Item Total"])
        for row, cell in cells.items()
        if row not in refused and cell["Shipment Date"] and cell["Quantity"] != "0"
    )
    feed = sum(Decimal(line["totalAmount"]["amount"]) for _, line in lines(world))
    assert feed == shipped == Decimal(world.facts["report"]["charged"]["USD"])
    assert world.facts["at_now"]["money"] == {"USD": str(feed)}, "all of it is in the feed at the world's now"


@pytest.mark.parametrize("path", REPORTS)
def test_the_share_of_orders_with_a_po_is_the_one_asked_for(path: Path) -> None:
    for share in ("0", "0.5", "0.70", "1"):
        world = read_orders_report(path, with_pos=Decimal(share))
        numbers = {one.body["po-number"] for one in world.coupa.records if one.resource == "purchase_orders"}
        backed = [row for row in world.amazon.orders if row.document.get("purchaseOrderNumber") in numbers]
        too_long = world.facts["situations"].get("po_number_too_long", {"count": 0})["count"]
        assert abs(len(backed) + too_long - Decimal(share) * len(world.amazon.orders)) <= Decimal("0.5")
        assert all(len(number) <= 20 for number in numbers)


@pytest.mark.parametrize("path", REPORTS)
def test_dates_are_kept_and_pos_stand_before_their_orders(path: Path) -> None:
    world = read_orders_report(path)
    by_order = {cell["Order ID"]: cell for cell in cells_of(path).values()}
    issued = {one.body["po-number"]: one.at for one in world.coupa.records if one.resource == "purchase_orders"}
    for row in world.amazon.orders:
        assert f"{row.since:%m/%d/%y}" == by_order[row.document["orderMetadata"]["orderId"]]["Order Date"]
        assert issued.get(row.document.get("purchaseOrderNumber", ""), row.since) <= row.since


@pytest.mark.parametrize("path", REPORTS)
def test_the_deviations_change_nothing_on_amazons_side(path: Path) -> None:
    """Without any PO the feed shows the same money, line for line."""
    with_pos, without = read_orders_report(path), read_orders_report(path, with_pos=Decimal(0))
    parts = ("orderId", "asin", "itemQuantity", "unitPrice", "principalAmount", "tax", "totalAmount")
    assert Counter(str([line.get(part) for part in parts]) for _, line in lines(with_pos)) == Counter(
        str([line.get(part) for part in parts]) for _, line in lines(without)
    )


def test_the_same_file_and_seed_give_the_same_world() -> None:
    first, second = read_orders_report(SAMPLE, seed=3), read_orders_report(SAMPLE, seed=3)
    assert json.dumps(asdict(first), default=str) == json.dumps(asdict(second), default=str)
    assert json.dumps(asdict(first), default=str) != json.dumps(asdict(read_orders_report(SAMPLE, seed=4)), default=str)


def test_shipments_within_five_days_share_an_invoice_and_later_ones_do_not() -> None:
    numbers: dict[str, set[str]] = {}
    for document, line in lines(read_orders_report(SAMPLE)):
        numbers.setdefault(line["orderId"], set()).add(document["invoiceNumber"])
    assert len(numbers["113-4410003-1000003"]) == 2
    assert len(numbers["113-4410004-1000004"]) == 1


def test_a_customers_own_po_number_is_used_and_may_cover_two_orders() -> None:
    world = read_orders_report(SAMPLE)
    (po,) = [one.body for one in world.coupa.records if one.body.get("po-number") == "PO-77001"]
    assert [line["description"] for line in po["order-lines"]] == ["Ground coffee, 2 kg", "Green tea, 100 bags"]
    orders = [row.document for row in world.amazon.orders if row.document.get("purchaseOrderNumber") == "PO-77001"]
    assert len(orders) == 2


def test_a_po_number_too_long_for_coupa_stays_with_amazon_only() -> None:
    world = read_orders_report(SAMPLE)
    (fact,) = world.facts["situations"]["po_number_too_long"]["documents"]
    assert fact["po"] == "FACILITIES-AUSTIN-2024-0214"


def test_a_buyer_coupa_does_not_know_becomes_a_user_there() -> None:
    world = read_orders_report(SAMPLE)
    emails = [one.body["email"] for one in world.coupa.records if one.resource == "users"]
    assert emails.count("temp.worker@example.net") == 1
    assert "temp.worker@example.net" in world.amazon.user_emails


def test_a_wholly_cancelled_order_is_cancelled_and_a_cancelled_line_has_quantity_zero() -> None:
    world = read_orders_report(SAMPLE)
    status = {row.document["orderMetadata"]["orderId"]: row.document["orderStatus"] for row in world.amazon.orders}
    assert [order for order, one in status.items() if one == "CANCELLED"] == ["114-4410008-1000008"]
    quantities = [row.document["quantity"] for row in world.amazon.order_lines]
    assert quantities.count(0) == 2


def test_rows_that_disagree_about_their_order_are_refused(tmp_path: Path) -> None:
    text = SAMPLE.read_text().replace('01/08/24,112-4410001-1000001,"Copy', '01/07/24,112-4410001-1000001,"Copy')
    path = tmp_path / "report.csv"
    path.write_text(text)
    world = read_orders_report(path)
    assert world.refused[0].row == 3
    assert world.refused[0].reason == "Order 112-4410001-1000001 has another date or website in row 2."


@pytest.mark.parametrize("share", [Decimal("1.1"), Decimal("-0.1"), 0.7])
def test_a_share_that_is_none_is_refused(share: Decimal) -> None:
    with pytest.raises(ValueError, match="give a Decimal from 0 to 1"):
        read_orders_report(SAMPLE, with_pos=share)


def test_now_can_be_given() -> None:
    moment = datetime(2024, 6, 1, tzinfo=UTC)
    assert read_orders_report(SAMPLE, now=moment).now == moment
    assert read_orders_report(SAMPLE).now == datetime(2024, 3, 1, tzinfo=UTC)


@needs_real
def test_the_real_report_reappears_whole() -> None:
    """186 rows, 138 orders, USD 4,469.66; every kind of deviation occurs."""
    world = read_orders_report(REAL)
    report = world.facts["report"]
    assert (report["rows"], report["orders"], report["money"]) == (186, 138, {"USD": "4469.66"})
    assert (report["charged"], report["refused_rows"], report["orders_with_po"]) == ({"USD": "4469.66"}, 0, 97)
    (row,) = [fact for fact in report["where"] if "transaction" not in fact]
    assert (row["row"], row["reason"]) == (87, "cancelled: quantity 0")
    assert world.now == datetime(2023, 3, 18, tzinfo=UTC)
    assert world.facts["situations"].keys() == {
        "article_not_on_po", "keyed_by_clerk", "late_receipt", "line_not_received", "no_po_line", "no_receipt",
        "partial_receipt", "price_over_po", "price_under_po", "quantity_over_order", "quantity_over_receipt",
        "two_orders_on_one_po", "two_way_line",
    }  # fmt: skip
