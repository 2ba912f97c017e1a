"""Our verdict and Coupa's side by side: agreement, or a finding that says both."""

import pytest

from procurement.matching import Outcome
from procurement.pipelines.amazon_invoices_to_coupa.verdicts import (
    CoupaVerdict,
    coupa_verdict,
    difference,
    later_facts,
    verdict_of,
)


@pytest.mark.parametrize(
    ("ours", "status", "failed", "differ"),
    [
        ("matched", "approved", (), False),
        ("matched", "pending_approval", (), False),
        ("within_tolerance", "approved", (), False),
        ("waiting_for_receipt", "pending_receipt", (), False),
        ("exception", "on_hold", ("price_percent",), False),
        ("exception", "pending_approval", ("price_percent",), False),
        ("exception", "on_hold", (), False),
        ("matched", "on_hold", ("tax_percent",), True),
        ("matched", "pending_receipt", (), True),
        ("matched", "approved", ("tax_percent",), True),
        ("within_tolerance", "on_hold", ("price_amount",), True),
        ("waiting_for_receipt", "approved", (), True),
        ("waiting_for_receipt", "on_hold", ("receipt_quantity",), True),
        ("exception", "approved", (), True),
        ("exception", "pending_receipt", (), True),
        ("exception", "pending_approval", (), True),
    ],
)
def test_the_two_verdicts_agree_or_differ(ours: str, status: str, failed: tuple[str, ...], differ: bool) -> None:
    found = difference("INV-1", Outcome(ours), CoupaVerdict(status, failed), [])
    assert (found is not None) is differ


@pytest.mark.parametrize("status", ["draft", "processing", "ap_hold", "disputed", "rejected", "voided", "abandoned"])
@pytest.mark.parametrize("ours", list(Outcome))
def test_what_is_no_verdict_differs_from_nothing(status: str, ours: Outcome) -> None:
    assert difference("INV-1", ours, CoupaVerdict(status), []) is None


def test_the_finding_says_both_in_plain_words_with_our_reason() -> None:
    found = difference("INV-1", Outcome.EXCEPTION, CoupaVerdict("approved"), ["Line 1: too dear.", "Line 2: too many."])
    assert found is not None
    assert found.sentence == "Invoice INV-1: we find an exception, Coupa lets it pass (approved). Line 1: too dear."
    assert (found.kind, found.breached, found.expected, found.actual) == ("verdicts_differ", False, "exception", "approved")  # fmt: skip


def test_the_finding_names_the_tolerances_that_failed_in_coupa() -> None:
    found = difference("INV-1", Outcome.MATCHED, CoupaVerdict("on_hold", ("price_amount", "tax_percent")), [])
    assert found is not None
    assert found.sentence == "Invoice INV-1: we find that it matches, Coupa stops it for price_amount, tax_percent (on hold)."  # fmt: skip


def test_failed_tolerances_are_read_from_header_and_lines_unless_resolved() -> None:
    raw = {
        "status": "on_hold",
        "failed-tolerances": [{"code": "b", "resolved": False}, {"code": "a"}],
        "invoice-lines": [{"failed-tolerances": [{"code": "a"}, {"code": "c", "resolved": True}]}],
    }
    assert verdict_of(raw) == {"status": "on_hold", "failed_tolerances": ["a", "b"]}


def facts(status: str, *failed: str) -> dict[str, object]:
    return {"status": status, "failed_tolerances": list(failed)}


def test_what_a_person_approves_leaves_the_verdict_as_it_was() -> None:
    held = facts("on_hold", "price_percent")
    assert coupa_verdict(later_facts(held, facts("approved"))) == CoupaVerdict("on_hold", ("price_percent",))
    asked = facts("pending_approval")
    assert coupa_verdict(later_facts(asked, facts("rejected"))) == CoupaVerdict("pending_approval")


def test_what_the_matching_makes_of_a_receipt_is_the_new_verdict() -> None:
    waiting = facts("pending_receipt")
    assert coupa_verdict(later_facts(waiting, facts("approved"))) == CoupaVerdict("approved")
    assert coupa_verdict(later_facts(waiting, facts("on_hold", "x"))) == CoupaVerdict("on_hold", ("x",))


def test_the_status_itself_is_always_the_latest() -> None:
    assert later_facts(facts("on_hold", "x"), facts("voided"))["status"] == "voided"


def test_a_kept_verdict_outlives_any_number_of_looks() -> None:
    seen = facts("on_hold", "x")
    for status in ("pending_approval", "pending_approval", "approved"):
        seen = later_facts(seen, facts(status))
    assert coupa_verdict(seen) == CoupaVerdict("on_hold", ("x",))
