"""A seller as Coupa takes it on: the body of POST /supplier_information, and what is still missing. Pure.

Only what Amazon says is filled in. A certificate becomes a diversity category by suppliers.yml; one that has expired, or
whose word nobody listed, does not, and is told instead.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from procurement.sellers.facts import SellerFacts
from procurement.sellers.onboarding import Seller
from procurement.sellers.rules import Certification, SuppliersFile

Json = dict[str, Any]
LONGEST_NAME, LONGEST_TEXT = 100, 255
NUMBER_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Certificates:
    """`diversities` as Coupa takes them; `unknown` and `expired` are Amazon's words, for people."""

    diversities: tuple[Json, ...] = ()
    unknown: tuple[str, ...] = ()
    expired: tuple[str, ...] = ()


def supplier_number(key: str, rules: SuppliersFile) -> str:
    """The Coupa number of the seller led by this spelling: always the same, so that it can be asked for."""
    return f"{rules.supplier.number_prefix}{hashlib.sha256(key.encode()).hexdigest()[:NUMBER_DIGITS].upper()}"


def country_of(seller: Seller, usual: str) -> str:
    return next((one.place.country.upper() for one in seller.members if one.place.country), usual)


def name_of(seller: Seller) -> str:
    """As it would stand in Coupa."""
    return seller.legal_name[:LONGEST_NAME]


def certificates(members: Iterable[SellerFacts], rules: SuppliersFile, *, country: str, today: date) -> Certificates:
    """Every word once; a category that several words mean carries the certificates of all of them."""
    held: dict[str, dict[str, str]] = {}
    for facts in members:
        for word, agencies in facts.credentials.items():
            kept = held.setdefault(word, {})
            for agency, expiry in agencies.items():
                kept[agency] = max(kept.get(agency, ""), expiry)
    categories: dict[str, list[Json]] = {}
    unknown, expired = [], []
    for word, agencies in sorted(held.items()):
        if rules.ignores(word):
            continue
        rule = rules.certified(word, country)
        valid = {agency: expiry for agency, expiry in agencies.items() if not _over(expiry, today)}
        if rule is None:
            unknown.append(word)
        elif agencies and not valid:
            expired.append(f"{word} (until {max(agencies.values())[:10]})")
        else:
            _add(categories, rule, valid)
    diversities = tuple(_diversity(code, country, proofs) for code, proofs in sorted(categories.items()))
    return Certificates(diversities, tuple(unknown), tuple(expired))


def _over(expiry: str, today: date) -> bool:
    return bool(expiry) and datetime.fromisoformat(expiry).date() < today


def _add(categories: dict[str, list[Json]], rule: Certification, agencies: Mapping[str, str]) -> None:
    proofs = categories.setdefault(rule.category, [])
    for agency, expiry in sorted(agencies.items()):
        proof = {"description": agency[:LONGEST_TEXT]} | ({"expiry-date": expiry} if expiry else {})
        if proof not in proofs:
            proofs.append(proof)


def _diversity(code: str, country: str, proofs: list[Json]) -> Json:
    found: Json = {"diversity-category": {"code": code}, "country": {"code": country}}
    return found | ({"sim-diversity-certificate-artifacts": proofs} if proofs else {})


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
