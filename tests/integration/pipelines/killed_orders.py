"""One orders run in a process of its own, for tests that kill it."""

import sys
from pathlib import Path

from procurement.ledger import Ledger
from tests.integration.pipelines.buying import OrderRun, switched
from tests.integration.pipelines.conftest import SandboxPair


def run_once(amazon_url: str, coupa_url: str, database_url: str, mappings: str) -> None:
    with Ledger.opened(database_url) as ledger:
        OrderRun(SandboxPair(amazon_url, coupa_url), ledger, switched(Path(mappings)), workers=2)("killed")
    sys.exit("the process outlived its kill")
