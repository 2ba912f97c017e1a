"""Everything a local run needs, started in order and stopped in reverse: PostgreSQL, mail catcher, sandbox, Airflow."""

import json
import os
import sys
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import requests

from local import processes
from local.airflow_processes import COMPONENTS, LocalAirflow
from local.airflow_rest import AirflowRest
from local.postgres import EmbeddedPostgres, free_port
from local.world import World
from procurement.ledger import migrate

ALERTS_TO = "accounts.payable@example.com"
BUYER = "buyer@example.com"  # on whose behalf orders are placed
ACCOUNT = "sandbox"  # the Amazon Business account of accounts.yml as shipped
OURS = ("sandbox", "mail-catcher")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Running:
    """Addresses and handles of a running stack."""

    world: World
    rest: AirflowRest
    ledger_url: str
    amazon_url: str
    coupa_url: str
    mails: Path
    password: str


class Stack:
    """One stack in `root` (var/). `speed` scales the sandbox's clock and rates, and our rate buckets with them.

    `ports` are those wanted for Airflow, Amazon Business and Coupa; 0, or one that is taken, means any free one.
    `settings` are further environment variables of Airflow's processes.
    """

    def __init__(
        self,
        root: Path,
        *,
        speed: float = 10.0,
        ports: tuple[int, int, int] = (0, 0, 0),
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.root, self.speed, self.ports, self.settings = root.resolve(), speed, ports, settings
        self.postgres = EmbeddedPostgres(self.root / "pg")
        self.run_folder = self.root / "run"

    def start(self, world: World, *, record: Path, say: Say) -> Running:
        """Starts everything afresh (what `make up` left running is stopped first); StartError says what did not come up, and why."""
        bypass_proxies(os.environ)
        if self.is_running():
            say("again: stopping first what still runs")
            self.stop()
        say("PostgreSQL")
        self.postgres.start("airflow", world.ledger_database)
        ledger_url = self.postgres.url(world.ledger_database)
        migrate(ledger_url)
        say("mail catcher and sandbox")
        smtp_port = self._start_mail_catcher(world)
        amazon_url, coupa_url = self._start_sandbox(world, record)
        world = self._with_now(world, amazon_url)
        world.move_to(str(world.moment))
        world.write_mappings()
        say("Airflow (scheduler, DAG processor, triggerer, API server)")
        airflow = self._airflow(
            self._environment(world, ledger_url, amazon_url=amazon_url, coupa_url=coupa_url, smtp_port=smtp_port)
        )
        rest = airflow.start(world.pipelines)
        return Running(world, rest, ledger_url, amazon_url, coupa_url, world.mails, airflow.password)

    def is_running(self) -> bool:
        """Whether any process of a stack is left in this folder."""
        ours = [(name, self.run_folder) for name in OURS] + [
            (name, self.root / "airflow" / "run") for name in COMPONENTS
        ]
        return any(processes.running(name, folder) is not None for name, folder in ours)

    def stop(self) -> None:
        """Stops everything that runs, in reverse order; safe to repeat."""
        self._airflow({}).stop()
        processes.stop(OURS, self.run_folder)
        self.postgres.stop()

    def _airflow(self, environment: Mapping[str, str]) -> LocalAirflow:
        url = self.postgres.url("airflow") if environment else ""
        return LocalAirflow(self.root / "airflow", url, environment, self.ports[0])

    def _start_mail_catcher(self, world: World) -> int:
        ready = self.run_folder / "mail-catcher.json"
        return int(
            self._start("mail-catcher", ["-m", "local.mail_catcher", str(world.mails), str(ready)], ready)["port"]
        )

    def _start_sandbox(self, world: World, record: Path) -> tuple[str, str]:
        ready = self.run_folder / "sandbox.json"
        what = ["--orders-report", world.orders_report] if world.orders_report else ["--scenario", str(world.scenario)]
        when = ["--now", world.now] if world.now else []
        command = [
            "-m", "sandbox", *what, *when, "--speed", str(self.speed),
            "--amazon-port", str(free_port(self.ports[1])), "--coupa-port", str(free_port(self.ports[2])),
            "--state", str(world.state_file), "--record", str(record), "--ready-file", str(ready),
        ]  # fmt: skip
        answer = self._start("sandbox", command, ready)
        return str(answer["amazon_url"]), str(answer["coupa_url"])

    def _start(self, name: str, arguments: list[str], ready: Path) -> dict[str, Any]:
        """A Python process of ours that writes a JSON file once it is ready."""
        processes.stop([name], self.run_folder)
        ready.parent.mkdir(parents=True, exist_ok=True)
        ready.unlink(missing_ok=True)
        processes.start(name, [sys.executable, *arguments], folder=self.run_folder, environment=os.environ)
        processes.wait_until(lambda: _readable(ready), what=name, seconds=60, name=name, folder=self.run_folder)
        return dict(json.loads(ready.read_text()))

    def _with_now(self, world: World, amazon_url: str) -> World:
        """A report's world begins on the day after its last row: the sandbox knows it."""
        if world.now is not None:
            return world
        now = requests.get(f"{amazon_url}/_sandbox/world", timeout=30).json()["now"]
        world = replace(world, now=str(now))
        world.keep()
        return world

    def _environment(
        self, world: World, ledger_url: str, *, amazon_url: str, coupa_url: str, smtp_port: int
    ) -> dict[str, str]:
        credentials = {"login": "sandbox-client", "password": "sandbox-secret"}
        amazon = {
            "conn_type": "amazon_business", "host": amazon_url, **credentials,
            "extra": {
                "refresh_token": "Atzr|sandbox", "token_url": f"{amazon_url}/auth/o2/token", "account": ACCOUNT, "region": "US",
                "user_email": BUYER,
                "environment": "test", "rate_multiplier": self.speed,
            },
        }  # fmt: skip
        coupa = {
            "conn_type": "coupa", "host": coupa_url, **credentials,
            "extra": {"instance": "sandbox", "environment": "test", "rate_multiplier": self.speed},
        }  # fmt: skip
        return {
            "AIRFLOW_CONN_AMAZON_BUSINESS_DEFAULT": json.dumps(amazon),
            "AIRFLOW_CONN_COUPA_DEFAULT": json.dumps(coupa),
            "AIRFLOW_CONN_SMTP_DEFAULT": f"smtp://127.0.0.1:{smtp_port}?disable_ssl=true&disable_tls=true",
            "LEDGER_URL": ledger_url,
            "PROCUREMENT_MAPPINGS": str(world.mappings),
            "RECONCILIATION_FOLDER": str(world.folder / "reconciliation"),
            "BUDGET_FOLDER": str(world.folder / "budgets"),
            "COMPLIANCE_FOLDER": str(world.folder / "compliance"),
            "PROCUREMENT_NOW": f"@{world.moment_file}",
            "PROCUREMENT_ALERT_TO": ALERTS_TO,
            **self.settings,
        }


def bypass_proxies(environment: MutableMapping[str, str]) -> None:
    """A company's HTTP proxy cannot reach this machine's loopback: this process and its children go there directly."""
    for name in ("NO_PROXY", "no_proxy"):
        present = [host for host in environment.get(name, "").split(",") if host]
        environment[name] = ",".join(dict.fromkeys([*present, "127.0.0.1", "localhost"]))


def _readable(path: Path) -> bool:
    try:
        json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return False
    return True
