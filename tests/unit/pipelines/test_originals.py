"""How far the original of a credit note has got, and in which order the documents of a batch are decided."""

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from procurement.pipelines.amazon_invoices_to_coupa.candidates import Verdict
from procurement.pipelines.amazon_invoices_to_coupa.existing import Existing
from procurement.pipelines.amazon_invoices_to_coupa.identity import Original
from procurement.pipelines.amazon_invoices_to_coupa.originals import KnownOriginal, Originals, in_order
from procurement.pipelines.amazon_invoices_to_coupa.pairing import NEVER_SEEN, Named, Unknown
from procurement.policies import Mode
from tests.unit.pipelines.builders import group, moment


def draft(number: str, kind: str = "CHARGE", line: str = "61") -> Any:
    found = group(number, transactionType=kind, line={"orderLineItemId": line})
    return SimpleNamespace(group=found, identity=SimpleNamespace(number=number))


def order(*drafts: Any, **named: str) -> list[str]:
    originals = Originals(Named({note: Original(number, moment(4)) for note, number in named.items()}))
    return [one.identity.number for one in in_order(drafts, originals)]


def test_a_rebill_is_decided_after_the_credit_note_that_makes_it_one() -> None:
    rebill, note, first, other = draft("REBILL"), draft("CM", "REFUND"), draft("1A"), draft("1B", line="62")
    assert order(rebill, note, first, other, CM="1A") == ["1A", "1B", "CM", "REBILL"]
    assert order(note, rebill, CM="1A") == ["CM", "REBILL"]


def test_without_credit_notes_the_order_stays() -> None:
    assert order(draft("1B"), draft("1A")) == ["1B", "1A"]


AT, KEY = ("AMZN", "1A"), "acme/AMZN/1A"
ORIGINAL = Original("1A", moment(4))


def find(
    original: Original | Unknown = ORIGINAL, *, existing: Existing = Existing(), state: str | None = None,
    planned: bool = False, days: int = 0, go_live: date | None = None,
) -> KnownOriginal | Verdict:  # fmt: skip
    refund = group("CM", transactionType="REFUND")
    newest = refund.newest_feed
    assert newest is not None
    draft: Any = SimpleNamespace(
        group=refund, supplier="AMZN", rollout=SimpleNamespace(mode=Mode.LIVE, go_live=go_live)
    )
    rules: Any = SimpleNamespace(policies=SimpleNamespace(original_wait_days=30))
    known: Any = {KEY: SimpleNamespace(state=state)} if state else {}
    return Originals(Named()).find(
        draft, original, instance="acme", known=known, planned={(Mode.LIVE, KEY)} if planned else set(), existing=existing,
        rules=rules, now=newest + timedelta(days=days),
    )  # fmt: skip


def shown(status: str) -> dict[str, Any]:
    return {"id": 7, "invoice-number": "1A", "status": status}


@pytest.mark.parametrize("state", [None, "delivered"])
def test_an_original_that_stands_in_coupa_is_named_whoever_made_it(state: str | None) -> None:
    assert find(existing=Existing({AT: shown("approved")}), state=state) == KnownOriginal("1A", moment(4))


@pytest.mark.parametrize("how", [{"planned": True}, {"state": "planned"}, {"state": "sending"}])
def test_a_credit_note_follows_the_original_that_is_on_its_way(how: dict[str, Any]) -> None:
    assert find(existing=Existing(gone={AT: shown("voided")}), **how) == KnownOriginal("1A", moment(4), after=KEY)


@pytest.mark.parametrize("state", [None, "delivered"])
def test_an_original_that_stands_for_nothing_takes_no_credit(state: str | None) -> None:
    found = find(existing=Existing(gone={AT: shown("voided")}), state=state)
    assert isinstance(found, Verdict) and found.state == "held"
    assert found.reason.startswith("Its original invoice 1A is in Coupa as 7, which is voided. Credits apply to open")


def test_an_original_of_ours_that_coupa_shows_no_more_takes_no_credit() -> None:
    found = find(state="delivered")
    assert isinstance(found, Verdict) and found.state == "held" and "1A is not in Coupa any more" in found.reason


@pytest.mark.parametrize("state", [None, "held", "dead"])
def test_an_original_that_is_not_there_yet_is_waited_for_and_not_for_ever(state: str | None) -> None:
    reason = "original invoice 1A is not in Coupa yet"
    assert find(state=state) == Verdict("waiting", reason)
    assert find(state=state, days=31) == Verdict("held", f"{reason}, after 30 days")


def test_a_refund_of_what_was_billed_before_go_live_is_skipped() -> None:
    found = find(go_live=date(2026, 6, 5))
    assert found == Verdict("skipped", "refund of invoice 1A, which is before go-live")


def test_without_an_original_it_waits_unless_waiting_will_not_help() -> None:
    assert find(NEVER_SEEN) == Verdict("waiting", NEVER_SEEN.reason)
    assert find(NEVER_SEEN, days=31) == Verdict("held", f"{NEVER_SEEN.reason}, after 30 days")
    assert find(Unknown("several", final=True)) == Verdict("held", "several")
