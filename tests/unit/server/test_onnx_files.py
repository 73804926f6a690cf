"""Lone ONNX files over HTTP: what is answered, what is refused, and in which words."""

from __future__ import annotations

import pytest

from ortviz.protocol.codec import decode_frame


def ask(client, **body):
    """Post a command as the browser does, with the token against forged requests."""
    token = client.cookies.get("_xsrf")
    headers = {"X-XSRFToken": token} if token else {}
    return client.post("ortviz/onnx/command", json=body, headers=headers)


@pytest.fixture
def client(client):
    client.get("lab")  # any page sets the cookie
    client.get("tree")
    assert client.cookies.get("_xsrf")
    return client


def test_a_command_is_answered_with_a_frame(client):
    answer = ask(client, path="model.onnx", id=1, command="graphs", params={})
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    payload, _ = decode_frame(answer.content)
    assert payload["first"] == {"mode": "inference", "stage": "model"}
    assert payload["stages"][0]["node_count"] == 1


def test_a_whole_path_may_be_given(client, server):
    answer = ask(client, path=str(server.root / "model.onnx"), command="run", params={})
    assert answer.status_code == 200, answer.text


def test_the_file_itself_goes_to_netron(client, server):
    params = {"path": "model.onnx", "mode": "inference", "stage": "model"}
    answer = client.get("ortviz/onnx/graph", params=params)
    assert answer.status_code == 200, answer.text
    assert answer.content == (server.root / "model.onnx").read_bytes()
    assert client.get("ortviz/onnx/graph", params={"path": "model.onnx"}).status_code == 400


@pytest.mark.parametrize(
    "path",
    ["../outside.ortviz", "sub/../../x.onnx", ".hidden.onnx", "no.onnx", "/", "", "a\0b", None, 7],
)
def test_what_is_no_file_is_not_found(client, path):
    answer = ask(client, path=path, id=1, command="run", params={})
    assert answer.status_code == 404
    assert answer.json()["message"]


@pytest.mark.parametrize("path", ["no_run.ortviz", "/etc/passwd"])
def test_another_kind_of_file_is_refused_without_telling_what_is_in_it(client, path):
    answer = ask(client, path=path, id=1, command="run", params={})
    assert answer.status_code == 400
    assert answer.json()["file"] is True
    assert "root:" not in answer.text
    assert "database" not in answer.text


@pytest.mark.parametrize(
    ("command", "params", "said"),
    [
        ("nonsense", {}, "nonsense"),
        ("traces", {"step": 3}, "no steps"),
        ("graph_nodes", {"mode": "training", "stage": "model"}, "inference/model"),
        (None, {}, "None"),
    ],
)
def test_what_cannot_be_answered_is_said(client, command, params, said):
    answer = ask(client, path="model.onnx", id=1, command=command, params=params)
    assert answer.status_code == 400
    assert said in answer.json()["message"]
    assert "file" not in answer.json(), "another question may be answered"


def test_strangers_and_forged_requests_get_nothing(client, server):
    body = {"path": "model.onnx", "command": "run", "params": {}}
    with server.stranger() as stranger:
        assert stranger.post("ortviz/onnx/command", json=body).status_code in (401, 403)
        found = stranger.get("ortviz/onnx/graph", params={"path": "model.onnx"})
        assert found.status_code in (302, 401, 403)
    assert client.post("ortviz/onnx/command", json=body).status_code == 403
    assert client.post("ortviz/onnx/command", content=b"[1]").status_code == 403
