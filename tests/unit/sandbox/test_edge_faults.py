"""Each fault does what it says, as often as asked, to the operation it names and to no other."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox.clock import SandboxClock, Timeline
from sandbox.exchange import Answer, Call, Operation, Routes
from sandbox.seed import AmazonSeed, CoupaSeed, World
from sandbox.server import Running, running
from sandbox.service import Problem, UnknownEvent
from sandbox.system import Origin, Sandbox
from sandbox.tokens import TokenStore

if TYPE_CHECKING:
    from tests.unit.sandbox.conftest import Amazon

ENVELOPES = [(500, "InternalFailure"), (503, "ServiceUnavailable"), (504, "GatewayTimeout")]


@pytest.mark.parametrize(("status", "code"), ENVELOPES)
def test_a_server_error_comes_in_the_vendors_envelope_as_often_as_asked(amazon: Amazon, status: int, code: str) -> None:
    amazon.fault("status", status=status, times=2)
    answers = [amazon.transactions() for _ in range(3)]
    assert [answer.status_code for answer in answers] == [status, status, 200]
    assert answers[0].json()["errors"][0]["code"] == code


def test_an_html_page_comes_instead_of_json(amazon: Amazon) -> None:
    amazon.fault("html", status=500)
    answer = amazon.transactions()
    assert (answer.status_code, answer.headers["Content-Type"]) == (500, "text/html; charset=utf-8")
    assert answer.text.startswith("<!DOCTYPE html>")


def test_a_429_storm_says_when_to_come_back_if_asked(amazon: Amazon) -> None:
    amazon.fault("rate_limit", times=3, retry_after=7)
    answers = [amazon.transactions() for _ in range(4)]
    assert [answer.status_code for answer in answers] == [429, 429, 429, 200]
    assert answers[0].headers["Retry-After"] == "7"


def test_an_expired_token_is_amazons_403_and_the_next_call_passes(amazon: Amazon) -> None:
    amazon.fault("expired_token")
    assert [amazon.transactions().status_code for _ in range(2)] == [403, 200]


def test_a_slow_answer_is_the_ordinary_answer_later(amazon: Amazon) -> None:
    amazon.fault("slow", seconds=0.3)
    start = time.monotonic()
    answer = amazon.transactions()
    assert answer.status_code == 200
    assert time.monotonic() - start >= 0.3


def test_skip_lets_the_first_calls_through(amazon: Amazon) -> None:
    amazon.fault("status", skip=1)
    assert [amazon.transactions().status_code for _ in range(3)] == [200, 500, 200]


def test_a_fault_meets_only_its_operation(amazon: Amazon) -> None:
    amazon.fault("status", operation="getOrderReports")
    assert amazon.transactions().status_code == 200
    assert amazon.reports("orderReports").status_code == 500


def test_a_fault_for_any_operation_meets_the_next_call_whatever_it_is(amazon: Amazon) -> None:
    amazon.fault("status", operation="*")
    assert amazon.reports("shipmentReports").status_code == 500


def test_a_malformed_answer_is_200_with_broken_json(amazon: Amazon) -> None:
    amazon.fault("malformed")
    answer = amazon.transactions()
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.text)


def test_duplicate_and_reorder_change_the_records_of_one_page(amazon: Amazon) -> None:
    amazon.fault("duplicate")
    amazon.fault("reorder")
    pages = [[row["transactionId"] for row in amazon.transactions().json()["transactions"]] for _ in range(3)]
    assert pages == [["tx-1", "tx-1", "tx-2", "tx-3"], ["tx-3", "tx-2", "tx-1"], ["tx-1", "tx-2", "tx-3"]]


def test_patch_replaces_and_removes_keys_so_that_a_token_can_repeat_or_a_field_be_missing(amazon: Amazon) -> None:
    amazon.fault("patch", patch={"nextPageToken": "again", "transactions": None})
    assert amazon.transactions().json() == {"nextPageToken": "again"}


def test_a_repeated_page_token_names_the_page_just_read(amazon: Amazon) -> None:
    amazon.switch(reconciliation_page_size=1)
    amazon.fault("repeat_token", skip=1)
    token = amazon.transactions().json()["nextPageToken"]
    assert amazon.transactions(nextPageToken=token).json()["nextPageToken"] == token


def test_cleared_faults_are_gone_and_the_met_ones_are_counted(amazon: Amazon) -> None:
    amazon.fault("status", times=5)
    amazon.transactions()
    assert amazon.control("GET", "faults").json()["met"] == 1
    assert amazon.control("DELETE", "faults").status_code == 204
    assert amazon.transactions().status_code == 200
    assert amazon.control("GET", "faults").json()["waiting"] == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"kind": "status", "operation": "getNothing"}, 400),
        ({"kind": "explode"}, 422),
        ({"kind": "status", "times": 0}, 422),
        ({"kind": "status", "tmies": 3}, 422),
    ],
)
def test_a_fault_that_could_never_act_is_refused(amazon: Amazon, body: dict[str, Any], status: int) -> None:
    assert amazon.control("POST", "faults", body).status_code == status


@dataclass
class Box:
    """A vendor with one write, so that drops around a write can be told apart."""

    service = "box"
    title = "Box"
    events: Mapping[str, str] = field(default_factory=dict)
    switches: dict[str, Any] = field(default_factory=dict)
    kept: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        put = Operation("put", "POST", "/things", self._put, write=True)
        fail = Operation("fail", "POST", "/failures", self._fail, write=True)
        self.routes = Routes([put, fail])

    def _put(self, call: Call) -> Answer:
        self.kept.append(call.json())
        return Answer(201, {"id": len(self.kept)})

    def _fail(self, call: Call) -> Answer:
        raise RuntimeError("a bug of the sandbox")

    @property
    def state(self) -> Box:
        return self

    def load(self, world: World, timeline: Timeline) -> None:
        self.kept.clear()

    def authenticate(self, call: Call, operation: Operation) -> Answer | None:
        return None

    def refuse(self, problem: Problem, call: Call, *, status: int | None = None) -> Answer:
        return Answer(status or 400, {"problem": problem.value})

    def finish(self, call: Call, operation: Operation | None, answer: Answer) -> None:
        answer.headers["x-box"] = "1"

    def snapshot(self) -> dict[str, Any]:
        return {"kept": self.kept}

    def restore(self, snapshot: dict[str, Any]) -> None:
        self.kept[:] = snapshot["kept"]

    def parts(self) -> dict[str, Any]:
        return {"kept": lambda: self.kept}

    def event(self, name: str, body: dict[str, Any]) -> Any:
        raise UnknownEvent(name)


@pytest.fixture
def box() -> Iterator[tuple[Box, Running]]:
    vendor = Box()

    def build(origin: Origin) -> World:
        return World("box", 1, datetime(2026, 1, 1, tzinfo=UTC), AmazonSeed(), CoupaSeed())

    def create(clock: SandboxClock, tokens: TokenStore) -> Box:
        return vendor

    with running(Sandbox(Origin("box"), build, [create])) as started:
        yield vendor, started


def _set(url: str, kind: str) -> None:
    assert requests.post(f"{url}/_sandbox/faults", json={"kind": kind, "operation": "put"}).status_code == 201


def test_a_connection_dropped_before_the_write_leaves_nothing_behind(box: tuple[Box, Running]) -> None:
    vendor, url = box[0], box[1].urls[0]
    _set(url, "drop_before")
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{url}/things", json={"n": 1})
    assert vendor.kept == []
    assert requests.get(f"{url}/_sandbox/calls").json()["writes_accepted"] == 0
    assert requests.get(f"{url}/_sandbox/calls").json()["by_operation"] == {"put": {"dropped": 1}}


def test_a_connection_dropped_after_the_write_has_written_and_says_nothing(box: tuple[Box, Running]) -> None:
    vendor, url = box[0], box[1].urls[0]
    _set(url, "drop_after")
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{url}/things", json={"n": 1})
    assert vendor.kept == [{"n": 1}]
    assert requests.get(f"{url}/_sandbox/calls").json()["writes"] == {"put": 1}
    assert requests.post(f"{url}/things", json={"n": 2}).json() == {"id": 2}, "the server goes on"


def test_a_server_error_after_the_write_has_written(box: tuple[Box, Running]) -> None:
    vendor, url = box[0], box[1].urls[0]
    _set(url, "status_after")
    assert requests.post(f"{url}/things", json={"n": 1}).status_code == 500
    assert vendor.kept == [{"n": 1}]
    calls = requests.get(f"{url}/_sandbox/calls").json()
    assert (calls["writes_accepted"], calls["by_status"]) == (1, {"5xx": 1})


@pytest.mark.parametrize("kind", ["slow", "slow_after"])
def test_a_client_that_gives_up_on_a_slow_write_finds_it_done(box: tuple[Box, Running], kind: str) -> None:
    vendor, url = box[0], box[1].urls[0]
    _set(url, kind)
    with pytest.raises(requests.Timeout):
        requests.post(f"{url}/things", json={"n": 1}, timeout=0.3)
    assert vendor.kept == ([] if kind == "slow" else [{"n": 1}])
    deadline = time.monotonic() + 5
    while not vendor.kept and time.monotonic() < deadline:
        time.sleep(0.05)
    assert vendor.kept == [{"n": 1}]


def test_a_bug_inside_a_handler_is_the_vendors_500_and_no_accepted_write(box: tuple[Box, Running]) -> None:
    url = box[1].urls[0]
    answer = requests.post(f"{url}/failures", json={})
    assert (answer.status_code, answer.json()) == (500, {"problem": "server error"})
    assert requests.get(f"{url}/_sandbox/calls").json()["writes_accepted"] == 0


def test_an_unknown_path_and_a_wrong_method_are_the_vendors_refusals(box: tuple[Box, Running]) -> None:
    url = box[1].urls[0]
    assert requests.get(f"{url}/nowhere").json() == {"problem": "unknown path"}
    assert requests.get(f"{url}/things").json() == {"problem": "wrong method"}
    assert requests.get(f"{url}/things").headers["x-box"] == "1"
