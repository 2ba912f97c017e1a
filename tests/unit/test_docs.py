"""The pages people read lead where they say, and promise only the DAGs that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md"), ROOT / "mappings/README.md", ROOT / "sandbox/README.md"]
)  # fmt: skip
RULES_OF = {  # their files hold rules, not fields
    "amazon_catalog_to_coupa": "catalog",
    "amazon_order_status_to_coupa": "order_status",
    "amazon_suppliers_to_coupa": "suppliers",
    "purchase_compliance": "compliance",
    "amazon_spend_to_coupa_budgets": "spend",
    "dead_letters": "policies",
}
DAGS = {path.stem for path in (ROOT / "dags").glob("*.py")}


def headings(page: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them from its headings."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_file_and_to_a_heading_of_it(page: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", prose):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} leads nowhere"
        assert not anchor or anchor in headings(target), f"{link} names no heading of {target.name}"


def test_the_readme_calls_exactly_the_dags_built_that_are() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([\w ]+) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert len(rows) >= len(DAGS)
    assert {name for name, state in rows if state == "built"} == DAGS


@pytest.mark.parametrize("name", sorted(DAGS))
def test_the_page_of_a_dag_names_each_of_its_tasks_in_order(name: str) -> None:
    source = (ROOT / "dags" / f"{name}.py").read_text()
    tasks = re.findall(r"^    def (\w+)\(", source, re.MULTILINE)
    page = (ROOT / "docs/dags.md").read_text().split(f"## `{name}`")[1].split("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == tasks != []


@pytest.mark.parametrize("name", sorted(DAGS))
def test_every_rule_file_that_a_dags_page_names_exists(name: str) -> None:
    page = (ROOT / "docs/dags.md").read_text().split(f"## `{name}`")[1].split("\n## ")[0]
    named = re.findall(r"`(\w+\.yml)`", page)
    assert f"{RULES_OF.get(name, name)}.yml" in named
    assert [file for file in named if not (ROOT / "mappings" / file).exists()] == []
