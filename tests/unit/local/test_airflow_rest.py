"""The REST client signs in when it must, and says what Airflow answered when it is not what was asked for."""

from typing import Any

import pytest
import responses

from local.airflow_rest import AirflowRest

pytestmark = pytest.mark.unit
URL = "http://127.0.0.1:8080"
API = f"{URL}/api/v2"


@pytest.fixture
def rest() -> AirflowRest:
    return AirflowRest(URL, "admin", "secret-of-the-page")


def health(**changes: Any) -> dict[str, Any]:
    well = {"status": "healthy"}
    return {"metadatabase": well, "scheduler": well, "triggerer": well, "dag_processor": well, **changes}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (health(), True),
        (health(scheduler={"status": "unhealthy"}), False),
        (health(dag_processor={"status": None}), False),
        (health(triggerer=None), False),
        ({}, False),
    ],
)
@responses.activate
def test_airflow_is_healthy_only_when_all_four_parts_are(
    rest: AirflowRest, answer: dict[str, Any], expected: bool
) -> None:
    responses.get(f"{API}/monitor/health", json=answer)
    assert rest.is_healthy() is expected


@responses.activate
def test_a_server_that_is_not_up_yet_or_answers_html_is_not_healthy(rest: AirflowRest) -> None:
    assert not rest.is_healthy()
    responses.get(f"{API}/monitor/health", body="<html>", status=200)
    assert not rest.is_healthy()


@responses.activate
def test_an_expired_token_is_renewed_once_and_the_call_made_again(rest: AirflowRest) -> None:
    responses.get(f"{API}/dags/d/dagRuns/r", status=401)
    responses.post(f"{URL}/auth/token", json={"access_token": "fresh"})
    responses.get(f"{API}/dags/d/dagRuns/r", json={"state": "running"})
    assert rest.state("d", "r") == "running"
    assert responses.calls[-1].request.headers["Authorization"] == "Bearer fresh"


@responses.activate
def test_another_airflow_on_our_port_is_not_ours(rest: AirflowRest) -> None:
    responses.post(f"{URL}/auth/token", status=401, json={"detail": "Invalid credentials"})
    assert not rest.is_ours()


@responses.activate
def test_a_dag_file_that_cannot_be_imported_is_told_with_its_traceback(rest: AirflowRest) -> None:
    broken = {"filename": "dags/x.py", "stack_trace": "NameError: nam"}
    responses.get(f"{API}/importErrors", json={"import_errors": [broken]})
    with pytest.raises(RuntimeError, match=r"dags/x\.py cannot be imported:\nNameError: nam"):
        rest.is_parsed("x")


@responses.activate
def test_a_refusal_names_the_call_and_the_answer_and_no_password(rest: AirflowRest) -> None:
    responses.post(f"{API}/dags/d/dagRuns", status=404, json={"detail": "no such DAG"})
    with pytest.raises(RuntimeError, match="404 to POST /api/v2/dags/d/dagRuns.*no such DAG") as refused:
        rest.trigger("d", {})
    assert "secret" not in str(refused.value)


@responses.activate
def test_a_run_that_does_not_end_in_time_is_given_up_with_its_state(rest: AirflowRest) -> None:
    responses.get(f"{API}/dags/d/dagRuns/manual%3A%3A1", json={"state": "queued"})
    with pytest.raises(TimeoutError, match="d manual::1 is still queued after 0 s"):
        rest.follow("d", "manual::1", seconds=0)
