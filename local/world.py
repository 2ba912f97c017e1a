"""The world a demo runs in: a scenario or an order report, with a moment, a ledger and a sandbox state of its own.

Running again continues the same world, so that nothing is written twice; another report is another world.
"""

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from local.switches import switch_on

SHIPPED_MAPPINGS = Path(__file__).resolve().parents[1] / "mappings"
INVOICES = "amazon_invoices_to_coupa"
RECONCILIATION = "reconciliation"
BUYING = (
    "coupa_requisitions_to_amazon_orders",
    "amazon_order_status_to_coupa",
    "amazon_deliveries_to_coupa_receipts",
)
CATALOG = "amazon_catalog_to_coupa"
SPEND = "amazon_spend_to_coupa_budgets"
SUPPLIERS = "amazon_suppliers_to_coupa"
COMPLIANCE = "purchase_compliance"
GOVERNING: tuple[str, ...] = (CATALOG, SPEND, SUPPLIERS, COMPLIANCE)
OF_A_REPORT = (INVOICES, SPEND, SUPPLIERS, COMPLIANCE)  # a report knows no requisitions, contracts or prices of today
FROM_HISTORY = frozenset({INVOICES, *GOVERNING})  # these look back as far as the world's `go_live`
CUT_OVER = timedelta(days=4)  # buying goes live so long before the demo's day: older purchase orders are none of ours


@dataclass(frozen=True, slots=True)
class World:
    """`now` is the business moment at which it begins; None until a report's sandbox has said which day follows its last row.
    `played` counts the acts of the demo that are over."""

    name: str
    scenario: str | None
    orders_report: str | None
    now: str | None
    go_live: str
    folder: Path
    played: int = 0

    @property
    def pipelines(self) -> tuple[str, ...]:
        """Those that run in it."""
        return OF_A_REPORT if self.orders_report is not None else (*BUYING, INVOICES, *GOVERNING)

    @property
    def governing(self) -> tuple[str, ...]:
        return tuple(name for name in self.pipelines if name in GOVERNING)

    @property
    def moment_file(self) -> Path:
        """Holds the business moment; tasks read it at every start."""
        return self.folder / "now"

    @property
    def moment(self) -> str | None:
        """The business moment by now."""
        return self.moment_file.read_text().strip() if self.moment_file.exists() else self.now

    def move_to(self, moment: str) -> None:
        self.moment_file.write_text(f"{moment}\n")

    def keep_played(self, acts: int) -> None:
        """Remembers how far the demo came, so that the next run goes on from there."""
        replace(self, played=acts).keep()

    @property
    def ledger_database(self) -> str:
        return f"ledger_{self.name}"

    @property
    def state_file(self) -> Path:
        return self.folder / "sandbox.json"

    @property
    def mappings(self) -> Path:
        return self.folder / "mappings"

    @property
    def mails(self) -> Path:
        return self.folder / "mails"

    def keep(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        values = {name: value for name, value in asdict(self).items() if name != "folder"}
        (self.folder / "world.json").write_text(json.dumps(values, indent=2) + "\n")

    def write_mappings(self) -> None:
        """The shipped rule files of this checkout, with the pipelines switched live for this world and opt-ins switched on."""
        shutil.rmtree(self.mappings, ignore_errors=True)
        shutil.copytree(SHIPPED_MAPPINGS, self.mappings, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        switch_on(self.mappings)
        (self.mappings / "rollout.yml").write_text(self._rollout())

    def _rollout(self) -> str:
        """The shipped rollout switched live for the pipelines of this world, from their cut-over on."""
        began = datetime.fromisoformat(self.now) if self.now else datetime.now(UTC)
        cut_over = f"{began - CUT_OVER:%Y-%m-%d}"
        live = [
            f"  {name}: {{mode: live, go_live: {self.go_live if name in FROM_HISTORY else cut_over}}}"
            for name in self.pipelines
        ]
        examples = [f"  - {{pipeline: {name}, expect: live}}" for name in self.pipelines]
        head = "# Written by the demo: the shipped rules, switched live."
        return "\n".join([head, "pipelines:", *live, "examples:", *examples, ""])


def open_world(root: Path, *, scenario: str, orders_report: Path | None) -> World:
    """The world of this scenario or report: the one kept in `root`, or a new one. OSError for a report that cannot be read."""
    name = f"report_{hashlib.sha256(orders_report.read_bytes()).hexdigest()[:10]}" if orders_report else scenario
    folder = root / name
    kept = folder / "world.json"
    if kept.exists():
        return read_world(folder)
    if orders_report is not None:
        world = World(name, None, str(orders_report.resolve()), None, "2015-01-01", folder)
    else:
        now = datetime.now(UTC).replace(microsecond=0)
        world = World(
            name, scenario, None, now.isoformat(), f"{now.date().replace(year=now.year - 1):%Y-%m-01}", folder
        )
    world.keep()
    return world


def read_world(folder: Path) -> World:
    """The world kept in this folder; OSError when there is none."""
    return World(**json.loads((folder / "world.json").read_text()), folder=folder)


def newest_world(root: Path) -> World | None:
    """The world that ran last (its rules are written at each start); None before the first run."""
    started = sorted(root.glob("*/mappings/rollout.yml"), key=lambda path: path.stat().st_mtime_ns)
    return read_world(started[-1].parents[1]) if started else None
