"""Runs a recorded step again, from what was kept of it: the eager side, and ORT's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from ortviz._compat import ort_private
from ortviz._compat.ort_repeat import NotRepeatableError
from ortviz.capture.assemble import assemble
from ortviz.capture.autocast import AutocastState
from ortviz.capture.model_info import callable_modules
from ortviz.capture.pending import PendingStep
from ortviz.capture.random_state import preserved_random_state
from ortviz.capture.records import SideBuilder, add_inputs, add_named
from ortviz.capture.rerun_inputs import start_values
from ortviz.capture.rerun_ort import OrtRerun, run_ort
from ortviz.capture.shadow import copy_sharing_parameters, run_backward, run_forward
from ortviz.capture.trees import tensors_in
from ortviz.errors import CaptureError, OrtvizError
from ortviz.record import (
    ArgumentTree,
    Direction,
    Level,
    RawTensor,
    Rerunnable,
    StepCapture,
    reruns,
)


@dataclass(frozen=True, slots=True)
class RerunStep:
    """A step that ran again.

    Attributes:
        capture: Records and tensors of the sides that ran.
        why_no_ort: Why ORT's side did not run again; empty when it did or was not asked for.
    """

    capture: StepCapture
    why_no_ort: str = ""


class _Everything:
    """Keeps the values of every site."""

    def keeps(self, site_id: str) -> bool:
        """Always."""
        return True

    def keeps_rerun(self, size_bytes: int) -> bool:
        """Never: it is being re-run."""
        return False


@dataclass(frozen=True, slots=True)
class _Call:
    """What a side is given.

    Attributes:
        args: Positional arguments.
        kwargs: Keyword arguments.
        masks: Dropout masks in graph order; None when ORT's graph drew nothing.
        gradients: What arrived at each output.
    """

    args: tuple[object, ...]
    kwargs: Mapping[str, object]
    masks: list[torch.Tensor] | None
    gradients: list[torch.Tensor | None]


def rerun_step(
    model: nn.Module, kept: Rerunnable, *, with_ort: bool, level: Level = Level.MODULE
) -> RerunStep:
    """Run a step again on copies of a model; the model itself is left as it is.

    Args:
        model: The user's module, an ORTModule around it, or a new one of the same architecture.
            Its weights and buffers do not matter: the recorded ones are used.
        kept: From the run file.
        with_ort: Whether ORT's side is to run too. That exports the model once more, which takes
            as long as a first training step.
        level: Which of ORT's tensors to read.

    Raises:
        CaptureError: The model is another than the one recorded, or cannot be run.
    """
    original = _original(model)
    _check_fits(original, kept)
    device = next((p.device for p in original.parameters()), torch.device("cpu"))
    with _as_recorded(kept):
        twin = recorded_twin(original, kept, device)
        call = _call(kept, device)
        pending = PendingStep(kept.record.step, sampled=True, keeping=_Everything(), fallback=True)
        pending.start = _start(twin, call)
        pending.output_gradients = list(call.gradients)
        buffers = {
            name: _tensor(kept, reruns.buffer_name(name), device) for name in kept.record.buffers
        }
        why_no_ort = ""
        if with_ort:
            ort_twin = recorded_twin(original, kept, device)
            why_no_ort = _add_ort(pending, ort_twin, kept, call, level, buffers)
        _add_eager(pending, twin, kept, call)
        capture = assemble(pending, buffers, callable_modules(twin))
    return RerunStep(capture, why_no_ort)


def recorded_twin(original: nn.Module, kept: Rerunnable, device: torch.device) -> nn.Module:
    """A copy of the user's module with the recorded weights, buffers and modes, without hooks.

    Raises:
        CaptureError: The module cannot be copied.
    """
    twin = copy_sharing_parameters(original)
    record = kept.record
    for name, parameter in twin.named_parameters():
        parameter.data = _tensor(kept, reruns.parameter_name(name), device)
        parameter.requires_grad_(name not in record.frozen)
    for name, buffer in twin.named_buffers():
        buffer.data = _tensor(kept, reruns.buffer_name(name), device)
    for name, module in twin.named_modules():
        module.training = name not in record.evaluating
    return twin


def _start(twin: nn.Module, call: _Call) -> SideBuilder:
    inputs = list(tensors_in((call.args, dict(call.kwargs))))
    start = SideBuilder()
    add_inputs(start, inputs)
    weights = {name: p.detach() for name, p in twin.named_parameters()}
    add_named(start, Direction.PARAMETER, weights, keep_values=False)
    start.values.update(start_values(twin, inputs, _Everything()))
    return start


def _add_eager(pending: PendingStep, twin: nn.Module, kept: Rerunnable, call: _Call) -> None:
    torch.set_rng_state(_tensor(kept, reruns.RANDOM_STATE, torch.device("cpu")))
    try:
        with _autocast(kept).restored():
            run = run_forward(twin, call.args, call.kwargs, call.masks)
        if run.outputs and len(call.gradients) == len(run.outputs):
            run_backward(twin, run, call.gradients)
    except Exception as error:
        raise CaptureError(
            f"Step {kept.record.step} cannot be run again: {type(error).__name__}: {error}",
            "Is the model's code the same as when it was recorded?",
        ) from error
    pending.shadow = run


def _add_ort(
    pending: PendingStep,
    twin: nn.Module,
    kept: Rerunnable,
    call: _Call,
    level: Level,
    buffers: dict[str, torch.Tensor],
) -> str:
    """Run ORT's side into ``pending`` and ``buffers``; why not, where it cannot be."""
    if not kept.record.ran_by_ort:
        return "ORTModule ran this step in eager PyTorch."
    try:
        with _autocast(kept).restored():
            result = run_ort(twin, call.args, call.kwargs, call.masks, call.gradients, level)
    except (OrtvizError, NotRepeatableError) as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - the eager side is worth having by itself
        return f"ONNX Runtime could not run it again: {type(error).__name__}: {error}"
    _fill(pending, result, kept)
    buffers.update(result.buffers)
    return ""


def _fill(pending: PendingStep, result: OrtRerun, kept: Rerunnable) -> None:
    pending.fallback = False
    pending.plan = result.plan
    pending.outputs = list(result.outputs)
    pending.values = dict(result.values)
    pending.parameter_grads = {
        name: None if name in kept.record.frozen else gradient
        for name, gradient in result.parameter_grads.items()
    }
    pending.gradient_names = result.gradient_names


def _original(model: nn.Module) -> nn.Module:
    if not isinstance(model, nn.Module):
        raise CaptureError(
            f"A step is run again with a torch.nn.Module, and this is {type(model)!r}.",
            "Pass the model that was recorded, or a new one of the same class.",
        )
    return ort_private.original_module(model) if ort_private.is_ort_module(model) else model


def _check_fits(original: nn.Module, kept: Rerunnable) -> None:
    record = kept.record
    for what, now, recorded, name_of in (
        ("parameter", original.named_parameters(), record.parameters, reruns.parameter_name),
        ("buffer", original.named_buffers(), record.buffers, reruns.buffer_name),
    ):
        shapes = {name: tuple(tensor.shape) for name, tensor in now}
        for name in recorded:
            shape = tuple(kept.tensors[name_of(name)].values.shape)
            if name not in shapes:
                raise _another_model(f"the {what} {name} {shape} that was recorded is not in it")
            if shapes[name] != shape:
                raise _another_model(f"its {what} {name} is {shapes[name]}, recorded was {shape}")
        extra = [name for name in shapes if name not in recorded]
        if extra:
            raise _another_model(f"its {what} {extra[0]} was not in the recorded one")


def _another_model(what: str) -> CaptureError:
    return CaptureError(
        f"This model is another than the one that was recorded: {what}.",
        "Pass the recorded model, or a new one built in the same way; its weights do not matter.",
    )


@contextmanager
def _as_recorded(kept: Rerunnable) -> Iterator[None]:
    """As many threads, gradients on; afterwards all, random state included, as it was."""
    threads = torch.get_num_threads()
    torch.set_num_threads(kept.record.thread_count)
    try:
        with preserved_random_state(), torch.enable_grad():
            yield
    finally:
        torch.set_num_threads(threads)


def _autocast(kept: Rerunnable) -> AutocastState:
    return AutocastState(
        tuple((device, getattr(torch, dtype)) for device, dtype in kept.record.autocast)
    )


def _call(kept: Rerunnable, device: torch.device) -> _Call:
    record = kept.record
    args = _value(record.args, kept, device)
    kwargs = _value(record.kwargs, kept, device)
    assert isinstance(args, tuple)
    assert isinstance(kwargs, dict)
    masks = None
    if record.mask_count is not None:
        masks = [_tensor(kept, reruns.mask_name(i), device) for i in range(record.mask_count)]
    gradients = [
        _tensor(kept, reruns.gradient_name(index), device) if arrived else None
        for index, arrived in enumerate(record.gradients_arrived)
    ]
    return _Call(args, kwargs, masks, gradients)


def _value(tree: ArgumentTree, kept: Rerunnable, device: torch.device) -> object:
    if tree.kind == "tensor":
        return _tensor(kept, tree.tensor, device).requires_grad_(tree.requires_grad)
    if tree.kind == "literal":
        return tree.literal
    items = [_value(item, kept, device) for item in tree.items]
    if tree.kind == "dict":
        return dict(zip(tree.keys, items, strict=True))
    return items if tree.kind == "list" else tuple(items)


def _tensor(kept: Rerunnable, name: str, device: torch.device) -> torch.Tensor:
    """A recorded tensor in its own dtype, on a device; it belongs to the caller."""
    raw: RawTensor = kept.tensors[name]
    dtype: torch.dtype = getattr(torch, raw.dtype)
    return torch.from_numpy(raw.values).clone().to(device=device, dtype=dtype)
