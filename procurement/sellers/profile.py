"""A seller as Coupa takes it on: the body of POST /supplier_information, and what is still missing. Pure.

Only what Amazon says is filled in.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

from procurement.sellers.certificates import LONGEST_TEXT, Certificates
from procurement.sellers.onboarding import Seller
from procurement.sellers.rules import SuppliersFile

Json = dict[str, Any]
LONGEST_NAME = 100
NUMBER_DIGITS = 12


def supplier_number(key: str, rules: SuppliersFile) -> str:
    """The Coupa number of the seller led by this spelling: always the same, so that it can be asked for."""
    return f"{rules.supplier.number_prefix}{hashlib.sha256(key.encode()).hexdigest()[:NUMBER_DIGITS].upper()}"


def country_of(seller: Seller, usual: str) -> str:
    return next((one.place.country.upper() for one in seller.members if one.place.country), usual)


def name_of(seller: Seller) -> str:
    """As it would stand in Coupa."""
    return seller.legal_name[:LONGEST_NAME]


def supplier_body(
    seller: Seller, rules: SuppliersFile, *, held: Certificates, country: str, source: str, goods: Iterable[str] = ()
) -> Json:
    """`source` marks the supplier as ours; `goods` are the commodities bought so far."""
    lead, begins = seller.lead, rules.supplier
    number = supplier_number(lead.key, rules)
    tax_number = next((one.registration for one in seller.members if one.registration), None)
    body: Json = {
        "name": name_of(seller), "status": begins.status, "supplier-number": number, "display-name": lead.name[:LONGEST_TEXT],
        "federal-tax-num": tax_number, "po-method": begins.po_method, "invoice-matching-level": begins.invoice_matching_level,
        "buyer-hold": begins.buyer_hold, "hold-payment-indicator": begins.hold_payment,
        "goods-services-provided": ", ".join(goods)[:LONGEST_TEXT] or None,
        "comment": _comment(seller), "comment-source": source, "country-of-operation": {"code": country},
        "diversities": list(held.diversities) or None, "supplier-information-addresses": _addresses(seller),
    }  # fmt: skip
    return {name: value for name, value in body.items() if value is not None}


def _comment(seller: Seller) -> str:
    others = [one.name for one in seller.members if one.name != seller.legal_name]
    known = f", also known there as {'; '.join(dict.fromkeys(others))}" if others else ""
    return f"Seller on Amazon Business{known}"


def _addresses(seller: Seller) -> list[Json] | None:
    place = next((one.place for one in seller.members if one.place.street or one.place.city), None)
    if place is None:
        return None
    address: Json = {
        "kind": "Primary", "street-address": place.street[:LONGEST_TEXT] or None, "city": place.city or None,
        "state-region": place.region or None, "postal-code": place.postal_code or None,
        "country": {"code": place.country.upper()} if place.country else None,
    }  # fmt: skip
    return [{name: value for name, value in address.items() if value is not None}]


def still_missing(body: Json, rules: SuppliersFile) -> list[str]:
    """What people must ask for: what Amazon never gives, and what it did not give here."""
    missing = list(rules.asked_for)
    if "supplier-information-addresses" not in body:
        missing.append("address")
    return missing
