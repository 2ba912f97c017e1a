"""The real clients against a sandbox, for benchmarks."""

from connectors.amazon_business import connection as amazon_connection
from connectors.amazon_business.client import AmazonBusiness
from connectors.coupa import connection as coupa_connection
from connectors.coupa.client import Coupa
from connectors.limits import Limiter

SCOPES = (
    "core.accounting.read core.approval.read core.budget.read core.budget.write core.catalog.read core.catalog.write "
    "core.comment.read core.comment.write core.common.read core.contract.read core.inventory.receiving.read "
    "core.inventory.receiving.write core.invoice.create core.invoice.read core.invoice.write core.project.read "
    "core.project.write core.purchase_order.read core.purchase_order.write core.requisition.read core.supplier.read "
    "core.user.read core.user_group.read"
)


def connect_amazon(url: str, limiter: Limiter, *, multiplier: float = 1.0) -> AmazonBusiness:
    settings = amazon_connection.AmazonBusinessSettings(
        base_url=url, token_url=f"{url}/auth/O2/token", client_id="sandbox-client", client_secret="sandbox-secret",
        refresh_token="Atzr|sandbox", account="sandbox", region="US",
        user_email="buyer@example.com", rate_multiplier=multiplier,
    )  # fmt: skip
    return amazon_connection.connect(settings, limiter)


def connect_coupa(url: str, limiter: Limiter, *, multiplier: float = 1.0) -> Coupa:
    settings = coupa_connection.CoupaSettings(
        base_url=url, client_id="sandbox-client", client_secret="sandbox-secret", scope=SCOPES, instance="acme", rate_multiplier=multiplier,
    )  # fmt: skip
    return coupa_connection.connect(settings, limiter)
