"""Every exchange as one line of NDJSON, in the form that contract checkers read:

    {"service", "method", "path", "query", "request", "status", "response"}

Token calls are left out and no header is ever written, so a recording holds no secret. Bodies that are not JSON
(HTML error pages) are null.
"""

import json
from pathlib import Path
from typing import TextIO

from sandbox.exchange import Answer, Call, to_json


class Recorder:
    """Appends to `path`; each line is flushed, so a killed process loses none. Several services may share one."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: TextIO = path.open("a", encoding="utf-8")

    def write(self, service: str, call: Call, answer: Answer) -> None:
        head = {"service": service, "method": call.method, "path": call.path, "query": _query(call)}
        response = to_json(answer.body).decode() if answer.raw is None else "null"
        request = json.dumps(_request(call), ensure_ascii=False)
        line = json.dumps(head, ensure_ascii=False)[:-1]
        self._file.write(f'{line}, "request": {request}, "status": {answer.status}, "response": {response}}}\n')
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def _query(call: Call) -> dict[str, str]:
    """A repeated parameter is joined by commas."""
    query: dict[str, str] = {}
    for name, value in call.query:
        query[name] = f"{query[name]},{value}" if name in query else value
    return query


def _request(call: Call) -> object:
    try:
        return call.json()
    except ValueError:
        return None
