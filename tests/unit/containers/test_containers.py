"""The container files, held to the Compose specification and to our own rules; no engine is needed.

compose-spec.json is the Compose specification's JSON Schema (github.com/compose-spec, Apache-2.0).
"""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docker-compose.yml").read_text()
PYPROJECT = (ROOT / "pyproject.toml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
VARIABLES = re.findall(r"(?<!\$)\$\{(\w+)", TEXT)
SERVICES: dict[str, Any] = COMPOSE["services"]


def problems(document: dict[str, Any]) -> list[str]:
    schema = json.loads((Path(__file__).parent / "compose-spec.json").read_text())
    validator = jsonschema.Draft7Validator(schema)
    return [error.message for error in validator.iter_errors(document)]


def test_the_file_follows_the_compose_specification() -> None:
    assert problems(COMPOSE) == []


def test_the_specification_finds_a_misspelt_key() -> None:
    broken = json.loads(json.dumps(COMPOSE))
    broken["services"]["redis"]["healthchek"] = broken["services"]["redis"].pop("healthcheck")
    assert any("healthchek" in problem for problem in problems(broken))


def test_every_variable_is_explained_in_the_example_environment() -> None:
    used = set(VARIABLES)
    explained = set(re.findall(r"^(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert used == explained


def test_no_secret_has_a_default() -> None:
    """Required, or empty: Slack is for those who have it."""
    secrets = {name for name in VARIABLES if re.search("PASSWORD|SECRET|KEY|CONNECTION", name)}
    required = {name for name in secrets if f"${{{name}:?" in TEXT}
    assert secrets - required == {"SLACK_CONNECTION"} and "${SLACK_CONNECTION:-}" in TEXT


def test_only_the_page_knows_the_administrators_password() -> None:
    knowing = [name for name, service in SERVICES.items() if "AIRFLOW_ADMIN_PASSWORD" in service.get("environment", {})]
    assert knowing == ["api-server"]


def test_each_worker_is_asked_for_itself() -> None:
    """`inspect ping` alone is answered by any worker, a dead one's neighbours included."""
    assert "--destination" in " ".join(SERVICES["worker"]["healthcheck"]["test"])


def test_every_service_is_watched_by_a_health_check() -> None:
    assert all("healthcheck" in service for service in SERVICES.values())


def test_what_a_service_waits_for_exists() -> None:
    named = [needed for service in SERVICES.values() for needed in service.get("depends_on", {})]
    assert named and set(named) <= set(SERVICES)


def test_ports_are_published_on_loopback_only() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports and all(str(port).startswith("127.0.0.1:") for port in ports)


def test_metadata_and_ledger_are_two_databases_and_celery_executes() -> None:
    environment = SERVICES["worker"]["environment"]
    assert environment["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"
    databases = {environment[name].rsplit("/", 1)[1] for name in ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "LEDGER_URL")}
    assert databases == {"airflow", "ledger"}


def test_the_dockerfile_passes_hadolint() -> None:
    hadolint = shutil.which("hadolint") or shutil.which("hadolint", path=str(ROOT / ".venv" / "bin"))
    if hadolint is None:
        pytest.skip("hadolint is not installed: the Dockerfile is NOT checked")
    done = subprocess.run([hadolint, str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False)
    assert done.stdout == "" and done.returncode == 0


def test_the_image_runs_as_an_ordinary_user_at_pinned_versions() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert re.search(r"^USER 50000$", text, re.MULTILINE)
    assert "-c constraints.txt" in text
    assert re.search(r"^FROM \S+:\d+\.\d+\.\d+", text, re.MULTILINE)


def test_a_volume_for_logs_is_mounted_where_the_image_has_a_folder_of_the_user() -> None:
    """A named volume takes the owner of what it is mounted on, and root's where there is nothing."""
    mounted = [volume.split(":")[1] for volume in SERVICES["worker"]["volumes"] if volume.startswith("logs:")]
    image = (ROOT / "Dockerfile").read_text()
    assert mounted == ["/opt/airflow/logs"]
    assert "mkdir -p /opt/airflow/logs" in image and "chown -R airflow:airflow /opt/airflow" in image


def test_every_folder_that_a_task_writes_to_is_in_a_volume() -> None:
    """The default of each lies beside the code, where the image's user cannot write."""
    plumbing = (ROOT / "plugins/procurement_airflow/tasks.py").read_text()
    environment = SERVICES["worker"]["environment"]
    folders = set(re.findall(r'"([A-Z]+_FOLDER)"', plumbing))
    assert folders and all(":-/opt/airflow/reports/" in environment.get(name, "missing") for name in folders)
    assert "reports:/opt/airflow/reports" in SERVICES["worker"]["volumes"]


def test_everything_the_image_copies_exists_and_is_let_through_to_the_engine() -> None:
    copied = [
        source
        for line in re.findall(r"^COPY (.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
        for source in line.split()[:-1]
    ]
    let_through = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    assert sorted(copied) == sorted(let_through) and all((ROOT / source).exists() for source in copied)
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"


def test_the_image_holds_every_package_that_is_installed() -> None:
    included = set(re.findall(r'"(\w+)\*"', re.search(r"^include = (.+)$", PYPROJECT, re.MULTILINE)[1]))  # type: ignore[index]
    copied = set(re.findall(r"^COPY (\w+) \1$", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    assert included <= copied
