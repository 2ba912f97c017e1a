"""Dead letters from the command line, against the ledger in LEDGER_URL.

    python -m procurement.dead_letters list [--held] [--pipeline NAME]
    python -m procurement.dead_letters show KEY
    python -m procurement.dead_letters replay KEY
    python -m procurement.dead_letters discard KEY --reason "why"

A key is what `list` prints (`D-12`, `R-34`) or an invoice number or source key, where it means one thing. Replaying and
discarding change states only; the owning pipeline's next run does the work. Exit code 1: no such letter; 2: settings.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from procurement.errors import ConfigurationError
from procurement.ledger import Ledger
from procurement.ledger.__main__ import read_url
from procurement.ledger.encoding import dump_json
from procurement.ledger.types import DeadLetter


def main(arguments: Sequence[str] | None = None) -> int:
    parsed = _parser().parse_args(arguments)
    try:
        with Ledger.opened(read_url(os.environ)) as ledger:
            print(_run(ledger, parsed))
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    except (LookupError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m procurement.dead_letters",
        description="Documents that could not be carried over and wait for a person.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="key, what it is, why, since when")
    listing.add_argument("--held", action="store_true", help="also what is held for a decision")
    listing.add_argument("--pipeline", help="of one pipeline only")
    commands.add_parser("show", help="one of them: every error, the payload, what to do").add_argument("key")
    commands.add_parser("replay", help="plan or send it again in the pipeline's next run").add_argument("key")
    discarding = commands.add_parser("discard", help="skip it for good")
    discarding.add_argument("key")
    discarding.add_argument("--reason", required=True, help="kept with it")
    return parser


def _run(ledger: Ledger, parsed: argparse.Namespace) -> str:
    match parsed.command:
        case "list":
            states = ("dead", "held") if parsed.held else ("dead",)
            return listed(ledger.dead_letters.list(states=states, pipeline=parsed.pipeline))
        case "show":
            return shown(ledger.dead_letters.show(parsed.key))
        case "replay":
            return ledger.dead_letters.replay(parsed.key)
        case _:
            ledger.dead_letters.discard(parsed.key, parsed.reason)
            return f"{parsed.key} is discarded: {parsed.reason}"


def listed(letters: Sequence[DeadLetter]) -> str:
    """One line each, and how to go on."""
    if not letters:
        return "No dead letters."
    return "\n".join(
        [*map(line_of, letters), "", f"{len(letters)} in all. Show one with its key to see every error and what to do."]
    )


def line_of(letter: DeadLetter) -> str:
    """Key, state, class, since when, what it is, and why."""
    return (
        f"{letter.key:<10} {letter.state:<5} {letter.error_class or '-':<10} {letter.since:%Y-%m-%d %H:%M}  "
        f"{letter.document}{_amount(letter)}: {letter.reason or 'no reason was kept'}"
    )


def shown(letter: DeadLetter) -> str:
    """Everything that a person needs to decide."""
    problems = letter.errors or (letter.reason or "no reason was kept",)
    return "\n".join([
        f"{letter.key}: {letter.document}{_amount(letter)}",
        f"Pipeline: {letter.pipeline}",
        f"State: {letter.state} ({letter.error_class or 'no class'}) since {letter.since:%Y-%m-%d %H:%M} UTC",
        "Why:",
        *(f"  - {problem}" for problem in problems),
        f"To do: {letter.to_do}",
        f"Payload: {dump_json(letter.payload)}",
    ])  # fmt: skip


def _amount(letter: DeadLetter) -> str:
    return f", {letter.currency} {letter.amount}" if letter.amount is not None else ""


if __name__ == "__main__":
    sys.exit(main())
