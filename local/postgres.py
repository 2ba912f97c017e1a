"""A real PostgreSQL from a wheel, on TCP 127.0.0.1, living in one folder; for the demo and for tests, not for production.

Works as root (through an unprivileged account, because PostgreSQL refuses root) and as an ordinary user; survives a
restart, a crash and a process id that another program got since; asks for a password that only this folder knows, for a
superuser of the database can run programs as the server's account.

As root the account must reach the files. Where it cannot (a checkout under a 0700 folder), programs and data are placed
under /var/lib/embedded-postgres, and a link in the folder says where; deleting the folder is still a full reset.

    python -m local.postgres start|url|stop [DATABASE]      the demo's server in var/pg, to look into its databases
"""

import fcntl
import hashlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path

import psycopg2
from psycopg2 import sql

from local.postgres_binaries import find_binaries, readable_copy

PLACED = Path("/var/lib/embedded-postgres")
ADMIN = "postgres"
FAST = ("fsync=off", "full_page_writes=off")  # a killed server still keeps every commit, a power cut may not
START_SECONDS = 60
ANSWER_SECONDS = 10.0


class PostgresError(RuntimeError):
    """The server could not be made, started, asked or stopped; the message says why and what to do."""


class EmbeddedPostgres:
    """One server in `home`. `durable` keeps fsync on; without it a power cut may lose the last transactions."""

    def __init__(self, home: Path, *, durable: bool = False) -> None:
        self.home, self.durable = home.resolve(), durable

    @property
    def data(self) -> Path:
        """The data folder, wherever it was placed."""
        return (self.home / "data").resolve()

    @cached_property
    def password(self) -> str:
        """Of the user `postgres`; made once, readable by the owner of the folder only."""
        path = self.home / "password"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(24))
        return path.read_text()

    def start(self, *databases: str) -> int:
        """Starts the server unless it runs, creates what is missing of `databases`, and returns the port."""
        self.home.mkdir(parents=True, exist_ok=True)
        with self._locked():
            port = self.port()
            if port is None:
                if not self._has_cluster():
                    self._create_cluster()
                (self.data / "postmaster.pid").unlink(missing_ok=True)  # left by a crash: `port` found nobody behind it
                port = self._launch()
        for name in databases:
            self._create_database(port, name)
        return port

    def port(self) -> int | None:
        """The running server's port; None when it is stopped."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while (pid := self._server_pid()) is not None:
            port = self._written_port()
            if port is not None and self._answers(port):
                return port
            if time.monotonic() > deadline:
                raise PostgresError(
                    f"the PostgreSQL in {self.home} (process {pid}) runs but does not answer; stop that process"
                )
            time.sleep(0.1)
        return None

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of `database`, password included; PostgresError when the server is stopped."""
        port = self.port()
        if port is None:
            raise PostgresError(f"the PostgreSQL in {self.home} is not running")
        return f"postgresql+psycopg2://{ADMIN}:{self.password}@127.0.0.1:{port}/{database}"

    def stop(self) -> None:
        """Stops the server cleanly; nothing happens when it is stopped already."""
        if not self.home.exists():
            return
        with self._locked():
            if self._server_pid() is not None:
                self._run("pg_ctl", "-D", str(self.data), "-w", "-t", str(START_SECONDS), "-m", "fast", "stop")

    # making and starting

    @cached_property
    def _account(self) -> str | None:
        """The account the server runs under when we are root; None means ourselves."""
        if os.geteuid() != 0:
            return None
        known = {entry.pw_name for entry in pwd.getpwall()}
        for name in ("postgres", "nobody"):
            if name in known:
                return name
        raise PostgresError("PostgreSQL refuses to run as root, and this machine has no account `postgres` or `nobody`")

    @cached_property
    def _binaries(self) -> Path:
        found = find_binaries()
        if self._as_account([str(found / "postgres"), "--version"]).returncode == 0:
            return found
        if self._account is None:
            raise PostgresError(
                f"{found}/postgres does not run on this machine; point LEDGER_URL to a server of your own"
            )
        return readable_copy(found, PLACED)

    def _has_cluster(self) -> bool:
        try:
            return (self.data / "PG_VERSION").exists()
        except PermissionError:
            raise PostgresError(
                f"{self.data} belongs to another user; run as that user, or delete {self.home}"
            ) from None

    def _create_cluster(self) -> None:
        folder = self._empty_data_folder()
        with tempfile.NamedTemporaryFile("w", prefix="pg-") as secret:
            secret.write(self.password + "\n")
            secret.flush()
            if self._account:
                shutil.chown(secret.name, self._account)
            self._run(
                "initdb", "-D", str(folder), "-U", ADMIN, "-A", "scram-sha-256", "--pwfile", secret.name,
                "-E", "UTF8", "--locale=C", "--no-sync",
            )  # fmt: skip

    def _empty_data_folder(self) -> Path:
        link = self.home / "data"
        if link.is_symlink():
            link.unlink()
        elif link.exists():
            shutil.rmtree(link)
        folder = link
        if self._account and self._as_account(["test", "-x", str(self.home)]).returncode != 0:
            folder = PLACED / "data" / hashlib.sha256(str(self.home).encode()).hexdigest()[:16]
            shutil.rmtree(folder, ignore_errors=True)  # of a home that was deleted since
            folder.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(folder)
        folder.mkdir(mode=0o700)
        if self._account:
            shutil.chown(folder, self._account)
        return folder

    def _launch(self) -> int:
        port = free_port()
        settings = ["listen_addresses=127.0.0.1", "max_connections=200", *(() if self.durable else FAST)]
        options = f"-p {port} -k '' " + " ".join(f"-c {setting}" for setting in settings)
        # Without -l the server would keep our pipes open and this call would never return.
        log = str(self.data / "server.log")
        self._run("pg_ctl", "-D", str(self.data), "-w", "-t", str(START_SECONDS), "-l", log, "-o", options, "start")
        return port

    def _create_database(self, port: int, name: str) -> None:
        with closing(self._connect(port)) as connection:
            connection.autocommit = True  # CREATE DATABASE runs in no transaction
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
                if cursor.fetchone() is None:
                    cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    # asking

    def _server_pid(self) -> int | None:
        """The id of this folder's server; None when the file is missing or names a process that is not it."""
        lines = self._pid_file()
        pid = int(lines[0]) if lines and lines[0].strip().isdigit() else None
        return pid if pid is not None and _is_server(pid, self.data) else None

    def _written_port(self) -> int | None:
        lines = self._pid_file()
        return int(lines[3]) if len(lines) > 3 and lines[3].isdigit() else None

    def _pid_file(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []
        except PermissionError:
            raise PostgresError(
                f"{self.data} belongs to another user; run as that user, or delete {self.home}"
            ) from None

    def _answers(self, port: int) -> bool:
        try:
            self._connect(port).close()
        except psycopg2.OperationalError:
            return False
        return True

    def _connect(self, port: int) -> "psycopg2.extensions.connection":
        return psycopg2.connect(
            host="127.0.0.1", port=port, user=ADMIN, password=self.password, dbname="postgres", connect_timeout=5
        )

    # running programs

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Two commands in one checkout start one server, not two."""
        with (self.home / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _run(self, program: str, *arguments: str) -> None:
        done = self._as_account([str(self._binaries / program), *arguments])
        if done.returncode != 0:
            words = (done.stderr or done.stdout).strip()[-500:]
            raise PostgresError(f"{program} failed (log: {self.data / 'server.log'}): {words}")

    def _as_account(self, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        # Variables of the user's own server must not leak into this one.
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LD_"))}
        group = pwd.getpwnam(self._account).pw_gid if self._account else None
        try:
            return subprocess.run(
                command, user=self._account, group=group, extra_groups=[] if self._account else None,
                cwd="/", env=environment, text=True, check=False, capture_output=True,
            )  # fmt: skip
        except PermissionError as error:  # the account cannot reach the program at all
            return subprocess.CompletedProcess(command, 126, "", str(error))


def _is_server(pid: int, data: Path) -> bool:
    """Whether the process is this folder's server: ids are reused, soonest in a restarted container."""
    command = Path(f"/proc/{pid}/cmdline")
    if not Path("/proc/self").exists():  # not Linux: the id alone must do
        return subprocess.run(["kill", "-0", str(pid)], capture_output=True, check=False).returncode == 0
    try:
        words = command.read_bytes().decode(errors="replace").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return words[0].endswith("postgres") and str(data) in words


def free_port(preferred: int = 0) -> int:
    """A TCP port on loopback that nobody uses right now: the preferred one if it is free, so that addresses stay the same."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: a port just left is free
        try:
            probe.bind(("127.0.0.1", preferred))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main(arguments: Sequence[str], server: EmbeddedPostgres) -> int:
    """`start` and `url` print the URL of the database (by default `postgres`); 1 with the reason when that cannot be."""
    command, database = (*arguments, ADMIN)[:2] if arguments else ("", "")
    try:
        match command:
            case "start":
                server.start(database)
                print(server.url(database))
            case "url":
                print(server.url(database))
            case "stop":
                server.stop()
            case _:
                print("usage: python -m local.postgres start|url|stop [DATABASE]", file=sys.stderr)
                return 2
    except (PostgresError, OSError) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], EmbeddedPostgres(Path("var/pg"))))
