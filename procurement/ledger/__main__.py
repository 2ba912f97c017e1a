"""`python -m procurement.ledger migrate | check`: the tables of the database in LEDGER_URL."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

from procurement.errors import ConfigurationError
from procurement.ledger.ledger import Ledger, migrate


def read_url(environment: Mapping[str, str]) -> str:
    """LEDGER_URL; ConfigurationError when it is not set."""
    url = environment.get("LEDGER_URL", "").strip()
    if not url:
        raise ConfigurationError("LEDGER_URL is not set; write postgresql+psycopg2://user:password@host:5432/ledger")
    return url


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m procurement.ledger", description=__doc__)
    parser.add_argument(
        "command", choices=("migrate", "check"), help="migrate: bring the tables up to date; check: only look"
    )
    command = parser.parse_args(arguments).command
    try:
        url = read_url(os.environ)
        if command == "migrate":
            print(f"The ledger is at revision {migrate(url)}.")
        else:
            Ledger.open(url).close()
            print("The ledger is up to date.")
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
