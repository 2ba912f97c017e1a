"""Airflow connection → checked settings → client, with the ledger's rate buckets shared by all tasks on all workers."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property

from airflow.sdk import BaseHook

from connectors.amazon_business import connection as amazon_connection
from connectors.amazon_business.client import AmazonBusiness
from connectors.coupa import connection as coupa_connection
from connectors.coupa.client import Coupa
from connectors.errors import ConnectorError
from connectors.limits import Limiter, LocalLimiter
from procurement.errors import ProcurementError
from procurement_airflow.settings import read_amazon_settings, read_coupa_settings, read_environment


class AmazonBusinessHook(BaseHook):
    """The Amazon Business client of a connection of type `amazon_business`."""

    conn_name_attr = "amazon_business_conn_id"
    default_conn_name = "amazon_business_default"
    conn_type = "amazon_business"
    hook_name = "Amazon Business"

    def __init__(self, amazon_business_conn_id: str = default_conn_name, *, limiter: Limiter | None = None) -> None:
        super().__init__()
        self.conn_id, self._limiter = amazon_business_conn_id, limiter or LocalLimiter()

    @property
    def environment(self) -> str:
        """`test` or `production`, as the connection says."""
        return read_environment(self.conn_id, self.get_connection(self.conn_id))

    @cached_property
    def client(self) -> AmazonBusiness:
        settings = read_amazon_settings(self.conn_id, self.get_connection(self.conn_id))
        return amazon_connection.connect(settings, self._limiter)

    def test_connection(self) -> tuple[bool, str]:
        """One cheap call per API: a token may work on one and lack the role for another."""
        now = datetime.now(UTC)
        yesterday = now - timedelta(days=1)
        return try_all(
            {
                "Reconciliation": lambda: next(iter(self.client.transaction_pages(yesterday, now)), None),
                "Reporting": lambda: next(iter(self.client.order_pages(yesterday, now - timedelta(minutes=1))), None),
                "Product Search": lambda: next(iter(self.client.products(["B000000000"])), None),
                "Ordering": lambda: self.client.order_details("connection-test"),
            }
        )


class CoupaHook(BaseHook):
    """The Coupa client of a connection of type `coupa`."""

    conn_name_attr = "coupa_conn_id"
    default_conn_name = "coupa_default"
    conn_type = "coupa"
    hook_name = "Coupa"

    def __init__(self, coupa_conn_id: str = default_conn_name, *, limiter: Limiter | None = None) -> None:
        super().__init__()
        self.conn_id, self._limiter = coupa_conn_id, limiter or LocalLimiter()

    @property
    def environment(self) -> str:
        """`test` or `production`, as the connection says."""
        return read_environment(self.conn_id, self.get_connection(self.conn_id))

    @cached_property
    def client(self) -> Coupa:
        return coupa_connection.connect(
            read_coupa_settings(self.conn_id, self.get_connection(self.conn_id)), self._limiter
        )

    def test_connection(self) -> tuple[bool, str]:
        """One cheap call per scope that the pipelines read with."""
        return try_all(
            {
                "reference data": lambda: next(iter(self.client.currencies()), None),
                "purchase orders": lambda: next(iter(self.client.purchase_orders(["0"])), None),
                "requisitions": lambda: next(iter(self.client.requisitions([0])), None),
                "receipts": lambda: next(iter(self.client.receipts([0])), None),
                "invoices": lambda: next(iter(self.client.invoices("0", ["0"])), None),
            }
        )


def try_all(calls: Mapping[str, Callable[[], object]]) -> tuple[bool, str]:
    """(whether all went well, one clause per API)."""
    words = []
    ok = True
    for name, call in calls.items():
        try:
            call()
            words.append(f"{name}: fine")
        except (
            ConnectorError,
            ProcurementError,
            ValueError,
        ) as error:  # ValueError: a field of the connection is empty
            ok = False
            words.append(f"{name}: {error}")
    return ok, "; ".join(words)
