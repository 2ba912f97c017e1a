"""Which part of the catalog a run looks at: by the hour of its interval, or by the form."""

from datetime import UTC, datetime, timedelta

import pytest

from procurement.errors import ConfigurationError
from procurement.ledger.types import Window
from procurement.pipelines.amazon_catalog_to_coupa.scope import Scope, read_scope
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
    ("start", "hours", "full"),
    [
        (datetime(2026, 6, 30, 3, tzinfo=UTC), 1, True),
        (datetime(2026, 6, 30, 2, tzinfo=UTC), 1, False),
        (datetime(2026, 6, 30, 4, tzinfo=UTC), 1, False),
        (datetime(2026, 6, 29, 22, tzinfo=UTC), 8, True),
        (datetime(2026, 6, 30, 3, 30, tzinfo=UTC), 1, False),
    ],
)
def test_the_run_whose_interval_has_the_hour_compares_everything(
    rules: Rules, start: datetime, hours: float, full: bool
) -> None:
    assert read_scope(scheduled(start, hours), rules) == Scope(full, True)


def test_a_run_by_hand_compares_everything_unless_it_is_told_otherwise(rules: Rules) -> None:
    assert read_scope(by_hand(), rules) == Scope(True, True)
    assert read_scope(by_hand(scope="requisitions"), rules) == Scope(False, True)
    released = read_scope(by_hand(scope="released", release=[" b0qx10003c ", ""]), rules)
    assert released == Scope(False, False, frozenset({"B0QX10003C"})) and released.compares


@pytest.mark.parametrize(
    "request_",
    [by_hand(**{"from": "2026-01-01"}), by_hand(to="2026-01-01"), by_hand(scope="everything"), by_hand(release="B0")],
)
def test_a_range_or_an_unknown_scope_is_refused(rules: Rules, request_: RunRequest) -> None:
    with pytest.raises(ConfigurationError):
        read_scope(request_, rules)


def test_a_backfill_is_refused_since_todays_prices_never_go_into_the_past(rules: Rules) -> None:
    with pytest.raises(ConfigurationError, match="never go into the past"):
        read_scope(RunRequest(dag_id="amazon_catalog_to_coupa", run_id="b", kind="backfill"), rules)
