"""What the company has agreed with Amazon Business: one contract with its pricing terms, and what Coupa's catalog says.

The records are as people left them, so some disagree with what Amazon shows today: that is what a catalog
synchronisation is for. Purchases and prices of the rest of the world are untouched.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sandbox.scenarios.catalog import ARTICLES
from sandbox.scenarios.coding import commodity_for
from sandbox.scenarios.people import CATALOG_ADMIN
from sandbox.scenarios.reference_data import SUPPLIER
from sandbox.seed import CoupaRecord, Json

CONTRACT = "C-AB-2026"
CATALOG = "Amazon Business contract items"
TERM = "Volume"
BOUNDS = (9, 49, 9999)  # units of one order, up to which each tier goes
LASTS = timedelta(days=3 * 365)
MAXIMUM_VALUE = "250000.00"
GONE = "B0QX90001Z"  # an article that Amazon does not sell any more
BY_ASIN = {article.asin: article for article in ARTICLES}


@dataclass(frozen=True, slots=True)
class Agreed:
    """One agreed article. `price`: per unit, in Coupa; None: what Amazon shows today. `today`: what Amazon shows under
    negotiation; None: the article's own price. `tiers`: prices from 10 and from 50 units."""

    asin: str
    title: str | None = None  # where Coupa's differs from Amazon's
    price: str | None = None
    currency: str = "USD"
    uom: str | None = None
    tiers: tuple[str, str] | None = None
    also_from: str | None = None  # another supplier's number for the same item


AGREED = (
    Agreed("B0QX10001A"),
    Agreed("B0QX10002B", price="44.95"),  # a small rise since
    Agreed("B0QX10003C", price="12.49"),  # a rise beyond any limit
    Agreed("B0QX10004D", title="Label printer"),
    Agreed("B0QX10006F", also_from="NSOP"),
    Agreed("B0QX10008H", currency="CAD"),
    Agreed("B0QX30001A", tiers=("13.25", "12.60")),
    Agreed("B0QX40004D", uom="EA"),  # Amazon sells it by the pack
    Agreed("B0QX40005E"),
    Agreed(GONE, title="Fax paper, 6 rolls", price="17.80", uom="PK"),
)
# Amazon's prices by the units of one order; those of the pens begin where no term of the contract does.
QUANTITY_PRICES = {"B0QX30001A": ((10, "13.25"), (50, "12.40")), "B0QX10001A": ((5, "10.99"),)}
NEGOTIATED = frozenset(one.asin for one in AGREED if one.asin != GONE) | {"B0QX20007G"}


def contract_records(at: datetime) -> list[CoupaRecord]:
    """Contract, catalog, items and supplier items, to be created at `at`; the contract starts then."""
    return [CoupaRecord(resource, body, at) for resource, body in _bodies(at)]


def _bodies(at: datetime) -> Iterator[tuple[str, Json]]:
    yield "catalogs", {"name": CATALOG, "status": "accepted", "supplier": {"number": SUPPLIER}}
    bounds = {f"tier-{n}-upper-bound": str(bound) for n, bound in enumerate(BOUNDS, start=1)}
    yield "contracts", {
        "number": CONTRACT, "name": "Amazon Business contract prices", "status": "published",
        "supplier": {"number": SUPPLIER}, "currency": {"code": "USD"}, "start-date": at.isoformat(),
        "end-date": (at + LASTS).isoformat(), "maximum-value": MAXIMUM_VALUE, "used-for-buying": True,
        "preferred": True, "external-contract-id": "AB-PPQ-77", "contract-owner": {"login": CATALOG_ADMIN.login},
        "contract-terms": [{"name": TERM, "contract-term-type": "PerOrderContractTerm", **bounds}],
    }  # fmt: skip
    for number, agreed in enumerate(AGREED, start=1001):
        yield "items", _item(agreed, f"ITM-{number}")
        yield "supplier_items", _supplier_item(agreed, f"ITM-{number}")
        if agreed.also_from:
            yield "supplier_items", {
                "item": {"item-number": f"ITM-{number}"}, "supplier": {"number": agreed.also_from},
                "supplier-part-num": f"N-{number}", "price": "33.10", "currency": {"code": "USD"}, "preferred": False,
            }  # fmt: skip


def _item(agreed: Agreed, number: str) -> Json:
    article = BY_ASIN.get(agreed.asin)
    title = agreed.title or (article.title if article else agreed.asin)
    commodity = commodity_for(article.unspsc if article else "14111500")
    return {
        "item-number": number, "name": title, "description": title, "active": True,
        "uom": {"code": agreed.uom or (article.unit if article else "EA")}, "commodity": {"name": commodity},
        "manufacturer-name": article.seller.name if article else "Unknown", "manufacturer-part-number": agreed.asin,
    }  # fmt: skip


def _supplier_item(agreed: Agreed, number: str) -> Json:
    article = BY_ASIN.get(agreed.asin)
    price = agreed.price or str(article.price if article else Decimal("0.00"))
    tiers: Json = {}
    if agreed.tiers:
        prices = (price, *agreed.tiers)
        tiers = {f"price-tier-{n}": one for n, one in enumerate(prices, start=1)}
        tiers |= {"contract-term": {"name": TERM}}
    return {
        "item": {"item-number": number}, "supplier": {"number": SUPPLIER}, "supplier-part-num": agreed.asin,
        "price": price, "currency": {"code": agreed.currency}, "contract": {"number": CONTRACT},
        "preferred": True, "availability": "in_stock", "catalog": {"name": CATALOG}, "lead-time": 2, **tiers,
    }  # fmt: skip
