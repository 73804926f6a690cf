"""Watches a module that trains in plain PyTorch, where ORTModule cannot be used."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import nn

from ortviz.capture.model_info import describe_run
from ortviz.capture.observer import StepObserver
from ortviz.capture.pending import PendingStep
from ortviz.capture.wrap import check_wrappable
from ortviz.record import Keeping, KeepRules, Sink


class EagerWatch:
    """Two forward hooks on the user's own module, for as long as it is open.

    Losses and the eager side are recorded; ORT's side is said to be missing.

    Args:
        model: The user's module.
        sink: Gets everything.
        name: Of the run.
        every: Recorded in the run.
        reason: Why ORTModule is not used.
        keep: What is kept of sampled steps beside statistics; recorded in the run.
        keeping: Asked at sampled steps which tensors are wanted; None when none is.

    Raises:
        WrapError: ``model`` is no module, or already wrapped.
    """

    def __init__(
        self,
        model: nn.Module,
        sink: Sink,
        *,
        name: str,
        every: int,
        reason: str,
        keep: KeepRules | None = None,
        keeping: Keeping | None = None,
    ) -> None:
        check_wrappable(model)
        self._observer = StepObserver(model, sink, None, keeping)
        self._pending: PendingStep | None = None
        self._handles = [
            model.register_forward_pre_hook(self._before, with_kwargs=True),
            model.register_forward_hook(self._after, with_kwargs=True, always_call=True),
        ]
        info = describe_run(model, name, every, "eager", reason)
        sink.started(replace(info, keep=keep or KeepRules()))

    def close(self) -> None:
        """Remove the hooks and hand over the last step."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self._observer.finish()

    def _before(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        if module.training and torch.is_grad_enabled():
            self._pending = self._observer.begin(args, kwargs)

    def _after(self, module: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
        pending, self._pending = self._pending, None
        if pending is None:
            return
        if result is None:
            self._observer.abandoned(pending)
        else:
            self._observer.returned(pending, args, kwargs, result)
