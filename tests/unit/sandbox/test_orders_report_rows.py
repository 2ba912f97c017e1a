"""The order-items report is read row by row: what is usable is exact, what is not is refused with the reason."""

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.scenarios.orders_report import SAMPLE
from sandbox.scenarios.report_rows import COLUMNS, ReportError, ReportRow, read_rows

GOOD = dict.fromkeys(COLUMNS, "") | {
    "Order Date": "01/08/24",
    "Order ID": "112-0000001-0000001",
    "Title": "Gel pens",
    "ASIN/ISBN": "B0QX10001A",
    "UNSPSC Code": "44121704",
    "Website": "Amazon.com",
    "Seller": "Amazon.com",
    "Purchase Price Per Unit": "$11.49",
    "Quantity": "2",
    "Payment Instrument Type": "Pay by Invoice",
    "Shipment Date": "01/09/24",
    "Order Status": "Shipped",
    "Carrier Name & Tracking Number": "UPS(TRK1)",
    "Item Subtotal": "$22.98",
    "Item Subtotal Tax": "$1.90",
    "Item Total": "$24.88",
    "Currency": "USD",
}


def write(path: Path, *rows: dict[str, str], columns: tuple[str, ...] = COLUMNS, encoding: str = "utf-8") -> Path:
    with path.open("w", newline="", encoding=encoding) as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def read_one(path: Path, **cells: str) -> ReportRow:
    (row,), refused = read_rows(write(path, GOOD | cells))
    assert refused == []
    return row


def refusal(path: Path, **cells: str) -> str:
    rows, (refused,) = read_rows(write(path, GOOD | cells))
    assert rows == []
    assert refused.row == 2
    return refused.reason


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "report.csv"


def test_a_row_is_read_with_exact_amounts_and_plain_dates(file: Path) -> None:
    row = read_one(file)
    assert (row.number, row.order_date, row.ship_date, row.quantity) == (2, date(2024, 1, 8), date(2024, 1, 9), 2)
    assert (row.amounts.principal, row.amounts.tax, row.amounts.total) == (
        Decimal("22.98"),
        Decimal("1.90"),
        Decimal("24.88"),
    )
    assert (row.carrier, row.tracking, row.notes) == ("UPS", ("TRK1",), ())


def test_amounts_may_have_thousands_separators(file: Path) -> None:
    cells = {"Item Subtotal": "$1,234.56", "Item Subtotal Tax": "$0.00", "Item Total": "$1,234.56"}
    assert read_one(file, **cells).amounts.total == Decimal("1234.56")


def test_a_byte_order_mark_and_years_of_four_digits_are_fine(file: Path) -> None:
    (row,), _ = read_rows(write(file, GOOD | {"Order Date": "01/08/2024"}, encoding="utf-8-sig"))
    assert row.order_date == date(2024, 1, 8)


def test_a_missing_tax_follows_from_the_total_and_is_noted(file: Path) -> None:
    row = read_one(file, **{"Item Subtotal Tax": ""})
    assert row.amounts.tax == Decimal("1.90")
    assert row.notes == ("Item Subtotal Tax is blank; 1.90 follows from the total.",)


@pytest.mark.parametrize(("total", "shipping", "discount"), [("$30.87", "5.99", "0.00"), ("$22.88", "0.00", "-2.00")])
def test_what_subtotal_and_tax_do_not_explain_is_kept(file: Path, total: str, shipping: str, discount: str) -> None:
    row = read_one(file, **{"Item Total": total})
    assert (row.amounts.shipping, row.amounts.discount) == (Decimal(shipping), Decimal(discount))
    assert row.amounts.total == Decimal(total.lstrip("$"))
    assert len(row.notes) == 1


def test_a_nine_character_isbn_and_a_blank_category_code_are_kept_and_noted(file: Path) -> None:
    row = read_one(file, **{"ASIN/ISBN": "465026850", "UNSPSC Code": ""})
    assert row.asin == "465026850"
    assert row.notes == ("UNSPSC Code is blank.", "ASIN/ISBN '465026850' has 9 characters; kept as it is.")


def test_several_tracking_numbers_are_several_packages(file: Path) -> None:
    row = read_one(file, **{"Carrier Name & Tracking Number": "UPS(TRK1), UPS(TRK2)"})
    assert row.tracking == ("TRK1", "TRK2")


REFUSED = {
    "negative quantity": ({"Quantity": "-1"}, "Quantity is -1; a negative quantity is no purchase."),
    "fractional quantity": ({"Quantity": "1.5"}, "Quantity is '1.5', not a whole number."),
    "blank quantity": ({"Quantity": ""}, "Quantity is blank, not a whole number."),
    "negative amount": ({"Item Total": "-$24.88"}, "Item Total is -$24.88; a negative amount is no purchase."),
    "word for an amount": ({"Item Total": "eighteen"}, "Item Total is 'eighteen', not an amount such as $1,234.56."),
    "third decimal": ({"Item Subtotal": "$22.985"}, "Item Subtotal is '$22.985', not an amount such as $1,234.56."),
    "misplaced comma": ({"Item Total": "$24,88"}, "Item Total is '$24,88', not an amount such as $1,234.56."),
    "impossible date": ({"Order Date": "02/30/24"}, "Order Date is '02/30/24', not a date such as 01/31/24."),
    "blank date": ({"Order Date": ""}, "Order Date is blank."),
    "shipped before ordered": (
        {"Shipment Date": "01/07/24"},
        "Shipment Date 2024-01-07 is before Order Date 2024-01-08.",
    ),
    "blank order": ({"Order ID": " "}, "Order ID is blank."),
    "another currency": ({"Currency": "EUR"}, "Currency is 'EUR'; Amazon.com bills in USD."),
    "blank currency": ({"Currency": ""}, "Currency is blank; Amazon.com bills in USD."),
    "money without goods": ({"Quantity": "0"}, "Quantity is 0 but Item Total is 24.88."),
}


@pytest.mark.parametrize(("cells", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_an_unusable_row_is_refused_with_the_reason(file: Path, cells: dict[str, str], reason: str) -> None:
    assert refusal(file, **cells) == reason


def test_every_problem_of_a_row_is_named(file: Path) -> None:
    reason = refusal(file, Quantity="many", Currency="XXX", **{"Item Total": "?"})
    assert "Quantity is 'many'" in reason
    assert "Currency is 'XXX'" in reason
    assert "Item Total is '?'" in reason


def test_an_unknown_website_is_refused_with_those_known(file: Path) -> None:
    assert refusal(file, Website="Amazon.zz").startswith("Website is 'Amazon.zz'; known are Amazon.com, Amazon.ca")


def test_a_row_with_too_few_cells_is_refused_and_the_next_is_read(file: Path) -> None:
    write(file, GOOD, GOOD)
    lines = file.read_text().splitlines()
    lines[1] = "01/08/24,112-0000001-0000001"
    file.write_text("\n".join(lines))
    rows, (refused,) = read_rows(file)
    assert [row.number for row in rows] == [3]
    assert (refused.row, refused.reason) == (2, "The row does not have 36 cells.")


def test_a_very_long_cell_is_shortened_in_the_reason(file: Path) -> None:
    assert len(refusal(file, **{"Item Total": "9" * 50_000})) < 120


def test_wrong_columns_are_named_with_the_file(file: Path) -> None:
    columns = ("Refund Date", *(name for name in COLUMNS if name not in ("Item Total", "Quantity")))
    write(file, GOOD, columns=columns)
    with pytest.raises(ReportError) as problem:
        read_rows(file)
    assert str(problem.value) == (
        f"{file}: not an Amazon order-items report of 36 columns; "
        "missing: 'Quantity', 'Item Total'; unexpected: 'Refund Date'"
    )


def test_a_column_that_stands_twice_is_refused(file: Path) -> None:
    file.write_text(",".join([*COLUMNS, "Quantity"]) + "\n")
    with pytest.raises(ReportError, match="twice: 'Quantity'"):
        read_rows(file)


UNREADABLE = {
    "empty": (b"", "missing: 'Order Date'"),
    "header only": (",".join(COLUMNS).encode(), "no rows under its header"),
    "another encoding": (",".join(COLUMNS).encode() + b"\n\xff\xfe", "not text in UTF-8"),
    "one huge cell": (",".join(COLUMNS).encode() + b"\n" + b"x" * 10_000_000, "not a CSV file"),
}


@pytest.mark.parametrize(("content", "told"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_file_that_is_no_report_is_refused_whole(file: Path, content: bytes, told: str) -> None:
    file.write_bytes(content)
    with pytest.raises(ReportError, match=told):
        read_rows(file)


def test_a_missing_file_is_named(file: Path) -> None:
    with pytest.raises(ReportError, match=r"report\.csv: cannot be read \(No such file or directory\)"):
        read_rows(file)


def test_the_shipped_sample_has_every_oddity() -> None:
    rows, refused = read_rows(SAMPLE)
    assert (len(rows), len(refused)) == (22, 4)
    notes = " ".join(note for row in rows for note in row.notes)
    for oddity in (
        "UNSPSC Code is blank",
        "has 9 characters",
        "Order Status is blank",
        "Tax is blank",
        "kept as shipping",
    ):
        assert oddity in notes
    assert any(row.quantity == 0 for row in rows)
    assert any(row.ship_date is None and row.quantity for row in rows)
    assert any(row.po_number for row in rows)
    assert any(row.tax_exempt for row in rows)
    assert any(row.instrument != "Pay by Invoice" for row in rows)
