"""Which part of the catalog a run looks at: by what is due, or by the form."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from procurement.catalog.entries import Release
from procurement.errors import ConfigurationError
from procurement.ledger.types import Window
from procurement.pipelines.amazon_catalog_to_coupa.scope import Scope, night_of, read_scope
from procurement.pipelines.windows import RunRequest
from procurement.policies import Rules, read_rules


@pytest.fixture(scope="module")
def rules() -> Rules:
    return read_rules()


def scheduled(start: datetime, hours: float = 1) -> RunRequest:
    interval = Window(start, start + timedelta(hours=hours))
    return RunRequest(dag_id="amazon_catalog_to_coupa", run_id="s", kind="scheduled", interval=interval)


def by_hand(**params: object) -> RunRequest:
    return RunRequest(dag_id="amazon_catalog_to_coupa", run_id="m", params=params)


@pytest.mark.parametrize(
    ("now", "night"),
    [
        (datetime(2026, 6, 30, 3, tzinfo=UTC), datetime(2026, 6, 30, 3, tzinfo=UTC)),
        (datetime(2026, 6, 30, 2, 59, 59, tzinfo=UTC), datetime(2026, 6, 29, 3, tzinfo=UTC)),
        (datetime(2026, 6, 30, 23, 30, tzinfo=UTC), datetime(2026, 6, 30, 3, tzinfo=UTC)),
        (datetime(2026, 7, 1, 0, 30, tzinfo=UTC), datetime(2026, 6, 30, 3, tzinfo=UTC)),
        (datetime(2026, 6, 30, 4, tzinfo=timezone(timedelta(hours=2))), datetime(2026, 6, 29, 3, tzinfo=UTC)),
    ],
)
def test_a_night_begins_when_it_was_last_that_hour(now: datetime, night: datetime) -> None:
    assert night_of(now, 3) == night


def test_a_scheduled_run_compares_everything_where_that_is_due(rules: Rules) -> None:
    night = datetime(2026, 6, 30, 3, tzinfo=UTC)
    assert read_scope(scheduled(night), rules) == Scope(False, True)
    assert read_scope(scheduled(night), rules, due=night) == Scope(True, True, night=night)


def test_a_run_by_hand_does_what_its_form_says_whatever_is_due(rules: Rules) -> None:
    night = datetime(2026, 6, 30, 3, tzinfo=UTC)
    assert read_scope(by_hand(scope="requisitions"), rules, due=night) == Scope(False, True)


def test_a_run_by_hand_compares_everything_unless_it_is_told_otherwise(rules: Rules) -> None:
    assert read_scope(by_hand(), rules) == Scope(True, True)
    assert read_scope(by_hand(scope="requisitions"), rules) == Scope(False, True)
    released = read_scope(by_hand(scope="released", release=[" b0qx10003c ", ""]), rules)
    assert released == Scope(False, False, {"B0QX10003C": Release()}) and released.compares
    priced = read_scope(by_hand(scope="released", release=["b0qx10003c = 15.29"]), rules)
    assert priced.released == {"B0QX10003C": Release(Decimal("15.29"))}


@pytest.mark.parametrize(
    "request_",
    [
        by_hand(**{"from": "2026-01-01"}),
        by_hand(to="2026-01-01"),
        by_hand(scope="everything"),
        by_hand(release="B0"),
        by_hand(release=["B0QX1000"]),
        by_hand(release=["B0QX10003C=15,29"]),
        by_hand(release=["B0QX10003C=-1"]),
        by_hand(release=["B0QX10003C=15.29", "B0QX10003C=15.30"]),
    ],
)
def test_a_range_or_an_unknown_scope_is_refused(rules: Rules, request_: RunRequest) -> None:
    with pytest.raises(ConfigurationError):
        read_scope(request_, rules)


def test_a_backfill_is_refused_since_todays_prices_never_go_into_the_past(rules: Rules) -> None:
    with pytest.raises(ConfigurationError, match="never go into the past"):
        read_scope(RunRequest(dag_id="amazon_catalog_to_coupa", run_id="b", kind="backfill"), rules)
