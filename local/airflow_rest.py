"""Airflow's public REST interface, as far as a local run needs it: health, trigger, follow, read."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import requests

FINISHED = frozenset({"success", "failed"})


class AirflowRest:
    """One user's session; the token is fetched when it is first needed and once more when it expires."""

    def __init__(self, base_url: str, user: str, password: str) -> None:
        self.base_url, self._user, self._password = base_url, user, password
        self._session, self._lock = requests.Session(), threading.Lock()

    def is_healthy(self) -> bool:
        """All four components report in; needs no token."""
        try:
            health = requests.get(f"{self.base_url}/api/v2/monitor/health", timeout=5).json()
        except (requests.RequestException, ValueError):
            return False
        return all(
            (health.get(part) or {}).get("status") == "healthy"
            for part in ("metadatabase", "scheduler", "triggerer", "dag_processor")
        )

    def is_ours(self) -> bool:
        """Whether it takes our password: another Airflow may have got the port a moment before ours."""
        try:
            self._sign_in()
        except RuntimeError:
            return False
        return True

    def is_parsed(self, dag_id: str) -> bool:
        """True once the DAG is there; RuntimeError with the traceback when its file cannot be imported."""
        errors = self.get("importErrors")["import_errors"]
        if errors:
            raise RuntimeError(f"{errors[0]['filename']} cannot be imported:\n{errors[0]['stack_trace']}")
        return self._request("GET", f"dags/{dag_id}").status_code == 200

    def trigger(self, dag_id: str, conf: Mapping[str, Any], *, run_id: str | None = None) -> str:
        """Starts a manual run without an interval and returns its run id."""
        body: dict[str, Any] = {"logical_date": None, "conf": dict(conf)}
        if run_id is not None:
            body["dag_run_id"] = run_id
        return str(self.post(f"dags/{dag_id}/dagRuns", body)["dag_run_id"])

    def unpause(self, dag_id: str) -> bool:
        """Its schedule starts; False when it ran already."""
        paused = bool(self.get(f"dags/{dag_id}")["is_paused"])
        self._checked(self._request("PATCH", f"dags/{dag_id}", json={"is_paused": False}))
        return paused

    def runs(self, dag_id: str) -> list[str]:
        """The run ids, newest first."""
        answer = self.get(f"dags/{dag_id}/dagRuns", {"order_by": "-run_after", "limit": 50})
        return [str(run["dag_run_id"]) for run in answer["dag_runs"]]

    def state(self, dag_id: str, run_id: str) -> str:
        return str(self.get(f"dags/{dag_id}/dagRuns/{quote(run_id, safe='')}")["state"])

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        return list(self.get(f"dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances")["task_instances"])

    def log(self, dag_id: str, run_id: str, task: Mapping[str, Any]) -> str:
        """The text of a task instance's last try."""
        path = (
            f"dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances/{task['task_id']}/logs/{task['try_number']}"
        )
        content = self.get(path, params={"map_index": task["map_index"], "full_content": "true"})["content"]
        return "\n".join(str(line.get("event", line)) if isinstance(line, dict) else str(line) for line in content)

    def follow(
        self, dag_id: str, run_id: str, *, seconds: float, on_tick: Callable[[list[dict[str, Any]]], None] | None = None
    ) -> str:
        """The final state; TimeoutError when it is not reached in time. `on_tick` sees the tasks every second."""
        deadline = time.monotonic() + seconds
        while (state := self.state(dag_id, run_id)) not in FINISHED:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{dag_id} {run_id} is still {state} after {seconds:.0f} s")
            if on_tick is not None:
                on_tick(self.tasks(dag_id, run_id))
            time.sleep(1)
        return state

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return dict(self._checked(self._request("GET", path, params=params)).json())

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return dict(self._checked(self._request("POST", path, json=body)).json())

    def _request(self, method: str, path: str, **options: Any) -> requests.Response:
        answer = self._session.request(method, f"{self.base_url}/api/v2/{path}", timeout=30, **options)
        if answer.status_code == 401:
            self._sign_in()
            answer = self._session.request(method, f"{self.base_url}/api/v2/{path}", timeout=30, **options)
        return answer

    def _sign_in(self) -> None:
        with self._lock:
            body = {"username": self._user, "password": self._password}
            answer = self._checked(requests.post(f"{self.base_url}/auth/token", json=body, timeout=30))
            self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    @staticmethod
    def _checked(answer: requests.Response) -> requests.Response:
        if not answer.ok:
            asked = f"{answer.request.method} {answer.request.path_url}"
            raise RuntimeError(f"Airflow answered {answer.status_code} to {asked}: {answer.text[:500]}")
        return answer
