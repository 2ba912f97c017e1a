"""What we send to Coupa to take on a supplier: supplier information (SIM) and the invitation to the portal.

Addresses are spelled `street-address`, `state-region` here, unlike everywhere else in Coupa. Empty fields are left out.
"""

from typing import Literal

from pydantic import Field

from connectors.payload_types import CoupaBody, Exact, Moment

PO_METHODS = Literal["cxml", "xml", "email", "prompt", "mark_as_sent", "buy_online"]
MATCHING_LEVELS = Literal["2-way", "3-way", "3-way-direct", "none"]


class CodeReference(CoupaBody):
    code: str = Field(min_length=1)


class SupplierAddressPayload(CoupaBody):
    kind: Literal["Primary", "Standard", "RTA", "User"]
    street_address: str | None = Field(None, max_length=255)
    street_address2: str | None = Field(None, max_length=255)
    city: str | None = Field(None, max_length=255)
    state_region: str | None = Field(None, max_length=255)
    postal_code: str | None = Field(None, max_length=255)
    country: CodeReference | None = None


class CertificatePayload(CoupaBody):
    description: str | None = Field(None, max_length=255)
    expiry_date: Moment | None = None


class DiversityPayload(CoupaBody):
    """`diversity-category` is Coupa's code (WOSB, MBE, ...); its country is required."""

    diversity_category: CodeReference
    country: CodeReference
    sim_diversity_certificate_artifacts: tuple[CertificatePayload, ...] | None = None


class SupplierInformationPayload(CoupaBody):
    """A supplier to take on. Without `supplier_id`, which does not exist here, Coupa creates the supplier too."""

    name: str = Field(min_length=1, max_length=100)
    status: str = Field(min_length=1, max_length=255)
    supplier_name: str | None = Field(None, max_length=100)
    supplier_number: str | None = Field(None, max_length=255)
    display_name: str | None = Field(None, max_length=255)
    federal_tax_num: str | None = Field(None, max_length=255)
    po_method: PO_METHODS | None = None
    invoice_matching_level: MATCHING_LEVELS | None = None
    buyer_hold: bool | None = None
    hold_payment_indicator: bool | None = None
    estimated_spend_amount: Exact | None = None
    goods_services_provided: str | None = Field(None, max_length=255)
    comment: str | None = None
    comment_source: str | None = Field(None, max_length=255)
    country_of_operation: CodeReference | None = None
    diversities: tuple[DiversityPayload, ...] | None = None
    supplier_information_addresses: tuple[SupplierAddressPayload, ...] | None = None


class SupplierInvitePayload(CoupaBody):
    """Whom to invite. Coupa documents no body; its published model shows a supplier there."""

    id: int
