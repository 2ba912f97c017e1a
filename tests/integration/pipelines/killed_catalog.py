"""One catalog run in a process of its own, for tests that kill it."""

import sys
from pathlib import Path

from procurement.ledger import Ledger
from tests.integration.pipelines.catalog_runs import CatalogRun, switched
from tests.integration.pipelines.conftest import SandboxPair


def run_once(amazon_url: str, coupa_url: str, database_url: str, mappings: str) -> None:
    rules = switched(Path(mappings))
    with Ledger.opened(database_url) as ledger:
        CatalogRun(SandboxPair(amazon_url, coupa_url), ledger, rules, prefix="killed")()
    sys.exit("the process outlived its kill")
