"""`python -m sandbox`: Amazon Business and Coupa on two local ports.

    python -m sandbox                                  the default scenario, dates relative to today
    python -m sandbox --orders-report my-orders.csv    your own Amazon order-items report

Stops on Ctrl-C. With --state FILE it goes on where it stopped; the scenario options then count only for the first start.
"""

import argparse
import logging
import sys
from pathlib import Path

from sandbox.amazon.vendor import create_vendor as create_amazon
from sandbox.clock import read_moment
from sandbox.coupa.vendor import create_vendor as create_coupa
from sandbox.recording import Recorder
from sandbox.scenarios import DEFAULT
from sandbox.server import HOST, run, write_ready_file
from sandbox.system import Origin, Sandbox, read_snapshot
from sandbox.worlds import build_world


def _moment(text: str) -> str:
    try:
        return read_moment(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no moment; write 2026-01-31T00:00:00Z") from None


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no speed; write a number above 0")
    return speed


def _option(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is no option; write NAME=VALUE")
    return name, value


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    world = parser.add_mutually_exclusive_group()
    world.add_argument("--scenario", default=DEFAULT, metavar="NAME", help=f"a named scenario (default: {DEFAULT})")
    world.add_argument("--orders-report", metavar="FILE", help="build the world from an Amazon order-items CSV")
    parser.add_argument(
        "--option", type=_option, action="append", default=[], metavar="NAME=VALUE",
        help="an option of the world: ids=different; for a report also with_pos=0.7",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="same seed, same world (default: 1)")
    parser.add_argument("--now", type=_moment, metavar="T", help="the sandbox's date at the start, ISO 8601")
    parser.add_argument("--speed", type=_speed, default=1.0, metavar="N", help="clock and rate limits N times as fast")
    parser.add_argument(
        "--host",
        default=HOST,
        metavar="H",
        help="address to listen on; 0.0.0.0 only inside a container (default: loopback)",
    )
    parser.add_argument("--amazon-port", type=int, default=8101, metavar="P", help="0: any free port (default: 8101)")
    parser.add_argument("--coupa-port", type=int, default=8102, metavar="P", help="0: any free port (default: 8102)")
    parser.add_argument("--state", type=Path, metavar="FILE", help="keep the state in this file over restarts")
    parser.add_argument("--record", type=Path, metavar="FILE", help="append every exchange to this NDJSON file")
    parser.add_argument("--ready-file", type=Path, metavar="FILE", help="written as JSON once both servers answer")
    return parser.parse_args(arguments)


def _create(options: argparse.Namespace) -> Sandbox:
    report = str(Path(options.orders_report).resolve()) if options.orders_report else None
    origin = Origin(options.scenario, report, options.seed, options.now, dict(options.option))
    recorder = Recorder(options.record) if options.record else None
    snapshot = read_snapshot(options.state) if options.state and options.state.exists() else None
    vendors = (create_amazon, create_coupa)
    return Sandbox(origin, build_world, vendors, speed=options.speed, recorder=recorder, snapshot=snapshot)


def main(arguments: list[str]) -> int:
    options = read_arguments(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")

    def announce(urls: list[str]) -> None:
        if options.ready_file:
            write_ready_file(options.ready_file, urls)
        for name, url in zip(("Amazon Business", "Coupa"), urls, strict=True):
            print(f"{name}: {url}  (control: {url}/_sandbox/docs)", flush=True)

    try:
        sandbox = _create(options)
        run(
            sandbox,
            (options.amazon_port, options.coupa_port),
            ready=announce,
            state_file=options.state,
            host=options.host,
        )
    except (ValueError, OSError) as problem:
        print(f"sandbox: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
