"""What waits too long reaches the next person once a step, and stands in the daily mail with its age and amount."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from procurement.ledger.types import OpenDocument, Run
from procurement.ledger.waits import OpenInvoice, Unsent
from procurement.pipelines.amazon_invoices_to_coupa.ageing import (
    Item,
    escalate,
    exception_item,
    read_watched,
    reason_of,
    receipt_item,
    unsent_item,
)
from procurement.policies import Rules, read_rules

SINCE = datetime(2026, 6, 1, 12, tzinfo=UTC)
Json = dict[str, Any]


@pytest.fixture(scope="module")
def rules() -> Rules:
    return read_rules()


class Company:
    """Three people; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def users(self, logins: Iterable[str] = (), *, emails: Iterable[str] = ()) -> Iterable[Sequence[Json]]:
        self.asked += 1
        people = [
            {"login": "jane", "email": "jane@example.com", "active": True, "manager": {"email": "boss@example.com"}},
            {"login": "ap.lead", "email": "lead@example.com", "active": True},
            {"login": "left", "email": "left@example.com", "active": False},
        ]
        yield [person for person in people if person["login"] in set(logins) or person["email"] in set(emails)]


class Book:
    """The ledger's notices and open documents, in memory."""

    def __init__(self) -> None:
        self.mails: dict[str, Json] = {}
        self.open: dict[str, str] = {}
        self.notices = self.open_documents = self

    def add(self, key: str, kind: str, body: Json) -> bool:
        return self.mails.setdefault(key, body) is body

    def due(self, kind: str, now: datetime) -> list[OpenDocument]:
        return [OpenDocument(kind, key, state, now) for key, state in self.open.items()]

    def watch(self, kind: str, rows: dict[str, tuple[str, datetime]]) -> None:
        self.open.update({key: state for key, (state, _) in rows.items()})

    def close(self, kind: str, keys: Iterable[str]) -> None:
        for key in list(keys):
            del self.open[key]

    def sent_to(self, address: str) -> list[str]:
        return [
            body["subject"] for key, body in self.mails.items() if "/escalation/" in key and body["to"] == [address]
        ]


def item(**changes: Any) -> Item:
    values: Json = {
        "key": "receipt acme/AMZN-US/INV-1", "name": "INV-1", "waits_for": "receipt", "sentence": "Receive the goods.",
        "amount": Decimal("12.50"), "currency": "USD", "since": SINCE, "tell": ("requester", "manager", "ap.lead"),
        "days": 7, "again_days": 5, "requester": "jane@example.com",
    }  # fmt: skip
    return Item(**{**values, **changes})


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def company() -> Company:
    return Company()


def look(book: Book, company: Company, rules: Rules, days: float, *items: Item) -> Json:
    run = Run(id=1, dag_id="amazon_invoices_to_coupa", run_id=f"day {days}", now=SINCE + timedelta(days=days))
    return escalate(company, book, items, run=run, rules=rules)  # type: ignore[arg-type]


def test_nobody_is_told_before_its_time(book: Book, company: Company, rules: Rules) -> None:
    assert look(book, company, rules, 6.9, item()) == {"waiting": 1, "late": 0, "escalated": 0}
    assert (book.mails, company.asked) == ({}, 0)


def test_owner_manager_and_lead_are_told_one_after_the_other_each_once(
    book: Book, company: Company, rules: Rules
) -> None:
    for day in (0, 7, 8, 11, 12, 13, 17, 18, 40):
        look(book, company, rules, day, item())
    for address in ("jane@example.com", "boss@example.com", "lead@example.com"):
        assert book.sent_to(address) == ["1 Amazon document waits too long: USD 12.50"]


def test_a_repeated_run_tells_nobody_twice(book: Book, company: Company, rules: Rules) -> None:
    look(book, company, rules, 7, item())
    before = dict(book.mails)
    assert look(book, company, rules, 7, item())["escalated"] == 0
    assert book.mails == before


def test_after_a_long_pause_everybody_who_was_passed_over_is_told_at_once(
    book: Book, company: Company, rules: Rules
) -> None:
    look(book, company, rules, 30, item())
    assert all(book.sent_to(address) for address in ("jane@example.com", "boss@example.com", "lead@example.com"))


def test_what_one_person_must_look_at_is_one_mail(book: Book, company: Company, rules: Rules) -> None:
    look(book, company, rules, 7, item(), item(key="receipt acme/AMZN-US/INV-2", name="INV-2"))
    assert book.sent_to("jane@example.com") == ["2 Amazon documents wait too long: USD 25.00"]


def test_who_left_or_is_unknown_is_replaced_by_accounts_payable(book: Book, company: Company, rules: Rules) -> None:
    look(book, company, rules, 7, item(tell=("left",)), item(key="other", tell=("requester",), requester=None))
    assert book.sent_to("accounts.payable@example.com") == ["2 Amazon documents wait too long: USD 25.00"]


def test_the_daily_mail_lists_what_is_late_with_age_and_amount_until_it_is_over(
    book: Book, company: Company, rules: Rules
) -> None:
    look(book, company, rules, 40, item(), item(key="young", since=SINCE + timedelta(days=39), name="YOUNG"))
    (daily,) = [body for key, body in book.mails.items() if key.endswith("/waiting/2026-07-11")]
    assert daily["to"] == ["accounts.payable@example.com"]
    assert "INV-1  USD 12.50  waits 40 days for a goods receipt, since 2026-06-01" in daily["text"]
    assert "YOUNG" not in daily["text"]
    assert look(book, company, rules, 41)["late"] == 0
    assert not any("/waiting/2026-07-12" in key for key in book.mails)


def test_what_is_over_is_forgotten_and_begins_anew_when_it_comes_back(
    book: Book, company: Company, rules: Rules
) -> None:
    look(book, company, rules, 7, item())
    look(book, company, rules, 8)
    assert book.open == {}
    look(book, company, rules, 9, item())
    assert len(book.sent_to("jane@example.com")) == 2


def test_money_of_several_currencies_is_never_added(book: Book, company: Company, rules: Rules) -> None:
    look(book, company, rules, 7, item(), item(key="euro", currency="EUR", amount=Decimal(3)))
    assert book.sent_to("jane@example.com") == ["2 Amazon documents wait too long: EUR 3.00, USD 12.50"]


@pytest.mark.parametrize(
    ("state", "reason", "expected"),
    [
        ("waiting", "Amazon has not issued the invoice number yet", "number"),
        ("waiting", "Amazon gives no date for invoice X yet", "number"),
        ("waiting", "the consolidated invoice is still pending at Amazon", "number"),
        (
            "waiting",
            "Amazon names one credit memo (CM-1) for several refunds; the feed has to say whose it is",
            "number",
        ),
        ("waiting", "Amazon gives no date for invoice CM-1 yet: it names no shipment", "number"),
        ("waiting", "Amazon names several invoices for this charge (A, B); the feed has to say which", "number"),
        ("waiting", "no original invoice is known for this refund", "original"),
        ("waiting", "original invoice X is not in Coupa yet", "original"),
        ("waiting", "settling: complete 24 hours after its newest charge", "other"),
        ("waiting", "switched off in rollout.yml", "other"),
        ("held", "original invoice X is not in Coupa yet, after 30 days", "decision"),
        ("dead", "no purchase order", "decision"),
    ],
)
def test_every_reason_of_the_pipeline_has_its_days(state: str, reason: str, expected: str) -> None:
    assert reason_of(Unsent("tx-1", state, reason, None, None, SINCE)) == expected


def open_invoice(payload: Json) -> OpenInvoice:
    return OpenInvoice(1, "acme/AMZN-US/INV-1", "71", "on_hold", "exception", Decimal(5), "USD", payload, SINCE)


def test_an_exception_is_escalated_as_its_route_says(rules: Rules) -> None:
    route = {
        "requester": "jane@example.com", "due": "2026-06-04", "escalate_after_days": 4, "escalate_to": ["manager", "boss"],
        "sentence": "Line 1: too dear.",
    }  # fmt: skip
    found = exception_item(open_invoice({"route": route}), rules.routing)
    assert (found.tell, found.days, found.again_days, found.requester) == (("manager", "boss"), 4, 4, "jane@example.com")  # fmt: skip
    assert found.sentence == "To be decided by 2026-06-04. Line 1: too dear."


def test_an_exception_that_was_told_before_there_were_routes_is_the_leads(rules: Rules) -> None:
    assert exception_item(open_invoice({"text": "x"}), rules.routing).tell == ("ap.lead",)


def test_an_invoice_without_receipt_is_its_requesters(rules: Rules) -> None:
    found = receipt_item(open_invoice({"requester-email": "jane@example.com"}), rules.routing, watched={}, now=SINCE)
    assert (found.tell[0], found.requester, found.waits_for) == ("requester", "jane@example.com", "receipt")


def test_what_was_an_exception_for_a_month_waits_for_its_goods_from_today(
    book: Book, company: Company, rules: Rules
) -> None:
    invoice, book.open = open_invoice({"requester-email": "jane@example.com"}), {"exception acme/AMZN-US/INV-1": "1"}
    for day in (30, 36, 37, 38):
        watched = read_watched(book)  # type: ignore[arg-type]
        now = SINCE + timedelta(days=day)
        look(book, company, rules, day, receipt_item(invoice, rules.routing, watched=watched, now=now))
        assert bool(book.sent_to("jane@example.com")) is (day >= 37)
    assert not book.sent_to("boss@example.com")


def test_a_record_without_money_or_reason_still_says_where_it_stands(rules: Rules) -> None:
    found = unsent_item(Unsent("tx-1", "held", "", None, None, SINCE), rules.routing, watched={}, now=SINCE)
    assert found.line(SINCE + timedelta(days=1)).splitlines() == [
        "tx-1  waits 1 day for a decision, since 2026-06-01",
        "    It is held.",
    ]


def follow(book: Book, company: Company, rules: Rules, days: int, *rows: Unsent) -> None:
    now = SINCE + timedelta(days=days)
    watched = read_watched(book)  # type: ignore[arg-type]
    look(book, company, rules, days, *(unsent_item(row, rules.routing, watched=watched, now=now) for row in rows))


def told(book: Book) -> list[str]:
    return [body["to"][0].partition("@")[0] for key, body in book.mails.items() if "/escalation/" in key]


def test_what_is_held_after_a_month_of_waiting_is_put_before_one_after_the_other(
    book: Book, company: Company, rules: Rules
) -> None:
    """3 days for the clerk (who is unknown here: accounts payable), 4 more for the lead, from the hold on."""
    held = Unsent("tx-1", "held", "original invoice N is not in Coupa yet, after 30 days", Decimal(-100), "USD", SINCE)
    for day in (30, 31, 32):
        follow(book, company, rules, day, held)
    assert told(book) == []
    for day in (33, 34, 36):
        follow(book, company, rules, day, held)
    assert book.sent_to("lead@example.com") == [] and len(told(book)) == 1
    follow(book, company, rules, 37, held)
    assert len(book.sent_to("lead@example.com")) == 1 and len(told(book)) == 2
    daily = book.mails["amazon_invoices_to_coupa/waiting/2026-07-08"]["text"]
    assert "tx-1  USD -100.00  waits 7 days for a decision, since 2026-07-01" in daily


def test_what_begins_to_wait_for_something_else_begins_anew(book: Book, company: Company, rules: Rules) -> None:
    number = Unsent("tx-1", "waiting", "Amazon has not issued the invoice number yet", Decimal(-100), "USD", SINCE)
    for day in (0, 10, 19):
        follow(book, company, rules, day, number)
    assert len(told(book)) == 1
    original = replace(number, reason="original invoice N is not in Coupa yet")
    for day in (20, 29):
        follow(book, company, rules, day, original)
    assert len(told(book)) == 1
    follow(book, company, rules, 30, original)
    assert len(told(book)) == 2 and not book.sent_to("lead@example.com")


def test_what_an_older_version_watched_keeps_its_age_and_its_steps(book: Book, company: Company, rules: Rules) -> None:
    book.open["decision tx-1"] = "1"
    follow(book, company, rules, 6, Unsent("tx-1", "held", "no", Decimal(5), "USD", SINCE))
    assert told(book) == []
    follow(book, company, rules, 7, Unsent("tx-1", "held", "no", Decimal(5), "USD", SINCE))
    assert told(book) == ["lead"]
