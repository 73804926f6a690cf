"""Recorded runs over HTTP: what is answered, what is refused, and in which words."""

from __future__ import annotations

import pytest

from ortviz.protocol.codec import decode_frame


def ask(client, **body):
    """Post a command as the browser does, with the token against forged requests."""
    token = client.cookies.get("_xsrf")
    headers = {"X-XSRFToken": token} if token else {}
    return client.post("ortviz/run/command", json=body, headers=headers)


@pytest.fixture
def client(client):
    client.get("lab")  # any page sets the cookie
    client.get("tree")
    assert client.cookies.get("_xsrf")
    return client


def test_a_command_is_answered_with_a_frame(client):
    answer = ask(client, run="small.ortviz", id=1, command="run", params={})
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    payload, _ = decode_frame(answer.content)
    assert payload["name"] == "small"
    assert payload["run_id"] == "r1"


def test_a_run_may_lie_anywhere_when_its_whole_path_is_given(client, server):
    outside = server.root.parent / "outside.ortviz"
    answer = ask(client, run=str(outside), id=1, command="run", params={})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "run",
    [
        "../outside.ortviz",
        "sub/../../outside.ortviz",
        ".hidden.ortviz",
        "nothing.ortviz",
        "no_run.ortviz",
        "/etc/passwd",
        "/",
        "",
        "a\0b",
        None,
        7,
    ],
)
def test_what_is_no_run_is_not_found(client, run):
    answer = ask(client, run=run, id=1, command="run", params={})
    assert answer.status_code == 404
    assert answer.json()["message"]


@pytest.mark.parametrize(
    ("command", "params", "said"),
    [
        ("nonsense", {}, "nonsense"),
        ("traces", {}, "step"),
        ("traces", {"step": 3}, "3"),
        ("run", [], "object"),
        ("control", {"action": "pause"}, "kernel"),
        (None, {}, "None"),
    ],
)
def test_a_command_that_cannot_be_answered_says_why(client, command, params, said):
    answer = ask(client, run="small.ortviz", id=1, command=command, params=params)
    assert answer.status_code == 400
    assert said in answer.json()["message"]


def test_a_body_that_is_no_object_is_refused(client):
    token = client.cookies.get("_xsrf")
    answer = client.post("ortviz/run/command", json=[1], headers={"X-XSRFToken": token})
    assert answer.status_code == 400


def test_a_forged_request_is_refused(client):
    body = {"run": "small.ortviz", "id": 1, "command": "run", "params": {}}
    assert client.post("ortviz/run/command", json=body).status_code == 403


def test_strangers_are_refused(stranger):
    assert ask(stranger, run="small.ortviz", id=1, command="run").status_code == 403
    answer = stranger.get("ortviz/run/graph", params={"run": "small.ortviz"})
    assert answer.status_code == 403


def test_a_stage_comes_as_its_onnx_file(client, server):
    answer = client.get(
        "ortviz/run/graph",
        params={"run": "small.ortviz", "mode": "training", "stage": "execution_model"},
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.content == (server.root / "model.onnx").read_bytes()


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"run": "small.ortviz", "stage": "optimized"}, 400),
        ({"run": "small.ortviz", "mode": "sideways"}, 400),
        ({"run": "../outside.ortviz"}, 404),
        ({}, 404),
    ],
)
def test_a_graph_that_is_not_there(client, params, status):
    answer = client.get("ortviz/run/graph", params=params)
    assert answer.status_code == status
    assert answer.json()["message"]


def test_no_file_stays_open(client, server):
    """Reading leaves the folder as it was: no journal of SQLite's is left beside the run."""
    before = sorted(path.name for path in server.root.iterdir())
    for _ in range(3):
        ask(client, run="small.ortviz", id=1, command="summary", params={})
    assert sorted(path.name for path in server.root.iterdir()) == before
