"""Mail and Slack: plain text beside escaped HTML, with a Message-ID that a repeat shares, so that it is recognisable.

Callbacks may come twice and without an exception (a killed worker), and use their context only; they never touch the
ledger. Mails about findings are written to the ledger's `notices` by `close` and leave through `send_notice`. What an
address refuses for good goes to the alert recipients instead; what Slack refuses is handed back, to be sent later.
"""

import base64
import hashlib
import html
import logging
import os
import smtplib
import ssl
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from functools import partial
from typing import Any
from urllib.parse import quote

from airflow.sdk import BaseHook, BaseNotifier
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowNotFoundException

from procurement.errors import ConfigurationError, ProcurementError
from procurement.ledger.types import SLACK, Notice
from procurement.policies import read_rules

logger = logging.getLogger(__name__)
SENDER = os.environ.get("PROCUREMENT_MAIL_FROM", "procurement@localhost")
RECIPIENTS = "PROCUREMENT_ALERT_TO"
TIMEOUT = 30.0
PERMANENT = 500  # SMTP: an answer from here on is for good, one below may differ later
Refusals = dict[str, tuple[int, bytes]]  # by address: the mail server's code and words


def message_id(key: str) -> str:
    """The same for the same key, however often it is sent."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@procurement>"


def build_mail(
    *,
    key: str,
    to: Sequence[str],
    subject: str,
    text: str,
    link: str | None = None,
    attachments: Sequence[Mapping[str, str]] = (),
) -> EmailMessage:
    """Plain text with an HTML alternative in which everything is escaped; `attachments` each have a `name` and either
    `text`, which is a CSV, or `png`, a picture in base64."""
    mail = EmailMessage()
    mail["Subject"] = " ".join(subject.split())
    mail["From"], mail["To"], mail["Message-ID"] = SENDER, ", ".join(to), message_id(key)
    mail.set_content(text + (f"\n\n{link}\n" if link else "\n"))
    anchor = f'<p><a href="{html.escape(link, quote=True)}">Open in Airflow</a></p>' if link else ""
    mail.add_alternative(f"<pre>{html.escape(text)}</pre>{anchor}", subtype="html")
    for attachment in attachments:
        if "png" in attachment:
            picture = base64.b64decode(attachment["png"], validate=True)
            mail.add_attachment(picture, maintype="image", subtype="png", filename=attachment["name"])
        else:
            mail.add_attachment(attachment["text"], subtype="csv", filename=attachment["name"])
    return mail


def send_mail(mail: EmailMessage, *, conn_id: str = "smtp_default") -> Refusals:
    """Through the SMTP connection: TLS, its certificate and login as it says. Which of several addresses were refused; raises
    what smtplib raises, so SMTPRecipientsRefused where all were."""
    connection = BaseHook.get_connection(conn_id)
    extra = connection.extra_dejson
    implicit, starttls = not _is_true(extra, "disable_ssl"), not _is_true(extra, "disable_tls")
    host, port = connection.host or "localhost", connection.port or (465 if implicit else 25)
    # smtplib checks no certificate unless it is given a context that does
    context = ssl.create_default_context() if extra.get("ssl_context", "default") != "none" else None
    with (
        smtplib.SMTP_SSL(host, port, timeout=TIMEOUT, context=context)
        if implicit
        else smtplib.SMTP(host, port, timeout=TIMEOUT)
    ) as server:
        if starttls and not implicit:
            server.starttls(context=context)
        if connection.login and connection.password:
            server.login(connection.login, connection.password)
        return server.send_message(mail)


def _is_true(extra: Mapping[str, Any], name: str) -> bool:
    return str(extra.get(name, "false")).lower() == "true"


def send_notice(notice: Notice) -> dict[str, str] | None:
    """A mail that `close` wrote; without recipients in policies.yml it goes to PROCUREMENT_ALERT_TO.

    Slack gets the subject, or what the notice wants said there (`slack`): what it did not take is returned, and is all that
    a notice of the kind `slack` says.
    """
    body: Mapping[str, Any] = notice.body
    if notice.kind != SLACK:
        _mail_notice(notice)
    text = str(body.get("slack") or body["subject"])
    return None if send_slack(text) else {"slack": text}


def _mail_notice(notice: Notice) -> None:
    """Where addresses are refused for good the alert recipients get it, too, and read which."""
    body: Mapping[str, Any] = notice.body
    to = [str(address) for address in body.get("to") or alert_recipients()]
    if not to:
        raise ConfigurationError(f"nobody is to be told: fill alert_recipients in policies.yml, or set {RECIPIENTS}")
    build = partial(build_mail, subject=str(body["subject"]), attachments=body.get("attachments") or ())
    instead = [address for address in alert_recipients() if address not in to]
    try:
        refused = send_mail(build(key=notice.key, to=to, text=str(body["text"])))
    except smtplib.SMTPRecipientsRefused as error:
        refused = error.recipients
        if not instead or any(code < PERMANENT for code, _ in refused.values()):
            raise
    if not refused:
        return
    words = "; ".join(
        f"{address} ({code} {reason.decode(errors='replace')})" for address, (code, reason) in refused.items()
    )
    logger.warning("the mail server refused addresses of %s: %s", notice.key, words)
    if instead:
        text = f"You read this because the mail server refused {words}. Correct the address where it is kept.\n\n{body['text']}"
        send_mail(build(key=f"{notice.key}/instead", to=instead, text=text))


def send_slack(text: str, *, conn_id: str = "slack_default") -> bool:
    """To the Slack webhook; whether it took it, or none is configured. A refusal is logged and never stops a run."""
    try:
        BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        return True
    from airflow.providers.slack.hooks.slack_webhook import SlackWebhookHook  # noqa: PLC0415 - slow, and most have no Slack

    try:
        SlackWebhookHook(slack_webhook_conn_id=conn_id, timeout=int(TIMEOUT)).send_text(html.escape(text, quote=False))
    except Exception as error:  # noqa: BLE001 - the mail is the notice that counts
        logger.warning("slack did not take the notice: %s", type(error).__name__)
        return False
    return True


def alert_recipients() -> list[str]:
    """PROCUREMENT_ALERT_TO, else `alert_recipients` of policies.yml; nobody where that cannot be read (it may be what failed)."""
    named = [address.strip() for address in os.environ.get(RECIPIENTS, "").split(",") if address.strip()]
    if named:
        return named
    try:
        return list(read_rules().policies.alert_recipients)
    except ProcurementError as error:
        logger.warning("no recipients from the rule files: %s", error)
        return []


def failed_run(context: Mapping[str, Any]) -> tuple[str, str, int]:
    """(DAG id, run id, how often it was cleared); without a task to name, Airflow's context holds no `dag_run`."""
    run = context.get("dag_run")
    if run is None:
        return str(context["dag"].dag_id), str(context["run_id"]), 0
    return str(run.dag_id), str(run.run_id), int(getattr(run, "clear_number", None) or 0)


class FailureNotifier(BaseNotifier):
    """One mail for a failed run. On the DAG, not the task: a killed task process never calls its own callbacks."""

    def notify(self, context: Any) -> None:
        """Says which DAG and run, what the scheduler knows, and where to look; on Slack even where the mail fails."""
        dag_id, run_id, cleared = failed_run(context)
        text = f"{dag_id} failed: run {run_id} ({context.get('reason') or 'a task failed'})."
        try:
            self._mail(context.get("exception"), dag_id=dag_id, run_id=run_id, cleared=cleared, text=text)
        finally:
            send_slack(text)

    def _mail(self, error: object, *, dag_id: str, run_id: str, cleared: int, text: str) -> None:
        to = alert_recipients()
        if not to:
            logger.error("no mail about %s: neither %s nor policies.yml names anybody", run_id, RECIPIENTS)
            return
        if error is not None:
            text += f"\n{type(error).__name__}: {str(error)[:1000]}"
        text += "\n\nThe log of the failed task says what to do. Nothing is lost: what was planned stays planned."
        base = (conf.get("api", "base_url", fallback="") or "").rstrip("/")
        link = f"{base}/dags/{dag_id}/runs/{quote(run_id, safe='')}" if base else None
        key = f"failed/{dag_id}/{run_id}/{cleared}"  # cleared and failed again is news, the same callback twice is not
        send_mail(build_mail(key=key, to=to, subject=f"Failed: {dag_id}", text=text, link=link))
