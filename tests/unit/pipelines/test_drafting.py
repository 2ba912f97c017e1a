"""The number a document goes under, or why it goes under none."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from procurement.ledger.types import Plan
from procurement.money import Money
from procurement.pipelines.amazon_invoices_to_coupa.candidates import Verdict
from procurement.pipelines.amazon_invoices_to_coupa.drafting import Drafting
from procurement.pipelines.amazon_invoices_to_coupa.existing import Existing
from procurement.policies import read_rules
from tests.unit.pipelines.builders import group

NOW = datetime(2026, 7, 1, tzinfo=UTC)
KEY, AT = "acme/AMZN/1ABC", ("AMZN", "1ABC")


def number_for(
    existing: Existing = Existing(), *, claimed: bool | None = None, released: bool = False, **changes: Any
) -> Any:
    known = {} if claimed is None else {KEY: SimpleNamespace(claimed=claimed)}
    rivals = SimpleNamespace(released=frozenset({"1ABC"} if released else ()))
    rules = SimpleNamespace(policies=SimpleNamespace(late_component="finding"), routing=read_rules().routing)
    nothing: Any = None
    drafting = Drafting(
        instance="acme", account="a", rules=rules, existing=existing, known=known, receipts={}, orders=nothing, originals=nothing,
        owners={}, known_deliveries=nothing, pending=frozenset(), before=nothing, now=NOW, rivals=rivals, rates=None,
    )  # type: ignore[arg-type]  # fmt: skip
    draft: Any = SimpleNamespace(
        identity=SimpleNamespace(number="1ABC"),
        supplier="AMZN",
        group=group(**changes),
        total=Money.of("43.28", "USD"),
        ordered=[],
        orders={},
    )
    return drafting._free_number(Plan(), draft)


def shown(total: str = "43.28", status: str = "approved") -> dict[str, Any]:
    return {
        "id": 7, "invoice-number": "1ABC", "status": status, "total-with-taxes": total, "currency": {"code": "USD"}
    }  # fmt: skip


def test_a_number_that_nobody_has_is_free() -> None:
    assert number_for() == "1ABC"


@pytest.mark.parametrize("claimed", [None, False])
def test_what_somebody_entered_is_never_made_again_though_it_was_planned_here(claimed: bool | None) -> None:
    assert number_for(Existing({AT: shown()}), claimed=claimed) == Verdict("skipped", "already in Coupa")


def test_what_was_sent_has_late_components_whatever_coupa_shows() -> None:
    found = number_for(Existing({AT: shown()}), claimed=True)
    assert found == Verdict("held", "late component of invoice 1ABC, which was already sent")


def test_the_number_of_a_dead_document_is_tried_again_only_when_a_person_says_so() -> None:
    gone = Existing(gone={AT: shown("12.34", "voided")})
    held = number_for(gone)
    assert held.state == "held"
    assert held.reason.startswith(
        "Coupa has 1ABC as 7 over USD 12.34, which is voided and pays nothing of Amazon's USD 43.28"
    )
    assert number_for(gone, released=True) == "1ABC"


def test_a_refund_that_was_numbered_by_its_order_line_is_not_a_memo_over_another_amount() -> None:
    refund: Any = {"transactionType": "REFUND", "invoiceNumber": None}
    waits = number_for(Existing({AT: shown("-9.99")}), **refund)
    assert waits.state == "waiting" and "1ABC is in Coupa as 7 over USD -9.99" in waits.reason
    assert number_for(Existing({AT: shown()}), **refund).state == "skipped"
    assert number_for(Existing({AT: shown("-9.99")}), transactionType="REFUND").state == "skipped"
