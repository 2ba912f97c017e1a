"""What Amazon Business answers, as far as we use it.

Amazon's own samples break its models (fields missing that are required, values outside enums, money as text in one
API and as number in another), so only what no pipeline can do without is required and everything else is kept.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated

from msgspec import Struct
from pydantic import Field

from connectors.payload_types import AmazonPayload, Exact, Moment, Optional, Several, Text


class OrderLineKey(Struct, frozen=True):
    """The three ids by which getInvoiceDetailsByOrderLineItems knows a charged order line."""

    order_id: str
    order_line_id: str
    shipment_id: str


class Money(AmazonPayload):
    currency_code: str
    amount: Exact


class Charge(AmazonPayload):
    """`type`: SUBTOTAL, SHIPPING_AND_HANDLING, PROMOTION (negative), TAX, NET_TOTAL."""

    type: str
    amount: Money


class Person(AmazonPayload):
    id: Text = None
    name: Text = None
    email: Text = None


class AssociatedTransaction(AmazonPayload):
    associated_transaction_id: Text = None


class TransactionLineItem(AmazonPayload):
    """One charged or refunded order line; the components are columns, `totalAmount` their sum."""

    order_id: Text = None
    order_line_item_id: Text = None
    shipment_id: Text = None
    shipment_date: Optional[Moment] = None
    purchase_order_number: Text = None
    purchase_order_line_item_id: Text = None
    asin: Text = None
    product_title: Text = None
    unspsc: Text = None
    item_quantity: Optional[Exact] = None
    unit_price: Optional[Money] = None
    principal_amount: Optional[Money] = None
    shipping_charge: Optional[Money] = None
    gift_wrapping_charge: Optional[Money] = None
    regulatory_fee: Optional[Money] = None
    discount: Optional[Money] = None
    tax: Optional[Money] = None
    tax_rate: Optional[Exact] = None
    total_amount: Optional[Money] = None
    refund_reason: Text = None
    merchant_legal_name: Text = None
    budget_id: Text = None
    business_order_info: dict[str, object] | None = None

    @property
    def quantity(self) -> Decimal | None:
        return self.item_quantity

    @property
    def key(self) -> OrderLineKey | None:
        """None where an id is missing: Amazon cannot be asked about such a line."""
        if self.order_id and self.order_line_item_id and self.shipment_id:
            return OrderLineKey(self.order_id, self.order_line_item_id, self.shipment_id)
        return None

    @property
    def amounts(self) -> Iterator[Money]:
        """Every amount the line carries, the total included."""
        for amount in (
            self.unit_price,
            self.principal_amount,
            self.shipping_charge,
            self.gift_wrapping_charge,
            self.regulatory_fee,
            self.discount,
            self.tax,
            self.total_amount,
        ):
            if amount is not None:
                yield amount


class Transaction(AmazonPayload):
    """`transactionType`: CHARGE (positive), REFUND (negative), OVERREFUND."""

    transaction_id: Text = None
    transaction_type: Text = None
    transaction_date: Optional[Moment] = None
    feed_date: Optional[Moment] = None
    marketplace_id: Text = None
    invoice_number: Text = None
    amount: Optional[Money] = None
    charge_identifier: Text = None
    payment_instrument_type: Text = None
    payment_instrument_last4_digits: Annotated[Text, Field(alias="paymentInstrumentLast4Digits")] = None
    ship_tax_rate: Optional[Exact] = None
    gift_wrap_tax_rate: Optional[Exact] = None
    legal_entity_name: Text = None
    purchasing_customer_group_name: Text = None
    buyer: Optional[Person] = None
    payer: Optional[Person] = None
    associated_transaction_details: Several[AssociatedTransaction] = ()
    transaction_line_items: Several[TransactionLineItem] = ()

    @property
    def lines(self) -> tuple[TransactionLineItem, ...]:
        return self.transaction_line_items


class OrderLineItem(AmazonPayload):
    order_id: str
    order_line_item_id: str
    shipment_id: str

    @property
    def key(self) -> OrderLineKey:
        return OrderLineKey(self.order_id, self.order_line_item_id, self.shipment_id)


class ConsolidatedInvoice(AmazonPayload):
    """`invoiceNumber` is `Pending` until the consolidated invoice exists."""

    invoice_number: Text = None


class InvoiceDetail(AmazonPayload):
    """`invoiceType`: STANDARD or CREDIT_MEMO. The original is only named in Japan."""

    invoice_number: Text = None
    invoice_date: Moment
    invoice_type: Text = None
    consolidated_invoice_details: Optional[ConsolidatedInvoice] = None
    associated_invoice_number: Text = None
    associated_invoice_date: Optional[Moment] = None

    @property
    def final_number(self) -> str | None:
        """The number printed on the document: the consolidated invoice's, where there is one."""
        consolidated = self.consolidated_invoice_details
        return (consolidated.invoice_number if consolidated else None) or self.invoice_number


class InvoiceDetails(AmazonPayload):
    order_line: Annotated[OrderLineItem, Field(alias="orderLineItem")]
    invoice_details: Several[InvoiceDetail] = ()


class InvoicePayment(AmazonPayload):
    """`status`: Issued, Payment Processing, Past Due, Closed."""

    status: Text = None
    due_date: Optional[Moment] = None


class VendorError(AmazonPayload):
    code: Text = None
    message: Text = None
    details: Text = None


class PaymentDetails(AmazonPayload):
    """One result of getBatchInvoicePaymentDetails; both detail objects may be missing, whatever `resultType` says."""

    invoice_id: str
    result_type: Text = None
    payment_details: Optional[InvoicePayment] = None
    error: Optional[VendorError] = None


class OrderMetadata(AmazonPayload):
    order_id: str
    order_date: Optional[Moment] = None
    region: Text = None


class ShipmentMetadata(AmazonPayload):
    shipment_id: str
    shipment_date: Optional[Moment] = None


class OrderReport(AmazonPayload):
    """`orderStatus`: PENDING_APPROVAL, PAYMENT_CONFIRMED, PENDING_FULFILLMENT, PENDING, CANCELLED, CLOSED."""

    order_metadata: OrderMetadata
    purchase_order_number: Text = None
    order_status: Text = None
    charges: Several[Charge] = ()
    buying_customer: Optional[Person] = None
    buyer_group: Optional[Person] = None
    business_order_info: dict[str, object] | None = None


class Unspsc(AmazonPayload):
    code: Text = None


class ProductDetails(AmazonPayload):
    asin: Text = None
    title: Text = None
    product_category: Text = None
    unspsc: Optional[Unspsc] = None


class OrderLineItemReport(AmazonPayload):
    order_metadata: OrderMetadata
    order_line_item_id: str
    purchase_order_number: Text = None
    purchase_order_line_item_number: Text = None
    product_details: Optional[ProductDetails] = None
    quantity: Optional[Exact] = None
    unit_price: Optional[Money] = None
    charges: Several[Charge] = ()


class DeliveryInfo(AmazonPayload):
    """`status`: DELIVERED, NOT_DELIVERED, NOT_AVAILABLE; the date is what was expected, never what happened."""

    status: Text = None
    expected_delivery_date: Optional[Moment] = None


class ShipmentReport(AmazonPayload):
    """`shipmentStatus`: SHIPPED, PENDING_PAYMENT, SHIPPING_SOON, SHIPPED_PLANNED."""

    order_metadata: OrderMetadata
    shipment_metadata: ShipmentMetadata
    purchase_order_number: Text = None
    shipment_status: Text = None
    delivery_info: Optional[DeliveryInfo] = None
    charges: Several[Charge] = ()


class Package(AmazonPayload):
    tracking_id: Text = None
    package_id: Text = None


class ReceivingInfo(AmazonPayload):
    """`status`: ALL_ITEMS_RECEIVED, PARTIALLY_RECEIVED, PENDING, ITEMS_MISSING."""

    status: Text = None
    quantity: Optional[Exact] = None
    date: Optional[Moment] = None
    customer: Optional[Person] = None


class ShipmentLineItemReport(AmazonPayload):
    order_metadata: OrderMetadata
    shipment_metadata: ShipmentMetadata
    order_line_item_id: str
    purchase_order_number: Text = None
    purchase_order_line_item_number: Text = None
    product_details: Optional[ProductDetails] = None
    quantity: Optional[Exact] = None
    charges: Several[Charge] = ()
    carrier_name: Text = None
    packages: Several[Package] = ()
    receiving_info: Optional[ReceivingInfo] = None
