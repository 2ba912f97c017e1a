"""Login with Amazon and what a token permits: 3600 s, one role an API, 403 for everything that is not right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.tokens import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN

if TYPE_CHECKING:
    from tests.unit.sandbox.conftest import Amazon, StartAmazon


def test_the_refresh_grant_gives_a_bearer_token_for_an_hour(amazon: Amazon) -> None:
    answer = amazon.ask_token()
    body = answer.json()
    assert answer.status_code == 200
    assert body["access_token"].startswith("Atza|")
    assert (body["refresh_token"], body["token_type"], body["expires_in"]) == (REFRESH_TOKEN, "bearer", 3600)


def test_a_json_body_and_the_other_spelling_of_the_path_are_taken_too(amazon: Amazon) -> None:
    body = {"grant_type": "refresh_token", "refresh_token": REFRESH_TOKEN, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}  # fmt: skip
    assert amazon.http.post(f"{amazon.url}/auth/O2/token", json=body).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "other"}, 401, "invalid_client"),
        ({"refresh_token": "Atzr|other"}, 400, "invalid_grant"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
    ],
)
def test_a_wrong_token_request_gets_oauths_error_not_amazons_envelope(
    amazon: Amazon, changes: dict[str, str], status: int, error: str
) -> None:
    answer = amazon.ask_token(**changes)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert "errors" not in answer.json()


@pytest.mark.parametrize("headers", [{}, {"x-amz-access-token": "Atza|made-up"}, {"Authorization": "Bearer x"}])
def test_a_call_without_a_token_of_ours_is_403(amazon: Amazon, headers: dict[str, str]) -> None:
    amazon.headers = headers
    answer = amazon.transactions()
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "Unauthorized")


def test_a_token_dies_after_an_hour_of_sandbox_time_and_a_new_one_works(start_amazon: StartAmazon) -> None:
    amazon = start_amazon(speed=1)
    amazon.sign_in()
    amazon.advance(seconds=3590)
    assert amazon.transactions().status_code == 200
    amazon.advance(seconds=20)
    expired = amazon.transactions()
    assert expired.status_code == 403
    assert "expired" in expired.json()["errors"][0]["details"]
    amazon.sign_in()
    assert amazon.transactions().status_code == 200


@pytest.mark.parametrize(
    ("roles", "reconciliation", "reporting"),
    [
        (["Business Purchase Reconciliation"], 200, 403),
        (["Amazon Business Analytics"], 403, 200),
        ([], 403, 403),
    ],
)
def test_a_token_works_only_on_the_apis_whose_role_the_application_has(
    amazon: Amazon, roles: list[str], reconciliation: int, reporting: int
) -> None:
    amazon.switch(roles=roles)
    amazon.sign_in()
    assert amazon.transactions().status_code == reconciliation
    assert amazon.reports("orderReports").status_code == reporting
    assert amazon.post("/reconciliation/2021-01-08/invoices/batch/paymentDetails", {"invoiceIds": ["x"]}).status_code == reconciliation  # fmt: skip


def test_a_role_given_later_needs_a_new_token(amazon: Amazon) -> None:
    amazon.switch(roles=[])
    amazon.sign_in()
    amazon.switch(roles=["Business Purchase Reconciliation"])
    assert amazon.transactions().status_code == 403
    amazon.sign_in()
    assert amazon.transactions().status_code == 200


def test_every_answer_has_a_request_id_and_the_ordinary_ones_the_rate(amazon: Amazon) -> None:
    fine, denied = amazon.transactions(), amazon.get("/nowhere")
    assert fine.headers["x-amzn-RateLimit-Limit"] == "2.0"
    assert amazon.reports("orderReports").headers["x-amzn-RateLimit-Limit"] == "0.5"
    assert fine.headers["x-amzn-RequestId"] != denied.headers["x-amzn-RequestId"]
    assert denied.status_code == 404
    amazon.headers = {}
    assert "x-amzn-RateLimit-Limit" not in amazon.transactions().headers, "not promised on a 403"
