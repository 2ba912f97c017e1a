"""The books of what was bought, as rules over all orders read them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from procurement.ledger import Ledger
from procurement.ledger.compliance import PurchasedLine
from tests.integration.ledger.documents import SOURCE, charge, open_run, read

pytestmark = pytest.mark.integration
BEFORE, NOW = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)


def test_a_po_that_is_partly_ordered_is_not_counted_again_among_what_was_bought_before_it(ledger: Ledger) -> None:
    records = read(ledger, open_run(ledger), [charge("T1"), charge("T2")])
    lines = [
        PurchasedLine(
            record_id=record.id, n=1, source=SOURCE, order_id=f"111-{n}", po_number=po, ordered_at=BEFORE, buyer="b", cost_center="1",
            seller="S", seller_name="s", commodity="c", asin="B0EXAMPLE1", contract="C-1", quantity=Decimal(units),
            amount=Decimal(units), currency="USD", standing="on_contract",
        )
        for n, (record, po, units) in enumerate(zip(records, ("PO-1", "PO-2"), (50, 7), strict=True))
    ]  # fmt: skip
    ledger.compliance.keep_lines([record.id for record in records], lines)
    wanted = [("C-1", "B0EXAMPLE1", NOW, "PO-1", own) for own in ("", "PO-1")]
    units = [ledger.compliance.bought_before(SOURCE, [one])["C-1", "B0EXAMPLE1", "PO-1"][0] for one in wanted]
    assert units == [57, 7]
