"""One suppliers run in a process of its own, for tests that kill it."""

import sys
from pathlib import Path

from procurement.ledger import Ledger
from tests.integration.pipelines.conftest import SandboxPair
from tests.integration.pipelines.supplier_runs import SupplierRun, impatient


def run_once(amazon_url: str, coupa_url: str, database_url: str, mappings: str) -> None:
    with Ledger.opened(database_url) as ledger:
        SupplierRun(SandboxPair(amazon_url, coupa_url), ledger, impatient(Path(mappings)))()
    sys.exit("the process outlived its kill")
