"""Each call of the buying half once, in a state where the vendor takes it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from connectors.amazon_business.client import AmazonBusiness
from connectors.coupa.client import Coupa

ADDRESS = {
    "fullName": "Receiving Dock", "addressLine1": "1 Example Way", "city": "Austin", "stateOrRegion": "TX", "postalCode": "78701",
    "countryCode": "US", "addressType": "PhysicalAddress",
}  # fmt: skip
Json = dict[str, Any]


def tour_ordering(amazon: AmazonBusiness, asin: str, now: datetime) -> None:
    """Search, order, ask, and track a package of an order that has shipped."""
    (product,) = amazon.products([asin])
    offer = product.offers[0]
    assert [found.offer_id for found in amazon.offers([offer.offer_id])] == [offer.offer_id]
    request = order_request(asin, offer.offer_id, {"currencyCode": offer.currency, "amount": offer.price})
    placed = amazon.place_order(request, amazon.permit("placeOrder"))
    assert placed.signed and placed.order_ids
    again = amazon.order_details("TOUR-1-1")
    assert again is not None and again.order_ids == placed.order_ids
    track_one(amazon, now)


def tour_catalog(amazon: AmazonBusiness, coupa: Coupa) -> None:
    """A search, articles in full, contracts, and an item with its price, made and changed."""
    found = amazon.search_asins("gel pens", most=5)
    [page] = list(amazon.catalog_pages([*found, "B0MISSING0"]))
    assert page.missing == ("B0MISSING0",) and len(page.products) == len(found)
    contract = next(raw for page in coupa.contracts(["AMZN-US"]) for raw in page)
    body: Json = {
        "item-number": "TOUR-1",
        "name": "Tour",
        "description": "Tour",
        "manufacturer-name": "Acme",
        "uom": {"code": "EA"},
    }
    item = coupa.create_item({**body, "image-url": "https://example.com/tour.jpg"}, coupa.permit("create_item"))
    coupa.update_item(item["id"], {"name": "A tour", "active": True}, coupa.permit("update_item"))
    price: Json = {
        "item": {"item-number": "TOUR-1"}, "supplier": {"number": "AMZN-US"}, "supplier-part-num": "B0TOUR0001", "price": "9.50",
        "currency": {"code": "USD"}, "contract": {"number": contract["number"]}, "availability": "in_stock",
        "contract-term": {"id": contract["contract-terms"][0]["id"]}, "price-tier-1": "9.50", "custom-fields": {"amazon-sync": "tour"},
    }  # fmt: skip
    made = coupa.create_supplier_item(price, coupa.permit("create_supplier_item"))
    changes: Json = {"price": "9.00", "preferred": False, "availability": "out_of_stock"}
    coupa.update_supplier_item(made["id"], changes, coupa.permit("update_supplier_item"))
    [[row]] = list(coupa.supplier_items_of_items([item["id"]]))
    assert (row["price"], [one["name"] for page in coupa.items(["TOUR-1"]) for one in page]) == ("9.00", ["A tour"])
    coupa.catalog("AMZN-US", "Amazon Business contract items")
    list(coupa.waiting_requisitions())


def order_request(asin: str, offer_id: str, price: Json) -> Json:
    product = {"productReferenceType": "ProductIdentifier", "id": asin}
    option = {"buyingOptionReferenceType": "BuyingOptionIdentifier", "id": offer_id}
    line = {
        "externalId": "1", "quantity": 1,
        "attributes": [
            {"attributeType": "SelectedProductReference", "productReference": product},
            {"attributeType": "SelectedBuyingOptionReference", "buyingOptionReference": option},
        ],
        "expectations": [{"expectationType": "ExpectedUnitPrice", "amount": price}],
    }  # fmt: skip
    group = {"groupReferenceType": "GroupIdentity", "identifier": "ACMEGROUP01"}
    return {
        "externalId": "TOUR-1-1",
        "lineItems": [line],
        "attributes": [
            {"attributeType": "Region", "region": "US"},
            {"attributeType": "PurchaseOrderNumber", "purchaseOrderNumber": "TOUR"},
            {
                "attributeType": "BuyerReference",
                "userReference": {"userReferenceType": "UserEmail", "emailAddress": "buyer@example.com"},
            },
            {"attributeType": "BuyingGroupReference", "groupReference": group},
            {
                "attributeType": "SelectedPaymentMethodReference",
                "paymentMethodReference": {"paymentMethodReferenceType": "StoredPaymentMethod"},
            },
            {"attributeType": "ShippingAddress", "address": ADDRESS},
        ],
        "expectations": [],
    }


def track_one(amazon: AmazonBusiness, now: datetime) -> None:
    rows = [row for page in amazon.shipment_line_pages(now - timedelta(days=60), now) for row in page]
    row = next(row for row in rows if row.get("packages"))
    found = amazon.package_tracking(
        row["orderMetadata"]["orderId"], row["shipmentMetadata"]["shipmentId"], row["packages"][0]["packageId"]
    )
    assert found is not None


def tour_purchase_orders(coupa: Coupa, order: Json, now: datetime) -> None:
    """Reads and writes of one issued purchase order that came from a requisition."""
    line = order["order-lines"][0]
    updated = coupa.purchase_orders_updated(["AMZN-US"], now - timedelta(days=400), now + timedelta(days=1))
    assert any(page for page in updated)
    assert list(coupa.purchase_orders_by_id([order["id"]]))
    requisition = coupa.get_purchase_order(order["id"])["requisition-header"]["id"]
    assert list(coupa.requisitions([requisition])) and coupa.get_requisition(requisition)
    fields = {
        "custom-fields": {"ab-order-status": "Tour"},
        "order-lines": [{"id": line["id"], "supplier-order-number": "TOUR"}],
    }
    coupa.update_purchase_order(order["id"], fields, coupa.permit("update_purchase_order"))
    for action in ("soft_close_for_receiving", "reopen_for_receiving"):
        coupa.act_on_purchase_order_line(line["id"], action, coupa.permit("act_on_purchase_order_line"))
    change = {"order-header-id": order["id"], "order-line-changes": [{"order-line-id": line["id"], "quantity": "50"}]}
    made = coupa.create_purchase_order_change(change, coupa.permit("create_purchase_order_change"))
    assert made["id"] in [row["id"] for page in coupa.purchase_order_changes([order["id"]]) for row in page]
    coupa.create_comment("purchase_orders", order["id"], "A tour.", coupa.permit("create_comment"))
    coupa.act_on_purchase_order(order["id"], "cancel", coupa.permit("act_on_purchase_order"))


def tour_teamwork(coupa: Coupa, now: datetime) -> None:
    """A task for a group, found again and closed; and the rates of a month."""
    [[group]] = list(coupa.user_groups(["Accounts payable"]))
    body = {"title": "Tour", "description": "A tour.", "due-date": now.isoformat()}
    task = coupa.create_task(group["id"], body, coupa.permit("create_task"))
    assert [row["id"] for page in coupa.tasks(group["id"], title="Tour") for row in page] == [task["id"]]
    coupa.update_task(task["id"], {"status": "completed", "percentage": 100}, coupa.permit("update_task"))
    assert coupa.get_task(task["id"])["resolved-at"]
    list(coupa.exchange_rates("CAD", now.date() - timedelta(days=31), now.date()))


def tour_approving(coupa: Coupa) -> None:
    """One more approver of a requisition that waits, and an approval rejected."""
    waiting = next(row for page in coupa.requisitions_in("pending_approval", ["AMZN-US"]) for row in page)
    body = {"approver": {"login": "catalog.admin"}}
    coupa.act_on_requisition(waiting["id"], "add_approver", coupa.permit("act_on_requisition"), body)
    assert list(coupa.published_contracts())
    rows = [row for page in coupa.approvals("RequisitionHeader", [waiting["id"]]) for row in page]
    current = next(row for row in rows if row["status"] == "pending_approval")
    coupa.act_on_approval(current["id"], "reject", coupa.permit("act_on_approval"), "A tour.")


def tour_budgets(coupa: Coupa) -> None:
    """An adjustment of a budget line, found again by how its description begins."""
    [period] = {raw["period"]["name"] for page in coupa.budget_lines(["FY26 Q2"]) for raw in page}
    line = next(raw for page in coupa.budget_lines([period]) for raw in page)
    body = {
        "adjustment-amount": "-1.00",
        "currency": {"code": line["currency"]["code"]},
        "description": "AB/tour/1 a tour",
    }
    coupa.adjust_budget_line(line["id"], body, coupa.permit("adjust_budget_line"))
    assert [row["amount"] for page in coupa.adjustments_of(line["id"], described="AB/tour/") for row in page] == [
        "-1.00"
    ]
    list(coupa.budget_line_adjustments([line["id"]]))


def tour_suppliers(coupa: Coupa, enter_email: Callable[[str], object]) -> None:
    """A supplier taken on, looked up in every way, and invited to the portal once a person entered an address."""
    body = {"name": "Tour Traders LLC", "status": "draft", "supplier-number": "TOUR-1", "comment-source": "tour"}
    made = coupa.create_supplier_information(body, coupa.permit("create_supplier_information"))
    supplier = int(made["supplier-id"])
    assert any(row["id"] == supplier for page in coupa.every_supplier() for row in page)
    assert [row["id"] for page in coupa.suppliers_by_id([supplier]) for row in page] == [supplier]
    assert [row["id"] for page in coupa.suppliers_with_diversities([supplier]) for row in page] == [supplier]
    assert [row["comment-source"] for page in coupa.supplier_information([supplier]) for row in page] == ["tour"]
    enter_email("Tour Traders LLC")
    coupa.create_supplier_invite(supplier, coupa.permit("create_supplier_invite"))
