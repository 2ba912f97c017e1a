"""Whether Coupa's supplier carries a certificate already, as people enter them."""

from typing import Any

import pytest

from procurement.sellers.certificates import Certificate, stands_in

SEEN = Certificate("MBE", "City Council", "2027-03-31")


def supplier(*rows: tuple[str, *tuple[str, ...]]) -> dict[str, Any]:
    """Each row: a category and the expiry of its certificates."""
    return {
        "diversities": [
            {"diversity-category": {"code": code}, "sim-diversity-certificate-artifacts": [{"expiry-date": one} for one in days]}
            for code, *days in rows
        ]
    }  # fmt: skip


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (supplier(("MBE", "2027-03-31T09:00:00+09:00")), True),
        (supplier(("MBE", "2026-01-01", "2028-01-01")), True),
        (supplier(("MBE", "2027-03-30")), False),
        (supplier(("MBE",)), False),
        (supplier(("WBE", "2030-01-01")), False),
        ({}, False),
    ],
)
def test_the_category_with_an_expiry_as_late_is_enough_whatever_the_agency_is_called(
    shown: dict[str, Any], expected: bool
) -> None:
    assert stands_in(SEEN, shown) is expected


def test_a_certificate_without_expiry_needs_the_category_alone() -> None:
    assert stands_in(Certificate("MBE"), supplier(("MBE",)))


def test_only_the_same_agencys_later_certificate_renews_one() -> None:
    assert SEEN.is_renewed_by(Certificate("MBE", "City Council", "2029-03-31"))
    assert not SEEN.is_renewed_by(Certificate("MBE", "Other Council", "2029-03-31"))
    assert not SEEN.is_renewed_by(SEEN)
