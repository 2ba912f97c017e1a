"""The reference data a buying company keeps in Coupa: who, where, in which money, on which account.

Columns, keys and uniqueness as the Core API documents them (suppliers, users, accounts, lookups, small reference data);
columns are the ones the sandbox keeps, all of them named as in Coupa's published models.
"""

from sandbox.coupa.schema import (
    Amount,
    Column,
    Flag,
    Inline,
    Many,
    Moment,
    Ref,
    Resource,
    Text,
    Whole,
)

STAMPS: dict[str, Column] = {
    "id": Whole(output=True),
    "created-at": Moment(output=True),
    "updated-at": Moment(output=True),
}
AUTHORS: dict[str, Column] = {
    "created-by": Ref(resource="users", output=True),
    "updated-by": Ref(resource="users", output=True),
}
NAME = Text(size=255, required=True)
SHORT = Text(size=255)
RATE = Amount(scale=6, shown=1)
SEGMENTS: dict[str, Column] = {f"segment-{n}": Text(size=100) for n in range(1, 21)}
PLACE: dict[str, Column] = {
    "name": SHORT, "street1": Text(size=255, required=True), "street2": SHORT, "street3": SHORT, "street4": SHORT,
    "city": Text(size=255, required=True), "state": SHORT, "state-iso-code": SHORT,
    "postal-code": Text(size=255, required=True),
    "country": Inline(), "active": Flag(), "local-tax-number": SHORT, "vat-number": SHORT,
    "external-src-ref": SHORT, "external-src-name": SHORT,
}  # fmt: skip
MATCHING_LEVELS = ("2-way", "3-way", "3-way-direct", "none")
PO_METHODS = ("cxml", "xml", "email", "prompt", "mark_as_sent", "buy_online")

CURRENCIES = Resource(
    "currencies", "currency", "Currency",
    {"id": Whole(output=True), "code": Text(size=6, required=True), "name": Text(size=100), "symbol": Text(size=10),
     "decimals": Whole(), "enabled": Flag()},
    keys=("code",), indexed=("code",), unique=(("code",),), defaults={"enabled": True},
)  # fmt: skip
UOMS = Resource(
    "uoms", "uom", "Uom",
    {**STAMPS, "code": Text(size=6, required=True), "name": Text(size=100, required=True),
     "allowable-precision": Whole(), "active": Flag()},
    keys=("code",), indexed=("code",), unique=(("code",),), defaults={"active": True, "allowable-precision": 6},
)  # fmt: skip
PAYMENT_TERMS = Resource(
    "payment_terms", "payment_term", "Payment term",
    {**STAMPS, "code": NAME, "description": SHORT, "active": Flag(), "days-for-net-payment": Whole(),
     "days-for-discount-payment": Whole(),
     "discount-rate": RATE, "type": Text(size=50)},
    keys=("code",), indexed=("code",), unique=(("code",),),
    defaults={"active": True, "type": "DaysAfterNetPaymentTerm"},
)  # fmt: skip
DEPARTMENTS = Resource(
    "departments", "department", "Department", {**STAMPS, "name": NAME, "active": Flag()},
    keys=("name",), indexed=("name",), unique=(("name",),), defaults={"active": True},
)  # fmt: skip
COMMODITIES = Resource(
    "commodities", "commodity", "Commodity",
    {**STAMPS, "name": NAME, "active": Flag(), "category": SHORT, "subcategory": SHORT, "deductibility": SHORT,
     "preferred": SHORT,
     "parent": Ref(resource="commodities")},
    keys=("name",), indexed=("name",), unique=(("name",),), defaults={"active": True},
)  # fmt: skip
TAX_CODES = Resource(
    "tax_codes", "tax_code", "Tax code",
    {**STAMPS, "code": NAME, "description": SHORT, "percentage": RATE, "country": Inline(), "active": Flag(),
     "effective-date": Moment()},
    keys=("code", "country"), indexed=("code",), defaults={"active": True},
)  # fmt: skip
ADDRESSES = Resource(
    "addresses", "address", "Address",
    {**STAMPS, **PLACE, "location-code": SHORT, "attention": SHORT, "type": Text(size=255, output=True)},
    keys=("location-code", "name"), indexed=("location-code", "name"), unique=(("location-code",),),
    defaults={"active": True, "type": "Address"},
)  # fmt: skip
ACCOUNT_TYPES = Resource(
    "account_types", "account_type", "Account type",
    {**STAMPS, "name": Text(size=50, required=True), "currency": Ref(resource="currencies", required=True),
     "active": Flag(),
     "dynamic-flag": Flag(output=True), "legal-entity-name": Text(output=True),
     "primary-address": Ref(resource="addresses")},
    keys=("name",), indexed=("name",), unique=(("name",),), defaults={"active": True, "dynamic-flag": False},
)  # fmt: skip
ACCOUNTS = Resource(
    "accounts", "account", "Account",
    {**STAMPS, "code": Text(size=1024, output=True), "name": Text(size=1024), "active": Flag(),
     "account-type": Ref(resource="account_types", required=True), **SEGMENTS},
    keys=("code", "name"), indexed=("code", "account-type"), unique=(("code", "account-type"),),
    defaults={"active": True},
)  # fmt: skip
LOOKUPS = Resource(
    "lookups", "lookup", "Lookup",
    {**STAMPS, "name": NAME, "description": SHORT, "active": Flag(), "fixed-depth": Flag(),
     "values-count": Whole(output=True),
     **{f"level-{n}-name": SHORT for n in range(1, 11)}},
    keys=("name",), indexed=("name",), unique=(("name",),), defaults={"active": True},
)  # fmt: skip
LOOKUP_VALUES = Resource(
    "lookup_values", "lookup_value", "Lookup value",
    {**STAMPS, "name": NAME, "description": SHORT, "active": Flag(), "is-default": Flag(), "depth": Whole(output=True),
     "external-ref-num": SHORT, "external-ref-code": Text(size=255, output=True),
     "lookup": Ref(resource="lookups", required=True),
     "parent": Ref(resource="lookup_values"), "account-type": Ref(resource="account_types")},
    keys=("external-ref-num", "external-ref-code", "name"), indexed=("external-ref-num", "external-ref-code", "lookup"),
    unique=(("external-ref-code", "lookup"),), defaults={"active": True, "is-default": False, "depth": 1},
)  # fmt: skip
USERS = Resource(
    "users", "user", "User",
    {**STAMPS, "login": NAME, "email": NAME, "firstname": Text(size=40), "lastname": Text(size=40),
     "fullname": Text(size=255, output=True),
     "employee-number": SHORT, "mention-name": SHORT, "active": Flag(), "api-user": Flag(output=True),
     "purchasing-user": Flag(),
     "invoicing-user": Flag(), "expense-user": Flag(), "authentication-method": SHORT, "sso-identifier": SHORT,
     "salesforce-id": SHORT,
     "default-locale": Text(size=10), "department": Ref(resource="departments"), "manager": Ref(resource="users"),
     "default-account": Ref(resource="accounts"), "default-account-type": Ref(resource="account_types"),
     "default-address": Ref(resource="addresses"),
     "default-currency": Ref(resource="currencies"), "roles": Inline(), "invoice-approval-limit": Inline(),
     "requisition-approval-limit": Inline()},
    kind="User", keys=("login", "email", "employee-number"), indexed=("login", "email", "employee-number"),
    unique=(("login",), ("email",), ("employee-number",)), defaults={"active": True, "api-user": False, "roles": []},
)  # fmt: skip
SUPPLIERS = Resource(
    "suppliers", "supplier", "Supplier",
    {**STAMPS, "name": Text(size=100, required=True), "number": SHORT, "display-name": SHORT,
     "account-number": SHORT, "tax-id": SHORT,
     "duns": SHORT, "website": SHORT, "status": Text(choices=("active", "inactive", "draft")), "on-hold": Flag(),
     "buyer-hold": Flag(),
     "one-time-supplier": Flag(), "hold-invoices-for-ap-review": Flag(), "send-invoices-to-approvals": Flag(),
     "allow-cxml-invoicing": Flag(),
     "allow-inv-from-connect": Flag(), "allow-change-requests": Flag(),
     "invoice-matching-level": Text(choices=MATCHING_LEVELS), "payment-method": SHORT,
     "po-method": Text(choices=PO_METHODS), "po-change-method": Text(choices=PO_METHODS), "po-email": SHORT,
     "savings-pct": Amount(scale=2, precision=8),
     "cxml-url": SHORT, "cxml-domain": SHORT, "cxml-identity": SHORT, "cxml-supplier-domain": SHORT,
     "cxml-supplier-identity": SHORT,
     "payment-term": Ref(resource="payment_terms"), "commodity": Ref(resource="commodities"),
     "parent": Ref(resource="suppliers"),
     "primary-address": Inline(), "primary-contact": Inline(), "diversities": Inline(),
     "remit-to-addresses": Many(resource="remit_to_addresses"), **AUTHORS},
    kind="Supplier", keys=("number", "name"), indexed=("number", "name"), unique=(("name",), ("number",)),
    defaults={"status": "draft", "payment-method": "invoice", "invoice-matching-level": "3-way", "on-hold": False,
    "buyer-hold": False,
              "hold-invoices-for-ap-review": False, "send-invoices-to-approvals": False, "allow-cxml-invoicing": False},
)  # fmt: skip
REMIT_TO_ADDRESSES = Resource(
    "remit_to_addresses", "remit_to_address", "Remit to address", {**STAMPS, **PLACE,
    "remit-to-code": Text(size=255, required=True)},
    kind="RemitToAddress", keys=("remit-to-code", "name"), indexed=("remit-to-code",),
    unique=(("remit-to-code", "_parent"),),
    parent="suppliers", defaults={"active": True},
)  # fmt: skip

EXCHANGE_RATES = Resource(
    "exchange_rates", "exchange_rate", "Exchange rate",
    {**STAMPS, **AUTHORS, "from-currency": Ref(resource="currencies", required=True),
     "to-currency": Ref(resource="currencies", required=True),
     "rate": Amount(scale=9, precision=30, shown=9), "rate-date": Moment()},
    kind="ExchangeRate", indexed=("from-currency",),
)  # fmt: skip
USER_GROUPS = Resource(
    "user_groups", "user_group", "User group",
    {**STAMPS, **AUTHORS, "name": NAME, "description": Text(), "active": Flag(), "open": Flag(), "can-approve": Flag(),
     "mention-name": Text(size=255, output=True), "type": Text(size=255, output=True), "users": Inline()},
    kind="UserGroup", keys=("name",), indexed=("name",), unique=(("name",),),
    defaults={"active": True, "open": False, "can-approve": False, "users": []},
)  # fmt: skip
TASKS = Resource(
    "tasks", "task", "Task",
    {**STAMPS, **AUTHORS, "task-id": Whole(output=True), "title": NAME, "description": Text(), "status": SHORT,
     "percentage": Whole(), "start-date": Moment(), "due-date": Moment(), "linkable-type": SHORT,
     "linkable-id": Whole(), "owner": Ref(resource="users"), "owner-id": Whole(),
     "resolved-at": Moment(output=True), "resolved-by": Ref(resource="users", output=True)},
    kind="Task", indexed=("title", "linkable-id"), defaults={"percentage": 0},
)  # fmt: skip

REFERENCE_DATA = (
    CURRENCIES, UOMS, PAYMENT_TERMS, DEPARTMENTS, COMMODITIES, TAX_CODES, ADDRESSES, ACCOUNT_TYPES, ACCOUNTS,
    LOOKUPS, LOOKUP_VALUES, USERS, SUPPLIERS, REMIT_TO_ADDRESSES, EXCHANGE_RATES, USER_GROUPS, TASKS,
)  # fmt: skip
