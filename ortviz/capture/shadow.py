"""The eager twin of the user's module: same code, same weights, nothing of the user's touched."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from time import perf_counter

import torch
from torch import nn

from ortviz.capture.functions import FunctionFinder
from ortviz.capture.random_state import preserved_random_state
from ortviz.capture.replay import DropoutReplay
from ortviz.capture.trace import ShadowTrace
from ortviz.capture.trees import detached_copy, map_tensors, tensors_in
from ortviz.errors import CaptureError
from ortviz.record import FunctionCall

_NO_MODE = nullcontext()
_HOOK_ATTRIBUTES = (
    "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs",
    "_forward_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_backward_pre_hooks",
    "_backward_hooks",
)


@dataclass(slots=True)
class ShadowRun:
    """One forward of the shadow, waiting for its backward.

    Attributes:
        trace: What its hooks saw.
        outputs: Flattened tensors, still on the autograd graph.
        buffers_after: Buffers as eager PyTorch would have left them, by name.
        seconds: Wall time so far, hooks included.
        unmatched_dropout_count: Dropout draws for which ORT gave no mask.
        other_random_ops: Further random operations; not the same on both sides.
        first_draw: How many calls had returned when the first draw was made that is not the same
            on both sides; None where all are.
        parameter_grads: By name, in the order in which the backward made them; those without a
            gradient last.
        masks: Dropout masks in the order in which the forward used them.
        functions: Custom autograd Functions that were called, where they were looked for.
    """

    trace: ShadowTrace
    outputs: tuple[torch.Tensor, ...]
    buffers_after: Mapping[str, torch.Tensor]
    seconds: float
    unmatched_dropout_count: int = 0
    other_random_ops: frozenset[str] = frozenset()
    first_draw: int | None = None
    parameter_grads: Mapping[str, torch.Tensor | None] = field(default_factory=dict)
    masks: Sequence[torch.Tensor] = ()
    functions: tuple[FunctionCall, ...] = ()


class Shadow:
    """A copy of a module whose parameters share the original's storage.

    User hooks are not copied: they would run, and could keep state, without the user knowing.

    Args:
        original: The user's own module.

    Raises:
        CaptureError: The module cannot be copied.
    """

    def __init__(self, original: nn.Module) -> None:
        self._original = original
        self._module = copy_sharing_parameters(original)
        self._run_count = 0
        # Unknown before the first run, which therefore copies.
        self._changes_in_place: bool | None = None

    def forward(
        self,
        args: Sequence[object],
        kwargs: Mapping[str, object],
        buffers_before: Mapping[str, torch.Tensor],
        dropout_masks: Sequence[torch.Tensor] | None,
    ) -> ShadowRun:
        """Run the module's own forward eagerly, with hooks.

        Args:
            args: As the user gave them; copied, since eager code may change them in place.
            kwargs: Likewise.
            buffers_before: Buffers as they were when the user's step began.
            dropout_masks: ORT's masks in graph order; None when its graph draws nothing.
        """
        self._sync(buffers_before)
        # In runs 1, 2, 4, 8, …: what a model calls rarely changes, and looking costs time.
        self._run_count += 1
        share = self._changes_in_place is False
        if self._run_count & (self._run_count - 1):
            return run_forward(self._module, args, kwargs, dropout_masks, share=share)
        with FunctionFinder(self._module) as finder:
            run = run_forward(self._module, args, kwargs, dropout_masks, share=share)
        run.functions = tuple(finder.calls)
        return run

    def backward(self, run: ShadowRun, gradients: Sequence[torch.Tensor | None]) -> bool:
        """Run backward from the gradients that ORT's outputs received; fills ``run``.

        Args:
            run: From :meth:`forward`.
            gradients: One per output of ``run.outputs``; None where none arrived.

        Returns:
            Whether the run can be used: False when it changed in place what it was not expected
            to change. The next one copies.
        """
        run.trace.snapshots.keep_apart(each for each in gradients if each is not None)
        run_backward(self._module, run, gradients)
        expected, changed = self._changes_in_place, run.trace.snapshots.overwritten
        self._changes_in_place = changed or bool(expected)
        return not (changed and expected is False)

    def twin(self, buffers_before: Mapping[str, torch.Tensor]) -> nn.Module:
        """Copy the shadow, in the modes of its latest run; parameters share their storage.

        Args:
            buffers_before: The copy's buffers; copied.

        Raises:
            CaptureError: The module cannot be copied any more.
        """
        module = copy_sharing_parameters(self._module)
        for name, buffer in module.named_buffers():
            if name in buffers_before:
                buffer.data = buffers_before[name].detach().clone()
        return module

    def _sync(self, buffers_before: Mapping[str, torch.Tensor]) -> None:
        """Take over storage, buffers and modes that may have changed since the last step."""
        pairs = list(zip(self._original.parameters(), self._module.parameters(), strict=False))
        shape_changed = any(own.shape != p.shape or own.dtype != p.dtype for p, own in pairs)
        count = sum(1 for _ in self._original.parameters())
        if shape_changed or count != len(list(self._module.parameters())):
            self._module = copy_sharing_parameters(self._original)
            pairs = list(zip(self._original.parameters(), self._module.parameters(), strict=True))
        for parameter, own in pairs:
            own.data = parameter.data
            own.requires_grad_(parameter.requires_grad)
        for module, own_module in zip(
            self._original.modules(), self._module.modules(), strict=True
        ):
            own_module.training = module.training
        for name, buffer in self._module.named_buffers():
            if name in buffers_before:
                buffer.data = buffers_before[name].detach().clone()


def run_forward(
    module: nn.Module,
    args: Sequence[object],
    kwargs: Mapping[str, object],
    dropout_masks: Sequence[torch.Tensor] | None,
    *,
    share: bool = False,
    mode: AbstractContextManager[object] = _NO_MODE,
) -> ShadowRun:
    """Run a copy of the user's module eagerly, with hooks.

    Args:
        module: The copy.
        args: Copied, since eager code may change them in place.
        kwargs: Likewise.
        dropout_masks: ORT's masks in graph order; None when its graph draws nothing.
        share: See :class:`ortviz.capture.snapshots.Snapshots`.
        mode: Entered around the computation.
    """
    own_args = map_tensors(list(args), detached_copy)
    own_kwargs = map_tensors(dict(kwargs), detached_copy)
    assert isinstance(own_args, list)
    assert isinstance(own_kwargs, dict)
    given = [*tensors_in((own_args, own_kwargs)), *module.parameters(), *module.buffers()]
    replay = None if dropout_masks is None else DropoutReplay(dropout_masks)
    masks: list[torch.Tensor] = replay.used if replay else []
    begun = perf_counter()
    with (
        preserved_random_state(),
        ShadowTrace(module, given, lambda: len(masks), share=share) as trace,
        mode,
        replay or nullcontext(),
    ):
        if replay is not None:
            replay.calls = trace.calls
        result = module(*own_args, **own_kwargs)
    return ShadowRun(
        trace=trace,
        outputs=tuple(tensors_in(result)),
        buffers_after={n: b.detach().clone() for n, b in module.named_buffers()},
        seconds=perf_counter() - begun,
        unmatched_dropout_count=replay.unmatched_count if replay else 0,
        other_random_ops=frozenset(replay.other_random_ops) if replay else frozenset(),
        first_draw=replay.first_draw if replay else None,
        masks=masks,
    )


def run_backward(
    module: nn.Module,
    run: ShadowRun,
    gradients: Sequence[torch.Tensor | None],
    mode: AbstractContextManager[object] = _NO_MODE,
) -> None:
    """Run backward of a copy of the user's module; fills ``run`` and leaves no ``.grad``.

    Args:
        module: That of :func:`run_forward`.
        run: From there.
        gradients: One per output of ``run.outputs``; None where none arrived.
        mode: Entered around the computation.
    """
    begun = perf_counter()
    pairs = [
        (output, gradient.to(output.dtype))
        for output, gradient in zip(run.outputs, gradients, strict=True)
        if gradient is not None and output.requires_grad
    ]
    arrived: dict[torch.Tensor, None] = {}
    hooks = [
        parameter.register_post_accumulate_grad_hook(arrived.setdefault)
        for parameter in module.parameters()
        if parameter.requires_grad
    ]
    try:
        with preserved_random_state(), torch.enable_grad(), mode:
            if pairs:
                torch.autograd.backward([o for o, _ in pairs], [g for _, g in pairs])
    finally:
        for hook in hooks:
            hook.remove()
    names: dict[torch.Tensor, str] = {p: name for name, p in module.named_parameters()}
    in_order = [*arrived, *(parameter for parameter in names if parameter not in arrived)]
    run.parameter_grads = {names[parameter]: parameter.grad for parameter in in_order}
    for parameter in in_order:
        parameter.grad = None
    run.outputs = ()
    run.trace.no_more_gradients()
    run.seconds += perf_counter() - begun


def _computing(hooks: Mapping[int, object]) -> object:
    """A table with the hooks that belong to the computation: torch's own, and none of the user's.

    ``torch.nn.utils.weight_norm`` and ``spectral_norm`` compute the weight in a forward pre hook.
    """
    kept = {
        key: copy.deepcopy(hook)
        for key, hook in hooks.items()
        if type(hook).__module__.startswith("torch.nn.utils.")
    }
    return type(hooks)(kept)  # type: ignore[call-arg]


def copy_sharing_parameters(original: nn.Module) -> nn.Module:
    """Copy a module, user hooks left out; parameters share their storage with the original's.

    Raises:
        CaptureError: The module cannot be copied.
    """
    memo: dict[int, object] = {}
    for parameter in original.parameters():
        memo[id(parameter)] = nn.Parameter(
            parameter.detach(), requires_grad=parameter.requires_grad
        )
    for module in original.modules():
        for attribute in _HOOK_ATTRIBUTES:
            hooks = getattr(module, attribute, None)
            if hooks is not None:
                memo[id(hooks)] = _computing(hooks)
        # A tensor computed in an earlier forward cannot be deep-copied, its values can.
        for value in vars(module).values():
            if isinstance(value, torch.Tensor) and not value.is_leaf:
                memo[id(value)] = value.detach().clone()
    try:
        return copy.deepcopy(original, memo)
    except Exception as error:
        raise CaptureError(
            f"The eager side is missing: {type(original).__name__} cannot be copied "
            f"({type(error).__name__}: {error}).",
            "Make the module work with copy.deepcopy; ORT's own side is recorded meanwhile.",
        ) from error
