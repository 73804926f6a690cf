"""Copies of a watched ORTModule: independent ORTModules that nobody watches.

ORTModule 1.19.2 cannot be copied or pickled on a machine without a GPU (``KeyError:
'_torch_alloc'``), and what it would copy, sessions and graphs, is made anew in the first step
anyway. So a copy is a new ORTModule around a copy of the user's own module. The run stays with
the model that is being recorded.
"""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable
from typing import Any

from torch import nn

from ortviz._compat import ensure_ortmodule, ort_private

Hooks = dict[str, object]


def make_copyable(ort_module: nn.Module, log_level: str) -> None:
    """Let ``copy.deepcopy``, ``pickle`` and ``torch.save`` work on an ORTModule.

    The copy's weights, buffers, mode, hooks and the user's methods are those of the original; it
    exports in its own first step. To read a pickle, ortviz must be installed.

    Args:
        ort_module: Changed through its ``__dict__``, since ORTModule's ``__setattr__`` writes to
            the user's module.
        log_level: Name of ORTModule's log level, which the copy takes over.
    """
    reference = weakref.ref(ort_module)

    def deepcopy(memo: dict[int, object]) -> nn.Module:
        original = _alive(reference)
        parts = copy.deepcopy((ort_private.original_module(original), _hooks(original)), memo)
        copied = rebuilt(*parts, original.training, log_level)
        memo[id(original)] = copied
        return copied

    def reduce_ex(protocol: object) -> tuple[Callable[..., nn.Module], tuple[Any, ...]]:
        original = _alive(reference)
        module = ort_private.original_module(original)
        return rebuilt, (module, _hooks(original), original.training, log_level)

    ort_module.__dict__["__deepcopy__"] = deepcopy
    ort_module.__dict__["__reduce_ex__"] = reduce_ex


def rebuilt(module: nn.Module, hooks: Hooks, training: bool, log_level: str) -> nn.Module:
    """Build the ORTModule that a copy or a pickle stands for.

    Args:
        module: The user's own module, already copied.
        hooks: The ORTModule's own tables of hooks, by attribute.
        training: Its mode; submodules keep theirs.
        log_level: Name of ORTModule's log level.

    Raises:
        EnvironmentProblem: ORTModule cannot be used here.
    """
    api = ensure_ortmodule()
    modes = [(each, each.training) for each in module.modules()]
    made: nn.Module = api.ORTModule(module, api.DebugOptions(log_level=api.LogLevel[log_level]))
    made.__dict__.update(hooks)
    made.__dict__["training"] = training
    # ORTModule puts every submodule into the mode of the outermost one.
    for each, mode in modes:
        each.training = mode
    make_copyable(made, log_level)
    return made


def _hooks(ort_module: nn.Module) -> Hooks:
    return {name: value for name, value in vars(ort_module).items() if "_hooks" in name}


def _alive(reference: weakref.ref[nn.Module]) -> nn.Module:
    module = reference()
    assert module is not None, "called through the module itself"
    return module
