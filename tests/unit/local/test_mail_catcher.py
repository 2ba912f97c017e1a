"""The mail catcher is a real SMTP server: what was sent is what is kept."""

import smtplib
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from local.mail_catcher import Keeper, read_mails
from local.postgres import free_port

pytestmark = pytest.mark.unit


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    controller = Controller(Keeper(tmp_path), hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller.port
    controller.stop()


def send(port: int, subject: str, body: str = "text") -> None:
    message = f"Subject: {subject}\r\nTo: ap@example.com\r\nMessage-ID: <1@x>\r\n\r\n{body}"
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.sendmail("from@example.com", ["ap@example.com"], message.encode())


def test_mails_are_kept_in_the_order_they_came(port: int, tmp_path: Path) -> None:
    send(port, "first", "three invoices are held")
    send(port, "second")
    mails = read_mails(tmp_path)
    assert [mail["subject"] for mail in mails] == ["first", "second"]
    assert mails[0]["to"] == "ap@example.com"
    assert mails[0]["message_id"] == "<1@x>"
    assert "three invoices are held" in mails[0]["text"]


def test_a_restarted_catcher_adds_to_what_is_there(port: int, tmp_path: Path) -> None:
    send(port, "first")
    later = Controller(Keeper(tmp_path), hostname="127.0.0.1", port=free_port())
    later.start()
    send(later.port, "second")
    later.stop()
    assert [mail["subject"] for mail in read_mails(tmp_path)] == ["first", "second"]


def test_a_folder_without_mails_reads_as_none(tmp_path: Path) -> None:
    assert read_mails(tmp_path / "missing") == []
