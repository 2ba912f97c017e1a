"""Builders of small documents: a PO with its lines, an invoice, Amazon's lines in Amazon's own spelling."""

import shutil
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from procurement.documents import GoodsReceipt, Invoice, InvoiceCharge, InvoiceLine, PurchaseOrder, PurchaseOrderLine
from procurement.money import Money
from procurement.policies import Rules, read_rules

Json = dict[str, Any]
MAPPINGS = Path(__file__).parents[3] / "mappings"


def usd(amount: str | int | Decimal) -> Money:
    return Money.of(amount, "USD")


@pytest.fixture(scope="session")
def rules() -> Rules:
    """The rules as shipped."""
    return read_rules(MAPPINGS)


@pytest.fixture
def edited(tmp_path: Path) -> Callable[..., Path]:
    """A copy of the shipped rule files in which `old` was replaced by `new` in one file."""

    def edit(name: str, old: str, new: str) -> Path:
        folder = tmp_path / "mappings"
        if not folder.exists():
            shutil.copytree(MAPPINGS, folder, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
        path = folder / name
        text = path.read_text()
        assert old in text, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new, 1))
        return folder

    return edit


class Make:
    """Documents with one line of ten units at 10.00, unless told otherwise."""

    def po_line(self, **changes: Any) -> PurchaseOrderLine:
        values: Json = {
            "id": 1, "number": "1", "quantity": Decimal(10), "unit_price": usd("10.00"), "total": usd("100.00"),
            "received": Decimal(10), "invoiced": Decimal(0), "match_type": "3-way", "receipt_required": True,
            "part_number": "B0PEN", "commodity": "Office Supplies",
        }  # fmt: skip
        return PurchaseOrderLine(**{**values, **changes})

    def order(self, *lines: PurchaseOrderLine, **changes: Any) -> PurchaseOrder:
        values: Json = {
            "id": 7, "number": "4500", "status": "issued", "version": 1, "supplier": "AMZN-US", "supplier_id": 9, "currency": "USD",
            "lines": lines or (self.po_line(),),
        }  # fmt: skip
        return PurchaseOrder(**{**values, **changes})

    def line(self, quantity: str | int = 10, price: str = "10.00", **changes: Any) -> InvoiceLine:
        units = Decimal(quantity)
        values: Json = {
            "number": 1, "description": "Pens", "quantity": units, "unit_price": Decimal(price), "total": usd(units * Decimal(price)),
            "po_number": "4500", "po_line_number": "1", "po_line_id": 1,
        }  # fmt: skip
        return InvoiceLine(**{**values, **changes})

    def invoice(self, *lines: InvoiceLine, charges: tuple[InvoiceCharge, ...] = (), **changes: Any) -> Invoice:
        values: Json = {
            "number": "INV-1", "date": date(2026, 2, 1), "is_credit_note": False, "supplier": "AMZN-US", "currency": "USD",
            "supplier_total": usd(0), "lines": lines or (self.line(),), "charges": charges,
        }  # fmt: skip
        return Invoice(**{**values, **changes})

    def receipt(self, quantity: int, reference: str | None = None, line: int = 1) -> GoodsReceipt:
        return GoodsReceipt(
            id=quantity,
            po_line_id=line,
            quantity=Decimal(quantity),
            received_on=date(2026, 2, 1),
            match_reference=reference,
        )

    def amazon_line(self, **changes: Any) -> Json:
        """One transaction line: 2 x 19.99, taxed 3.30."""
        values: Json = {
            "orderId": "112-1", "orderLineItemId": "61", "shipmentId": "D1", "asin": "B0PEN", "productTitle": "Pens", "itemQuantity": 2,
            "unitPrice": amazon("19.99"), "principalAmount": amazon("39.98"), "tax": amazon("3.30"), "taxRate": "0.0825",
            "totalAmount": amazon("43.28"), "merchantLegalName": "Pen Traders LLC",
        }  # fmt: skip
        return {key: value for key, value in {**values, **changes}.items() if value is not None}

    def contexts(
        self, *lines: Json, kind: str = "CHARGE", total: str | None = None, **header: Any
    ) -> tuple[Json, list[Json]]:
        """Header and line contexts as the pipeline hands them to a mapping."""
        whole = total or str(sum((Decimal(str(line["totalAmount"]["amount"])) for line in lines), Decimal(0)))
        transaction = {"transactionType": kind, "marketplaceId": "ATVPDKIKX0DER"}
        top: Json = {
            "transaction": transaction,
            "invoice": {"invoiceNumber": "INV-1", "invoiceDate": "2026-02-04T20:00:00Z", "totalAmount": amazon(whole)},
            "po": {"po-number": "4500", "supplier": {"number": "AMZN-US"}, "currency": {"code": "USD"}},
            "account": {"name": "sandbox", "chart_of_accounts": "US Chart"},
            "original": {},
        }  # fmt: skip
        top |= header
        po_line = {"id": 1, "line-num": "1", "account": {"code": "10-4100-6100", "account-type": {"name": "US Chart"}}}
        return top, [{**top, "line": line, "po_line": po_line} for line in lines]


def amazon(amount: object, currency: str = "USD") -> Mapping[str, object]:
    return {"currencyCode": currency, "amount": amount}


@pytest.fixture
def make() -> Make:
    return Make()
