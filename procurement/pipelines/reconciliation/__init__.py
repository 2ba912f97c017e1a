"""Amazon's transactions, the ledger and Coupa's invoices and credit notes held against each other, to the cent.

    open_run → extract → compare → report → close

`extract` reads the feed of the run's range again, page by page, and holds each transaction against the ledger; nothing is
staged. `compare` holds the ledger's documents of that range against Coupa, and Coupa's documents against the ledger.
`report` writes the differences as CSV. `close` mails them, and raises when the two sides do not agree. Nothing is ever
written to Amazon, to Coupa or to the source records; what was found is kept in the ledger's `plans` of the run.
"""

from procurement.pipelines.reconciliation.steps import PIPELINE, close, compare, extract, open_run, report

__all__ = ["PIPELINE", "close", "compare", "extract", "open_run", "report"]
