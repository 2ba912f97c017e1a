"""What a buying company keeps in Coupa before the first order: people, suppliers, accounts, codes, places, interfaces.

Records are in the order in which they can be created: each names only what stands before it.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain

from sandbox.scenarios.coding import CHART, COMMODITIES, COMPANY, GL_ACCOUNTS, UNCATEGORISED, account_code
from sandbox.scenarios.known_suppliers import known_suppliers
from sandbox.scenarios.people import AP_CLERK, AP_LEAD, API_USER, COST_CENTERS, PEOPLE, Person
from sandbox.seed import CoupaRecord, Json

SUPPLIER = "AMZN-US"
REMIT_TO = "AMZN-RT1"
PAYMENT_TERM = "Net 30"
AP_GROUP = "Accounts payable"
BILL_TO = "AUS-AP"
SHIP_TO = "AUS-DOCK"
US: Json = {"code": "US"}
# Coupa's own limits: stricter than usual on IT, wider on food, so that the two verdicts differ now and then.
TOLERANCES: dict[str, dict[str, str | None]] = {
    "default": {
        "price_percent": "5", "price_amount": "25", "quantity_percent": "0", "line_total_amount": "50",
        "receipt_quantity": "0",
        "invoice_total_vs_po": None, "tax_percent": "15", "shipping_amount": "50", "unbacked_line": "0",
    },
    "Information Technology": {"price_percent": "1"},
    "Food and Beverage": {"price_percent": "20"},
}  # fmt: skip
TAX_CODES = {
    "US-TX": ("Texas sales tax", "8.25"),
    "US-EXEMPT": ("Exempt from sales tax", "0"),
    "US-0": ("No sales tax", "0"),
}
UOMS = {"EA": "Each", "PK": "Pack", "BX": "Box", "CS": "Case"}
CURRENCIES = {
    "USD": ("US Dollar", 2),
    "CAD": ("Canadian Dollar", 2),
    "EUR": ("Euro", 2),
    "GBP": ("Pound Sterling", 2),
    "JPY": ("Yen", 0),
}
INTEGRATIONS = {
    "AB_INVOICES": ("Amazon Business invoices", "Invoice", "to_coupa"),
    "AB_ORDERS": ("Amazon Business orders", "OrderHeader", "from_coupa"),
}


def reference_records(at: datetime, people: Sequence[Person] = PEOPLE) -> list[CoupaRecord]:
    """Every record, to be created at `at`; `people` are the users."""
    bodies = chain(
        _codes(),
        _places(),
        _accounts(),
        _people(people),
        _groups(people),
        _suppliers(),
        known_suppliers(),
        _interfaces(),
    )
    return [CoupaRecord(resource, body, at) for resource, body in bodies]


Bodies = Iterator[tuple[str, Json]]


def _codes() -> Bodies:
    for code, (name, decimals) in CURRENCIES.items():
        yield "currencies", {"code": code, "name": name, "decimals": decimals, "enabled": True}
    for code, name in UOMS.items():
        yield "uoms", {"code": code, "name": name, "allowable-precision": 2, "active": True}
    for code, days in ((PAYMENT_TERM, 30), ("Net 45", 45), ("Immediate", 0)):
        yield (
            "payment_terms",
            {
                "code": code,
                "description": f"{days} days net",
                "days-for-net-payment": days,
                "days-for-discount-payment": 0,
                "active": True,
            },
        )
    for code, (name, percentage) in TAX_CODES.items():
        yield "tax_codes", {"code": code, "description": name, "percentage": percentage, "country": US, "active": True}
    for name in (*dict.fromkeys(name for name, _ in COMMODITIES.values()), UNCATEGORISED):
        yield "commodities", {"name": name, "active": True, "category": "goods"}
    for name in COST_CENTERS.values():
        yield "departments", {"name": name, "active": True}


def _places() -> Bodies:
    place: Json = {
        "street1": "1 Example Way",
        "city": "Austin",
        "state": "TX",
        "state-iso-code": "US-TX",
        "postal-code": "78701",
        "country": US,
        "active": True,
    }
    yield (
        "addresses",
        {"name": "Austin accounts payable", "location-code": BILL_TO, "attention": "Accounts Payable", **place},
    )
    yield "addresses", {"name": "Austin receiving dock", "location-code": SHIP_TO, "attention": "Receiving", **place}


def _accounts() -> Bodies:
    chart: Json = {"name": CHART}
    yield (
        "account_types",
        {
            "name": CHART,
            "currency": {"code": "USD"},
            "active": True,
            "dynamic-flag": False,
            "legal-entity-name": "Example Manufacturing Inc.",
        },
    )
    for center, center_name in COST_CENTERS.items():
        for gl, gl_name in GL_ACCOUNTS.items():
            yield "accounts", {
                "code": account_code(center, gl), "name": f"{center_name}: {gl_name}", "segment-1": COMPANY,
                "segment-2": center, "segment-3": gl,
                "account-type": chart, "active": True,
            }  # fmt: skip
    for lookup, values in (("GL Account", GL_ACCOUNTS), ("Cost Center", COST_CENTERS)):
        yield (
            "lookups",
            {
                "name": lookup,
                "description": f"{lookup}s of the chart {CHART}",
                "active": True,
                "fixed-depth": True,
                "level-1-name": lookup,
            },
        )
        for code, name in values.items():
            yield (
                "lookup_values",
                {
                    "name": f"{code} {name}",
                    "external-ref-num": code,
                    "external-ref-code": code,
                    "lookup": {"name": lookup},
                    "active": True,
                },
            )


def _people(people: Sequence[Person]) -> Bodies:
    for number, person in enumerate(people, start=1001):
        yield "users", user_body(person, f"E{number}")


def _groups(people: Sequence[Person]) -> Bodies:
    """Teams that tasks can be given to: accounts payable, and one for each cost center of those who work there."""
    teams = {AP_GROUP: [AP_LEAD, AP_CLERK]} | {
        f"{center} budget": [person for person in people if person.department == center]
        for center in COST_CENTERS.values()
    }
    for name, members in teams.items():
        yield "user_groups", {"name": name, "active": True, "users": [{"login": one.login} for one in members]}


def user_body(person: Person, employee_number: str) -> Json:
    body: Json = {
        "id": person.id, "login": person.login, "email": person.email, "firstname": person.first,
        "lastname": person.last, "fullname": person.name,
        "mention-name": person.login, "employee-number": employee_number, "department": {"name": person.department},
        "active": True, "purchasing-user": True,
        "default-account-type": {"name": CHART}, "default-currency": {"code": "USD"},
        "default-address": {"location-code": SHIP_TO},
    }  # fmt: skip
    if person is API_USER:
        body |= {"api-user": True, "purchasing-user": False}
    if person in (AP_LEAD, AP_CLERK):
        body |= {
            "invoicing-user": True,
            "invoice-approval-limit": {"name": "Invoices", "amount": "50000.00", "currency": {"code": "USD"}},
        }
    if person.manager:
        body["manager"] = {"login": person.manager}
    return body


def _suppliers() -> Bodies:
    street: Json = {"street1": "1 Main St", "city": "Seattle", "state": "WA", "postal-code": "98101", "country": US}
    yield "suppliers", {
        "name": "Amazon Business (US)", "number": SUPPLIER, "display-name": "Amazon Business", "status": "active",
        "po-method": "prompt", "po-change-method": "prompt",
        "payment-method": "invoice", "invoice-matching-level": "3-way", "payment-term": {"code": PAYMENT_TERM},
        "allow-cxml-invoicing": False,
        "primary-contact": {"email": "billing@example.com", "name-given": "Billing", "name-family": "Desk"},
        "primary-address": street,
        "remit-to-addresses": [
            {"remit-to-code": REMIT_TO, "name": "Amazon remittance", "active": True, **street, "street1": "PO Box 1"},
        ],
    }  # fmt: skip
    yield "suppliers", {
        "name": "Northside Office Partners", "number": "NSOP", "status": "active", "po-method": "email",
        "payment-method": "invoice",
        "invoice-matching-level": "2-way", "payment-term": {"code": "Net 45"},
        "primary-contact": {"email": "orders@example.org"}, "primary-address": street,
    }  # fmt: skip


def _interfaces() -> Bodies:
    for code, (name, document, direction) in INTEGRATIONS.items():
        yield "integrations", {
            "code": code, "name": name, "business-object": document, "direction": direction,
            "end-system": "Amazon Business",
            "end-system-type": "third_party_vendor", "integration-type": "api",
        }  # fmt: skip
        for person, alert in ((AP_LEAD, "Functional"), (API_USER, "Technical")):
            yield "integration_contacts", {
                "integration": {"code": code}, "contactable-type": "User", "contactable-id": person.id,
                "contact-alert-type": alert,
            }  # fmt: skip
