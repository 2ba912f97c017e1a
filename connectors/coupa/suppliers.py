"""The Coupa calls that take on a supplier: who is known, supplier information (SIM), the invitation to the portal."""

from collections.abc import Iterable

from connectors.checks import Given, checked
from connectors.coupa.fields import ADDRESS, CODE, SUPPLIER, Fields
from connectors.coupa.reads import Pages
from connectors.coupa.supplier_bodies import SupplierInformationPayload, SupplierInvitePayload
from connectors.coupa.writes import CoupaWrites
from connectors.http import Permit
from connectors.tally import Json

CONTACT: Fields = ["email", "name_given", "name_family"]
SUPPLIER_IDENTITY: Fields = [
    *SUPPLIER, "display_name", "account_number", "tax_id", "duns", "po_email", {"primary_address": ADDRESS},
    {"primary_contact": CONTACT},
]  # fmt: skip
DIVERSITIES: Fields = [
    {"diversity_category": CODE}, {"sim_diversity_certificate_artifacts": ["description", "expiry_date"]},
]  # fmt: skip
SUPPLIER_INFORMATION: Fields = [
    "id", "name", "status", "supplier_id", "comment_source", "po_email",
    {"supplier_information_contacts": ["id", "kind", "email"]},
]  # fmt: skip
INVITE: Fields = ["id", "status"]


class SupplierOnboarding(CoupaWrites):
    def every_supplier(self) -> Pages:
        """All suppliers, whatever their status, with what identifies them: 50 a call."""
        return self._every("list_suppliers", SUPPLIER_IDENTITY)

    def suppliers_by_id(self, ids: Iterable[int]) -> Pages:
        """Suppliers as they are now; deleted ones are absent."""
        return self._among("list_suppliers", "id", ids, SUPPLIER_IDENTITY, unique=True)

    def suppliers_with_diversities(self, ids: Iterable[int]) -> Pages:
        """The same, with what is on record of their diversity and its certificates."""
        return self._among("list_suppliers", "id", ids, [*SUPPLIER, {"diversities": DIVERSITIES}], unique=True)

    def suppliers_known_as(self, *, number: str, name: str) -> Pages:
        """Those that carry this number, then those that carry this name."""
        yield from self._among("list_suppliers", "number", [number], SUPPLIER_IDENTITY, unique=True)
        yield from self._among("list_suppliers", "name", [name], SUPPLIER_IDENTITY, unique=True)

    def supplier_information(self, supplier_ids: Iterable[int]) -> Pages:
        """What was collected about these suppliers; null fields are absent."""
        return self._among("list_supplier_information", "supplier_id", supplier_ids, SUPPLIER_INFORMATION)

    def create_supplier_information(self, payload: SupplierInformationPayload | Given, permit: Permit) -> Json:
        """Creates the supplier with it; the answer names it in `supplier-id`."""
        body = checked(SupplierInformationPayload, payload, "create_supplier_information", permit)
        return self._write("create_supplier_information", permit, body, fields=SUPPLIER_INFORMATION)

    def create_supplier_invite(self, supplier_id: int, permit: Permit) -> Json:
        """Starts the job that invites the supplier to the portal; the answer is the job."""
        body = checked(SupplierInvitePayload, {"id": supplier_id}, "create_supplier_invite", permit)
        return self._write("create_supplier_invite", permit, body, fields=INVITE)
