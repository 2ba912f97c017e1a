"""The Coupa half of the sandbox: one Coupa instance in memory, spoken to as the Core API is.

Read it in this order: `schema.py` and `resources.py` (what records look like), `instance.py` (where they live),
`incoming.py`, `filters.py`, `serialise.py` (how they enter, are found and leave), then the business: purchase orders,
receipts, invoices, `matching.py` and `tolerances.py`; `routes.py` says which call runs what. Coupa's verdicts are
computed here from its own records and rules, never with code of the product under test.
"""

from sandbox.coupa.vendor import create_vendor

__all__ = ["create_vendor"]
