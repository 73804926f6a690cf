"""Trains one family in one of many styles and notes everything that watching could disturb."""

from __future__ import annotations

import gc
import inspect
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from torch import nn
from torch.nn.modules import module as torch_module

from ortviz._compat import ensure_ortmodule
from ortviz.capture.trees import tensors_in
from tests.engine.families import Family

STEPS = 8
"""Samples steps 0 and 7 with every=7."""
HOOKS = [name for name in vars(nn.Module()) if "_hooks" in name]
GLOBAL_HOOKS = [n for n in vars(torch_module) if n.startswith("_global_") and "hook" in n]

Wrap = Callable[[nn.Module], nn.Module]


@dataclass(frozen=True)
class Style:
    """How the user trains.

    Attributes:
        keywords: The batch is passed by keyword.
        micro_batches: Backward passes for each optimiser step.
        one_backward: Their losses are summed first: several forwards, one backward.
        between: What happens between the steps.
        clip: Gradients are clipped by norm.
        hooks: The user has hooks on the ORTModule, on submodules, on outputs and of torch's own.
        set_to_none: As in ``zero_grad``.
        optimizer: Which.
        ragged: Every third batch is smaller.
        loss: As a module, as an expression, or none of the outputs but the first.
    """

    keywords: bool = False
    micro_batches: Literal[1, 2] = 1
    one_backward: bool = False
    between: Literal["nothing", "eval", "no_grad"] = "nothing"
    clip: bool = False
    hooks: bool = False
    set_to_none: bool = True
    optimizer: Literal["sgd", "adam"] = "sgd"
    ragged: bool = False
    loss: Literal["module", "expression"] = "module"


@dataclass
class Outcome:
    """Everything that could have been disturbed; tensors by name."""

    tensors: dict[str, torch.Tensor | None] = field(default_factory=dict)
    facts: dict[str, object] = field(default_factory=dict)


def outcome(family: Family, style: Style, dtype: torch.dtype, wrap: Wrap) -> Outcome:
    """Build, wrap and train; the model's weights and all draws come from one seed."""
    ensure_ortmodule()
    torch.manual_seed(3)
    random.seed(3)
    np.random.seed(3)
    model = family.build().to(dtype)
    wrapped = wrap(model)
    noted = Outcome()
    _train(family, style, dtype, wrapped, noted)
    _note_state(model, wrapped, noted)
    return noted


def _train(
    family: Family, style: Style, dtype: torch.dtype, wrapped: nn.Module, noted: Outcome
) -> None:
    trained = [p for p in wrapped.parameters() if p.requires_grad]
    optimizer = (
        torch.optim.SGD(trained, lr=0.01, momentum=0.9)
        if style.optimizer == "sgd"
        else torch.optim.Adam(trained, lr=0.003)
    )
    log: list[object] = []
    remove = _add_hooks(wrapped, log) if style.hooks else (lambda: None)
    try:
        _steps(family, style, dtype, wrapped, noted, optimizer, log)
    finally:
        remove()
    noted.facts["hooks' own state"] = log


def _steps(
    family: Family,
    style: Style,
    dtype: torch.dtype,
    wrapped: nn.Module,
    noted: Outcome,
    optimizer: torch.optim.Optimizer,
    log: list[object],
) -> None:
    generator = torch.Generator().manual_seed(5)
    criterion = nn.L1Loss()
    trained = [p for p in wrapped.parameters() if p.requires_grad]
    for step in range(STEPS):
        losses = []
        for part in range(style.micro_batches):
            batch = _batch(family, generator, dtype, smaller=style.ragged and step % 3 == 2)
            result = _call(wrapped, batch, keywords=style.keywords)
            outputs = list(tensors_in(result))
            if style.hooks and outputs[0].requires_grad:
                outputs[0].register_hook(lambda grad: log.append(repr(float(grad.sum()))))
            for index, output in enumerate(outputs):
                noted.tensors[f"output {step}.{part}.{index}"] = output.detach().clone()
                noted.facts[f"graph of output {step}.{part}.{index}"] = _graph(output)
            # A draw of the user's own between forward and backward.
            target = torch.randn(outputs[0].shape).to(dtype)
            loss = (
                criterion(outputs[0], target)
                if style.loss == "module"
                else (outputs[0] - target).square().mean()
            )
            losses.append(loss)
            if not style.one_backward:
                loss.backward()
        if style.one_backward:
            torch.stack(losses).sum().backward()
        if style.clip:
            noted.tensors[f"norm {step}"] = nn.utils.clip_grad_norm_(trained, 0.5)
        optimizer.step()
        if step < STEPS - 1:
            optimizer.zero_grad(set_to_none=style.set_to_none)
        _between(style, wrapped, batch, noted, step)


def _between(
    style: Style, wrapped: nn.Module, batch: torch.Tensor, noted: Outcome, step: int
) -> None:
    if style.between == "nothing" or step % 2:
        return
    if style.between == "eval":
        wrapped.eval()
    with torch.no_grad():
        seen = next(tensors_in(_call(wrapped, batch, keywords=style.keywords)))
    noted.tensors[f"{style.between} {step}"] = seen.clone()
    wrapped.train()


def _batch(
    family: Family, generator: torch.Generator, dtype: torch.dtype, *, smaller: bool
) -> torch.Tensor:
    batch = family.batch(generator)
    batch = batch[: max(len(batch) // 2, 2)] if smaller else batch
    return batch.to(dtype) if batch.is_floating_point() else batch


def _call(wrapped: nn.Module, batch: torch.Tensor, *, keywords: bool) -> object:
    if not keywords:
        return wrapped(batch)
    name = next(iter(inspect.signature(wrapped.module.forward).parameters))  # type: ignore[union-attr]
    return wrapped(**{name: batch})


def _graph(tensor: torch.Tensor) -> object:
    """Whether and how a tensor hangs on the autograd graph."""
    if tensor.grad_fn is None:
        return tensor.requires_grad
    parents = tuple(
        None if parent is None else type(parent).__name__
        for parent, _ in tensor.grad_fn.next_functions
    )
    return type(tensor.grad_fn).__name__, parents


def _add_hooks(wrapped: nn.Module, log: list[object]) -> Callable[[], None]:
    """The user's own hooks; each notes that it ran, some also what it saw."""

    def note(kind: str) -> Callable[..., None]:
        return lambda *seen: log.append((kind, type(seen[0]).__name__))

    handles = [
        wrapped.register_forward_pre_hook(note("pre")),
        wrapped.register_forward_hook(note("forward")),
        torch_module.register_module_forward_hook(note("global")),
    ]
    for each in list(wrapped.module.modules())[1:]:  # type: ignore[union-attr]
        handles.append(each.register_forward_hook(note("inner")))
        handles.append(each.register_full_backward_hook(note("inner backward")))
    parameter = next(p for p in wrapped.parameters() if p.requires_grad)
    handles.append(parameter.register_hook(lambda grad: log.append(repr(float(grad.norm())))))

    def remove() -> None:
        for handle in handles:
            handle.remove()

    return remove


def _note_state(model: nn.Module, wrapped: nn.Module, noted: Outcome) -> None:
    for name, parameter in model.named_parameters():
        noted.tensors[f"weight {name}"] = parameter.detach().clone()
        noted.tensors[f"grad {name}"] = None if parameter.grad is None else parameter.grad.clone()
        noted.facts[f"{name} needs a gradient"] = parameter.requires_grad
    for name, buffer in model.named_buffers():
        noted.tensors[f"buffer {name}"] = buffer.detach().clone()
    tables = {
        f"{name}.{attribute}": len(getattr(module, attribute))
        for name, module in (*model.named_modules(), ("ORTModule", wrapped))
        for attribute in HOOKS
    }
    tables |= {name: len(getattr(torch_module, name) or ()) for name in GLOBAL_HOOKS}
    noted.facts["hook tables"] = tables
    noted.facts["modes"] = [module.training for module in model.modules()]
    noted.facts["attributes"] = sorted(name for m in model.modules() for name in vars(m))
    noted.facts["threads"] = torch.get_num_threads()
    noted.facts["grad mode"] = torch.is_grad_enabled()
    noted.facts["autocast"] = (torch.is_autocast_enabled("cpu"), torch.is_autocast_cache_enabled())
    noted.facts["collector"] = (gc.isenabled(), gc.get_threshold())
    noted.tensors["torch's generator"] = torch.get_rng_state()
    noted.facts["Python's generator"] = random.getstate()
    noted.facts["numpy's generator"] = np.random.get_state()[1].tolist()
    noted.tensors["ORT's generator"] = ort_draw()


@lru_cache(maxsize=1)
def _drawing() -> nn.Module:
    module = nn.Sequential(nn.Linear(1, 64, bias=False), nn.Dropout(0.5))
    return ensure_ortmodule().ORTModule(module)


def ort_draw() -> torch.Tensor:
    """What ORT's one generator for Dropout, which cannot be read, gives next."""
    return _drawing()(torch.ones(4, 1)).detach() != 0
