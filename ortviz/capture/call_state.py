"""What a call of the model looked like, as far as the graph that is exported for it depends on it.

ORTModule exports for the call of its first step. Whether it looks again at later calls is decided
by ``ORTMODULE_SKIPCHECK_POLICY``; by default it does not. So a call is described when the graph is
exported, and at sampled steps again.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

import torch
from torch import nn

from ortviz.capture.autocast import AutocastState
from ortviz.capture.stats import dtype_name

_SHOWN = 3
Call = tuple[tuple[object, ...], Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class CallState:
    """One call.

    Attributes:
        inputs: Name or path of each input -> what it is: dtype and number of axes of a tensor,
            the type of a number, the text of a string. None is no input.
        needing_grad: Those inputs that need a gradient.
        frozen: Parameters that need none.
        evaluating: Modules in eval mode.
        autocast: Which devices autocast.
        deterministic: ``torch.use_deterministic_algorithms``.
    """

    inputs: Mapping[str, str]
    needing_grad: frozenset[str]
    frozen: frozenset[str]
    evaluating: frozenset[str]
    autocast: AutocastState
    deterministic: bool

    @classmethod
    def of(cls, module: nn.Module, call: Call) -> CallState:
        """Describe a call of the user's module as it is being made."""
        leaves = list(_inputs(module, call))
        return cls(
            inputs={path: _described(leaf) for path, leaf in leaves},
            needing_grad=frozenset(
                path
                for path, leaf in leaves
                if isinstance(leaf, torch.Tensor) and leaf.requires_grad
            ),
            frozen=frozenset(n for n, p in module.named_parameters() if not p.requires_grad),
            evaluating=evaluating(module),
            autocast=AutocastState.now(),
            deterministic=torch.are_deterministic_algorithms_enabled(),
        )


def evaluating(module: nn.Module) -> frozenset[str]:
    """Names of modules in eval mode; of a model that is itself in eval mode, all."""
    return frozenset(name for name, each in module.named_modules() if not each.training)


def checked_changes(before: CallState, after: CallState) -> list[str]:
    """Phrases for a person: what makes ORTModule build its graph or session again, if it looks."""
    phrases = _input_changes(before, after)
    phrases += _named("parameter", after.frozen - before.frozen, "no longer needs a gradient")
    phrases += _named("parameter", before.frozen - after.frozen, "needs a gradient again")
    if after.deterministic != before.deterministic:
        switch = "on" if after.deterministic else "off"
        phrases.append(f"torch.use_deterministic_algorithms was switched {switch}")
    return phrases


def graph_changes(before: CallState, after: CallState) -> list[str]:
    """Likewise: what asks for another graph, whether ORTModule ever looks at it or not."""
    phrases = _input_changes(before, after)
    phrases += _named("module", after.evaluating - before.evaluating, "was put into eval mode")
    phrases += _named("module", before.evaluating - after.evaluating, "was put into training mode")
    if before.autocast != after.autocast:
        phrases.append(
            f"autocast was {_autocast(before.autocast)} and is {_autocast(after.autocast)}"
        )
    return phrases


def _input_changes(before: CallState, after: CallState) -> list[str]:
    phrases: list[str] = []
    for path, what in after.inputs.items():
        old = before.inputs.get(path)
        if old is None:
            phrases.append(f"input {path} is new ({what})")
        elif old != what:
            phrases.append(f"input {path} was {old} and is {what}")
    phrases += [f"input {path} is gone" for path in before.inputs if path not in after.inputs]
    both = before.inputs.keys() & after.inputs.keys()
    needing = both & (after.needing_grad - before.needing_grad)
    phrases += _named("input", needing, "needs a gradient")
    no_longer = both & (before.needing_grad - after.needing_grad)
    phrases += _named("input", no_longer, "no longer needs a gradient")
    return phrases


def _inputs(module: nn.Module, call: Call) -> Iterator[tuple[str, object]]:
    args, kwargs = call
    names: list[str] = []
    for parameter in inspect.signature(module.forward).parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            names += [f"{parameter.name}[{index}]" for index in range(len(args) - len(names))]
        elif parameter.kind is not parameter.VAR_KEYWORD:
            names.append(parameter.name)
    for name, value in (*zip(names, args, strict=False), *kwargs.items()):
        yield from _leaves(name, value)


def _leaves(path: str, value: object) -> Iterator[tuple[str, object]]:
    if value is None:
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(f"{path}[{key!r}]", item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, item in enumerate(value):
            yield from _leaves(f"{path}[{index}]", item)
    else:
        yield path, value


def _described(leaf: object) -> str:
    if isinstance(leaf, torch.Tensor):
        axes = "1 axis" if leaf.dim() == 1 else f"{leaf.dim()} axes"
        return f"{dtype_name(leaf.dtype)} with {axes}"
    return repr(leaf) if isinstance(leaf, str) else type(leaf).__name__


def _autocast(state: AutocastState) -> str:
    return ", ".join(f"{dtype_name(dtype)} on {name}" for name, dtype in state.dtypes) or "off"


def _named(kind: str, names: Set[str], what: str) -> list[str]:
    shown = [name or "the model itself" for name in sorted(names)]
    phrases = [f"{kind} {name} {what}" for name in shown[:_SHOWN]]
    if len(shown) > _SHOWN:
        phrases.append(f"so did {len(shown) - _SHOWN} more")
    return phrases
