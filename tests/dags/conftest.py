"""The DAG files as Airflow parses them, with every socket refused."""

import os
import socket
import tempfile
from pathlib import Path
from typing import Any

_HOME = tempfile.mkdtemp(prefix="airflow-dags-")  # before any import of Airflow
os.environ["AIRFLOW_HOME"] = _HOME
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"] = str(Path(__file__).parents[2] / "plugins")
os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{_HOME}/airflow.db"

import pytest  # noqa: E402
from airflow.dag_processing.dagbag import DagBag  # noqa: E402

DAGS = Path(__file__).parents[2] / "dags"


def parse_without_sockets(folder: Path) -> Any:
    """Airflow's DagBag; a file that opens a socket or asks for a name while parsing lands in its import errors."""

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a DAG file opened a socket while parsing")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refused)
        patch.setattr(socket, "getaddrinfo", refused)
        return DagBag(dag_folder=str(folder), safe_mode=False)


@pytest.fixture(scope="session")
def bag() -> Any:
    return parse_without_sockets(DAGS)
