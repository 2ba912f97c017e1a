"""How the ledger names the systems that documents come from."""


def amazon_source(account: str) -> str:
    """Source keys begin with the Amazon Business account."""
    return f"amazon_business/{account}"


def coupa_source(instance: str) -> str:
    """Source keys begin with the Coupa instance."""
    return f"coupa/{instance}"
