"""`make backtest`: against the ledger in LEDGER_URL and Airflow's Coupa connection; where LEDGER_URL is not set, against
the demo that `make up` left running, because purchase orders are read from its Coupa."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from local import processes
from local.demo import ROOT
from local.processes import StartError
from local.stack import Stack
from local.world import newest_world
from procurement_airflow import backtest


def main(arguments: Sequence[str]) -> int:
    """The exit code of the command beneath; 2 where there is no ledger to ask."""
    if not os.environ.get("LEDGER_URL", "").strip():
        try:
            os.environ.update(demo_environment(ROOT))
        except (StartError, OSError) as problem:
            print(problem, file=sys.stderr)
            return 2
    return backtest.main(arguments)


def demo_environment(root: Path) -> dict[str, str]:
    """Ledger, Coupa and rule files of the running demo; StartError when none runs."""
    stack, world = Stack(root), newest_world(root / "demo" / "worlds")
    running = processes.running("sandbox", stack.run_folder) is not None and stack.postgres.port() is not None
    if world is None or not running:
        raise StartError("LEDGER_URL is not set and no demo runs here: set it, or run `make up` first")
    url = json.loads((stack.run_folder / "sandbox.json").read_text())["coupa_url"]
    coupa = {
        "conn_type": "coupa", "host": url, "login": "sandbox-client", "password": "sandbox-secret",
        "extra": {"instance": "sandbox", "environment": "test", "rate_multiplier": stack.speed},
    }  # fmt: skip
    return {
        "LEDGER_URL": stack.postgres.url(world.ledger_database),
        "AIRFLOW_CONN_COUPA_DEFAULT": json.dumps(coupa),
        "AIRFLOW_HOME": str(stack.root / "airflow"),
        "PROCUREMENT_MAPPINGS": str(world.mappings.resolve()),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
