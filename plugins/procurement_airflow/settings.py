"""An Airflow connection as checked settings. A missing field's message names the connection, the field and where it belongs."""

from collections.abc import Mapping
from typing import Any

from connectors.amazon_business.connection import AmazonBusinessSettings
from connectors.coupa.connection import CoupaSettings
from procurement.errors import ConfigurationError

COUPA_SCOPES = (
    "core.accounting.read core.approval.read core.budget.read core.budget.write core.catalog.read core.catalog.write "
    "core.comment.read core.comment.write core.common.read core.contract.read core.integration.read "
    "core.integration.write core.inventory.receiving.read core.inventory.receiving.write core.invoice.approval.write "
    "core.invoice.create core.invoice.read core.invoice.write core.project.read core.project.write "
    "core.purchase_order.read core.purchase_order.write core.requisition.read core.supplier.read core.supplier.write "
    "core.user.read core.user_group.read"
)
AMAZON_TOKEN_URL = "https://api.amazon.com/auth/o2/token"  # noqa: S105 - an address, not a secret
ENVIRONMENTS = ("test", "production")
PLACES = {"base_url": "host", "client_id": "login", "client_secret": "password"}


def read_amazon_settings(conn_id: str, connection: Any) -> AmazonBusinessSettings:
    """Raises ConfigurationError naming every field that is missing."""
    extra = connection.extra_dejson
    fields = {
        **_credentials(connection),
        "refresh_token": extra.get("refresh_token"),
        "account": extra.get("account") or "default",
        "region": extra.get("region") or "US",
        "user_email": extra.get("user_email") or "",
        "token_url": extra.get("token_url") or AMAZON_TOKEN_URL,
    }
    _require(conn_id, fields, ("base_url", "client_id", "client_secret", "refresh_token"))
    return AmazonBusinessSettings(**fields, rate_multiplier=_multiplier(conn_id, extra))


def read_coupa_settings(conn_id: str, connection: Any) -> CoupaSettings:
    """Raises ConfigurationError naming every field that is missing. The instance defaults to the host's first word."""
    extra = connection.extra_dejson
    fields = {**_credentials(connection), "scope": extra.get("scope") or COUPA_SCOPES}
    _require(conn_id, fields, ("base_url", "client_id", "client_secret"))
    instance = extra.get("instance") or str(fields["base_url"]).split("://")[-1].split(".")[0]
    return CoupaSettings(**fields, instance=instance, rate_multiplier=_multiplier(conn_id, extra))


def read_environment(conn_id: str, connection: Any) -> str:
    """Which environment the connection leads to, `test` where it does not say; ConfigurationError for any other word."""
    value = connection.extra_dejson.get("environment") or ENVIRONMENTS[0]
    if value not in ENVIRONMENTS:
        raise ConfigurationError(f"connection {conn_id!r}: environment is {value!r}; write {' or '.join(ENVIRONMENTS)}")
    return str(value)


def _credentials(connection: Any) -> dict[str, Any]:
    host = (connection.host or "").rstrip("/")
    address = host if not host or "://" in host else f"https://{host}"
    return {"base_url": address, "client_id": connection.login, "client_secret": connection.password}


def _require(conn_id: str, fields: Mapping[str, Any], names: tuple[str, ...]) -> None:
    missing = [PLACES.get(name, f"extra field {name!r}") for name in names if not fields[name]]
    if missing:
        raise ConfigurationError(
            f"connection {conn_id!r} lacks {', '.join(missing)}; fill the form in Admin → Connections, or the JSON of "
            f"AIRFLOW_CONN_{conn_id.upper()}"
        )


def _multiplier(conn_id: str, extra: Mapping[str, Any]) -> float:
    value = extra.get("rate_multiplier") or 1
    try:
        multiplier = float(value)
    except (TypeError, ValueError):
        multiplier = 0.0
    if multiplier <= 0:
        raise ConfigurationError(
            f"connection {conn_id!r}: rate_multiplier is {value!r}; write a number above 0 (1 for the published rates)"
        )
    return multiplier
