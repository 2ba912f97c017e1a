"""The sellers that the ledger knows, whichever run read them."""

from collections.abc import Iterator
from datetime import UTC, datetime

from connectors.amazon_business.sellers import KIND
from procurement.ledger import Ledger
from procurement.ledger.types import Record

LONG_AGO = datetime(1990, 1, 1, tzinfo=UTC)  # of a spelling without a purchase of its own
PAGE = 1_000


def known_sellers(ledger: Ledger) -> Iterator[Record]:
    """Every spelling of every account, with its facts."""
    for page in ledger.records.pages(KIND, since=LONG_AGO, size=PAGE):
        yield from page
