"""torch.autocast as the user's forward found it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch

from ortviz.capture.stats import dtype_name

_DEVICE_TYPES = ("cpu", "cuda", "xpu")


@dataclass(frozen=True, slots=True)
class AutocastState:
    """Which devices autocast, and to which dtype.

    Attributes:
        dtypes: (device type, dtype) of each that does.
    """

    dtypes: tuple[tuple[str, torch.dtype], ...]

    @classmethod
    def now(cls) -> AutocastState:
        """The state on this thread."""
        return cls(
            tuple(
                (device, torch.get_autocast_dtype(device))
                for device in _DEVICE_TYPES
                if torch.is_autocast_enabled(device)
            )
        )

    def on(self, device_type: str) -> str:
        """The dtype's name on a device type; empty where autocast is off."""
        return next((dtype_name(dtype) for name, dtype in self.dtypes if name == device_type), "")

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Run eager PyTorch under this state, whatever it is by now.

        Without autocast's cache of cast weights: the user's own would keep our copies, and ORT's
        graph is traced without it too, so that a weight that is used twice gets its gradients
        added up in the weight's dtype on both sides.
        """
        enabled = dict(self.dtypes)
        with ExitStack() as stack:
            for device in _DEVICE_TYPES:
                dtype = enabled.get(device)
                if dtype is not None or torch.is_autocast_enabled(device):
                    stack.enter_context(
                        torch.autocast(
                            device, dtype=dtype, enabled=dtype is not None, cache_enabled=False
                        )
                    )
            yield
