"""docs/dags.md, generated from the DAG files' own docstrings, so that page and Airflow say the same.

python -m procurement_airflow.dag_docs          writes the page (`make docs`)
python -m procurement_airflow.dag_docs --check  exits 1 when the page is not what it would write
"""

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "dags.md"
HEAD = """# The DAGs

Generated from `dags/` by `make docs`; do not edit by hand.
"""


def render(folder: Path) -> str:
    """The page for every DAG file of `folder`; ValueError for a file without a docstring."""
    parts = [HEAD]
    for path in sorted(folder.glob("*.py")):
        docstring = ast.get_docstring(ast.parse(path.read_text()))
        if not docstring:
            raise ValueError(
                f"{path.name} has no docstring: say what the DAG does, for whom, and what to do when it is red"
            )
        parts.append(f"## `{path.stem}`\n\n{docstring.replace('### ', '**', 1).replace(chr(10), '**' + chr(10), 1)}\n")
    return "\n".join(parts)


def main(arguments: list[str]) -> int:
    page = render(ROOT / "dags")
    if "--check" in arguments:
        if PAGE.exists() and PAGE.read_text() == page:
            return 0
        print("docs/dags.md is not what the DAG files say: run `make docs`", file=sys.stderr)
        return 1
    PAGE.write_text(page)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
