"""What each answer means for a read and for a write: the whole table."""

import pytest

from connectors.answers import Answer
from connectors.errors import (
    AuthError,
    ConnectorError,
    NotFound,
    NotSent,
    RejectedError,
    TransientError,
    UncertainOutcome,
    UnexpectedResponse,
)
from connectors.limits import Bucket
from connectors.operations import Operation
from connectors.outcomes import read_outcome, write_outcome
from connectors.retries import is_retried

READ = Operation("list_things", "POST", "/things", Bucket("b", 1, 1), read=True)
WRITE = Operation("create_thing", "POST", "/things", Bucket("b", 1, 1), read=False)
HTML = "the answer is an HTML page instead of JSON"

TABLE = [
    # answer, error of a read, error of a write
    (Answer(None, problem="no answer (NewConnectionError)", reached=False), TransientError, NotSent),
    (Answer(None, problem="no answer (ReadTimeout)"), TransientError, UncertainOutcome),
    (Answer(200, problem=HTML), UnexpectedResponse, UncertainOutcome),
    (Answer(302, problem="the answer is empty"), UnexpectedResponse, UncertainOutcome),
    (Answer(400, body={"errors": ["no"]}), RejectedError, RejectedError),
    (Answer(400, problem=HTML), RejectedError, RejectedError),
    (Answer(401, body={}), AuthError, AuthError),
    (Answer(403, body={}), AuthError, AuthError),
    (Answer(404, body={}), NotFound, NotFound),
    (Answer(408, body={}), RejectedError, UncertainOutcome),
    (Answer(409, body={}), RejectedError, RejectedError),
    (Answer(422, body={}), RejectedError, RejectedError),
    (Answer(429, body={}, retry_after=3.0), TransientError, NotSent),
    (Answer(500, body={}), TransientError, UncertainOutcome),
    (Answer(501, body={}), UnexpectedResponse, UncertainOutcome),
    (Answer(502, body={}), TransientError, UncertainOutcome),
    (Answer(503, body={}), TransientError, UncertainOutcome),
    (Answer(504, body={}), TransientError, UncertainOutcome),
    (Answer(520, problem=HTML), TransientError, UncertainOutcome),
]
NAMES = [
    f"{answer.status} {answer.problem or 'json'}{'' if answer.reached else ', not reached'}" for answer, *_ in TABLE
]


@pytest.mark.parametrize(("answer", "error", "_"), TABLE, ids=NAMES)
def test_what_an_answer_means_for_a_read(answer: Answer, error: type[ConnectorError], _: object) -> None:
    with pytest.raises(ConnectorError) as caught:
        read_outcome(READ, answer)
    assert type(caught.value) is error
    assert (caught.value.operation, caught.value.status) == ("list_things", answer.status)
    assert is_retried(READ, answer) is (error is TransientError)


@pytest.mark.parametrize(("answer", "_", "error"), TABLE, ids=NAMES)
def test_what_an_answer_means_for_a_write(answer: Answer, _: object, error: type[ConnectorError]) -> None:
    with pytest.raises(ConnectorError) as caught:
        write_outcome(WRITE, answer)
    assert type(caught.value) is error
    assert not is_retried(WRITE, answer)


@pytest.mark.parametrize("body", [{}, [], None, 0])
def test_a_success_is_its_body(body: object) -> None:
    assert read_outcome(READ, Answer(200, body=body)) == body
    assert write_outcome(WRITE, Answer(201, body=body)) == body


def test_the_servers_own_waiting_time_is_handed_on() -> None:
    answer = Answer(429, body={}, retry_after=3.0)
    with pytest.raises(TransientError) as read:
        read_outcome(READ, answer)
    with pytest.raises(NotSent) as write:
        write_outcome(WRITE, answer)
    assert read.value.retry_after == write.value.retry_after == 3.0


@pytest.mark.parametrize(
    ("answer", "explained"),
    [
        (Answer(404, body={"errors": [{"code": "NOT_FOUND", "message": "No such thing"}]}), True),
        (Answer(404, body={}), False),
        (Answer(404, problem=HTML), False),
    ],
)
def test_a_404_tells_whether_the_vendor_itself_said_so(answer: Answer, explained: bool) -> None:
    with pytest.raises(NotFound) as caught:
        read_outcome(READ, answer)
    assert caught.value.explained is explained
