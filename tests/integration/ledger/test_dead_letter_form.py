"""The DAG `dead_letters` as its tasks run it: many letters at once, each its own change, nothing half named."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from procurement.clock import FixedClock
from procurement.errors import ConfigurationError
from procurement.ledger import Ledger
from procurement.ledger.types import Notice
from procurement.pipelines import dead_letters
from procurement.pipelines.windows import RunRequest
from procurement.policies import read_rules
from tests.integration.ledger.documents import PIPELINE, state_of
from tests.integration.ledger.test_dead_letters import bury, bury_record

pytestmark = pytest.mark.integration
RULES = read_rules(Path(__file__).parents[3] / "mappings")
NOON = datetime(2026, 6, 30, 12, tzinfo=UTC)


class Form:
    """Fills in the form and runs both tasks; `mails` are what was sent."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.now, self.runs, self.mails = ledger, NOON, 0, list[Notice]()

    def __call__(self, **params: Any) -> dict[str, Any]:
        self.runs += 1
        request = RunRequest(dag_id=dead_letters.PIPELINE, run_id=f"run-{self.runs}", params=params)
        run = dead_letters.open_run(self.ledger, request, rules=RULES, clock=FixedClock(self.now))
        try:
            return dead_letters.act(self.ledger, run=run, request=request)
        finally:
            dead_letters.close(self.ledger, run=run, rules=RULES, send_mail=self.mails.append)


@pytest.fixture
def form(ledger: Ledger) -> Form:
    return Form(ledger)


def test_the_list_counts_by_pipeline_and_kind_and_each_letter_is_shown_with_its_errors(
    ledger: Ledger, form: Form
) -> None:
    bury(ledger)
    bury(ledger, "T2", "N2")
    listed = form()
    assert (listed["letters"], listed["counts"]) == (2, {f"{PIPELINE}: dead create_invoice": 2})
    assert "create_invoice N1, USD" in listed["list"][0]
    assert form(kind="submit_invoice")["letters"] == form(pipeline="another")["letters"] == 0
    (lines,) = form(action="show", keys=["N2"])["shown"].values()
    assert {"  - No account 6100.", "  - No supplier 42."} <= set(lines)


def test_a_pipelines_letters_are_replayed_together_and_named_ones_discarded_with_the_reason(
    ledger: Ledger, form: Form
) -> None:
    bury(ledger)
    bury(ledger, "T2", "N2")
    keep = form(action="discard", keys=["N2"], reason="keyed by hand")
    assert list(keep["done"].values()) == ["keyed by hand"]
    assert state_of(ledger, key="N2") == "skipped"
    replayed = form(action="replay", pipeline=PIPELINE)
    assert list(replayed["done"].values()) == [
        "In the next run of its pipeline it is planned again from its records, then sent."
    ]
    assert state_of(ledger, key="N1") == "planned"
    assert form()["letters"] == 0


def test_a_form_with_a_wrong_key_changes_nothing(ledger: Ledger, form: Form) -> None:
    bury(ledger)
    for fields, message in (
        ({"keys": ["N1", "N7"]}, "no dead letter N7"),
        ({"keys": ["N1"], "kind": "submit_invoice"}, "exclude"),
    ):
        with pytest.raises(ConfigurationError, match=f"nothing was done: .*{message}"):
            form(action="replay", **fields)
    assert state_of(ledger, key="N1") == "dead"


def test_what_is_held_is_touched_only_where_the_form_says_so(ledger: Ledger, form: Form) -> None:
    bury_record(ledger, "held")
    assert form(action="replay", pipeline=PIPELINE)["letters"] == 0
    assert form(held=True)["letters"] == 1
    assert len(form(action="replay", pipeline=PIPELINE, held=True)["done"]) == 1


def test_one_that_could_not_be_done_does_not_stop_the_others_and_is_named(
    ledger: Ledger, form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    bury(ledger)
    bury(ledger, "T2", "N2")
    first, second = (letter.key for letter in ledger.dead_letters.list())
    replay = ledger.dead_letters.replay

    def faster(key: str) -> str:
        if key == first:
            ledger.dead_letters.discard(key, "somebody was faster")
        return replay(key)

    monkeypatch.setattr(ledger.dead_letters, "replay", faster)
    with pytest.raises(ConfigurationError, match=f"done to {second}; not to the others: {first} is neither dead"):
        form(action="replay", pipeline=PIPELINE)
    assert (state_of(ledger, key="N1"), state_of(ledger, key="N2")) == ("skipped", "planned")


def test_what_is_dead_is_mailed_once_a_day_while_there_is_any(ledger: Ledger, form: Form) -> None:
    form()
    assert form.mails == []
    bury(ledger)
    form()
    form(action="show", keys=["N1"])
    (mail,) = form.mails
    assert mail.body["subject"] == "1 dead letter in all" and "No supplier 42." in mail.body["text"]
    form.now += timedelta(days=1)
    form()
    assert len(form.mails) == 2
    form(action="discard", keys=["N1"], reason="keyed by hand")
    form.now += timedelta(days=1)
    form()
    assert len(form.mails) == 2
