"""The wire is what messages.py says: TypeScript's types, golden messages, every answer's shape."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest
from golden_messages import FOLDER, golden_messages

from ortviz.protocol import messages
from ortviz.protocol.codec import column_array, decode_frame
from ortviz.protocol.typescript import DEFAULT_TARGET, main

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = sorted(FOLDER.glob("*.json"))
ANSWERS = get_type_hints(messages.CommandAnswers)
BYTES = {"float64": 8, "float32": 4, "int32": 4, "uint8": 1}


def test_typescript_is_up_to_date():
    assert main(["--check", str(ROOT / DEFAULT_TARGET)]) == 0


def test_golden_messages_are_up_to_date():
    made = golden_messages()
    committed = {path.name: path.read_text(encoding="utf-8") for path in GOLDEN}
    assert sorted(made) == sorted(committed)
    for name, text in made.items():
        assert text == committed[name], (
            f"{name} differs. Run: python tests/contract/golden/golden_messages.py"
        )


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_answers_have_the_shape_of_their_type(path):
    message = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
    if "error" in message:
        assert message["error"].endswith(".")
        return
    assert _offence(message["payload"], ANSWERS[message["command"]], "payload") == ""
    buffers = [base64.b64decode(text, validate=True) for text in message["buffers"]]
    used = [column["buffer"] for column in _columns(message["payload"])]
    assert used == list(range(len(buffers)))
    for column in _columns(message["payload"]):
        assert column_array(column, buffers).nbytes == len(buffers[column["buffer"]])


def test_every_command_has_a_golden_answer():
    answered = {json.loads(path.read_text(encoding="utf-8"))["command"] for path in GOLDEN}
    assert answered == set(get_args(messages.CommandName))


def test_golden_frame_decodes_to_its_payload():
    message = json.loads((FOLDER / "frame.json").read_text(encoding="utf-8"))
    payload, views = decode_frame(base64.b64decode(message["frame"]))
    assert payload == message["payload"]
    assert [base64.b64encode(view).decode() for view in views] == message["buffers"]


@pytest.mark.parametrize(
    ("value", "hint", "where"),
    [
        ({"step": 1, "severity": "error"}, messages.FindingMark, ""),
        ({"step": 1}, messages.FindingMark, "payload lacks severity"),
        ({"step": 1, "severity": "bad"}, messages.FindingMark, "payload.severity"),
        ({"step": True, "severity": "info"}, messages.FindingMark, "payload.step"),
        ({"step": 1, "severity": "info", "x": 1}, messages.FindingMark, "payload has x"),
        ([1, "NaN", None, "nan"], list[messages.WireFloat], "payload[3]"),
    ],
)
def test_the_check_of_shapes_can_fail(value, hint, where):
    assert _offence(value, hint, "payload").startswith(where)
    assert bool(_offence(value, hint, "payload")) == bool(where)


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def _columns(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        if value.keys() == {"buffer", "dtype", "shape"}:
            assert value["dtype"] in BYTES
            return [value]
        return [column for child in value.values() for column in _columns(child)]
    if isinstance(value, list):
        return [column for child in value for column in _columns(child)]
    return []


def _offence(value: Any, hint: Any, path: str) -> str:
    """The first place where a value is not of its type; empty when there is none."""
    if is_typeddict(hint):
        return _typed_dict_offence(value, hint, path)
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        wrong = all(_offence(value, member, path) for member in get_args(hint))
        return f"{path} is {value!r}, not {hint}" if wrong else ""
    if origin is list:
        if not isinstance(value, list):
            return f"{path} is no list"
        found = (_offence(v, get_args(hint)[0], f"{path}[{i}]") for i, v in enumerate(value))
        return next(filter(None, found), "")
    if origin is Literal:
        right = isinstance(value, str) and value in get_args(hint)
    elif hint is float:
        right = isinstance(value, (int, float)) and not isinstance(value, bool)
    else:
        right = type(value) is hint
    return "" if right else f"{path} is {value!r}, not {hint}"


def _typed_dict_offence(value: Any, hint: Any, path: str) -> str:
    hints = get_type_hints(hint)
    if not isinstance(value, dict):
        return f"{path} is no object"
    for name in hints:
        if name not in value:
            return f"{path} lacks {name}"
    for name in value:
        if name not in hints:
            return f"{path} has {name}"
    found = (_offence(value[name], hints[name], f"{path}.{name}") for name in hints)
    return next(filter(None, found), "")
