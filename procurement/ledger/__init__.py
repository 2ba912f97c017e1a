"""The ledger: what was read, what is to be written, what was sent, and the proof that nothing was lost or doubled.

    with Ledger.opened(url) as ledger:
        run = ledger.runs.open("amazon_invoices_to_coupa", "manual__1", now=clock.now())

One PostgreSQL database of our own. Values in and out are in `types`; each part is a module of its name.
"""

from procurement.ledger.ledger import Ledger, migrate

__all__ = ["Ledger", "migrate"]
