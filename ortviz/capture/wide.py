"""The eager side once more in float64: what float32 arithmetic alone costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from ortviz.capture import shadow
from ortviz.capture.records import parameter_site
from ortviz.capture.shadow import ShadowRun
from ortviz.capture.stats import host_values
from ortviz.capture.trees import map_tensors
from ortviz.record import Direction, Site

if TYPE_CHECKING:
    import numpy as np

_aten = torch.ops.aten
_NARROW = (torch.float16, torch.bfloat16, torch.float32)


class NotWideError(ValueError):
    """The model cannot run in float64 throughout; the message says why, for a person."""


class Widening(TorchDispatchMode):
    """Makes float64 of what a model asks for in a narrower dtype: casts, and tensors from nothing.

    A model that casts for its own accuracy (a norm computed in float32) is meant to be wide.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Replace the dtype of casts, widen what has no tensor among its arguments."""
        kwargs = dict(kwargs or {})
        if func is _aten._to_copy.default and kwargs.get("dtype") in _NARROW:
            kwargs["dtype"] = torch.float64
        made = func(*args, **kwargs)
        from_nothing = not any(isinstance(each, torch.Tensor) for each in args)
        if from_nothing and isinstance(made, torch.Tensor) and made.dtype in _NARROW:
            return made.double()
        return made


def wide_values(
    twin: nn.Module,
    args: Sequence[object],
    kwargs: Mapping[str, object],
    masks: Sequence[torch.Tensor],
    gradients: Sequence[torch.Tensor | None],
) -> dict[str, np.ndarray]:
    """Run a step in float64 from the same inputs, weights, buffers and dropout masks.

    Args:
        twin: A copy of the shadow for this purpose, its buffers as before the step; widened.
        args: As the user gave them.
        kwargs: Likewise.
        masks: Dropout masks in the order in which the shadow used them.
        gradients: What arrived at each output; None where nothing did.

    Returns:
        Site id to float64 array on the host: outputs of modules, their gradients, gradients of
        parameters, and buffers; integers left out.

    Raises:
        NotWideError: The model fixes a dtype, so that some of it would not be float64.
    """
    _widen(twin)
    wide_args, wide_kwargs = (map_tensors(each, _wider) for each in (list(args), dict(kwargs)))
    assert isinstance(wide_args, list)
    assert isinstance(wide_kwargs, dict)
    try:
        run = shadow.run_forward(twin, wide_args, wide_kwargs, list(masks), mode=Widening())
        narrow = _narrow_module(run)
        if narrow is None:
            wide = [None if g is None else _wider(g) for g in gradients]
            shadow.run_backward(twin, run, wide, mode=Widening())
    except Exception as error:
        raise NotWideError(
            "Eager PyTorch did not run in float64, so part of the noise floor is not known: "
            f"{type(error).__name__}: {error}"
        ) from error
    if narrow is not None:
        raise NotWideError(
            "Eager PyTorch did not run in float64, so part of the noise floor is not known: "
            f"{narrow} fixes the dtype of its output."
        )
    return _values(run, gradients)


def _widen(module: nn.Module) -> None:
    """Parameters, buffers and plain attributes; those of the copy only."""
    module.double()
    for each in module.modules():
        for name, value in list(vars(each).items()):
            if isinstance(value, torch.Tensor) and value.dtype in _NARROW:
                setattr(each, name, value.double())


def _wider(tensor: torch.Tensor) -> torch.Tensor:
    if tensor.dtype not in _NARROW:
        return tensor.detach().clone().requires_grad_(tensor.requires_grad)
    return tensor.detach().double().requires_grad_(tensor.requires_grad)


def _narrow_module(run: ShadowRun) -> str | None:
    for call in run.trace.calls:
        if any(output.dtype in _NARROW for output in call.outputs):
            return call.module or "the model"
    return None


def _values(run: ShadowRun, gradients: Sequence[torch.Tensor | None]) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}

    def add(site: Site, tensor: torch.Tensor | None) -> None:
        if tensor is not None and tensor.is_floating_point():
            found[site.id] = host_values(tensor)

    for call in run.trace.calls:
        for slot, output in enumerate(call.outputs):
            add(Site(Direction.FORWARD, call.module, f"out{slot}", call.call), output)
            if call.module:
                site = Site(Direction.BACKWARD, call.module, f"out{slot}", call.call)
                add(site, call.gradients[slot])
    for slot, gradient in enumerate(gradients):
        wide = None if gradient is None else gradient.detach().double()
        add(Site(Direction.BACKWARD, "", f"out{slot}"), wide)
    for name, gradient in run.parameter_grads.items():
        add(parameter_site(Direction.PARAMETER_GRAD, name), gradient)
    for name, buffer in run.buffers_after.items():
        add(parameter_site(Direction.BUFFER, name), buffer)
    return found
