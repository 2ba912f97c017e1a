"""Both clients reduced to what the conformance suite needs of each."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from connectors.amazon_business import payloads as amazon_payloads
from connectors.amazon_business.operations import PLACE_ORDER
from connectors.coupa import payloads as coupa_payloads
from connectors.coupa.operations import OPERATIONS
from connectors.http import Edge
from connectors.operations import Operation
from tests.unit.connectors.scripted_vendor import (
    RecordingLimiter,
    connect_amazon,
    connect_coupa,
)

FROM, TO = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 20, tzinfo=UTC)


@dataclass
class Client:
    """A client reduced to what the suite needs: one read, one write, one list."""

    edge: Edge
    read: Callable[[], Any]
    write_operation: Operation
    pages: Callable[[], list[list[Any]]]
    page: Callable[[int], Any]  # the n-th page of a list, as the vendor sends it
    repeated: Callable[[], Any]  # a page that leads back to an earlier one
    refusals: tuple[int, ...]  # statuses by which the vendor refuses an expired token
    money_model: type[BaseModel]
    money_fields: dict[str, Any]  # the model's fields with one float among them

    def write(self) -> Any:
        permit = self.edge.permit(self.write_operation)
        return self.edge.write(self.write_operation, permit, path="/write", json={"number": "INV-1"})


def amazon_client(url: str, limiter: RecordingLimiter) -> Client:
    client = connect_amazon(url, limiter)

    def page(n: int) -> Any:
        following = {"nextPageToken": f"page-{n + 1}"} if n < 3 else {"nextPageToken": ""}
        return {"transactions": [{"transactionId": f"tx-{n}"}], **following}

    return Client(
        edge=client._edge,
        read=lambda: list(client.transaction_pages(FROM, TO)),
        write_operation=PLACE_ORDER,
        pages=lambda: list(client.transaction_pages(FROM, TO)),
        page=page,
        repeated=lambda: {"transactions": [], "nextPageToken": "page-2"},
        refusals=(401, 403),
        money_model=amazon_payloads.Money,
        money_fields={"currencyCode": "USD", "amount": 19.99},
    )


def coupa_client(url: str, limiter: RecordingLimiter) -> Client:
    client = connect_coupa(url, limiter)

    def page(n: int) -> Any:
        return [{"id": (n - 1) * 50 + i} for i in range(1, 51 if n < 3 else 11)]

    return Client(
        edge=client._edge,
        read=lambda: client.get_invoice(7),
        write_operation=OPERATIONS["create_invoice"],
        pages=lambda: list(client.currencies()),
        page=page,
        repeated=lambda: page(1),
        refusals=(401,),
        money_model=coupa_payloads.InvoiceLine,
        money_fields={"id": 1, "price": 19.99},
    )
