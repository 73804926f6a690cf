"""One message from a browser in, one answer out, whatever carries them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, Union

from ortviz.errors import OrtvizError
from ortviz.protocol.messages import ErrorMessage, ReplyMessage
from ortviz.protocol.validate import read_command

Answer = Union[ReplyMessage, ErrorMessage]


class Answering(Protocol):
    """Who knows the answers: a ``Run``, or ``graph_files.GraphFiles``."""

    def answer(self, command: str, params: Mapping[str, object]) -> tuple[object, list[bytes]]:
        """The payload and the buffers of one command; raises OrtvizError with a sentence."""


def reply(answers: Answering, message: object) -> tuple[Answer, list[bytes]]:
    """Answer a command. Never raises: what goes wrong is the answer.

    Args:
        answers: What the browser looks at.
        message: A ``CommandMessage``, not yet checked.

    Returns:
        The answer with the command's id (−1 when it has none) and its buffers.
    """
    number = message.get("id", -1) if isinstance(message, Mapping) else -1
    try:
        command = read_command(message)
        payload, buffers = answers.answer(command["command"], command["params"])
    except OrtvizError as error:
        return {"type": "error", "id": number, "message": str(error)}, []
    except Exception as error:  # noqa: BLE001  (a view that fails must not break the cell)
        what = f"ortviz could not answer: {type(error).__name__}: {error}"
        return {"type": "error", "id": number, "message": what}, []
    return {"type": "reply", "id": command["id"], "payload": payload}, buffers
