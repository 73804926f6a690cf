"""What several layers of tests share: a real kernel, spoken to as a browser does."""

from __future__ import annotations

import os
import queue
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from jupyter_client.blocking.client import BlockingKernelClient
    from jupyter_client.manager import KernelManager

ROOT = Path(__file__).resolve().parents[1]
Message = dict[str, Any]


class Kernel:
    """One running kernel.

    Args:
        manager: Owns the process.
        client: Speaks to it.
    """

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager = manager
        self.client = client
        self.seen: list[Message] = []

    def start(self, code: str, *, stop_on_error: bool = True) -> str:
        """Send code without waiting; the message's identifier."""
        return self.client.execute(code, stop_on_error=stop_on_error)

    def until(self, wanted: Callable[[Message], bool], timeout_secs: float = 60.0) -> list[Message]:
        """IOPub messages up to and with the first that is wanted."""
        deadline = time.monotonic() + timeout_secs
        messages: list[Message] = []
        while time.monotonic() < deadline:
            try:
                message = self.client.get_iopub_msg(timeout=1.0)
            except queue.Empty:
                continue
            message["at"] = time.monotonic()
            messages.append(message)
            if wanted(message):
                self.seen += messages
                return messages
        raise AssertionError(f"waited in vain; came: {[m['msg_type'] for m in messages]}")

    def run(self, code: str, *, ok: bool = True, timeout_secs: float = 60.0) -> list[Message]:
        """Run a cell to its end; its messages."""
        sent = self.start(code)
        messages = self.until(lambda message: is_idle(message, sent), timeout_secs)
        reply = self.client.get_shell_msg(timeout=timeout_secs)
        while reply["parent_header"].get("msg_id") != sent:
            reply = self.client.get_shell_msg(timeout=timeout_secs)
        if ok:
            assert reply["content"]["status"] == "ok", reply["content"]
        else:
            assert reply["content"]["status"] == "error", text_of(messages)
        return messages

    def send_comm(self, kind: str, content: Message) -> str:
        """Send ``comm_open``, ``comm_msg`` or ``comm_close``."""
        message = self.client.session.msg(kind, content)
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def run_text(self, code: str, *, ok: bool = True) -> str:
        """Run a cell to its end; what a person reads below it."""
        return text_of(self.run(code, ok=ok))

    def ask(self, comm_id: str, message: Message) -> Message:
        """Send a widget's custom message and wait for the answer."""
        sent = self.send_comm(
            "comm_msg", {"comm_id": comm_id, "data": {"method": "custom", "content": message}}
        )
        messages = self.until(lambda message: is_idle(message, sent))
        return next(
            m
            for m in messages
            if m["msg_type"] == "comm_msg"
            and m["content"]["comm_id"] == comm_id
            and m["content"]["data"]["content"]["type"] != "push"
        )


def is_idle(message: Message, sent: str) -> bool:
    """Whether this says that what was sent has been dealt with."""
    return (
        message["msg_type"] == "status"
        and message["content"]["execution_state"] == "idle"
        and message["parent_header"].get("msg_id") == sent
    )


def text_of(messages: list[Message]) -> str:
    """Everything a person reads below the cell."""
    parts = []
    for message in messages:
        content = message["content"]
        if message["msg_type"] == "stream":
            parts.append(content["text"])
        elif message["msg_type"] in ("execute_result", "display_data"):
            parts.append(content["data"].get("text/plain", ""))
        elif message["msg_type"] == "error":
            parts.append("\n".join(content["traceback"]))
    return "\n".join(parts)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel whose working directory is empty."""
    from jupyter_client.manager import KernelManager

    folder = tmp_path_factory.mktemp("notebook")
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in paths if p)}
    # Frames above a cell must not be looked for in a user's own IPython profile.
    environment["IPYTHONDIR"] = str(folder / ".ipython")
    # Under pytest ipykernel gives the cell's output no file descriptor; at a user's it has one.
    environment.pop("PYTEST_CURRENT_TEST", None)
    manager = KernelManager(kernel_name="python3")
    manager.kernel_spec.argv = [  # type: ignore[union-attr]
        sys.executable,
        "-m",
        "ipykernel_launcher",
        "-f",
        "{connection_file}",
    ]
    manager.start_kernel(env=environment, cwd=str(folder))
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
