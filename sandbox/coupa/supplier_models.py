"""The columns of supplier information and of invitations to the portal, named as in Coupa's published models."""

from sandbox.coupa.reference_data import MATCHING_LEVELS, PO_METHODS, SHORT, STAMPS
from sandbox.coupa.schema import Amount, Flag, Inline, Moment, Resource, Text, Whole

STATUSES = ("new", "draft", "pending_approval", "approved", "rejected", "applied")  # typical, not documented
SUPPLIER_INFORMATION = Resource(
    "supplier_information", "supplier_information", "Supplier information",
    {**STAMPS, "name": Text(size=100, required=True), "status": Text(size=255, required=True), "supplier-id": Whole(),
     "supplier-name": SHORT, "supplier-number": SHORT, "display-name": SHORT, "federal-tax-num": SHORT,
     "duns-number": SHORT, "website": SHORT, "po-email": SHORT, "po-method": Text(choices=PO_METHODS),
     "po-change-method": Text(choices=PO_METHODS), "invoice-matching-level": Text(choices=MATCHING_LEVELS),
     "buyer-hold": Flag(), "hold-payment": SHORT, "hold-payment-indicator": Flag(), "one-time-supplier": Flag(),
     "comment": Text(), "comment-source": SHORT, "estimated-spend-amount": Amount(scale=4),
     "goods-services-provided": SHORT, "country-of-operation": Inline(), "organization-type": SHORT,
     "supplier-region": SHORT, "duplicate-exists": Flag(), "minority-indicator": Flag(),
     "last-exported-at": Moment(output=True), "diversities": Inline(), "supplier-information-addresses": Inline(),
     "supplier-information-contacts": Inline(), "supplier-information-artifacts": Inline()},
    kind="SupplierInformation", keys=("name",), indexed=("supplier-id", "name"),
)  # fmt: skip
SUPPLIER_INVITES = Resource(
    "supplier_invites", "supplier", "Supplier invite", {**STAMPS, "status": SHORT, "name": SHORT},
)  # fmt: skip
SUPPLIER_MODELS = (SUPPLIER_INFORMATION, SUPPLIER_INVITES)
