"""Suppliers that the company knew before any of them sold it anything on Amazon.

One of the catalog's sellers is among them under its full name; another may be, under a name that is nearly its own.
"""

from collections.abc import Iterator

from sandbox.seed import Json

US: Json = {"code": "US"}


def known_suppliers() -> Iterator[tuple[str, Json]]:
    for name, number, street, city, state, postal_code in (
        ("Benchworks Scientific, Inc.", "BENCH", "9 Sample St", "Madison", "WI", "53703"),
        ("Voltline Supplies", "VOLT", "400 Market St", "Denver", "CO", "80205"),
    ):
        yield "suppliers", {
            "name": name, "number": number, "status": "active", "po-method": "email", "payment-method": "invoice",
            "invoice-matching-level": "3-way",
            "primary-contact": {"email": f"orders@{number.lower()}.example"},
            "primary-address": {"street1": street, "city": city, "state": state, "postal-code": postal_code, "country": US},
        }  # fmt: skip
