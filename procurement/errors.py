"""What can go wrong in the business itself, grouped by who must act.

    ProcurementError
    ├── ConfigurationError   our own YAML or settings: the analyst or the installer acts
    │   ├── MappingError     a mapping, lookup, charge, tolerance or policy file
    │   └── LedgerUnreachable  LEDGER_URL is wrong, or the database is away for a while
    ├── RecordError          this document cannot be processed: it becomes a dead letter with all its problems
    │   └── DecisionNeeded   nothing is wrong with it, but a person must decide first: it is held
    ├── MoneyError           an amount or currency broke a rule of `money`
    ├── NotPermitted         the integration user may not make this one write: it is a dead letter, the others go on
    ├── NoticeRefused        somebody could not be told: the notice stays, the others went out
    ├── DuplicateTarget      the target holds two documents where there must be one: an alarm
    └── IncompleteRun        a run cannot account for every document it saw
        └── Unreconciled     both sides were compared, and they differ

A failed three-way match is none of these: it is a value (`matching.MatchResult`).
"""

from collections.abc import Sequence


class ProcurementError(Exception):
    """Anything this package raises on purpose."""


class ConfigurationError(ProcurementError):
    """A setting or file of ours is wrong; nothing was read or written because of it."""


class MappingError(ConfigurationError):
    """A YAML file is wrong. The message names file, line, key and, where there is one, the nearest valid word."""


class LedgerUnreachable(ConfigurationError):
    """Nobody answers at LEDGER_URL. It may be a mistake in it or an outage: trying again after a while is right."""


class MoneyError(ProcurementError, ValueError):
    """A float, an unknown currency, or two currencies where one is needed."""


class RecordError(ProcurementError):
    """One document cannot be processed. `problems` lists every reason found, each a finished sentence."""

    def __init__(self, document: str, problems: Sequence[str]) -> None:
        self.document = document
        self.problems = tuple(problems)
        super().__init__(f"{document}: {' '.join(self.problems)}")


class DecisionNeeded(RecordError):
    """A policy wants a person's decision (conflicting currency, unknown tax code): hold it, with the same sentences."""


class NotPermitted(ProcurementError):
    """The target allows this one write to nobody of ours. The message says which right is missing, and what to do."""


class NoticeRefused(ProcurementError):
    """The mail server takes some notices and refuses others. The message names them, their addresses and its words."""


class DuplicateTarget(ProcurementError):
    """One of our deliveries has two documents in the target system."""


class IncompleteRun(ProcurementError):
    """Seen is not delivered + waiting + held + skipped + dead; the message names the documents."""


class Unreconciled(IncompleteRun):
    """Amazon, the ledger and Coupa do not agree, or a stretch was never read; the message counts the differences."""
