"""What people must be told leaves the ledger at least once, whoever refuses some of it."""

import smtplib
from typing import Any

import pytest

from procurement.errors import NoticeRefused
from procurement.ledger import Ledger
from procurement.ledger.types import SLACK, Notice
from procurement.pipelines.closing import send_pending

pytestmark = pytest.mark.integration


class Channels:
    """A mail server that knows nobody called left, and a Slack that is there or not."""

    def __init__(self) -> None:
        self.mailed: list[str] = []
        self.asked: list[str] = []
        self.slack = True

    def __call__(self, notice: Notice) -> dict[str, Any] | None:
        if notice.kind == SLACK:
            self.asked.append(notice.body["slack"])
            return None if self.slack else notice.body
        if notice.body["to"] == ["left@example.com"]:
            raise smtplib.SMTPRecipientsRefused({"left@example.com": (550, b"no such user")})
        self.mailed.append(notice.key)
        return None if self.slack else {"slack": notice.body["subject"]}


def body(to: str) -> dict[str, Any]:
    return {"to": [to], "subject": f"for {to}", "text": "t"}


def test_a_refused_address_stops_no_other_notice_and_is_named(ledger: Ledger) -> None:
    send = Channels()
    ledger.notices.add("a/oldest", "compliance", body("left@example.com"))
    ledger.notices.add("b/budget", "budget_threshold", body("cfo@example.com"))
    for _ in range(2):
        with pytest.raises(NoticeRefused, match=r"a/oldest to left@example\.com: .*no such user"):
            send_pending(ledger, send)
    assert send.mailed == ["b/budget"]
    assert [one.key for one in ledger.notices.pending()] == ["a/oldest"]


def test_what_slack_refused_is_said_there_later_and_mailed_once(ledger: Ledger) -> None:
    send = Channels()
    send.slack = False
    ledger.notices.add("b/budget", "budget_threshold", body("cfo@example.com"))
    ledger.notices.add("c/dead", "dead_letters", body("ap@example.com"))
    send_pending(ledger, send)
    send_pending(ledger, send)
    assert send.mailed == ["b/budget", "c/dead"]
    assert send.asked == ["for cfo@example.com"]  # once it refuses, the rest of the run does not ask it again
    send.slack = True
    send_pending(ledger, send)
    assert send.asked[1:] == ["for cfo@example.com", "for ap@example.com"]
    assert ledger.notices.pending() == []


def test_a_mail_server_that_is_away_is_not_asked_for_every_notice(ledger: Ledger) -> None:
    tried: list[str] = []

    def away(notice: Notice) -> None:
        tried.append(notice.key)
        raise ConnectionRefusedError("no mail server")

    ledger.notices.add("a", "compliance", body("ap@example.com"))
    ledger.notices.add("b", "compliance", body("ap@example.com"))
    with pytest.raises(ConnectionRefusedError):
        send_pending(ledger, away)
    assert tried == ["a"]
