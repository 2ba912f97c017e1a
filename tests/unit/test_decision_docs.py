"""docs/decisions.md says what the golden cases say, and there are enough of them that differ."""

import json
from pathlib import Path

import pytest

from procurement_airflow.decision_docs import CASES, PAGE, VERDICTS, decisions, main, render


def test_the_page_of_decisions_is_what_the_golden_cases_say() -> None:
    assert PAGE.read_text() == render(CASES, VERDICTS), "run `make docs`"


def test_at_least_forty_situations_are_told_and_no_two_are_the_same_case() -> None:
    found = list(decisions(CASES))
    inputs = {
        "".join(path.read_text() for path in [case / "source.json", *sorted(case.glob("rules/*.yml"))])
        for case in CASES.iterdir()
    }
    assert len(inputs) == len(found) >= 40
    assert {one.outcome for one in found} == {
        "matched", "within_tolerance", "waiting_for_receipt", "exception", "held", "problems",
    }  # fmt: skip


def test_whatever_is_stopped_or_waits_says_why() -> None:
    assert not [
        one.situation
        for one in decisions(CASES)
        if one.outcome not in ("matched", "within_tolerance") and not one.sentence
    ]


def test_at_least_ten_differing_verdicts_are_explained_from_both_sides() -> None:
    found = json.loads(VERDICTS.read_text())
    assert len(found) >= 10
    assert all("we " in one["finding"] and "Coupa " in one["finding"] and one["because"] for one in found.values())


def test_a_case_that_comes_out_otherwise_makes_another_page(tmp_path: Path) -> None:
    case = tmp_path / "two_at_once"
    case.mkdir()
    (case / "expected.json").write_text('{"held": ["The currency | is unclear."]}')
    page = render(tmp_path, VERDICTS)
    assert (
        "| two at once | document | held before it is sent, a person decides | The currency \\| is unclear. |" in page
    )
    (case / "expected.json").write_text('{"match": {"outcome": "matched", "findings": []}}')
    assert "| two at once | nothing differs | matched, goes on to accounts payable |  |" in render(tmp_path, VERDICTS)


def test_the_check_fails_where_the_page_is_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("procurement_airflow.decision_docs.PAGE", tmp_path / "decisions.md")
    assert main(["--check"]) == 1
    assert "make docs" in capsys.readouterr().err
    assert main([]) == 0 == main(["--check"])
