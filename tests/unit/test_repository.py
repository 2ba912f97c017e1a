"""The repository keeps its own promises: commands, variables, pins."""

import re
import subprocess
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z0-9-]+):.*##", MAKEFILE, re.MULTILINE))
PINS = {
    re.sub(r"[-_.]+", "-", name).lower(): version
    for name, version in re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
}
SOURCES = [
    path
    for folder in ("connectors", "procurement", "plugins", "local", "dags")
    for path in (ROOT / folder).rglob("*.py")
]


@pytest.mark.parametrize(
    "document",
    ["README.md", "docs/runbook.md", "docs/adding-a-pipeline.md", "docs/architecture.md", "mappings/README.md"],
)
def test_every_make_target_a_document_names_exists(document: str) -> None:
    named = set(re.findall(r"`?make ([a-z][a-z0-9-]+)", (ROOT / document).read_text()))
    assert named - TARGETS - {"sure"} == set()


def test_the_readme_names_the_two_commands() -> None:
    assert "make demo" in README and "make test" in README


def test_every_environment_variable_the_readme_names_is_read_somewhere() -> None:
    named = set(re.findall(r"\b(LEDGER_URL|PROCUREMENT_[A-Z_]+)\b", README))
    read = {name for path in SOURCES for name in re.findall(r"\b(LEDGER_URL|PROCUREMENT_[A-Z_]+)\b", path.read_text())}
    assert named and named <= read


def test_every_link_of_the_readme_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links and all((ROOT / link).exists() for link in links if "://" not in link)


@pytest.mark.parametrize("environment", [".venv", ".venv-core"])
def test_an_environment_holds_exactly_what_is_pinned(environment: str) -> None:
    """Every installed distribution is pinned, at the version that is installed; setuptools and wheel come with a fresh venv."""
    folders = [str(path) for path in (ROOT / environment).glob("lib/python3.*/site-packages")]
    if not folders:
        pytest.skip(f"{environment} is not made; `make test` makes it")
    installed = {
        re.sub(r"[-_.]+", "-", str(entry.metadata["Name"])).lower(): entry.version
        for entry in distributions(path=folders)
    }
    assert "pytest" in installed
    ours = {
        name: version
        for name, version in installed.items()
        if name not in ("amazon-coupa-pipelines", "setuptools", "wheel")
    }
    assert {name: version for name, version in ours.items() if PINS.get(name) != version} == {}


def test_every_command_of_the_makefile_is_in_the_help_and_is_never_taken_for_a_file() -> None:
    listed = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert {line.split()[0] for line in listed.splitlines()} == TARGETS
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert phony is not None
    assert set(phony[1].split()) == TARGETS


def test_pins_name_no_index() -> None:
    text = (ROOT / "constraints.txt").read_text() + MAKEFILE
    assert "://" not in text and "--index" not in text


@pytest.mark.parametrize(
    "path", [*SOURCES, *(ROOT / "sandbox").rglob("*.py")], ids=lambda path: str(path.relative_to(ROOT))
)
def test_no_file_grows_past_four_hundred_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


def test_the_page_of_dags_is_what_the_dag_files_say() -> None:
    from procurement_airflow.dag_docs import PAGE, render

    assert PAGE.read_text() == render(ROOT / "dags")
