"""Commands as they come from a browser, checked before anything is looked up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

from ortviz.errors import ProtocolError
from ortviz.protocol.messages import CommandMessage, CommandName, CommandParams

MAX_POINTS = 20_000
"""Most bins one answer may be asked for; bounds the size of a message."""
MAX_COLUMNS = 2_000

MAX_SITE_ID_LENGTH = 20_000
"""Longest address of a tensor that may be asked for: names in ONNX files have no limit."""

_LARGEST_STEP = 2**31 - 1
_RANGES: dict[str, tuple[int, int]] = {
    "step": (0, _LARGEST_STEP),
    "first_step": (0, _LARGEST_STEP),
    "last_step": (0, _LARGEST_STEP),
    "rank": (0, _LARGEST_STEP),
    "chunk": (0, _LARGEST_STEP),
    "max_points": (1, MAX_POINTS),
    "max_columns": (1, MAX_COLUMNS),
}
MAX_NODES = 200_000
"""Most nodes that may be named at once."""
_SHOWN_LENGTH = 200
_MAX_LENGTHS = {"site_id": MAX_SITE_ID_LENGTH, "name": MAX_SITE_ID_LENGTH}
_LISTS = {"nodes": MAX_NODES}
_PARAMS = get_type_hints(CommandParams)


def read_command(message: object) -> CommandMessage:
    """Check a whole message from the browser.

    Raises:
        ProtocolError: It is not a command, or :func:`check_params` refuses it.
    """
    if not isinstance(message, Mapping) or message.get("type") != "command":
        raise ProtocolError(
            "A message from the browser is not a command.",
            'Commands look like {"type": "command", "id": 1, "command": "run", "params": {}}.',
        )
    number = message.get("id")
    if isinstance(number, bool) or not isinstance(number, int):
        raise ProtocolError(f"A command's id is {number!r}, not a whole number.")
    command = check_name(message.get("command"))
    params = check_params(command, message.get("params", {}))
    return {"type": "command", "id": number, "command": command, "params": params}


def check_name(command: object) -> CommandName:
    """The command's name, if there is such a command.

    Raises:
        ProtocolError: There is none; the message lists those there are.
    """
    if not isinstance(command, str) or command not in _PARAMS:
        raise ProtocolError(
            f"There is no command {command!r}.", f"The commands are {', '.join(_PARAMS)}."
        )
    return cast(CommandName, command)


def check_params(command: CommandName, params: object) -> dict[str, object]:
    """The parameters of a command, if they are what ``messages.py`` says.

    Raises:
        ProtocolError: One is missing, unknown, of the wrong type or out of range; the message
            names the command, the parameter and what it may be.
    """
    if not isinstance(params, Mapping):
        raise ProtocolError(f"The parameters of {command!r} are {params!r}, not an object.")
    shape = _PARAMS[command]
    hints = get_type_hints(shape)
    unknown = sorted(str(name) for name in params if name not in hints)
    if unknown:
        takes = f"It takes {', '.join(hints)}." if hints else "It takes none."
        raise ProtocolError(f"{command!r} has no parameter {unknown[0]!r}.", takes)
    missing = sorted(shape.__required_keys__ - set(params))
    if missing:
        raise ProtocolError(
            f"{command!r} needs the parameter {missing[0]!r}.", _expectation(missing[0], hints)
        )
    for name, value in params.items():
        if not _fits(name, value, hints[name]):
            raise ProtocolError(
                f"The parameter {name!r} of {command!r} is {_shown(value)}.",
                _expectation(name, hints),
            )
    _check_order(command, params)
    return dict(params)


def _fits(name: str, value: object, hint: Any) -> bool:
    if get_origin(hint) is Literal:
        return isinstance(value, str) and value in get_args(hint)
    if name in _MAX_LENGTHS:
        return isinstance(value, str) and 0 < len(value) <= _MAX_LENGTHS[name]
    if name in _LISTS:
        return (
            isinstance(value, list)
            and 0 < len(value) <= _LISTS[name]
            and all(type(each) is int and 0 <= each <= _LARGEST_STEP for each in value)
        )
    low, high = _RANGES[name]
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _expectation(name: str, hints: Mapping[str, Any]) -> str:
    hint = hints[name]
    if get_origin(hint) is Literal:
        return f"It is one of {', '.join(get_args(hint))}."
    if name in _MAX_LENGTHS:
        return f"It is a text of 1 to {_MAX_LENGTHS[name]} characters."
    if name in _LISTS:
        return f"It is a list of 1 to {_LISTS[name]} numbers of nodes."
    low, high = _RANGES[name]
    return f"It is a whole number from {low} to {high}."


def _shown(value: object) -> str:
    """The value, cut where it is long."""
    if isinstance(value, list) and len(value) > _SHOWN_LENGTH:
        return f"a list of {len(value)}"
    text = repr(value)
    return text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}…"


def _check_order(command: str, params: Mapping[str, object]) -> None:
    first, last = params.get("first_step"), params.get("last_step")
    if isinstance(first, int) and isinstance(last, int) and first > last:
        raise ProtocolError(
            f"{command!r} was asked for the steps {first} to {last}.",
            "The first step must not be after the last.",
        )
