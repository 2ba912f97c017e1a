"""Calls find their operation, and answers their bytes."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from sandbox.exchange import Answer, Call, Operation, Routes, to_json


def _answer(call: Call) -> Answer:
    return Answer(200)


ROUTES = Routes(
    [
        Operation("get_thing", "GET", "/things/{id}", _answer),
        Operation("list_new", "GET", "/things/new", _answer),
        Operation("act", "PUT", "/things/{id}/{action}", _answer),
        Operation("list_things", "GET", "/things", _answer),
    ],
    suffix=".json",
)


@pytest.mark.parametrize(
    ("method", "path", "name", "params"),
    [
        ("GET", "/things/7", "get_thing", {"id": "7"}),
        ("GET", "/things/new", "list_new", {}),
        ("GET", "/things/a%2Fb%20c", "get_thing", {"id": "a/b c"}),
        ("GET", "/things/7.json", "get_thing", {"id": "7"}),
        ("GET", "/things.json", "list_things", {}),
        ("PUT", "/things/7/void", "act", {"id": "7", "action": "void"}),
    ],
)
def test_a_path_finds_its_operation_and_literal_paths_win(
    method: str, path: str, name: str, params: dict[str, str]
) -> None:
    operation, found, allowed = ROUTES.find(method, path)
    assert operation is not None
    assert (operation.name, found, allowed) == (name, params, [])


def test_a_wrong_method_says_which_there_are_and_an_unknown_path_has_none() -> None:
    assert ROUTES.find("DELETE", "/things/7") == (None, {}, ["GET"])
    assert ROUTES.find("GET", "/nothings") == (None, {}, [])
    assert ROUTES.find("GET", "/things/7/void/more") == (None, {}, [])


def test_decimals_leave_as_json_numbers_and_text_stays_text() -> None:
    document = {"price": Decimal("39.98"), "count": Decimal(4), "text": "39.90"}
    assert to_json(document) == b'{"price":39.98,"count":4,"text":"39.90"}'


def test_what_has_no_json_form_is_refused_rather_than_guessed() -> None:
    with pytest.raises(TypeError, match="set has no JSON form"):
        to_json({"tags": {"a"}})


def test_a_call_reads_its_body_as_json_or_form() -> None:
    call = Call("POST", "/", [("a", "1"), ("a", "2")], {}, b'{"n": 1}')
    assert call.json() == {"n": 1}
    assert call.argument("a") == "1"
    assert call.argument("b") is None
    assert Call("POST", "/", [], {}, b"  ").json() is None
    assert Call("POST", "/", [], {}, b"a=1&b=").form() == {"a": "1", "b": ""}
    with pytest.raises(json.JSONDecodeError):
        Call("POST", "/", [], {}, b"{").json()
