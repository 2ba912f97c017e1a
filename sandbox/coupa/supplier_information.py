"""Supplier information (SIM): what a company collects about a supplier while it takes it on.

Posted without `supplier-id` it creates the supplier too, as a draft. Coupa's documentation lists no statuses; the sandbox
takes the typical words. Answers leave out what is empty, as Coupa does for these resources. An invitation to the portal is
a background job whose body the documentation leaves open: the published model shows a supplier there.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from sandbox.coupa.errors import bad_query, invalid
from sandbox.coupa.incoming import check_required, create, read_attributes, read_body, update
from sandbox.coupa.instance import Instance
from sandbox.coupa.naming import named
from sandbox.coupa.schema import Record
from sandbox.coupa.supplier_models import STATUSES

Json = dict[str, Any]
MODEL = "supplier_information"
DIVERSITY_CODES = (
    "ABILITYONE ACDBE AMS ANC BOB DBE DOB DVBE EDWOSB EMB HBCU HUBZone IOB LGBTBE LSA MBE MGOB NPO SBA8A SBE SDB SDVBE"
    " SDVOSB VOB VVO WBE WOSB"
)
DIVERSITIES = frozenset(DIVERSITY_CODES.split())
KINDS = {
    "supplier-information-addresses": ("Primary", "Standard", "RTA", "User"),
    "supplier-information-contacts": ("Primary", "Standard"),
}
COPIED = {  # from the information to the supplier that it creates
    "display-name": "display-name", "federal-tax-num": "tax-id", "website": "website", "po-email": "po-email",
    "po-method": "po-method", "po-change-method": "po-change-method", "buyer-hold": "buyer-hold",
    "invoice-matching-level": "invoice-matching-level", "one-time-supplier": "one-time-supplier",
    "diversities": "diversities", "duns-number": "duns",
}  # fmt: skip
DECISIONS: Mapping[str, tuple[str, str]] = {"approve": ("approved", "active"), "reject": ("rejected", "inactive")}


def create_information(instance: Instance, body: Any) -> Record:
    given = _checked(read_body(body, MODEL))
    resource = instance.table(MODEL).resource
    check_required(resource, read_attributes(instance, resource, given))  # every problem before the supplier is made
    if given.get("supplier-id") is None:
        supplier = create(instance, "suppliers", _supplier(given))
        given["supplier-id"] = supplier["id"]
    elif _row_of(instance, "suppliers", given["supplier-id"]) is None:
        raise invalid(MODEL, "Supplier is invalid")
    return create(instance, MODEL, _numbered(given))


def update_information(instance: Instance, record: Record, body: Any) -> Record:
    update(instance, MODEL, record, _numbered(_checked(read_body(body, MODEL))))
    return record


def create_invite(instance: Instance, body: Any) -> Record:
    """A job that mails the supplier's primary contact; refused while there is no address to mail to."""
    given = read_body(body, "supplier")
    supplier = _row_of(instance, "suppliers", given.get("id"))
    if supplier is None:
        raise invalid("supplier", "Supplier can't be blank")
    address = email_of(supplier)
    if not address:
        raise invalid("supplier", "Primary contact email can't be blank")
    job = create(instance, "supplier_invites", {"status": "completed", "name": supplier["name"]})
    text = f"{supplier['name']} is invited to the supplier portal."
    instance.mails.append({
        "to": address, "subject": "Invitation to the supplier portal", "text": text, "document": f"Supplier/{supplier['id']}",
        "external-id": None, "at": instance.now().isoformat(),
    })  # fmt: skip
    return job


def _row_of(instance: Instance, resource: str, id: Any) -> Record | None:
    return instance.get(resource, int(id)) if str(id).isdecimal() else None


def email_of(supplier: Record) -> str | None:
    return (supplier.get("primary-contact") or {}).get("email")


def _checked(given: Json) -> Json:
    problems = []
    if given.get("status") not in (None, *STATUSES):
        problems.append("Status is not included in the list")
    for name, kinds in KINDS.items():
        rows = given.get(name) or []
        if not _objects(rows):
            problems.append(f"{name.replace('-', ' ').capitalize()} must be a list of objects")
        elif any(row.get("kind") not in kinds for row in rows):
            problems.append("Kind is not included in the list")
    problems += _diversity_problems(given.get("diversities") or [])
    if problems:
        raise invalid(MODEL, *dict.fromkeys(problems))
    return given


def _diversity_problems(rows: Any) -> list[str]:
    if not _objects(rows):
        return ["Diversities must be a list of objects"]
    problems = []
    for row in rows:
        category, country = row.get("diversity-category"), row.get("country")
        code = category.get("code") if isinstance(category, dict) else None
        if code not in DIVERSITIES:
            problems.append(f"Diversity category {code} is invalid")
        if not (isinstance(country, dict) and country.get("code")) and row.get("country-id") is None:
            problems.append("Country can't be blank")
        if not _objects(row.get("sim-diversity-certificate-artifacts") or []):
            problems.append("Sim diversity certificate artifacts must be a list of objects")
    return problems


def _objects(rows: Any) -> bool:
    return isinstance(rows, list) and all(isinstance(row, dict) for row in rows)


def _numbered(given: Json) -> Json:
    """The rows inside get ids of their own, as every record of Coupa has."""
    for name in (*KINDS, "supplier-information-artifacts", "diversities"):
        rows = given.get(name) or []
        for number, row in enumerate(rows if _objects(rows) else [], start=1):
            row.setdefault("id", number)
            for inner, certificate in enumerate(row.get("sim-diversity-certificate-artifacts") or [], start=1):
                certificate.setdefault("id", inner)
    return given


def _supplier(given: Json) -> Json:
    supplier = {theirs: given[ours] for ours, theirs in COPIED.items() if given.get(ours) is not None}
    supplier |= {"name": given.get("supplier-name") or given.get("name"), "number": given.get("supplier-number")}
    primary = [row for row in given.get("supplier-information-addresses") or [] if row["kind"] == "Primary"]
    if primary:
        place = primary[0]
        supplier["primary-address"] = {
            "street1": place.get("street-address"), "street2": place.get("street-address2"), "city": place.get("city"),
            "state": place.get("state-region"), "postal-code": place.get("postal-code"), "country": place.get("country"),
        }  # fmt: skip
    contacts = [row for row in given.get("supplier-information-contacts") or [] if row["kind"] == "Primary"]
    if contacts:
        supplier["primary-contact"] = {
            name: contacts[0].get(name) for name in ("email", "name-given", "name-family") if contacts[0].get(name)
        }
    return supplier


def _decide(decision: str) -> Callable[[Instance, Json], Json]:
    def handle(instance: Instance, given: Json) -> Json:
        supplier = _named_supplier(instance, given)
        status, after = DECISIONS[decision]
        for information in instance.table(MODEL).by("supplier-id", supplier["id"]):
            instance.change(MODEL, information, status=status)
        holds = {"buyer_hold": False} if decision == "approve" else {}
        instance.change("suppliers", supplier, status=after, **holds)
        return {"supplier": supplier["id"], "status": after}

    return handle


def _enter_email(instance: Instance, given: Json) -> Json:
    supplier = _named_supplier(instance, given)
    if "@" not in str(given.get("email")):
        raise bad_query("email is no mail address")
    contact = {**(supplier.get("primary-contact") or {}), "email": str(given["email"])}
    instance.change("suppliers", supplier, primary_contact=contact)
    return {"supplier": supplier["id"], "email": contact["email"]}


def _enter_diversity(instance: Instance, given: Json) -> Json:
    """A person adds a diversity with its certificates to the supplier's page."""
    supplier, row = _named_supplier(instance, given), given.get("diversity")
    problems = _diversity_problems([row])
    if problems:
        raise bad_query("; ".join(problems))
    rows = [*(supplier.get("diversities") or ()), row]
    instance.change("suppliers", supplier, diversities=_numbered({"diversities": deepcopy(rows)})["diversities"])
    return {"supplier": supplier["id"], "diversities": len(rows)}


def _enter_supplier(instance: Instance, given: Json) -> Json:
    """A person keys a supplier: the body of POST /api/suppliers."""
    return {"supplier": create(instance, "suppliers", given)["id"]}


def _named_supplier(instance: Instance, given: Json) -> Record:
    conditions = {key: given[key] for key in ("number", "name", "id") if given.get(key) is not None}
    return named(instance, "suppliers", conditions)


EVENTS: Mapping[str, Callable[[Instance, Json], Json]] = {
    "approve_supplier": _decide("approve"),
    "reject_supplier": _decide("reject"),
    "enter_diversity": _enter_diversity,
    "enter_supplier": _enter_supplier,
    "enter_supplier_email": _enter_email,
}
DESCRIPTIONS: Mapping[str, str] = {
    "approve_supplier": "A supplier in onboarding is approved and becomes active. number, name or id",
    "reject_supplier": "It is rejected and becomes inactive. number, name or id",
    "enter_diversity": "A person enters a diversity. number, name or id; diversity (as in supplier information)",
    "enter_supplier": "A person keys a supplier. The body of POST /api/suppliers",
    "enter_supplier_email": "A person enters the address of its primary contact. number, name or id; email",
}
