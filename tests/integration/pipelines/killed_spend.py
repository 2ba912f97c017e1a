"""One spend run in a process of its own, for tests that kill it."""

import sys
import tempfile
from pathlib import Path

from procurement.ledger import Ledger
from tests.integration.pipelines.conftest import SandboxPair
from tests.integration.pipelines.spend_runs import SpendRun, switched


def run_once(amazon_url: str, coupa_url: str, database_url: str, mappings: str) -> None:
    with Ledger.opened(database_url) as ledger, tempfile.TemporaryDirectory() as folder:
        run = SpendRun(SandboxPair(amazon_url, coupa_url), ledger, switched(Path(mappings)), Path(folder))
        run("killed", **{"from": "2026-03-01"})
    sys.exit("the process outlived its kill")
