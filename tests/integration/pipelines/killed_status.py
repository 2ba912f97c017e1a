"""One order status run in a process of its own, for tests that kill it."""

import sys
from datetime import timedelta
from pathlib import Path

from procurement.ledger import Ledger
from tests.integration.pipelines.conftest import SandboxPair
from tests.integration.pipelines.status_runs import StatusRun, switched

LIVE = "{mode: live, go_live: 2026-03-01}"


def run_once(amazon_url: str, coupa_url: str, database_url: str, mappings: str) -> None:
    """An hour after the test's first run."""
    with Ledger.opened(database_url) as ledger:
        run = StatusRun(
            SandboxPair(amazon_url, coupa_url), ledger, switched(Path(mappings), LIVE), timedelta(hours=1), 1
        )
        run()
    sys.exit("the process outlived its kill")
