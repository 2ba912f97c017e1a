"""When the whole catalog is compared: once a night, made up for where a night was missed or failed, and decided once a run."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from procurement.clock import FixedClock
from procurement.ledger import Ledger
from procurement.ledger.types import Notice
from procurement.pipelines.amazon_catalog_to_coupa import PIPELINE, close, open_run
from procurement.pipelines.amazon_catalog_to_coupa.scope import Scope, decide_scope
from procurement.pipelines.windows import RunRequest
from procurement.policies import Rules
from procurement.policy_files import Accounts
from tests.integration.pipelines.catalog_runs import switched

pytestmark = pytest.mark.integration
DAY = timedelta(days=1)


def at(hour: int, minute: int = 0, *, day: int = 30) -> datetime:
    return datetime(2026, 6, day, hour, minute, tzinfo=UTC)


@dataclass(slots=True)
class Nights:
    """Runs that only decide their scope and close; `full_at_hour` is 3."""

    ledger: Ledger
    rules: Rules
    mails: list[Notice] = field(default_factory=list)

    def run(
        self,
        now: datetime,
        *,
        kind: str = "scheduled",
        account: str = "sandbox",
        failed: tuple[str, ...] = (),
        name: str | None = None,
        **form: object,
    ) -> Scope:
        request = RunRequest(dag_id=PIPELINE, run_id=name or f"{kind} {now:%d %H:%M}", kind=kind, params=form)
        run = open_run(self.ledger, request, rules=self.rules, clock=FixedClock(now))
        given = {"run": run, "request": request, "rules": self.rules, "account": account}
        scope = decide_scope(self.ledger, **given)  # type: ignore[arg-type]
        assert decide_scope(self.ledger, **given) == scope, "every task of a run decides the same"  # type: ignore[arg-type]
        close(
            self.ledger,
            run=run,
            rules=self.rules,
            account=account,
            send_mail=self.mails.append,
            failed_upstream=failed,
        )
        return scope


@pytest.fixture
def nights(ledger: Ledger, mappings_directory: Path) -> Nights:
    return Nights(ledger, switched(mappings_directory))


def test_the_first_run_of_an_installation_compares_everything(nights: Nights) -> None:
    assert nights.run(at(14)).full
    assert not nights.run(at(15)).full


def test_everything_is_compared_once_a_night(nights: Nights) -> None:
    nights.run(at(1))
    assert not nights.run(at(2)).full
    assert nights.run(at(3)) == Scope(True, True, night=at(3))
    assert not any(nights.run(at(hour)).full for hour in range(4, 24))
    assert nights.run(at(3) + DAY).full


def test_a_night_without_a_scheduler_is_made_up_for_by_the_next_run(nights: Nights) -> None:
    nights.run(at(3, day=28))
    assert nights.run(at(9, day=29)).full
    assert not nights.run(at(10, day=29)).full


def test_a_night_that_failed_is_tried_again_and_is_one_night(nights: Nights) -> None:
    failed = nights.run(at(3), failed=("load",))
    again = nights.run(at(4))
    assert failed.full and again.full and failed.night == again.night
    assert not nights.run(at(5)).full


def test_a_night_that_fails_every_hour_is_told_once_and_its_success_once_more(nights: Nights) -> None:
    for hour in (3, 4, 5):
        nights.run(at(hour), failed=("extract",))
    nights.run(at(6))
    incomplete, complete = (one.body["text"] for one in nights.mails if "/summary/" in one.key)
    assert "extract failed" in incomplete and "failed." not in complete
    nights.run(at(3) + DAY, failed=("extract",), name="next")
    nights.run(at(3) + DAY, name="next")
    assert len(nights.mails) == 4, "a retry that succeeds has a summary of its own"


def test_a_run_that_is_retried_does_what_it_did_first(nights: Nights) -> None:
    nights.run(at(3), name="night")
    assert nights.run(at(7), name="night").full, "a retry of the night, though it has succeeded"
    assert not nights.run(at(4), name="small").full
    nights.run(at(3) + DAY, name="next", failed=("extract",))
    assert not nights.run(at(5) + DAY, name="small").full, "a retry of an hour, though a night is due by then"
    assert nights.run(at(6) + DAY, name="next").full
    assert not nights.run(at(7) + DAY).full


def test_a_retry_stands_for_the_night_it_was_opened_in_though_the_hour_was_changed_since(nights: Nights) -> None:
    nights.run(at(3), name="night", failed=("load",))
    reading = nights.rules.catalog.reading.model_copy(update={"full_at_hour": 1})
    nights.rules = replace(nights.rules, catalog=nights.rules.catalog.model_copy(update={"reading": reading}))
    assert nights.run(at(4), name="night").night == at(3)


@pytest.mark.parametrize(
    ("form", "counts"),
    [
        ({"scope": "full"}, True),
        ({}, True),
        ({"scope": "requisitions"}, False),
        ({"scope": "released", "release": ["B0QX10003C"]}, False),
        ({"scope": "full", "dry_run": True}, False),
    ],
)
def test_a_run_by_hand_does_what_its_form_says_and_counts_where_it_compared_everything(
    nights: Nights, form: dict[str, object], counts: bool
) -> None:
    by_hand = nights.run(at(9), kind="manual", **form)
    assert by_hand.full is (form.get("scope", "full") == "full")
    assert nights.run(at(10)).full is not counts


def test_a_run_by_hand_before_the_hour_does_not_stand_for_the_night(nights: Nights) -> None:
    nights.run(at(2, 50), kind="manual")
    assert nights.run(at(3)).full


def test_each_account_has_its_own_nights(nights: Nights) -> None:
    """Two deployments share a ledger, and the scheduler names their runs alike."""
    first, second, known = "sandbox", "second", nights.rules.accounts.accounts
    nights.rules = replace(nights.rules, accounts=Accounts({**known, second: known[first]}))
    nights.run(at(3), account=first, name="same")
    assert nights.run(at(3), account=second, name="same", failed=("load",)).full
    assert not nights.run(at(4), account=first, name="hour").full
    assert nights.run(at(4), account=second, name="hour").full


def test_a_night_in_which_the_account_was_off_is_made_up_for(nights: Nights, mappings_directory: Path) -> None:
    nights.rules = switched(mappings_directory, "{mode: live, go_live: 2026-03-01, accounts: {sandbox: {mode: off}}}")
    nights.run(at(3))
    nights.rules = switched(mappings_directory)
    assert nights.run(at(11)).full
