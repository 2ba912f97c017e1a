"""A seller's certificates as Coupa's diversities: what it holds, and what it holds that its supplier lacks. Pure.

A certificate becomes a diversity category by suppliers.yml; one that has expired, or whose word nobody listed, does not,
and is told instead.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self

from procurement.sellers.facts import SellerFacts, latest
from procurement.sellers.rules import Certification, SuppliersFile

Json = dict[str, Any]
LONGEST_TEXT = 255
PROOFS = "sim-diversity-certificate-artifacts"


@dataclass(frozen=True, slots=True)
class Certificates:
    """`diversities` as Coupa takes them; `unknown` and `expired` are Amazon's words, for people."""

    diversities: tuple[Json, ...] = ()
    unknown: tuple[str, ...] = ()
    expired: tuple[str, ...] = ()


def certificates(members: Iterable[SellerFacts], rules: SuppliersFile, *, country: str, today: date) -> Certificates:
    """Every word once; a category that several words mean carries the certificates of all of them."""
    held = latest(*(facts.credentials for facts in members))
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
    return found | ({PROOFS: proofs} if proofs else {})


@dataclass(frozen=True, slots=True, order=True)
class Certificate:
    """One state of a certificate: another expiry is another one. `agency` and `expiry` (a day) are empty where Amazon gives none."""

    category: str
    agency: str = ""
    expiry: str = ""

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Self:
        return cls(**{name: str(raw.get(name) or "") for name in ("category", "agency", "expiry")})

    def __str__(self) -> str:
        agency = f" by {self.agency}" if self.agency else ""
        return f"{self.category}{agency}" + (f" until {self.expiry}" if self.expiry else "")

    def is_renewed_by(self, other: "Certificate") -> bool:
        return (self.category, self.agency) == (other.category, other.agency) and self.expiry < other.expiry


def gained(held: Certificates, diversities: Iterable[Json]) -> list[Certificate]:
    """What the seller holds by now that is not among these diversities, as they were sent."""
    sent = set(_stated(diversities))
    categories = {one.category for one in sent}
    return sorted(
        one for one in _stated(held.diversities) if one not in sent and (one.agency or one.category not in categories)
    )


def stands_in(certificate: Certificate, supplier: Mapping[str, Any]) -> bool:
    """Whether Coupa's supplier has the category and, where there is an expiry, one as late; people word agencies their own way."""
    shown = [one for one in _stated(supplier.get("diversities") or ()) if one.category == certificate.category]
    return any(one.expiry >= certificate.expiry for one in shown)


def _stated(diversities: Iterable[Mapping[str, Any]]) -> list[Certificate]:
    """Each certificate of each diversity; a diversity without any is one of its category alone."""
    found = []
    for row in diversities:
        category = str((row.get("diversity-category") or {}).get("code") or "")
        proofs = [
            (str(one.get("description") or ""), str(one.get("expiry-date") or "")[:10]) for one in row.get(PROOFS) or ()
        ]
        found += [Certificate(category, agency, expiry) for agency, expiry in proofs or [("", "")]]
    return found
