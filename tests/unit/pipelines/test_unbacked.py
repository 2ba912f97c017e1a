"""Purchases without a PO: when they are billed without one, how their refunds are coded, and what never passes."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from procurement.errors import MappingError
from procurement.ledger.types import Known, Plan, PlannedDelivery
from procurement.matching import Outcome
from procurement.pipelines.amazon_invoices_to_coupa.candidates import PAID_BY_CARD, Group, Verdict, screen
from procurement.pipelines.amazon_invoices_to_coupa.drafts import CREATE, Draft, delivery_id
from procurement.pipelines.amazon_invoices_to_coupa.identity import Identity
from procurement.pipelines.amazon_invoices_to_coupa.lines import UnbackedLine, resolve_group
from procurement.pipelines.amazon_invoices_to_coupa.payloads import invoice_payload
from procurement.pipelines.amazon_invoices_to_coupa.sent_invoices import read_invoice
from procurement.pipelines.amazon_invoices_to_coupa.surroundings import Orders
from procurement.pipelines.amazon_invoices_to_coupa.unbacked import Unbacked, transactions_of
from procurement.policies import MAPPINGS, read_rules
from procurement.policy_files import RolloutRule
from tests.unit.pipelines.builders import candidate, moment
from tests.unit.procurement.conftest import MAPPINGS as SHIPPED
from tests.unit.procurement.conftest import Make
from tests.unit.procurement.matches import match, only

PIPELINE = MAPPINGS[0]
KEY = "acme/AMZN-US/1ABC"
NO_PO = {"purchaseOrderNumber": None}
SENT = {
    "invoice-number": "1ABC",
    "invoice-lines": [
        {"source-part-num": "B0SAMPLE01", "account": {"code": "10-4400-6100"}, "commodity": {"name": "Office Supplies"},
         "custom-fields": {"ab-order-line-id": "61"}},
        {"source-part-num": "B0SAMPLE01", "account": {"code": "10-4100-6200"}, "custom-fields": {"ab-order-line-id": "62"}},
    ],
}  # fmt: skip
CODING = {"account": "10-4400-6100", "commodity": "Office Supplies"}


@pytest.fixture
def edited(tmp_path: Path) -> Callable[..., Path]:
    """A copy of the shipped rule files, in which one text of one file is replaced."""

    def edit(name: str, old: str, new: str) -> Path:
        folder = tmp_path / "mappings"
        if not folder.exists():
            shutil.copytree(SHIPPED, folder, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1))
        return folder

    return edit


def resolved(*numbers: str | None, no_po: str = "coded_invoice", supplier: str | None = "AMZN-US") -> Any:
    group = Group("1ABC", [candidate(line={"purchaseOrderNumber": number}) for number in numbers])
    return resolve_group(group, Orders(), no_po=no_po, supplier=supplier)


def draft(**line: Any) -> Draft:
    group = Group("1ABC", [candidate(line={**NO_PO, **line})])
    lines = resolve_group(group, Orders(), no_po="coded_invoice", supplier="AMZN-US")
    assert not isinstance(lines, Verdict)
    return Draft(group, Identity("1ABC", moment(4), "STANDARD"), lines, RolloutRule.model_validate({"mode": "off"}))


def codings(
    sent: Any = SENT, found: Any = None, state: Any = "delivered", plan: Plan | None = None, **line: Any
) -> Any:
    known = Known(5, CREATE, KEY, state, claimed=True) if sent else None
    unbacked = Unbacked(lambda ids: {5: sent} if list(ids) == [5] else {})
    return unbacked.codings(plan or Plan(), draft(**line), key=KEY, known=known, found=found)


def test_only_what_names_no_po_at_all_is_billed_without_one_and_only_by_policy() -> None:
    (line,) = resolved(None)
    assert isinstance(line, UnbackedLine) and line.supplier == "AMZN-US"
    assert len(resolved(" ", "")) == 2
    for numbers in (["9900001"], [None, "9900001"]):
        verdict = resolved(*numbers)
        assert (verdict.state, verdict.reason) == ("dead", "no purchase order")
    assert (resolved(None, no_po="dead_letter").state, resolved(None, no_po="hold").state) == ("dead", "held")
    assert resolved(None, supplier=None).state == "held" and "accounts.yml" in resolved(None, supplier=None).reason


@pytest.mark.parametrize("instrument", ["Visa", "Credit Card"])
def test_what_is_paid_by_card_is_never_billed_whatever_the_policy(instrument: str) -> None:
    policies = read_rules(SHIPPED).policies.model_copy(update={"no_po": "coded_invoice"})
    assert screen(candidate(line=NO_PO, paymentInstrumentType=instrument), policies) is PAID_BY_CARD
    assert screen(candidate(line=NO_PO), policies) is None


def test_a_refund_takes_the_coding_of_the_same_order_line_else_of_the_same_article() -> None:
    assert codings() == [CODING]
    assert codings(orderLineItemId="62") == [{"account": "10-4100-6200", "commodity": None}]
    alone = {**SENT, "invoice-lines": [{**SENT["invoice-lines"][0], "custom-fields": {}}]}  # type: ignore[dict-item]
    assert codings(alone, orderLineItemId="99") == [CODING]


@pytest.mark.parametrize("line", [{"orderLineItemId": "99"}, {"orderLineItemId": "99", "asin": "B0OTHER"}])
def test_a_refund_of_a_line_that_cannot_be_told_is_held_and_named(line: dict[str, str]) -> None:
    """Two lines of the article are coded differently, or the article is on none."""
    verdict = codings(**line)
    assert (verdict.state, verdict.reason) == ("held", "it refunds lines that its invoice does not have")
    assert "Order 112-1" in verdict.errors[0] and "1ABC" in verdict.errors[0]


def test_an_original_of_the_same_plan_counts_and_one_that_was_refused_does_not() -> None:
    planned = Plan([PlannedDelivery(action=CREATE, business_key=KEY, payload=SENT)])
    assert codings(sent=None, plan=planned) == [CODING]
    assert codings(state="dead").state == "dead"


@pytest.mark.parametrize("how", [
    {"sent": None},
    {"found": {"custom-fields": {"ab-delivery-id": "somebody's"}}},
    {"found": {}},
    {"sent": {**SENT, "invoice-lines": [{**SENT["invoice-lines"][0], "order-line-id": 2949}]}},  # type: ignore[dict-item]
])  # fmt: skip
def test_a_refund_of_an_original_that_is_not_ours_or_has_a_po_stays_a_dead_letter(how: dict[str, Any]) -> None:
    verdict = codings(**how)
    assert (verdict.state, verdict.reason) == ("dead", "no purchase order")
    assert "Amazon shows no PO number" in verdict.errors[0]


def test_an_original_that_coupa_shows_as_ours_counts() -> None:
    assert codings(found={"custom-fields": {"ab-delivery-id": delivery_id(KEY)}}) == [CODING]


def test_what_stands_on_a_budget_line_is_held_until_a_person_releases_the_number() -> None:
    one = draft()
    assert transactions_of([one]) == ["tx-1"]
    held = Unbacked(budgeted=frozenset({"tx-1"})).counted(one)
    assert held is not None and held.state == "held" and "tx-1" in held.errors[0] and "1ABC" in held.errors[0]
    assert Unbacked(budgeted=frozenset({"tx-2"})).counted(one) is None
    assert Unbacked(budgeted=frozenset({"tx-1"}), released=frozenset({"1ABC"})).counted(one) is None


def test_billing_without_a_po_is_a_persons_decision_and_crediting_it_is_none() -> None:
    make = Make()
    line = make.line(po_number="", po_line_number="", po_line_id=None, account="10-4400-6100")
    result = match(make.invoice(line), make.order())
    assert (result.outcome, only(result).kind) == (Outcome.EXCEPTION, "unbacked")
    assert only(result).sentence == "Line 1: USD 100.00 is billed without a purchase order, coded to 10-4400-6100."
    credit = make.line(-10, po_number="", po_line_number="", po_line_id=None, account="10-4400-6100")
    result = match(make.invoice(credit, is_credit_note=True), make.order())
    assert (result.outcome, only(result).breached) == (Outcome.WITHIN_TOLERANCE, False)


def test_its_payload_names_account_and_chart_and_no_po_line_and_reads_back() -> None:
    make = Make()
    line = make.line(po_number="", po_line_number="", po_line_id=None, account="10-4400-6100")
    payload = invoice_payload(make.invoice(line, chart_of_accounts="US Chart"), delivery_id="d")
    (sent,) = payload["invoice-lines"]  # type: ignore[misc]
    assert sent["account"] == {"code": "10-4400-6100", "account-type": {"name": "US Chart"}}
    assert "order-line-id" not in sent
    assert read_invoice(payload).lines[0] == line


def test_two_charts_hold_it(edited: Callable[..., Path]) -> None:
    """Where the chart is read from the checkout."""
    chart = "  chart_of_accounts:\n    - from_lines: line.businessOrderInfo.Chart\n"
    folder = edited("amazon_invoices_to_coupa.yml", "  chart_of_accounts:\n", chart)
    raw = candidate(line=NO_PO).record.raw
    header = {
        "transaction": raw, "account": {"name": "us", "supplier": "AMZN-US", "chart_of_accounts": "US Chart"},
        "invoice": {"invoiceNumber": "1ABC", "invoiceDate": "2026-06-04T05:00:00Z", "totalAmount": {"currencyCode": "USD", "amount": "86.56"}},
    }  # fmt: skip
    lines = [
        {**header, "line": {**raw["transactionLineItems"][0], "businessOrderInfo": {"GL code": "6100", "Chart": name}}}
        for name in ("US Chart", "DE Chart")
    ]
    with pytest.raises(Exception, match="several values for chart of accounts: US Chart, DE Chart"):
        read_rules(folder).mapping(PIPELINE).invoice(header, lines)


@pytest.mark.parametrize("rule", [
    "  - when: {po: none, paid_by: invoice}\n    count: budget\n",
    "  - when: {po: [none, unknown]}\n    count: budget\n",
    "  - count: budget\n",
])  # fmt: skip
def test_a_policy_that_would_count_it_twice_is_refused(edited: Callable[..., Path], rule: str) -> None:
    folder = edited("spend.yml", "outside:\n", f"outside:\n{rule}")
    assert read_rules(folder).policies.no_po == "dead_letter"
    edited("policies.yml", "no_po: dead_letter", "no_po: coded_invoice")
    with pytest.raises(MappingError, match=r"spend\.yml:\d+: outside\.0\.count: .* must be wait, not budget"):
        read_rules(folder)


def test_the_shipped_spend_rules_go_with_coded_invoices(edited: Callable[..., Path]) -> None:
    assert (
        read_rules(edited("policies.yml", "no_po: dead_letter", "no_po: coded_invoice")).policies.no_po
        == "coded_invoice"
    )
