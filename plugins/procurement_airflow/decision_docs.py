"""docs/decisions.md, generated from golden cases: what is decided about an invoice in which situation, and why.

python -m procurement_airflow.decision_docs          writes the page (`make docs`)
python -m procurement_airflow.decision_docs --check  exits 1 when the page is not what it would write
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "decisions.md"
CASES = ROOT / "tests" / "golden" / "amazon_invoices_to_coupa"
VERDICTS = ROOT / "tests" / "golden" / "verdicts.json"
OUTCOMES = {
    "matched": "matched, goes on to accounts payable",
    "within_tolerance": "within tolerance, goes on to accounts payable",
    "waiting_for_receipt": "waits for a goods receipt",
    "exception": "exception, a person decides",
    "held": "held before it is sent, a person decides",
    "problems": "dead letter, nothing is sent",
}
CAUSES = {
    "price": "price",
    "line": "line amount",
    "received": "units received",
    "ordered": "units ordered",
    "tax": "tax",
    "use_tax": "no tax charged",
    "shipping": "shipping and handling",
    "charges": "other charges",
    "total": "invoice total",
    "date": "date",
    "unbacked": "no PO line",
    "unit": "unit of measure",
    "exchange": "currency",
    "write_off": "small difference",
}
HEAD = """# Decisions

Generated from `tests/golden/amazon_invoices_to_coupa/` by `make docs`; do not edit by hand. Each row is a case that is run
through the shipped rules by every `make test`; its folder has the name of the situation, with underscores.

| situation | cause | what we decide | in our words |
| --- | --- | --- | --- |
"""
APART = """
## Where Coupa's verdict and ours differ

Both verdicts are kept; where they differ the finding `verdicts_differ` stands beside the invoice, and neither is corrected.
The sandbox's scenario `verdicts` (`python -m sandbox --scenario verdicts`) holds each of these once, against the tolerances
that its Coupa is set up with; a test finds exactly these.

| situation | what the finding says | Coupa's side of it |
| --- | --- | --- |
"""


@dataclass(frozen=True, slots=True)
class Decision:
    """One golden case. `sentence` is the first thing a person would be told; empty where there is nothing to tell."""

    situation: str
    cause: str
    outcome: str
    sentence: str

    @property
    def row(self) -> str:
        cells = (self.situation, self.cause, OUTCOMES[self.outcome], self.sentence)
        return f"| {' | '.join(_cell(one) for one in cells)} |"


def decisions(folder: Path) -> Iterator[Decision]:
    """The cases by name; KeyError for an outcome that has no words here."""
    for path in sorted(folder.glob("*/expected.json")):
        yield _decision(path.parent.name.replace("_", " "), json.loads(path.read_text()))


def _decision(situation: str, expected: Mapping[str, Any]) -> Decision:
    for kind, cause in (("held", "document"), ("problems", "document")):
        if kind in expected:
            return Decision(situation, cause, kind, str(expected[kind][0]))
    match = expected["match"]
    findings = match.get("findings") or ()
    if not findings:
        return Decision(situation, "nothing differs", match["outcome"], "")
    return Decision(
        situation,
        CAUSES.get(findings[0]["kind"], findings[0]["kind"].replace("_", " ")),
        match["outcome"],
        findings[0]["sentence"],
    )


def render(folder: Path, verdicts: Path) -> str:
    """The page: every case, and the situations in which the two verdicts differ."""
    apart = json.loads(verdicts.read_text())
    rows = [f"| {' | '.join(map(_cell, (name, one['finding'], one['because'])))} |" for name, one in apart.items()]
    return "\n".join([HEAD + "\n".join(one.row for one in decisions(folder)), APART + "\n".join(rows), ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def main(arguments: list[str]) -> int:
    page = render(CASES, VERDICTS)
    if "--check" in arguments:
        if PAGE.exists() and PAGE.read_text() == page:
            return 0
        sys.stderr.write("docs/decisions.md is not what the golden cases say: run `make docs`\n")
        return 1
    PAGE.write_text(page)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
