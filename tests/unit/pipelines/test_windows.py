"""Which stretch of the source a run reads."""

from datetime import UTC, datetime, timedelta

import pytest

from procurement.errors import ConfigurationError
from procurement.ledger.types import Window
from procurement.pipelines.windows import RunRequest, pieces, read_moment, requested_window, unread_window

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def day(n: int) -> datetime:
    return datetime(2026, 2, n, tzinfo=UTC)


def request(kind: str = "manual", **params: object) -> RunRequest:
    return RunRequest(dag_id="amazon_invoices_to_coupa", run_id="r1", kind=kind, params=params)


def test_an_empty_form_requests_no_window() -> None:
    assert requested_window(request(**{"from": None, "to": ""}), now=NOW) is None


def test_from_alone_reads_up_to_now() -> None:
    assert requested_window(request(**{"from": "2026-02-01"}), now=NOW) == Window(day(1), NOW)


def test_a_window_never_reaches_into_the_future() -> None:
    assert requested_window(request(**{"from": "2026-02-01", "to": "2027-01-01"}), now=NOW) == Window(day(1), NOW)


def test_moments_with_an_offset_are_read_as_utc() -> None:
    assert read_moment("from", "2026-02-01T02:00:00+02:00") == day(1)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"to": "2026-02-01"}, "`to` was given without `from`"),
        ({"from": "yesterday"}, "from is 'yesterday'; write a date such as 2026-01-31"),
        ({"from": "2026-02-02", "to": "2026-02-02"}, "is not before `to`"),
        ({"from": "2026-05-01"}, "is not before `to`"),
    ],
)
def test_an_impossible_window_is_refused_with_what_to_write(params: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        requested_window(request(**params), now=NOW)


def test_a_backfill_refuses_from_and_to_because_its_conf_reaches_every_run() -> None:
    with pytest.raises(ConfigurationError, match="backfill form"):
        requested_window(request("backfill", **{"from": "2026-02-01"}), now=NOW)


def test_unread_stretches_are_read_in_one_window_from_the_earliest_gap() -> None:
    assert unread_window([Window(day(3), day(4)), Window(day(1), day(2))]) == Window(day(1), day(4))


def test_nothing_unread_means_no_window() -> None:
    assert unread_window([]) is None


def test_a_long_window_is_cut_into_adjoining_pieces_no_longer_than_allowed() -> None:
    parts = list(pieces(Window(day(1), day(1) + timedelta(days=70)), timedelta(days=30)))
    assert [part.end - part.start for part in parts] == [timedelta(days=30), timedelta(days=30), timedelta(days=10)]
    assert all(left.end == right.start for left, right in zip(parts, parts[1:], strict=False))


def test_no_window_has_no_pieces() -> None:
    assert list(pieces(None, timedelta(days=30))) == []


def test_document_numbers_are_trimmed_and_named_once() -> None:
    assert request(invoice_numbers=[" A-1 ", "A-1", "", "B-2"]).document_numbers == ("A-1", "B-2")


def test_document_numbers_must_be_a_list() -> None:
    with pytest.raises(ConfigurationError, match="list of texts"):
        _ = request(invoice_numbers="A-1").document_numbers
