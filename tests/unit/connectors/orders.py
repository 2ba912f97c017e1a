"""The reference's own examples of an order, its answers and its packages, as the vendor sends them."""

import json
from decimal import Decimal
from typing import Any

from connectors.answers import read_json

ORDER_TEXT = """
{"externalId": "PO-4500123-r1", "lineItems": [{"externalId": "1", "quantity": 3, "attributes": [
  {"attributeType": "SelectedProductReference",
   "productReference": {"productReferenceType": "ProductIdentifier", "id": "B0SAMPLE01"}},
  {"attributeType": "SelectedBuyingOptionReference",
   "buyingOptionReference": {"buyingOptionReferenceType": "BuyingOptionIdentifier", "id": "offer-abc"}},
  {"attributeType": "Distribution",
   "accounting": {"name": "Line 1 split",
                  "segments": [{"id": "CC-310", "type": "cost-center", "description": "Lab supplies"}]},
   "charge": {"amount": {"currencyCode": "USD", "amount": 59.97}}}],
  "expectations": [{"expectationType": "ExpectedUnitPrice", "amount": {"currencyCode": "USD", "amount": 19.99}}]}],
 "attributes": [
  {"attributeType": "Region", "region": "US"},
  {"attributeType": "PurchaseOrderNumber", "purchaseOrderNumber": "4500123"},
  {"attributeType": "BuyerReference",
   "userReference": {"userReferenceType": "UserEmail", "emailAddress": "buyer@example.com"}},
  {"attributeType": "BuyingGroupReference",
   "groupReference": {"groupReferenceType": "GroupIdentity", "identifier": "ACMEGROUP01"}},
  {"attributeType": "SelectedPaymentMethodReference",
   "paymentMethodReference": {"paymentMethodReferenceType": "StoredPaymentMethod"}},
  {"attributeType": "ShippingAddress", "address": {"addressType": "PhysicalAddress", "fullName": "Receiving Dock",
   "addressLine1": "1 Example Way", "city": "Austin", "stateOrRegion": "TX", "postalCode": "78701",
   "countryCode": "US"}}],
 "expectations": [
  {"expectationType": "ExpectedCharge", "source": "SHIPPING", "amount": {"currencyCode": "USD", "amount": 0}}]}
"""
PLACED_TEXT = """
{"lineItems": [{"externalId": "1", "acceptedItems": [{"acceptedItemType": "SingleAcceptedItem", "quantity": 2,
  "artifacts": [
   {"acceptanceArtifactType": "OrderIdentifier", "identifier": "112-1111111-2222222"},
   {"acceptanceArtifactType": "UnitPrice", "amount": {"currencyCode": "USD", "amount": 19.99}},
   {"acceptanceArtifactType": "Charge", "category": "SUBTOTAL", "type": "PRINCIPAL",
    "amount": {"currencyCode": "USD", "amount": 39.98}},
   {"acceptanceArtifactType": "Charge", "category": "SUBTOTAL", "type": "TAX",
    "amount": {"currencyCode": "USD", "amount": 3.3}},
   {"acceptanceArtifactType": "DeliveryTimeRange", "lowerBoundary": "2026-03-04T03:00:00Z",
    "upperBoundary": "2026-03-05T03:00:00Z"}]}],
  "rejectedItems": [{"quantity": 1, "artifacts": [
   {"rejectionArtifactType": "UnavailableQuantity", "quantity": 1},
   {"rejectionArtifactType": "RejectionMessage", "message": "Only part of the quantity is available."}]}]}],
 "acceptanceArtifacts": [{"acceptanceArtifactType": "Signed"}], "rejectionArtifacts": []}
"""
SHIPPED_TEXT = """
{"lineItems": [{"externalId": "1", "acceptedItems": [{"acceptedItemType": "SingleAcceptedItem", "quantity": 2,
  "artifacts": [
   {"acceptanceArtifactType": "OrderIdentifier", "identifier": "112-1111111-2222222"},
   {"acceptanceArtifactType": "ShipmentGroup", "identifier": "401000000000001", "quantity": 2,
    "packageReferences": [{"packageReferenceType": "CarrierTrackingNumber", "value": "TBA000000000001"}]}]}],
  "rejectedItems": []}],
 "acceptanceArtifacts": [{"acceptanceArtifactType": "Signed"},
  {"acceptanceArtifactType": "Shipment", "identifier": "401000000000001", "packages": [
   {"packageReference": {"packageReferenceType": "CarrierTrackingNumber", "value": "TBA000000000001"},
    "packageAttributes": [{"packageAttributeType": "PackageTrackingAttribute", "carrierName": "AMZN_US",
     "packageId": "1", "deliveryDateRange": {"startDateTime": "2026-03-04T03:00:00Z",
     "endDateTime": "2026-03-05T03:00:00Z"}}]}]}],
 "rejectionArtifacts": []}
"""
TRACKING_TEXT = """
{"packageTrackingDetails": {"trackingStatus": "DELIVERED", "localizedDeliveryPromise": "Delivered February 5",
 "deliveryWindow": {"endDate": "2026-02-05T20:15:00Z"},
 "carrierDetails": {"localizedCarrierName": "Sample Carrier", "carrierTrackingId": "TBA000000000001"},
 "packageTrackingEvents": [{"localizedDescription": "Left at reception.",
  "localizedEventDate": "Thursday, February 5", "localizedEventTime": "2:15 PM",
  "location": {"city": "Austin", "state": "TX", "country": "US"}}],
 "packageMilestones": [
  {"milestoneType": "DELIVERED", "milestoneWindow": {"endDate": "2026-02-05T14:15:00-06:00"}},
  {"milestoneType": "SHIPPED", "milestoneWindow": {"endDate": "2026-02-03T14:00:00-06:00"}}]}}
"""
OFFER_TEXT = """
{"offerId": "offer-abc", "availability": "In Stock.",
 "price": {"value": {"amount": 19.99, "currencyCode": "USD"}, "formattedPrice": "$19.99", "priceType": "BUSINESS"},
 "quantityPrice": {"quantityPriceTiers": [
  {"quantityDisplay": "10+", "unitPrice": {"amount": 17.5, "currencyCode": "USD"}}]},
 "buyingGuidance": "NEGOTIATED", "buyingRestrictions": [],
 "merchant": {"merchantId": null, "name": "Pen Traders LLC", "meanFeedbackRating": null,
  "totalFeedbackCount": null, "certificates": ["Women-Owned Business Enterprise"]},
 "quantityLimits": {"minQuantity": 1, "maxQuantity": 30}, "fulfillmentType": "MERCHANT_FULFILLMENT"}
"""


def parsed(text: str) -> Any:
    """As our edge reads it: numbers exact."""
    return read_json(text.encode())


def order(**changes: Any) -> dict[str, Any]:
    """The example order, with some of its fields changed."""
    return {**parsed(ORDER_TEXT), **changes}


def order_line(external_id: str = "1", **changes: Any) -> dict[str, Any]:
    return {**parsed(ORDER_TEXT)["lineItems"][0], "externalId": external_id, **changes}


def without(attribute: str) -> list[dict[str, Any]]:
    """The example's order attributes less one."""
    return [one for one in order()["attributes"] if one["attributeType"] != attribute]


def usd(amount: str) -> dict[str, Any]:
    return {"currencyCode": "USD", "amount": Decimal(amount)}


def sent(text: str) -> Any:
    """As the scripted vendor sends it."""
    return json.loads(text)
