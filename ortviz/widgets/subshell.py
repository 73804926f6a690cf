"""Has the kernel answer a widget while a cell runs.

The kernel hands a comm's messages to the shell that published on the comm last: to the main one,
which is busy, unless something was published in the name of a subshell. So one subshell is asked
for, over the kernel's own public protocol, and the context of a message handled there is kept:
what is sent within it counts as sent by the subshell. (ipykernel 7.4 and later; others answer when
the cell has ended, as ever.)
"""

from __future__ import annotations

import contextvars
import sys
import threading
import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from comm.base_comm import BaseComm

_TARGET = "ortviz.subshell"
_WAIT_SECS = 3.0

_lock = threading.Lock()
_asked = False
_context: contextvars.Context | None = None
_arrived = threading.Event()
_comms: list[BaseComm] = []


def subshell_context() -> contextvars.Context | None:
    """The context to send in, made when first asked for; None where there are no subshells.

    Takes a tenth of a second the first time, and the subshell's thread stays with the kernel.
    """
    global _asked
    with _lock:
        if not _asked:
            _asked = True
            if _has_subshells():
                # A thread of its own, because a client cannot wait within the kernel's event loop.
                asking = threading.Thread(target=_ask, name="ortviz-subshell", daemon=True)
                asking.start()
                asking.join(_WAIT_SECS)
        return _context


def _has_subshells() -> bool:
    if "ipykernel" not in sys.modules:
        return False
    from ipykernel.kernelbase import Kernel

    if not Kernel.initialized():
        return False
    info = Kernel.instance().kernel_info
    return "kernel subshells" in info.get("supported_features", [])


def _ask() -> None:
    """Create a subshell and let it handle one message of ours."""
    from comm import get_comm_manager
    from ipykernel.connect import get_connection_file
    from jupyter_client.blocking.client import BlockingKernelClient

    client = BlockingKernelClient(connection_file=get_connection_file())
    try:
        client.load_connection_file()
        wanted = {"shell": True, "control": True, "iopub": False, "stdin": False, "hb": False}
        client.start_channels(**wanted)
        client.control_channel.send(client.session.msg("create_subshell_request", {}))
        reply: dict[str, Any] = client.get_control_msg(timeout=_WAIT_SECS)
        subshell_id = reply["content"].get("subshell_id")
        if subshell_id is None:
            return
        get_comm_manager().register_target(_TARGET, _opened)
        content = {"comm_id": uuid.uuid4().hex, "target_name": _TARGET, "data": {}}
        message = client.session.msg("comm_open", content)
        message["header"]["subshell_id"] = subshell_id
        client.shell_channel.send(message)
        _arrived.wait(_WAIT_SECS)
    except Exception:  # noqa: BLE001  (then the widget answers after the cell, as ever)
        return
    finally:
        client.stop_channels()


def _opened(comm: BaseComm, message: dict[str, Any]) -> None:
    global _context
    # Kept: a comm that is dropped says goodbye to pages that have never heard of it.
    _comms.append(comm)
    _context = contextvars.copy_context()
    _arrived.set()
