"""What re-running a step takes, noted while the step runs, and plain data made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import nn

from ortviz.capture.stats import dtype_name, host_copy
from ortviz.capture.trees import tensors_in
from ortviz.errors import CaptureError
from ortviz.record import (
    ArgumentTree,
    Direction,
    Keeping,
    RawTensor,
    Rerunnable,
    RerunRecord,
    Site,
    reruns,
)

if TYPE_CHECKING:
    import numpy as np

    from ortviz.capture.pending import PendingStep


@dataclass(slots=True)
class RerunNotes:
    """A step as it began, so that it can be run again.

    Attributes:
        args: The positional arguments, their tensors taken out.
        kwargs: The keyword arguments likewise.
        tensors: Of the arguments and the parameters, by name; copies.
        frozen: Parameters that need no gradient.
        evaluating: Modules in evaluation mode.
        random_state: torch's CPU generator before the eager side ran.
        thread_count: Threads of torch while it ran.
    """

    args: ArgumentTree
    kwargs: ArgumentTree
    tensors: dict[str, RawTensor]
    frozen: tuple[str, ...]
    evaluating: tuple[str, ...]
    random_state: torch.Tensor = field(default_factory=torch.get_rng_state)
    thread_count: int = field(default_factory=torch.get_num_threads)

    def eager_begins(self) -> None:
        """The shadow is about to run."""
        self.random_state = torch.get_rng_state()
        self.thread_count = torch.get_num_threads()


def note_step(
    module: nn.Module, args: Sequence[object], kwargs: Mapping[str, object], keeping: Keeping
) -> RerunNotes | None:
    """Copy what a step starts from; None when that is not to be kept.

    Args:
        module: The user's own module, about to run.
        args: As the user gave them.
        kwargs: Likewise.
        keeping: Says whether it is to be kept.

    Raises:
        CaptureError: An argument is neither a tensor nor plain data.
    """
    parameters = dict(module.named_parameters())
    size_bytes = sum(
        tensor.numel() * tensor.element_size()
        for tensor in (*parameters.values(), *module.buffers(), *tensors_in((args, dict(kwargs))))
    )
    if not keeping.keeps_rerun(size_bytes):
        return None
    tensors: dict[str, RawTensor] = {}
    noted = RerunNotes(
        args=_tree(tuple(args), tensors),
        kwargs=_tree(dict(kwargs), tensors),
        tensors=tensors,
        frozen=tuple(name for name, p in parameters.items() if not p.requires_grad),
        evaluating=tuple(name for name, each in module.named_modules() if not each.training),
    )
    for name, parameter in parameters.items():
        tensors[reruns.parameter_name(name)] = raw_copy(parameter)
    return noted


def rerunnable(pending: PendingStep) -> Rerunnable | None:
    """Everything that re-running a finished step takes; None when that is not to be kept."""
    noted = pending.rerun
    if noted is None:
        return None
    tensors = dict(noted.tensors)
    tensors[reruns.RANDOM_STATE] = raw_copy(noted.random_state)
    for name, buffer in pending.buffers_before.items():
        tensors[reruns.buffer_name(name)] = raw_copy(buffer)
    plan = pending.plan
    masks = plan.mask_names if plan is not None and plan.draws_random else None
    for index, name in enumerate(masks or ()):
        tensors[reruns.mask_name(index)] = raw_copy(pending.values[name])
    arrived = pending.arrived_gradients()
    for index, gradient in enumerate(arrived):
        if gradient is not None:
            tensors[reruns.gradient_name(index)] = raw_copy(gradient)
    prefix = reruns.parameter_name("")
    autocast = pending.autocast.dtypes if pending.autocast else ()
    record = RerunRecord(
        step=pending.step,
        args=noted.args,
        kwargs=noted.kwargs,
        parameters=tuple(n.removeprefix(prefix) for n in noted.tensors if n.startswith(prefix)),
        buffers=tuple(pending.buffers_before),
        frozen=noted.frozen,
        evaluating=noted.evaluating,
        gradients_arrived=tuple(gradient is not None for gradient in arrived),
        mask_count=None if masks is None else len(masks),
        ran_by_ort=not pending.fallback,
        autocast=tuple((device, dtype_name(dtype)) for device, dtype in autocast),
        thread_count=noted.thread_count,
    )
    return Rerunnable(record, tensors)


def start_values(
    module: nn.Module, inputs: Sequence[torch.Tensor], keeping: Keeping
) -> dict[str, np.ndarray]:
    """Copies of those inputs and parameters of which tensors or histograms are kept.

    Args:
        module: The user's own module, about to run.
        inputs: Tensors of the call, flattened.
        keeping: Says which.

    Returns:
        Site id -> array on the host.
    """
    found: dict[str, torch.Tensor] = {
        Site(Direction.INPUT, "", f"in{index}").id: tensor for index, tensor in enumerate(inputs)
    }
    for name, parameter in module.named_parameters():
        owner, _, local = name.rpartition(".")
        found[Site(Direction.PARAMETER, owner, local).id] = parameter
    return {
        site_id: raw_copy(tensor).values
        for site_id, tensor in found.items()
        if keeping.keeps(site_id)
    }


def raw_copy(tensor: torch.Tensor) -> RawTensor:
    """A copy on the host that shares nothing with the tensor."""
    return RawTensor(host_copy(tensor), dtype_name(tensor.dtype))


def _tree(value: object, tensors: dict[str, RawTensor]) -> ArgumentTree:
    if isinstance(value, torch.Tensor):
        name = reruns.argument_name(len(tensors))
        tensors[name] = raw_copy(value)
        return ArgumentTree("tensor", tensor=name, requires_grad=value.requires_grad)
    if value is None or isinstance(value, (bool, int, float, str)):
        return ArgumentTree("literal", literal=value)
    if type(value) in (list, tuple):
        assert isinstance(value, (list, tuple))
        items = tuple(_tree(item, tensors) for item in value)
        return ArgumentTree(type(value).__name__, items=items)
    plain_keys = (str, int, float, bool, type(None))
    if isinstance(value, Mapping) and all(isinstance(key, plain_keys) for key in value):
        items = tuple(_tree(item, tensors) for item in value.values())
        return ArgumentTree("dict", keys=tuple(value), items=items)
    raise CaptureError(
        f"This step cannot be re-run later: an argument of the model is a "
        f"{type(value).__qualname__}, which is neither a tensor nor plain data.",
        "Pass tensors, numbers, strings, and lists, tuples or dicts of them. All else is recorded.",
    )
