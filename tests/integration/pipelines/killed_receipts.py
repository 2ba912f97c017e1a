"""One receipts run in a process of its own, for tests that kill it."""

import sys
from datetime import timedelta
from pathlib import Path

from procurement.ledger import Ledger
from tests.integration.pipelines.conftest import SandboxPair
from tests.integration.pipelines.receiving_runs import ReceiptRun, switched


def run_once(amazon_url: str, coupa_url: str, database_url: str, mappings: str) -> None:
    rules = switched(Path(mappings), automatic_up_to=100_000)
    with Ledger.opened(database_url) as ledger:
        ReceiptRun(SandboxPair(amazon_url, coupa_url), ledger, rules, timedelta(hours=2), prefix="killed")()
    sys.exit("the process outlived its kill")
