"""`make demo`: both systems as a sandbox, a real Airflow, the pipelines run once, and the result explained.

    python -m local.demo [--orders-report FILE] [--scenario NAME] [--keep]

Prose is printed from var/demo/summary.json. Run again, it continues the same world and writes nothing new.
"""

import argparse
import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import requests

from local.acts import FailedRun, Theatre
from local.mail_catcher import read_mails
from local.processes import StartError
from local.stack import Running, Stack
from local.summary import build_summary, render
from local.world import open_world

ROOT = Path("var")
USUAL_PORTS = (8080, 8101, 8102)  # Airflow, Amazon Business, Coupa: the same addresses every time


def main(arguments: list[str]) -> int:
    """0 when every run succeeded; 1 with the reason otherwise."""
    options = read_arguments(arguments)
    signal.signal(signal.SIGTERM, end)
    stack = Stack(ROOT, ports=USUAL_PORTS)
    started = time.monotonic()
    try:
        claim_folder(ROOT)
        world = open_world(ROOT / "demo" / "worlds", scenario=options.scenario, orders_report=options.orders_report)
        record = ROOT / "demo" / "exchanges.ndjson"
        record.parent.mkdir(parents=True, exist_ok=True)
        record.unlink(missing_ok=True)
        mails_before = len(read_mails(world.mails))
        with stopped_after(stack, keep=options.keep):
            running = stack.start(world, record=record.resolve(), say=lambda what: say(started, f"starting {what}"))
            ok = play(running, started=started)
            summary = build_summary(running, recording=record, mails_before=mails_before)
            (ROOT / "demo" / "summary.json").write_text(summary.text)
            print(render(summary.values, keep=options.keep), flush=True)
    except (StartError, OSError, RuntimeError, TimeoutError) as problem:
        print(f"the demo stopped: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped by you; nothing is left running, and the next run goes on from here", file=sys.stderr)
        return 130
    return 0 if ok else 1


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make demo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--orders-report", type=Path, help="an Amazon order-items report (CSV)")
    parser.add_argument("--scenario", default="quarter", help="a scenario of the sandbox (default: quarter)")
    parser.add_argument("--keep", action="store_true", help="leave everything running; stop it with `make down`")
    options = parser.parse_args(arguments)
    if options.orders_report is not None and not options.orders_report.is_file():
        parser.error(f"there is no file {options.orders_report}")
    return options


def end(number: int, frame: object) -> NoReturn:
    """SIGTERM ends the demo as Ctrl-C does: everything it started is stopped."""
    raise KeyboardInterrupt


def claim_folder(root: Path) -> None:
    """One demo a folder at a time; StartError when another one is at work. The claim ends with this process."""
    root.mkdir(parents=True, exist_ok=True)
    claim = os.open(root / ".demo", os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(claim)
        raise StartError(f"another `make demo` is at work in {root.resolve()}; wait for it") from None


def say(started: float, text: str) -> None:
    print(f"[{time.monotonic() - started:5.0f} s] {text}", flush=True)


@contextmanager
def stopped_after(stack: Stack, *, keep: bool) -> Iterator[None]:
    """Stops the stack at the end, on an error or Ctrl-C too; `keep` leaves a stack running that came up."""
    try:
        yield
    except BaseException:
        stack.stop()
        raise
    if not keep:
        stack.stop()


def play(running: Running, *, started: float) -> bool:
    """Runs the pipelines and shows how far they are; False, with the failed tasks' logs, when one failed."""
    for vendor in (running.amazon_url, running.coupa_url):
        requests.delete(f"{vendor}/_sandbox/calls", timeout=30).raise_for_status()
    try:
        Theatre(running, lambda text: say(started, text)).play(running.world)
    except FailedRun as failure:
        print(failure, file=sys.stderr)
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
