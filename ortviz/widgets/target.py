"""Makes the kernel answer JupyterLab's plugin; imports nothing before that calls."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from comm.base_comm import BaseComm

TARGET = "ortviz"


def register_target() -> None:
    """Answer comms of the target ``ortviz``; does nothing outside a kernel."""
    if "ipykernel" not in sys.modules:
        return
    from comm import get_comm_manager

    manager = get_comm_manager()
    if TARGET not in manager.targets:
        manager.register_target(TARGET, _opened)


def _opened(comm: BaseComm, message: dict[str, Any]) -> None:
    from ortviz.session.registry import runs
    from ortviz.widgets.comm import Conversation

    Conversation(comm, message, runs)
