"""Reads Amazon's order-items report: the CSV with 36 columns that any Amazon Business customer can download.

Every row becomes a `ReportRow` with exact amounts and plain dates, or a `RefusedRow` with every reason. Rows are
numbered as a spreadsheet shows them: the header is row 1. Money that does not add up is kept and noted, never dropped;
a file in another layout is refused whole, naming the columns.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from sandbox.scenarios.amounts import ZERO, Amounts
from sandbox.scenarios.purchases import MARKETPLACES, Marketplace
from sandbox.seed import RefusedRow

COLUMNS = (
    "Order Date", "Order ID", "Title", "Category", "ASIN/ISBN", "UNSPSC Code", "Website", "Release Date", "Condition",
    "Seller",
    "Seller Credentials", "List Price Per Unit", "Purchase Price Per Unit", "Quantity", "Payment Instrument Type",
    "Purchase Order Number",
    "PO Line Number", "Ordering Customer Email", "Shipment Date", "Shipping Address Name", "Shipping Address Street 1",
    "Shipping Address Street 2", "Shipping Address City", "Shipping Address State", "Shipping Address Zip",
    "Order Status",
    "Carrier Name & Tracking Number", "Item Subtotal", "Item Subtotal Tax", "Item Total", "Tax Exemption Applied",
    "Tax Exemption Type",
    "Exemption Opt-Out", "Buyer Name", "Currency", "Group Name",
)  # fmt: skip
ENCODING = "utf-8-sig"  # spreadsheets put a byte order mark in front
AMOUNT = re.compile(r"(?P<sign>-?)[$€£]?(?P<whole>\d{1,9}|\d{1,3}(,\d{3}){1,2})(?P<cents>\.\d{1,2})?")
QUANTITY = re.compile(r"-?\d{1,6}")
DATE_FORMATS = ("%m/%d/%y", "%m/%d/%Y")
TRACKING = re.compile(r"([^(),]+)\(([^()]*)\)")
ISBN_SIZE = 10
TRUE = "TRUE"


class ReportError(ValueError):
    """The file cannot be read as an order-items report; nothing was built from it."""


@dataclass(frozen=True, slots=True)
class ReportRow:
    number: int
    order_id: str
    order_date: date
    ship_date: date | None
    asin: str
    title: str
    category: str
    unspsc: str
    condition: str
    seller: str
    credentials: tuple[str, ...]
    unit_price: Decimal
    quantity: int
    amounts: Amounts
    instrument: str
    po_number: str
    po_line_number: str
    email: str
    buyer: str
    group: str
    marketplace: Marketplace
    carrier: str
    tracking: tuple[str, ...]
    tax_exempt: bool
    address: tuple[str, ...]  # name, street 1, street 2, city, state, zip
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Reading:
    """One row while it is read; `problems` refuse it, `notes` stay with it."""

    cells: dict[str, str]
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def text(self, column: str) -> str:
        return self.cells[column].strip()

    def required(self, column: str) -> str:
        if not self.text(column):
            self.problems.append(f"{column} is blank.")
        return self.text(column)

    def amount(self, column: str) -> Decimal:
        text = self.text(column)
        match = AMOUNT.fullmatch(text)
        if not match:
            self.problems.append(f"{column} is {_short(text)}, not an amount such as $1,234.56.")
            return ZERO
        if match["sign"]:
            self.problems.append(f"{column} is {text}; a negative amount is no purchase.")
        return Decimal(match["whole"].replace(",", "") + (match["cents"] or ".00")).quantize(ZERO)

    def quantity(self) -> int:
        text = self.text("Quantity")
        if not QUANTITY.fullmatch(text):
            self.problems.append(f"Quantity is {_short(text)}, not a whole number.")
            return 0
        if int(text) < 0:
            self.problems.append(f"Quantity is {text}; a negative quantity is no purchase.")
        return int(text)

    def day(self, column: str) -> date | None:
        text = self.text(column)
        if not text:
            return None
        for form in DATE_FORMATS:
            try:
                return datetime.strptime(text, form).date()  # noqa: DTZ007 - a plain business date has no zone
            except ValueError:
                continue
        self.problems.append(f"{column} is {_short(text)}, not a date such as 01/31/24.")
        return None


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...") if text else "blank"


def read_rows(path: Path) -> tuple[list[ReportRow], list[RefusedRow]]:
    """Every row of the file, in one of the two lists. Raises ReportError when the file is not such a report."""
    rows: list[ReportRow] = []
    refused: list[RefusedRow] = []
    for number, cells in _cells(path):
        reading = Reading(cells)
        row = _read_row(number, reading) if None not in cells and None not in cells.values() else None
        if row is None and not reading.problems:
            reading.problems.append(f"The row does not have {len(COLUMNS)} cells.")
        if reading.problems or row is None:
            refused.append(RefusedRow(number, " ".join(reading.problems)))
        else:
            rows.append(row)
    if not rows and not refused:
        raise ReportError(f"{path}: the report has no rows under its header")
    return rows, refused


def _cells(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(newline="", encoding=ENCODING) as file:
            reader = csv.DictReader(file)
            _check_columns(path, [name.strip() for name in reader.fieldnames or ()])
            reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
            yield from enumerate(reader, start=2)
    except OSError as problem:
        raise ReportError(f"{path}: cannot be read ({problem.strerror})") from None
    except UnicodeDecodeError:
        raise ReportError(f"{path}: is not text in UTF-8; save the report as CSV UTF-8") from None
    except csv.Error as problem:
        raise ReportError(f"{path}: is not a CSV file ({problem})") from None


def _check_columns(path: Path, found: list[str]) -> None:
    missing = [name for name in COLUMNS if name not in found]
    unexpected = [name for name in found if name not in COLUMNS]
    twice = sorted({name for name in found if found.count(name) > 1})
    parts = [("missing", missing), ("unexpected", unexpected), ("twice", twice)]
    told = [f"{word}: {', '.join(_short(name) for name in names)}" for word, names in parts if names]
    if told:
        raise ReportError(f"{path}: not an Amazon order-items report of {len(COLUMNS)} columns; {'; '.join(told)}")


def _read_row(number: int, reading: Reading) -> ReportRow | None:
    order_date, ship_date = reading.day("Order Date"), reading.day("Shipment Date")
    if order_date is None and not reading.problems:
        reading.problems.append("Order Date is blank.")
    if order_date and ship_date and ship_date < order_date:
        reading.problems.append(f"Shipment Date {ship_date} is before Order Date {order_date}.")
    order_id, marketplace = reading.required("Order ID"), _marketplace(reading)
    quantity, amounts = reading.quantity(), _amounts(reading)
    unit_price = reading.amount("Purchase Price Per Unit")
    if not reading.problems and quantity == 0 and amounts.total:
        reading.problems.append(f"Quantity is 0 but Item Total is {amounts.total}.")
    if reading.problems or order_date is None or marketplace is None:
        return None
    carrier, tracking = _tracking(reading.text("Carrier Name & Tracking Number"))
    _note_oddities(reading, quantity, unit_price, amounts)
    address = ("Name", "Street 1", "Street 2", "City", "State", "Zip")
    return ReportRow(
        number=number, order_id=order_id, order_date=order_date, ship_date=ship_date, asin=reading.text("ASIN/ISBN"),
        title=reading.text("Title"),
        category=reading.text("Category"), unspsc=reading.text("UNSPSC Code"), condition=reading.text("Condition"),
        seller=reading.text("Seller"),
        credentials=tuple(part.strip() for part in reading.text("Seller Credentials").split(",") if part.strip()),
        unit_price=unit_price,
        quantity=quantity, amounts=amounts, instrument=reading.text("Payment Instrument Type"),
        po_number=reading.text("Purchase Order Number"),
        po_line_number=reading.text("PO Line Number"), email=reading.text("Ordering Customer Email"),
        buyer=reading.text("Buyer Name"),
        group=reading.text("Group Name"), marketplace=marketplace, carrier=carrier, tracking=tracking,
        tax_exempt=reading.text("Tax Exemption Applied").upper() == TRUE, notes=tuple(reading.notes),
        address=tuple(reading.text(f"Shipping Address {part}") for part in address),
    )  # fmt: skip


def _marketplace(reading: Reading) -> Marketplace | None:
    website, currency = reading.text("Website"), reading.text("Currency")
    marketplace = MARKETPLACES.get(website)
    if marketplace is None:
        reading.problems.append(f"Website is {_short(website)}; known are {', '.join(MARKETPLACES)}.")
    elif currency != marketplace.currency:
        reading.problems.append(f"Currency is {_short(currency)}; {website} bills in {marketplace.currency}.")
    return marketplace


def _amounts(reading: Reading) -> Amounts:
    """Subtotal and tax as printed; what then lacks to Item Total is shipping, what is too much a discount."""
    subtotal, total = reading.amount("Item Subtotal"), reading.amount("Item Total")
    if reading.text("Item Subtotal Tax"):
        tax = reading.amount("Item Subtotal Tax")
    else:
        tax = max(total - subtotal, ZERO)
        reading.notes.append(f"Item Subtotal Tax is blank; {tax} follows from the total.")
    rest = total - subtotal - tax
    if rest:
        kept = "shipping" if rest > 0 else "discount"
        reading.notes.append(f"Subtotal and tax miss Item Total by {rest}; kept as {kept}.")
    return Amounts(subtotal, shipping=max(rest, ZERO), discount=min(rest, ZERO), tax=tax)


def _tracking(text: str) -> tuple[str, tuple[str, ...]]:
    found = TRACKING.findall(text)
    return (found[0][0].strip() if found else text), tuple(number.strip() for _, number in found if number.strip())


def _note_oddities(reading: Reading, quantity: int, unit_price: Decimal, amounts: Amounts) -> None:
    asin, notes = reading.text("ASIN/ISBN"), reading.notes
    if not reading.text("UNSPSC Code"):
        notes.append("UNSPSC Code is blank.")
    if len(asin) != ISBN_SIZE:
        notes.append(f"ASIN/ISBN {_short(asin)} has {len(asin)} characters; kept as it is.")
    if not reading.text("Order Status"):
        notes.append("Order Status is blank.")
    if quantity and unit_price * quantity != amounts.principal:
        notes.append(f"Price {unit_price} x {quantity} is not Item Subtotal {amounts.principal}.")
