"""Mails reach a real SMTP server, readable without HTML, with nothing in them that could act as markup."""

import base64
import json
import os
import smtplib
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from local.mail_catcher import Keeper, read_mails
from local.postgres import free_port
from procurement.errors import ConfigurationError
from procurement.ledger.types import Notice
from procurement_airflow.notifiers import FailureNotifier, send_notice

pytestmark = pytest.mark.dags
DAG = "amazon_invoices_to_coupa"


@pytest.fixture
def mails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of mails caught; the connection `smtp_default` leads there."""
    controller = Controller(Keeper(tmp_path), hostname="127.0.0.1", port=free_port())
    controller.start()
    monkeypatch.setenv(
        "AIRFLOW_CONN_SMTP_DEFAULT", f"smtp://127.0.0.1:{controller.port}?disable_ssl=true&disable_tls=true"
    )
    monkeypatch.setenv("PROCUREMENT_ALERT_TO", "ap@example.com, buyer@example.com")
    yield tmp_path
    controller.stop()


@pytest.fixture
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No recipients anywhere, because the rule files cannot be read: that may be the very failure."""
    monkeypatch.delenv("PROCUREMENT_ALERT_TO", raising=False)
    monkeypatch.setenv("PROCUREMENT_MAPPINGS", str(tmp_path / "missing"))
    return tmp_path / "missing"


def failed(**context: Any) -> dict[str, Any]:
    return {"dag_run": SimpleNamespace(dag_id=DAG, run_id="scheduled__2026-11-24T10:00:00+00:00"), **context}


def parsed(folder: Path) -> EmailMessage:
    [path] = folder.glob("*.eml")
    mail = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def test_a_failed_run_is_told_with_what_where_and_a_link(mails: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/")
    FailureNotifier()(failed(reason="task_failure"))
    [mail] = read_mails(mails)
    assert mail["subject"] == f"Failed: {DAG}"
    assert mail["to"] == "ap@example.com, buyer@example.com"
    assert "task_failure" in mail["text"]
    assert f"https://airflow.example/dags/{DAG}/runs/scheduled__2026-11-24T10%3A00%3A00%2B00%3A00" in mail["text"]


def test_markup_in_an_error_stays_text(mails: Path) -> None:
    FailureNotifier()(failed(exception=ValueError("<script>alert(1)</script>")))
    mail = parsed(mails)
    assert "<script>alert(1)</script>" in part(mail, "plain")
    assert "<script>" not in part(mail, "html")
    assert "&lt;script&gt;" in part(mail, "html")


def test_a_callback_that_comes_twice_sends_a_mail_that_is_recognisably_the_same(mails: Path) -> None:
    FailureNotifier()(failed(exception=None))
    FailureNotifier()(failed(exception=None))
    first, second = read_mails(mails)
    assert first["message_id"] == second["message_id"]


def test_a_run_that_is_cleared_and_fails_again_is_told_as_news(mails: Path) -> None:
    again = SimpleNamespace(dag_id=DAG, run_id="scheduled__2026-11-24T10:00:00+00:00", clear_number=1)
    FailureNotifier()(failed())
    FailureNotifier()({"dag_run": again})
    first, second = read_mails(mails)
    assert first["message_id"] != second["message_id"]


def test_a_failure_without_a_task_to_name_is_told_all_the_same(mails: Path, bag: Any) -> None:
    """Airflow's context then holds the DAG, the run id and the reason only."""
    FailureNotifier()({"dag": bag.dags[DAG], "run_id": "manual__1", "reason": "timed_out"})
    [mail] = read_mails(mails)
    assert f"{DAG} failed: run manual__1 (timed_out)" in mail["text"]


def test_a_failure_goes_to_whom_the_policies_name_where_the_environment_names_nobody(
    mails: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PROCUREMENT_ALERT_TO")
    FailureNotifier()(failed())
    assert [mail["to"] for mail in read_mails(mails)] == ["accounts.payable@example.com"]


def test_slack_hears_of_a_failure_that_no_mail_server_takes(mails: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", f"smtp://127.0.0.1:{free_port()}?disable_ssl=true&disable_tls=true")
    heard: list[str] = []
    monkeypatch.setattr("procurement_airflow.notifiers.send_slack", heard.append)
    with pytest.raises(OSError):
        FailureNotifier()(failed())
    assert len(heard) == 1 and heard[0].startswith(f"{DAG} failed")


def test_without_anybody_to_tell_the_failure_is_logged_and_the_callback_survives(
    mails: Path, nobody: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("ERROR", logger="procurement_airflow.notifiers"):
        FailureNotifier()(failed())
    assert read_mails(mails) == []
    assert "neither PROCUREMENT_ALERT_TO nor policies.yml names anybody" in caplog.text


def notice(**body: Any) -> Notice:
    return Notice(
        key="dead/1",
        kind="dead_letters",
        body={"subject": "2 dead letters", "text": "INV-1: no PO", **body},
        created_at=datetime.now(UTC),
    )


def test_a_notice_goes_to_whom_the_policy_names_else_to_whom_alerts_go(mails: Path) -> None:
    send_notice(notice(to=["reviewer@example.com"]))
    send_notice(notice())
    assert [mail["to"] for mail in read_mails(mails)] == ["reviewer@example.com", "ap@example.com, buyer@example.com"]


def test_a_notice_for_nobody_is_a_configuration_error_that_says_what_to_fill(mails: Path, nobody: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"policies\.yml"):
        send_notice(notice())


@pytest.fixture
def choosy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A mail server that knows nobody who left, and has no time for anybody who is busy."""

    class Choosy(Keeper):
        async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
            if address.startswith(("left", "busy")):
                return "550 no such user" if address.startswith("left") else "450 try later"
            envelope.rcpt_tos.append(address)
            return "250 fine"

    controller = Controller(Choosy(tmp_path), hostname="127.0.0.1", port=free_port())
    controller.start()
    monkeypatch.setenv(
        "AIRFLOW_CONN_SMTP_DEFAULT", f"smtp://127.0.0.1:{controller.port}?disable_ssl=true&disable_tls=true"
    )
    monkeypatch.setenv("PROCUREMENT_ALERT_TO", "ap@example.com")
    yield tmp_path
    controller.stop()


@pytest.mark.parametrize("others", [[], ["cfo@example.com"]], ids=["all", "one_of_two"])
def test_what_an_address_refuses_for_good_goes_to_whom_alerts_go(choosy: Path, others: list[str]) -> None:
    send_notice(notice(to=["left@example.com", *others]))
    *first, instead = read_mails(choosy)
    assert len(first) == len(others)
    assert instead["to"] == "ap@example.com"
    assert "left@example.com (550 no such user)" in instead["text"]
    assert "INV-1: no PO" in instead["text"]


def test_an_address_that_refuses_for_now_or_has_nobody_instead_keeps_its_notice(
    choosy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send_notice(notice(to=["busy@example.com"]))
    monkeypatch.setenv("PROCUREMENT_ALERT_TO", "left@example.com")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send_notice(notice(to=["left@example.com"]))
    assert read_mails(choosy) == []


def test_a_line_break_in_a_subject_cannot_add_a_header(mails: Path) -> None:
    send_notice(notice(subject="2 dead letters\r\nBcc: thief@example.com"))
    mail = parsed(mails)
    assert mail["Bcc"] is None
    assert mail["Subject"] == "2 dead letters Bcc: thief@example.com"


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A mail server that takes mail over TLS only, with a certificate that nobody vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*self_signed(tmp_path))
    folder = tmp_path / "mails"
    folder.mkdir()
    controller = Controller(
        Keeper(folder), hostname="127.0.0.1", port=free_port(), tls_context=context, require_starttls=True
    )
    controller.start()
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", f"smtp://localhost:{controller.port}?disable_ssl=true")
    yield folder
    controller.stop()


def self_signed(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False).sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pem = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(key.private_bytes(*pem))
    return folder / "certificate.pem", folder / "key.pem"


def test_a_mail_server_that_cannot_prove_who_it_is_gets_no_mail_and_no_password(stranger: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        send_notice(notice(to=["reviewer@example.com"]))
    assert read_mails(stranger) == []


def test_mail_leaves_over_tls_where_the_connection_trusts_the_server(
    stranger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", f"{os.environ['AIRFLOW_CONN_SMTP_DEFAULT']}&ssl_context=none")
    send_notice(notice(to=["reviewer@example.com"]))
    assert [mail["to"] for mail in read_mails(stranger)] == ["reviewer@example.com"]


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """What a webhook heard; it refuses every text with "refuse me" in it."""
    heard: list[dict[str, Any]] = []

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(403 if "refuse me" in heard[-1]["text"] else 200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = {
        "conn_type": "slackwebhook",
        "host": f"http://127.0.0.1:{server.server_port}",
        "password": "services/T/B/X",
    }
    monkeypatch.setenv("AIRFLOW_CONN_SLACK_DEFAULT", json.dumps(address))
    yield heard
    server.shutdown()
    server.server_close()
    thread.join()


def test_slack_hears_the_subject_of_a_notice_where_it_is_configured(mails: Path, slack: list[dict[str, Any]]) -> None:
    send_notice(notice(subject="2 dead letters <!channel>"))
    assert [message["text"] for message in slack] == ["2 dead letters &lt;!channel&gt;"]  # Slack's markup stays text


def test_slack_hears_what_a_notice_wants_said_there(mails: Path, slack: list[dict[str, Any]]) -> None:
    send_notice(notice(subject="Budget exceeded", slack="Budget exceeded\nRemaining USD -10.00"))
    assert [message["text"] for message in slack] == ["Budget exceeded\nRemaining USD -10.00"]


def test_what_slack_refuses_is_left_to_be_said_there_and_mailed_no_second_time(
    mails: Path, slack: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    left = send_notice(notice(subject="refuse me"))
    assert left == {"slack": "refuse me"}
    assert len(slack) == len(read_mails(mails)) == 1
    later = Notice("dead/1/slack", "slack", {"slack": "listen"}, datetime.now(UTC))
    assert send_notice(later) is None
    assert (len(slack), len(read_mails(mails))) == (2, 1)
    assert "slack did not take the notice" in caplog.text
    assert "services/T/B/X" not in caplog.text


def test_a_list_and_a_chart_come_attached_as_files(mails: Path) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
    body = {
        "subject": "Budgets",
        "text": "See the chart.",
        "attachments": [
            {"name": "failed.csv", "text": "item,reason\nB0QX10001A,gone\n"},
            {"name": "burn-down.png", "png": base64.b64encode(picture).decode()},
        ],
    }
    send_notice(Notice("budgets/1", "budget", body, datetime.now(UTC)))
    table, chart = parsed(mails).iter_attachments()
    assert (table.get_filename(), table.get_content_type()) == ("failed.csv", "text/csv")
    assert "B0QX10001A,gone" in table.get_content()
    assert (chart.get_filename(), chart.get_content_type()) == ("burn-down.png", "image/png")
    assert chart.get_content() == picture
