"""What a container installation does once (databases, tables, pools), and how its API server starts.

python -m local.container_init            the two databases, Airflow's and the ledger's tables, the pools
python -m local.container_init --serve    the password file from AIRFLOW_ADMIN_PASSWORD, then `airflow api-server`
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg2
import sqlalchemy as sa

from local.airflow_processes import POOLS, USER
from procurement.ledger import migrate


def create_database(url: str) -> None:
    """The database that `url` names, unless it is there; asked for over the server's `postgres` database."""
    wanted = sa.make_url(url)
    assert wanted.database is not None
    connection = psycopg2.connect(
        host=wanted.host, port=wanted.port, user=wanted.username, password=wanted.password, dbname="postgres"
    )
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (wanted.database,))
        if cursor.fetchone() is None:
            cursor.execute(f'CREATE DATABASE "{wanted.database}"')
    connection.close()


def initialise() -> None:
    """Safe to repeat."""
    ledger_url = os.environ["LEDGER_URL"]
    create_database(ledger_url)
    subprocess.run(["airflow", "db", "migrate"], check=True)
    for name, slots in POOLS.items():
        subprocess.run(["airflow", "pools", "set", name, str(slots), "Calls to one vendor"], check=True)
    print(f"ledger at {migrate(ledger_url)}")


def serve() -> None:
    """Replaces this process; the password is never on a command line."""
    path = Path(os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
    path.touch(mode=0o600)
    path.write_text(json.dumps({USER: os.environ["AIRFLOW_ADMIN_PASSWORD"]}))
    os.execvp("airflow", ["airflow", "api-server", "--host", "0.0.0.0"])  # noqa: S606 - becoming it is the point


if __name__ == "__main__":
    serve() if "--serve" in sys.argv[1:] else initialise()
