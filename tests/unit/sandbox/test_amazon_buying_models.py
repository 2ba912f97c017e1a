"""Everything about buying, recorded over its whole life and held against Amazon's published models."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.sandbox.amazon_shop import BUYER, FATES, ORDERS, Shop, line, open_shop, order
from tests.unit.sandbox.test_amazon_products import calls
from tests.unit.sandbox.test_amazon_tracking import ask

CHECKER = Path(__file__).resolve().parents[3].parent / "shared" / "contract" / "contract_check.py"


def _look(shop: Shop) -> None:
    for row in shop.shipments():
        order_id, shipment = row["orderMetadata"]["orderId"], row["shipmentMetadata"]["shipmentId"]
        assert ask(shop, order_id, shipment, "1").status_code == 200
    for row in (*shop.orders(), *shop.order_lines(), *shop.shipment_lines(), *shop.feed()):
        assert row
    assert all(shop.details(f"E-{po}").status_code == 200 for po in FATES)


@pytest.mark.skipif(not CHECKER.exists(), reason=f"the vendors' published models are not here: {CHECKER}")
def test_buying_keeps_to_the_published_models(tmp_path: Path) -> None:
    record = tmp_path / "exchanges.ndjson"
    with open_shop(record=record, ids="different") as shop:
        refused = [line("3", "B0DESK", "desk", 1, charges={"SHIPPING": 1.0}), line("4", "B0INK", "ink", 9)]
        for po in FATES:
            shop.place(
                f"E-{po}",
                line("1"),
                line("2", "B0PEN", "pen-cheap", price=5.0),
                *refused,
                line("5", "B0INK", "ink"),
                po=po,
            )
        shop.place("TRIAL", attributes=[{"attributeType": "TrialMode"}])
        shop.place("WHOLE", charges={"SUBTOTAL": 1.0})
        assert shop.post(ORDERS, order(without="Region")).status_code == 400
        assert shop.post(ORDERS, order(buyer="x@example.com")).status_code == 403
        assert shop.details("NONE").status_code == 404
        for hours in (12, 60, 120):
            shop.wait(hours)
            _look(shop)
        for person in (BUYER, "x@example.com"):
            shop.headers["x-amz-user-email"] = person
            calls(shop)
    checked = subprocess.run([sys.executable, CHECKER, record], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
