"""One run in a process of its own, for tests that kill it."""

import sys
from pathlib import Path

from procurement.clock import FixedClock
from procurement.ledger import Ledger
from procurement.pipelines.amazon_invoices_to_coupa import PIPELINE, extract, load, open_run, transform
from procurement.pipelines.windows import RunRequest
from procurement.policies import read_rules
from tests.integration.pipelines.conftest import NOW, SandboxPair, connect_amazon, connect_coupa


def run_once(amazon_url: str, coupa_url: str, database_url: str, mappings: str) -> None:
    pair, rules = SandboxPair(amazon_url, coupa_url), read_rules(Path(mappings))
    with Ledger.opened(database_url) as ledger:
        request = RunRequest(dag_id=PIPELINE, run_id="killed")
        amazon, coupa = connect_amazon(pair, ledger), connect_coupa(pair, ledger)
        run = open_run(ledger, request, rules=rules, clock=FixedClock(NOW))
        extract(amazon, ledger, run=run)
        transform(amazon, coupa, ledger, run=run, request=request, rules=rules)
        load(coupa, ledger, run=run, rules=rules, workers=2, seconds=60)
    sys.exit("the process outlived its kill")
