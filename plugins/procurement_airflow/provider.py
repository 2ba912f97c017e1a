"""The connection types, as Airflow's connection form shows them."""

from typing import Any

TEXT = {"type": ["string", "null"]}
SECRET = {"type": ["string", "null"], "format": "password"}
RATE = {
    "label": "Rate multiplier",
    "description": "1 for the published rates; the sandbox's --speed otherwise",
    "schema": {"type": ["number", "null"], "exclusiveMinimum": 0, "default": 1},
}
ENVIRONMENT = {
    "label": "Environment",
    "description": "test or production; a ledger belongs to the one it was first connected to",
    "schema": {"type": "string", "enum": ["test", "production"], "default": "test"},
}


def get_provider_info() -> dict[str, Any]:
    """The entry point `apache_airflow_provider`."""
    return {
        "package-name": "amazon-coupa-pipelines",
        "name": "Amazon Business and Coupa",
        "description": "Pipelines between Amazon Business and Coupa.",
        "connection-types": [_amazon_business(), _coupa()],
    }


def _amazon_business() -> dict[str, Any]:
    return {
        "connection-type": "amazon_business",
        "hook-class-name": "procurement_airflow.hooks.AmazonBusinessHook",
        "hook-name": "Amazon Business",
        "ui-field-behaviour": {
            "hidden-fields": ["port", "schema"],
            "relabeling": {"host": "Regional host", "login": "Client ID", "password": "Client secret"},
            "placeholders": {"host": "https://na.business-api.amazon.com"},
        },
        "conn-fields": {
            "refresh_token": {
                "label": "Refresh token",
                "description": "of the consenting Amazon Business customer",
                "schema": SECRET,
            },
            "account": {"label": "Account", "description": "its name in accounts.yml and in our keys", "schema": TEXT},
            "region": {
                "label": "Region",
                "description": "US, CA, UK, DE, ...",
                "schema": {"type": "string", "default": "US"},
            },
            "user_email": {"label": "User e-mail", "description": "on whose behalf prices are read", "schema": TEXT},
            "token_url": {"label": "Token URL", "description": "empty for Login with Amazon", "schema": TEXT},
            "environment": ENVIRONMENT,
            "rate_multiplier": RATE,
        },
    }


def _coupa() -> dict[str, Any]:
    return {
        "connection-type": "coupa",
        "hook-class-name": "procurement_airflow.hooks.CoupaHook",
        "hook-name": "Coupa",
        "ui-field-behaviour": {
            "hidden-fields": ["port", "schema"],
            "relabeling": {"host": "Instance URL", "login": "Client ID", "password": "Client secret"},
            "placeholders": {"host": "https://example.coupahost.com"},
        },
        "conn-fields": {
            "scope": {
                "label": "Scopes",
                "description": "separated by spaces; empty for what the pipelines need",
                "schema": TEXT,
            },
            "instance": {
                "label": "Instance",
                "description": "its name in our keys; empty for the host's first word",
                "schema": TEXT,
            },
            "environment": ENVIRONMENT,
            "rate_multiplier": RATE,
        },
    }
