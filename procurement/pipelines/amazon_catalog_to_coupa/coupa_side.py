"""Coupa's side of the catalog: supplier items, items and contracts, as far as this pipeline compares them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors.coupa.client import Coupa
from connectors.payload_types import read_exact, read_moment
from procurement.catalog.entries import CatalogState, Contract, ItemRow, PriceRow, Term
from procurement.catalog.quantity_prices import MOST_TIERS

Json = Mapping[str, Any]
ASIN = re.compile(r"[A-Z0-9]{10}")
PRICES = range(1, MOST_TIERS + 1)
BOUNDS = range(1, 21)  # all that Coupa has, or a term with more tiers would look like one that ends
PUBLISHED, ACCEPTED = "published", "accepted"
PER_ORDER = "PerOrderContractTerm"


def price_rows(pages: Iterable[list[dict[str, Any]]]) -> Iterator[tuple[str, PriceRow]]:
    """(ASIN, supplier item) of every part number that is an ASIN; others are no articles of Amazon's."""
    for page in pages:
        for raw in page:
            asin = str(raw.get("supplier-part-num") or "").strip()
            if ASIN.fullmatch(asin):
                yield asin, read_price_row(raw)


def read_price_row(raw: Json) -> PriceRow:
    tiers = [_exact(raw.get(f"price-tier-{n}")) for n in PRICES]
    while tiers and tiers[-1] is None:
        tiers.pop()
    return PriceRow(
        id=int(raw["id"]), contract=_named(raw, "contract", "number"), price=_exact(raw.get("price")),
        currency=_named(raw, "currency", "code"), preferred=bool(raw.get("preferred")),
        catalog=_named(raw, "catalog", "name"), term=_id(raw, "contract-term"), tiers=tuple(tiers),
        least=_exact(raw.get("minimum-order-quantity")), item_id=_id(raw, "item"),
    )  # fmt: skip


def read_item(raw: Json) -> ItemRow:
    return ItemRow(
        id=int(raw["id"]), number=str(raw.get("item-number") or ""), name=raw.get("name"), description=raw.get("description"),
        active=raw.get("active") is not False, commodity=_named(raw, "commodity", "name"),
        manufacturer=raw.get("manufacturer-name"), unit=_named(raw, "uom", "code"),
    )  # fmt: skip


def read_catalog(coupa: Coupa, supplier: str, name: str) -> CatalogState:
    """Coupa has no call for catalogs: what is known of one is what the supplier items in it show, and its published models
    have no status there, so not every instance shows one."""
    shown = coupa.catalog(supplier, name)
    status = (shown or {}).get("status")
    if status in (None, ""):
        return CatalogState(name, known=False, is_empty=shown is None)
    return CatalogState(name, "" if status == ACCEPTED else f"it is {status} in Coupa, not {ACCEPTED}")


def read_contracts(coupa: Coupa, supplier: str, now: datetime) -> dict[str, Contract]:
    """The supplier's contracts by number, and whether each is in force at `now`."""
    rows = (raw for page in coupa.contracts([supplier]) for raw in page)
    return {contract.number: contract for contract in (read_contract(raw, now) for raw in rows)}


def read_contract(raw: Json, now: datetime) -> Contract:
    why_not = next(_why_not(raw, now), "")
    terms = tuple(_term(one) for one in raw.get("contract-terms") or ())
    return Contract(number=str(raw.get("number")), in_force=not why_not, terms=terms, why_not=why_not)


def _why_not(raw: Json, now: datetime) -> Iterator[str]:
    if raw.get("status") != PUBLISHED:
        yield f"it is {raw.get('status')}"
    if raw.get("terminated"):
        yield "it is terminated"
    if raw.get("used-for-buying") is False:
        yield "it is not used for buying"
    if (start := raw.get("start-date")) and read_moment(start) > now:
        yield f"it starts on {str(start)[:10]}"
    if (end := raw.get("end-date")) and read_moment(end) <= now:
        yield f"it ended on {str(end)[:10]}"


def _term(raw: Json) -> Term:
    bounds = [_exact(raw.get(f"tier-{n}-upper-bound")) for n in BOUNDS]
    while bounds and bounds[-1] is None:
        bounds.pop()
    counted = raw.get("contract-term-type") == PER_ORDER and not raw.get("use-pct-discounts")
    return Term(id=int(raw["id"]), bounds=tuple(bounds), per_order=counted, name=str(raw.get("name") or ""))


def _exact(value: object) -> Decimal | None:
    return None if value in (None, "") else read_exact(value)


def _named(raw: Json, association: str, name: str) -> str | None:
    value = (raw.get(association) or {}).get(name)
    return None if value in (None, "") else str(value)


def _id(raw: Json, association: str) -> int | None:
    value = (raw.get(association) or {}).get("id")
    return None if value is None else int(value)
