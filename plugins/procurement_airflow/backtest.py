"""Other tolerances tried on the invoices of the ledger in LEDGER_URL; changes nothing, here or in Coupa.

    python -m procurement_airflow.backtest TOLERANCES.yml [--from 2026-01-01] [--to 2026-03-31]

Orders and receipts are read from Coupa through the connection `coupa_default`, from Airflow's own store or from
AIRFLOW_CONN_COUPA_DEFAULT. `--from` and `--to` are invoice dates, both included. Exit code 2: file or settings.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from connectors.errors import ConnectorError
from procurement.errors import ProcurementError
from procurement.ledger import Ledger
from procurement.ledger.__main__ import read_url
from procurement.pipelines.amazon_invoices_to_coupa.backtest import backtest, report
from procurement.policies import build_rules, mappings_directory, read_rule_files, read_tolerances


def main(arguments: Sequence[str] | None = None) -> int:
    parsed = _parser().parse_args(arguments)
    try:
        shipped = read_rule_files(mappings_directory())
        rules, tolerances = build_rules(shipped), read_tolerances(parsed.tolerances, shipped)
        with Ledger.opened(read_url(os.environ)) as ledger:
            from procurement_airflow.hooks import CoupaHook  # noqa: PLC0415 - a mistake in the file needs no Airflow

            found = backtest(
                CoupaHook(limiter=ledger.limiter).client, ledger, rules=rules, tolerances=tolerances,
                since=parsed.since, until=parsed.until,
            )  # fmt: skip
    except (ProcurementError, ConnectorError, OSError) as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    sys.stdout.write(f"{report(found)}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m procurement_airflow.backtest",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("tolerances", type=Path, help="a file in the grammar of mappings/tolerances.yml")
    parser.add_argument("--from", dest="since", type=date.fromisoformat, help="the first invoice date")
    parser.add_argument("--to", dest="until", type=date.fromisoformat, help="the last invoice date")
    return parser


if __name__ == "__main__":
    sys.exit(main())
