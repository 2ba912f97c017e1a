"""Which documents an invoice is compared with, and what follows from a suspicion."""

from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from procurement.documents import Invoice, InvoiceLine
from procurement.duplicates import DuplicatePolicies
from procurement.ledger.types import Alike, Plan
from procurement.money import Money
from procurement.pipelines.amazon_invoices_to_coupa.existing import Existing
from procurement.pipelines.amazon_invoices_to_coupa.rivals import nothing_alike, of_coupa, read_rivals
from procurement.policies import Mode
from procurement.reconciliation_rules import Statuses

STATUSES = Statuses.model_validate({})
UNITS = {"order-line-id": 1, "quantity": "2.0", "price": "10.00", "match-reference": "S1"}
PAYLOAD = {"invoice-date": "2026-02-04", "invoice-lines": [UNITS]}


def invoice(number: str = "NEW", **more: Any) -> Invoice:
    line = InvoiceLine(
        number=1, description="Pens", quantity=Decimal(2), unit_price=Decimal(10), total=Money.of(20, "USD"), po_number="P",
        po_line_number="1", po_line_id=1, match_reference="S1",
    )  # fmt: skip
    values = {
        "number": number,
        "date": date(2026, 2, 4),
        "is_credit_note": False,
        "supplier": "AMZN",
        "currency": "USD",
    }
    return Invoice(**{**values, "supplier_total": Money.of(20, "USD"), "lines": (line,), **more})


def draft(number: str = "NEW", mode: Mode = Mode.LIVE) -> Any:
    line = SimpleNamespace(po_line=SimpleNamespace(id=1, quantity=Decimal(9)))
    key = SimpleNamespace(order_id="O", order_line_id="L")
    group = SimpleNamespace(line_keys=[key], candidates=[SimpleNamespace(record=SimpleNamespace(id=11))])
    return SimpleNamespace(
        lines=[line], ordered=[line], group=group, rollout=SimpleNamespace(mode=mode), total=Money.of(20, "USD"),
        identity=SimpleNamespace(number=number), supplier="AMZN",
    )  # fmt: skip


def sent(number: str = "OLD", supplier: str = "AMZN", **more: Any) -> Alike:
    return Alike(f"acme/{supplier}/{number}", "delivered", Decimal(20), "USD", {**PAYLOAD, **more}, "881")


def rivals(*known: Alike, existing: Any = None, released: Any = (), **policies: Any) -> Any:
    asked: list[Any] = []

    def alike(**question: Any) -> list[Alike]:
        asked.append(question)
        return list(known)

    rules: Any = SimpleNamespace(
        policies=SimpleNamespace(duplicates=DuplicatePolicies.model_validate(policies)),
        reconciliation=SimpleNamespace(statuses=STATUSES),
    )
    found = read_rivals(
        alike, [draft()], existing=existing or Existing(), instance="acme", rules=rules, released=frozenset(released)
    )
    assert len(asked) == 1
    assert asked[0]["order_lines"] == [("O", "L")] and asked[0]["po_lines"] == [1] and asked[0]["numbers"] == ["NEW"]
    assert asked[0]["amounts"] == [Decimal(20), Decimal(-20)]
    return found


def check(found: Any, new: Invoice | None = None, *, printed: str = "NEW", mode: Mode = Mode.LIVE) -> tuple[Any, Plan]:
    plan = Plan()
    return found.check(plan, draft(printed, mode), new or invoice(), printed=printed), plan


def test_an_invoice_that_looks_like_a_sent_one_is_held_and_says_how_to_go_on() -> None:
    verdict, plan = check(rivals(sent()))
    assert verdict.state == "held"
    assert verdict.reason.endswith(
        "may be invoice OLD (USD 20.00, 2026-02-04, in Coupa as 881) once more: the same 1 line and total for the same shipment. "
        "Release NEW by its number, or discard it."
    )
    (finding,) = plan.findings
    assert (finding.kind, finding.breached, finding.record_id, finding.delivery) == ("duplicate", True, 11, None)
    assert (finding.expected, finding.actual) == ("OLD", "NEW")


@pytest.mark.parametrize("how", [{"released": ["NEW"]}, {"same_content": "pass"}])
def test_a_released_number_or_a_policy_lets_it_pass_with_a_finding(how: dict[str, Any]) -> None:
    verdict, plan = check(rivals(sent(), **how))
    assert verdict is None
    (finding,) = plan.findings
    assert (finding.breached, finding.delivery, finding.record_id) == (False, ("create_invoice", "acme/AMZN/NEW"), None)


def test_an_invoice_of_the_same_batch_counts_but_not_one_that_is_only_shown() -> None:
    found = rivals()
    assert check(found, invoice("FIRST"), printed="FIRST", mode=Mode.SHADOW)[0] is None
    assert check(found, invoice("SECOND"), printed="SECOND")[0] is None
    verdict, _ = check(found, invoice("THIRD"), printed="THIRD")
    assert "invoice SECOND" in verdict.reason and "FIRST" not in verdict.reason


def test_an_invoice_that_is_held_is_no_rival_of_the_next() -> None:
    found = rivals(sent())
    assert check(found)[0].state == "held"
    assert len(found.standing["AMZN"].suspicions(found.standing["AMZN"]._by_line[1][0], {})) == 0


@pytest.mark.parametrize("other", ["NEW", "NEW-2"])
def test_a_document_under_amazons_own_number_and_its_late_components_are_no_duplicates(other: str) -> None:
    assert check(rivals(sent(other)), invoice("NEW-3"))[0] is None


@pytest.mark.parametrize("other", [sent(supplier="OTHER"), sent(**{"invoice-date": "2024-02-04"})])
def test_other_suppliers_and_old_documents_are_not_compared(other: Alike) -> None:
    assert check(rivals(other))[0] is None


def test_what_coupa_shows_is_compared_and_not_named_twice() -> None:
    raw = {
        "id": 7, "invoice-number": "new", "status": "approved", "invoice-date": "2026-02-01T00:00:00-08:00", "gross-total": "1.00",
        "currency": {"code": "USD"}, "invoice-lines": [{"order-line-id": None}],
    }  # fmt: skip
    verdict, _ = check(rivals(sent("new"), existing=Existing({("AMZN", "new"): raw})))
    assert verdict.errors == (
        (
            "Invoice NEW (USD 20.00, 2026-02-04, planned) may be invoice new (USD 1.00, 2026-02-01, in Coupa as 7) once more: "
            "both numbers are the same but for zeros, punctuation or case."
        ),
    )


@pytest.mark.parametrize(
    "gone",
    [{"status": "voided"}, {"status": "rejected"}, {"canceled": True}, {"currency": None}, {"gross-total": None}],
)
def test_what_stands_for_nothing_in_coupa_is_not_compared(gone: dict[str, Any]) -> None:
    raw = {
        "id": 7,
        "invoice-number": "n",
        "invoice-date": "2026-02-01",
        "gross-total": "1.00",
        "currency": {"code": "USD"},
    }
    assert of_coupa(raw, STATUSES) is not None
    assert of_coupa({**raw, **gone}, STATUSES) is None


def test_without_a_ledger_there_is_nothing_to_compare_with() -> None:
    assert nothing_alike(order_lines=(), po_lines=(), amounts=(), numbers=()) == ()


def test_one_list_says_what_stands_for_nothing_and_what_needs_nobody() -> None:
    own = Statuses.model_validate({"gone": ["voided", "withdrawn"]})
    assert not own.stands({"status": "withdrawn"}) and own.stands({"status": "rejected"})
    assert not own.stands({"status": "approved", "canceled": True})
    assert own.finished == {"approved", "voided", "withdrawn"}
    assert {"rejected", "abandoned"} <= STATUSES.finished
