"""Amazon's contract articles and prices become Coupa's items and supplier items, and stay equal to them.

    open_run → extract → transform → load → close

`extract` reads both sides, Amazon's offers and Coupa's items, into one record an article. `transform` compares them field
by field and plans what differs; large price moves are held, removals wait for several complete runs. `load` writes each
changed record once, `close` accounts for every article and mails the summary. Every hour the articles on requisitions that
wait for approval are priced again. Read `steps.py` first; the rules are in `procurement/catalog/` and `mappings/catalog.yml`.
"""

from procurement.pipelines.amazon_catalog_to_coupa.names import PIPELINE
from procurement.pipelines.amazon_catalog_to_coupa.steps import close, extract, load, open_run, transform

__all__ = ["PIPELINE", "close", "extract", "load", "open_run", "transform"]
