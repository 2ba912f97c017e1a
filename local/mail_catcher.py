"""A real SMTP server on loopback that keeps every mail as a file: what the demo's alerts look like.

python -m local.mail_catcher FOLDER READY_FILE
"""

import json
import signal
import sys
import threading
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from local.postgres import free_port


class Keeper:
    """aiosmtpd's handler: one .eml a mail, numbered in the order of arrival."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._next = 1 + len(list(folder.glob("*.eml")))

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        del server, session
        (self._folder / f"{self._next:04}.eml").write_bytes(envelope.content)
        self._next += 1
        return "250 kept"


def read_mails(folder: Path) -> list[dict[str, str]]:
    """Subject, recipients, id and plain text of the mails caught, oldest first."""
    mails = []
    for path in sorted(folder.glob("*.eml")):
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        body = mail.get_body(("plain",))
        mails.append(
            {
                "subject": " ".join(str(mail["Subject"]).split()),  # a long one is folded
                "to": str(mail["To"]),
                "message_id": str(mail["Message-ID"]),
                "text": str(body.get_content()) if body is not None else "",
                "file": str(path),
            }
        )
    return mails


def main(folder: Path, ready_file: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()  # aiosmtpd tries out the port it was given, so it cannot be 0
    controller = Controller(Keeper(folder), hostname="127.0.0.1", port=port)
    controller.start()
    ready_file.write_text(json.dumps({"port": port}))
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    while not stopped.wait(0.5):
        pass  # a bare wait would not let the signal handler run
    controller.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
