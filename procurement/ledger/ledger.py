"""The ledger as one object: `Ledger.open(url)` checks the tables' version and gives the parts as attributes."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from procurement.errors import ConfigurationError, LedgerUnreachable
from procurement.ledger import schema
from procurement.ledger.budget_books import BudgetBooks
from procurement.ledger.completeness import CompletenessCheck
from procurement.ledger.compliance import ComplianceBooks
from procurement.ledger.coverage import Coverage
from procurement.ledger.dead_letters import DeadLetters
from procurement.ledger.deliveries import Deliveries
from procurement.ledger.encoding import dump_json, parse_json
from procurement.ledger.environment import AmazonSource, Environment
from procurement.ledger.events import Events
from procurement.ledger.findings import Findings
from procurement.ledger.notices import Notices, OpenDocuments, Plans
from procurement.ledger.planning import Planning
from procurement.ledger.rates import PostgresLimiter
from procurement.ledger.reconciliation import Reconciliation
from procurement.ledger.records import Records
from procurement.ledger.runs import Runs
from procurement.ledger.spend import Spend
from procurement.ledger.waits import Waits


def create_engine(url: str) -> sa.Engine:
    """An engine for a PostgreSQL URL; JSON keeps its decimals. Raises ConfigurationError for any other URL."""
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise ConfigurationError(
            "LEDGER_URL is no database URL; write postgresql+psycopg2://user:password@host:5432/ledger"
        ) from None
    if parsed.get_backend_name() != "postgresql":
        raise ConfigurationError(f"LEDGER_URL names {parsed.get_backend_name()}; the ledger needs PostgreSQL")
    return sa.create_engine(
        parsed.set(drivername="postgresql+psycopg2"),
        json_serializer=dump_json,
        json_deserializer=parse_json,
        pool_pre_ping=True,
        pool_size=5,
        max_overflow=20,
        connect_args={"connect_timeout": 10, "options": "-c timezone=UTC", "application_name": "procurement-ledger"},
    )


class Ledger:
    """Open it once per process; its parts may be used from several threads."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.environment = Environment(engine)
        self.amazon_source = AmazonSource(engine)
        self.runs = Runs(engine)
        self.coverage = Coverage(engine)
        self.records = Records(engine)
        self.planning = Planning(engine)
        self.deliveries = Deliveries(engine)
        self.findings = Findings(engine)
        self.events = Events(engine)
        self.notices = Notices(engine)
        self.waits = Waits(engine)
        self.plans = Plans(engine)
        self.open_documents = OpenDocuments(engine)
        self.completeness = CompletenessCheck(engine)
        self.compliance = ComplianceBooks(engine)
        self.reconciliation = Reconciliation(engine)
        self.dead_letters = DeadLetters(engine)
        self.spend = Spend(engine)
        self.budget_books = BudgetBooks(engine)
        self.limiter = PostgresLimiter(engine)

    @classmethod
    def open(cls, url: str) -> "Ledger":
        """Raises ConfigurationError, saying what to do, when the URL, the server or the tables' version is wrong."""
        engine = create_engine(url)
        try:
            schema.check(engine)
        except sa.exc.OperationalError as error:
            engine.dispose()
            raise LedgerUnreachable(
                f"the ledger's database cannot be reached ({_first_line(error)}); check LEDGER_URL"
            ) from None
        except ConfigurationError:
            engine.dispose()
            raise
        return cls(engine)

    @classmethod
    @contextmanager
    def opened(cls, url: str) -> Iterator["Ledger"]:
        """`open`, and closed at the end."""
        ledger = cls.open(url)
        try:
            yield ledger
        finally:
            ledger.close()

    def close(self) -> None:
        self.engine.dispose()


def migrate(url: str) -> str:
    """Brings the database's tables to this program's revision and returns it; safe to repeat."""
    engine = create_engine(url)
    try:
        return schema.migrate(engine)
    finally:
        engine.dispose()


def _first_line(error: sa.exc.OperationalError) -> str:
    """The server's words without the statement; the URL's password is never in them."""
    return str(error.orig).strip().splitlines()[0]
