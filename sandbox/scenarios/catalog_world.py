"""A company with a large contract: thousands of articles at Amazon and in Coupa's catalog, some with another price today."""

from datetime import datetime, timedelta
from decimal import Decimal

from sandbox.scenarios.amounts import number_money
from sandbox.scenarios.contracts import CATALOG, CONTRACT
from sandbox.scenarios.drafting import Draft
from sandbox.scenarios.finishing import ON_SALE_FOR, finish
from sandbox.scenarios.reference_data import SUPPLIER
from sandbox.seed import CoupaRecord, Json, Timed, World

ARTICLES, CHANGED_PERCENT = 200, 2
RISE = Decimal("1.03")


def build_catalog(
    name: str, seed: int, now: datetime, *, articles: int = ARTICLES, changed: int = CHANGED_PERCENT, ids: str = "equal"
) -> World:
    """`articles` contract articles beside the usual ones; Amazon's price of `changed` in a hundred has risen by 3 %."""
    world = finish(Draft(name, seed, now, ids))
    at, moved = world.coupa.records[0].at + timedelta(hours=1), set[str]()
    for number in range(articles):
        asin, price = f"B1{number:08d}", Decimal(500 + number % 9000).scaleb(-2)
        if number * changed // 100 < (number + 1) * changed // 100:
            moved.add(asin)
        today = (price * RISE).quantize(Decimal("0.01")) if asin in moved else price
        world.amazon.products.append(Timed(_product(asin, today), now - ON_SALE_FOR))
        world.coupa.records += [CoupaRecord(resource, body, at) for resource, body in _coupa(asin, price)]
    world.facts["catalog"] = {"articles": articles, "changed": len(moved)}
    return world


def _title(asin: str) -> str:
    return f"Contract article {asin}"


def _product(asin: str, price: Decimal) -> Json:
    offer: Json = {
        "offerId": f"offer-{asin}", "availability": "In Stock.",
        "price": {"value": number_money(price, "USD"), "formattedPrice": f"${price}", "priceType": "BUSINESS"},
        "quantityLimits": {"minQuantity": 1, "maxQuantity": 500}, "buyingGuidance": "NEGOTIATED",
        "buyingRestrictions": [], "fulfillmentType": "AMAZON_FULFILLMENT",
        "merchant": {"merchantId": None, "name": "Amazon.com", "meanFeedbackRating": None, "totalFeedbackCount": None, "certificates": []},
        "condition": {"conditionValue": "NEW", "conditionNote": None, "subCondition": "NEW"},
    }  # fmt: skip
    return {
        "asin": asin, "asinType": "STANDARD", "signedProductId": f"signed-{asin}", "title": _title(asin),
        "url": f"https://www.amazon.com/dp/{asin}", "features": [],
        "taxonomies": [{"taxonomyCode": "44121704", "title": "Office Supplies", "type": "UNSPSC"}],
        "packageTypeNames": [], "manufacturerName": "Acme", "includedDataTypes": {"OFFERS": [offer]},
    }  # fmt: skip


def _coupa(asin: str, price: Decimal) -> list[tuple[str, Json]]:
    item = {
        "item-number": f"ITM-{asin}", "name": _title(asin), "description": _title(asin), "active": True,
        "uom": {"code": "EA"}, "commodity": {"name": "Office Supplies"}, "manufacturer-name": "Acme",
    }  # fmt: skip
    return [
        ("items", item),
        ("supplier_items", {
            "item": {"item-number": f"ITM-{asin}"}, "supplier": {"number": SUPPLIER}, "supplier-part-num": asin,
            "price": str(price), "currency": {"code": "USD"}, "contract": {"number": CONTRACT}, "preferred": True,
            "availability": "in_stock", "catalog": {"name": CATALOG},
        }),
    ]  # fmt: skip
