"""`make dead-letters`: those of the ledger in LEDGER_URL; where it is not set, those of the demo that ran last.

The demo's PostgreSQL is started for the question when it is stopped, and stopped again after it. What is replayed here
is done by the next run of the same demo.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from local.demo import ROOT, claim_folder
from local.postgres import EmbeddedPostgres, PostgresError
from local.processes import StartError
from local.world import newest_world
from procurement import dead_letters


def main(arguments: Sequence[str]) -> int:
    """The exit code of the command beneath; 2 where there is no ledger to ask."""
    if os.environ.get("LEDGER_URL", "").strip():
        return dead_letters.main(arguments)
    try:
        with demo_ledger(ROOT) as url:
            os.environ["LEDGER_URL"] = url
            return dead_letters.main(arguments)
    except (StartError, PostgresError) as problem:
        print(problem, file=sys.stderr)
        return 2


@contextmanager
def demo_ledger(root: Path) -> Iterator[str]:
    """The URL of the ledger that the last demo in this folder wrote; StartError when none ran yet or one is starting."""
    world = newest_world(root / "demo" / "worlds")
    if world is None:
        raise StartError("LEDGER_URL is not set and no demo ran here yet: set it, or run `make demo` first")
    server = EmbeddedPostgres(root / "pg")
    if server.port() is not None:
        yield server.url(world.ledger_database)
        return
    claim_folder(root)  # a demo that began now would lose its server when we stop ours
    server.start(world.ledger_database)
    try:
        yield server.url(world.ledger_database)
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
