"""Amazon's feed of charges and refunds, as every pipeline that begins with it reads and stages it."""

from collections.abc import Callable, Iterator
from typing import Any

from connectors.amazon_business.client import LONGEST_FEED, AmazonBusiness
from connectors.amazon_business.transactions import KIND
from connectors.tally import Tally
from procurement.ledger import Ledger
from procurement.ledger.types import Run, Staged, Window
from procurement.pipelines.sources import amazon_source
from procurement.pipelines.windows import pieces

Json = dict[str, Any]


def read_feed(
    amazon: AmazonBusiness, window: Window | None, tally: Tally | None = None, *, kind: str = KIND
) -> Iterator[list[Json]]:
    """The pages of the window, in calls of at most 30 days; each transaction tallied under `kind`."""
    for piece in pieces(window, LONGEST_FEED):
        yield from amazon.transaction_pages(piece.start, piece.end, tally=tally, kind=kind)


def stage_feed(
    amazon: AmazonBusiness, ledger: Ledger, *, run: Run, pipeline: str, kind: str, staged: Callable[[Json], Staged]
) -> dict[str, Any]:
    """Stages every transaction of the run's window, and covers it once all its pages are kept. A dry run stages nothing."""
    if run.dry_run:
        return {"run": run.id, "seen": 0}
    tally, source = Tally(), amazon_source(amazon.account)
    for page in read_feed(amazon, run.window, tally, kind=kind):
        ledger.records.stage(run, source, kind, [staged(raw) for raw in page])
    ledger.runs.keep_tally(run, source, tally)
    if run.window is not None:
        ledger.coverage.cover(pipeline, run.window)
    return {"run": run.id, "seen": tally.documents, "repeats": tally.repeats}
