"""A real Airflow on one machine: scheduler, DAG processor, triggerer, API server; LocalExecutor, everything on loopback.

Secrets are made once per state folder and kept there, readable by the owner only. No log server is started: the logs
are files, and Airflow shows those of finished tasks from there.
"""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.fernet import Fernet

from local import processes
from local.airflow_rest import AirflowRest
from local.postgres import free_port

REPOSITORY = Path(__file__).resolve().parents[1]
POOLS = {"amazon_business_api": 4, "coupa_api": 5}
COMPONENTS: Mapping[str, tuple[str, ...]] = {
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "triggerer": ("triggerer", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "api-server": ("api-server",),
}
USER = "admin"


@dataclass(frozen=True, slots=True)
class LocalAirflow:
    """One Airflow with its state in `home`. `environment` adds connections and settings of the pipelines."""

    home: Path
    database_url: str
    environment: Mapping[str, str]
    port: int = 0  # preferred; another one where it is taken

    def start(self, dag_ids: Sequence[str]) -> AirflowRest:
        """Migrates, makes the pools, starts the four processes, and returns once these DAGs are parsed; StartError says why not."""
        self.home.mkdir(parents=True, exist_ok=True)
        environment = self._environment(0)
        self._run(environment, "db", "migrate")
        self._run(environment, "pools", "import", str(self._write_pools()))
        try:
            return self._start_on(free_port(self.port), dag_ids)
        except processes.StartError as problem:
            if "address already in use" not in str(problem):
                raise
            self.stop()  # somebody took the port while ours was starting
            return self._start_on(free_port(), dag_ids)

    def _start_on(self, port: int, dag_ids: Sequence[str]) -> AirflowRest:
        folder, environment = self.home / "run", self._environment(port)
        for name, arguments in COMPONENTS.items():
            processes.start(name, [self._program(), *arguments], folder=folder, environment=environment)
        rest = AirflowRest(f"http://127.0.0.1:{port}", USER, self.password)
        processes.wait_until(
            lambda: rest.is_healthy() and rest.is_ours(), what="Airflow", seconds=180, name="api-server", folder=folder
        )
        processes.wait_until(
            lambda: all(map(rest.is_parsed, dag_ids)),
            what=f"DAG {', '.join(dag_ids)}", seconds=120, name="dag-processor", folder=folder,
        )  # fmt: skip
        return rest

    def stop(self) -> None:
        processes.stop(list(COMPONENTS), self.home / "run")

    @property
    def password(self) -> str:
        return self._secrets()["password"]

    def _program(self) -> str:
        return str(Path(sys.executable).with_name("airflow"))

    def _run(self, environment: Mapping[str, str], *arguments: str) -> None:
        done = subprocess.run(
            [self._program(), *arguments], env=dict(environment), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise processes.StartError(f"airflow {' '.join(arguments[:2])} failed:\n{done.stderr[-2000:]}")

    def _write_pools(self) -> Path:
        """All pools in one file, for one start of Airflow's command line instead of one a pool."""
        path = self.home / "pools.json"
        pools = {
            name: {"slots": slots, "description": f"Calls to {name.removesuffix('_api').replace('_', ' ')}", "include_deferred": False}
            for name, slots in POOLS.items()
        }  # fmt: skip
        path.write_text(json.dumps(pools))
        return path

    def _secrets(self) -> dict[str, str]:
        path = self.home / "secrets.json"
        if not path.exists():
            made = {
                "fernet": Fernet.generate_key().decode(),
                "api": secrets.token_urlsafe(48),
                "jwt": secrets.token_urlsafe(64),
                "password": secrets.token_urlsafe(9),
            }
            path.touch(mode=0o600)
            path.write_text(json.dumps(made))
        return dict(json.loads(path.read_text()))

    def _environment(self, port: int) -> dict[str, str]:
        made = self._secrets()
        passwords = self.home / "passwords.json"
        passwords.touch(mode=0o600)
        passwords.write_text(json.dumps({USER: made["password"]}))
        settings = {
            "CORE__EXECUTOR": "LocalExecutor",
            "CORE__PARALLELISM": "4",
            "CORE__LOAD_EXAMPLES": "False",
            "CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",  # the demo triggers by hand; schedules start when somebody says so
            "CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
            "CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
            "CORE__FERNET_KEY": made["fernet"],
            "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
            "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
            "CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
            "API__HOST": "127.0.0.1",
            "API__PORT": str(port),
            "API__BASE_URL": f"http://127.0.0.1:{port}",
            "API__WORKERS": "1",
            "API__SECRET_KEY": made["api"],
            "API_AUTH__JWT_SECRET": made["jwt"],
            "DATABASE__SQL_ALCHEMY_CONN": self.database_url,
            "LOGGING__BASE_LOG_FOLDER": str(self.home / "logs"),
            "SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
            "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3",  # between a task's end and the start of the next
            "DAG_PROCESSOR__PARSING_PROCESSES": "1",
            # A file that changed is parsed at once; parsing all of them again is a third of a small machine's time.
            "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
            "DAG_PROCESSOR__REFRESH_INTERVAL": "10",
            "USAGE_DATA_COLLECTION__ENABLED": "False",
        }

        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        return {
            **inherited,
            "AIRFLOW_HOME": str(self.home),
            **{f"AIRFLOW__{name}": value for name, value in settings.items()},
            **self.environment,
        }
