"""What re-running one step takes, as it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Union

from ortviz.record.keeping import RawTensor

Plain = Union[None, bool, int, float, str]
"""Arguments that are kept as they are."""

RANDOM_STATE = "random_state"
"""Name of torch's CPU generator state, uint8 (byte)."""


def argument_name(index: int) -> str:
    """Name of the index-th tensor among the arguments."""
    return f"argument/{index}"


def parameter_name(name: str) -> str:
    """Name of a parameter's values at the start of the step."""
    return f"parameter/{name}"


def buffer_name(name: str) -> str:
    """Name of a buffer's values at the start of the step."""
    return f"buffer/{name}"


def mask_name(index: int) -> str:
    """Name of the index-th dropout mask."""
    return f"mask/{index}"


def gradient_name(index: int) -> str:
    """Name of the gradient that arrived at the index-th output."""
    return f"gradient/{index}"


@dataclass(frozen=True, slots=True)
class ArgumentTree:
    """One argument of a forward, or the tuple or dict of all of them.

    Attributes:
        kind: ``tensor``, ``list``, ``tuple``, ``dict`` or ``literal``.
        tensor: Name of the tensor; empty unless it is one.
        requires_grad: Of the tensor.
        literal: The value of a literal.
        keys: Of a dict, in its order.
        items: Of a list or tuple, or the values of a dict.
    """

    kind: str
    tensor: str = ""
    requires_grad: bool = False
    literal: Plain = None
    keys: tuple[Plain, ...] = ()
    items: tuple[ArgumentTree, ...] = ()


@dataclass(frozen=True, slots=True)
class RerunRecord:
    """Everything but the tensors that re-running a step takes.

    Attributes:
        step: Number of the training forward pass, from 0.
        args: Positional arguments, a tuple.
        kwargs: Keyword arguments, a dict.
        parameters: Names in the order of ``named_parameters()``.
        buffers: Names in the order of ``named_buffers()``.
        frozen: Parameters that need no gradient.
        evaluating: Modules in evaluation mode; all others were training.
        gradients_arrived: For each of the model's flattened outputs, whether a gradient came.
        mask_count: Dropout masks that ORT drew, in graph order; None when ORT's graph drew
            nothing at random, or ORT did not run.
        ran_by_ort: Whether ORT ran the step.
        autocast: (device type, dtype) of every autocast that was on.
        thread_count: Threads that torch used for the eager side; sums may depend on it.
    """

    step: int
    args: ArgumentTree
    kwargs: ArgumentTree
    parameters: tuple[str, ...]
    buffers: tuple[str, ...]
    frozen: tuple[str, ...] = ()
    evaluating: tuple[str, ...] = ()
    gradients_arrived: tuple[bool, ...] = ()
    mask_count: int | None = None
    ran_by_ort: bool = True
    autocast: tuple[tuple[str, str], ...] = ()
    thread_count: int = 1


@dataclass(frozen=True, slots=True)
class Rerunnable:
    """A step with everything that re-running it takes.

    Attributes:
        record: What is no tensor.
        tensors: By name, as the functions of this module make them.
    """

    record: RerunRecord
    tensors: Mapping[str, RawTensor] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        """All tensors together."""
        return sum(tensor.size_bytes for tensor in self.tensors.values())
