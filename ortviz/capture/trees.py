"""Tensors inside the nested arguments and results of a module."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import torch

_Leaf = TypeVar("_Leaf")


def tensors_in(value: object) -> Iterator[torch.Tensor]:
    """Every tensor in nested tuples, lists, mappings and dataclasses, in order."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from tensors_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from tensors_in(item)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from tensors_in(getattr(value, field.name))


def map_tensors(value: object, change: Callable[[torch.Tensor], object]) -> object:
    """The same nest of tuples, lists and mappings with every tensor replaced.

    Other objects are passed on as they are.
    """
    return map_leaves(value, torch.Tensor, change)


def map_leaves(value: object, kind: type[_Leaf], change: Callable[[_Leaf], object]) -> object:
    """The same nest of tuples, lists and mappings with everything of one kind replaced."""
    if isinstance(value, kind):
        return change(value)
    if isinstance(value, Mapping):
        changed = {key: map_leaves(item, kind, change) for key, item in value.items()}
        return changed if type(value) is dict else _like(value, changed)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        fields: list[Any] = [map_leaves(item, kind, change) for item in value]
        return type(value)(*fields)
    if isinstance(value, (list, tuple)):
        items = [map_leaves(item, kind, change) for item in value]
        return items if isinstance(value, list) else tuple(items)
    return value


def _like(original: Mapping[object, object], changed: dict[object, object]) -> object:
    try:
        return type(original)(changed)  # type: ignore[call-arg]
    except TypeError:
        return changed


def detached_copy(tensor: torch.Tensor) -> torch.Tensor:
    """A leaf with the same values and ``requires_grad``, sharing nothing."""
    return tensor.detach().clone().requires_grad_(tensor.requires_grad)
