"""What each module call of the shadow was given, so that it can be called again on its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch

from ortviz.capture.trees import map_leaves, map_tensors, tensors_in

TensorKey = tuple[int, int]
"""(id, version): one state of one tensor object, valid while the object lives."""


def tensor_key(tensor: torch.Tensor) -> TensorKey:
    """The key of a tensor as it is now."""
    return id(tensor), tensor._version


# Not frozen: every call of a sampled step makes some, and a frozen one takes three times as long.
@dataclass(slots=True)
class CallInput:
    """One tensor that a module call was given.

    Attributes:
        shape: Its shape.
        dtype: Its dtype.
        producer: (index of the call, output index) of the module output it is; None for others.
        given: Its place among the tensors that both sides start from; None for others.
        tensor: It, detached, when operations between modules made it; None for others.
        version: Of that tensor when the call began; later code may have changed it in place.
        needs_grad: Whether it was on the autograd graph.
    """

    shape: torch.Size
    dtype: torch.dtype
    producer: tuple[int, int] | None
    given: int | None
    tensor: torch.Tensor | None
    version: int
    needs_grad: bool

    def intact(self) -> torch.Tensor | None:
        """The eager values, where they are still those of the call."""
        tensor = self.tensor
        return None if tensor is None or tensor._version != self.version else tensor


@dataclass(frozen=True, slots=True)
class _Slot:
    """Stands in the arguments where a tensor was."""

    index: int


_FIRST = _Slot(0)
_ONE_TENSOR: tuple[tuple[_Slot], dict[str, object]] = ((_FIRST,), {})


@dataclass(slots=True)
class CallArguments:
    """What one module call was given and gave back, its tensors taken out.

    Attributes:
        inputs: The tensors it was given; one that is passed twice is here once.
        begin: How many calls had returned when this one began; those that returned since then
            are inside of it.
        masks: First and last-but-one index of the dropout masks the call used, in the order of
            the step's draws.
        complete: Whether all tensors could be taken out, of the arguments and of the result.
        in_place: For each output the input that it is, changed in place; None for new tensors.
        tree: Positional and keyword arguments with markers where tensors were.
        result: What it returned, likewise.
    """

    inputs: list[CallInput] = field(default_factory=list)
    begin: int = 0
    masks: tuple[int, int] = (0, 0)
    complete: bool = True
    in_place: list[int | None] = field(default_factory=list)
    tree: object = ()
    result: object = ()
    _places: dict[int, int] = field(default_factory=dict)

    def filled(self, tensors: Sequence[torch.Tensor]) -> tuple[Sequence[object], dict[str, object]]:
        """Positional and keyword arguments with other tensors in them.

        Args:
            tensors: One per entry of ``inputs``.
        """
        tree = map_leaves(self.tree, _Slot, lambda slot: tensors[slot.index])
        assert isinstance(tree, tuple)
        return tree

    def filled_result(self, tensors: Sequence[torch.Tensor]) -> object:
        """What the call returned with other tensors in it.

        Args:
            tensors: One per output.
        """
        return map_leaves(self.result, _Slot, lambda slot: tensors[slot.index])

    def note_result(self, result: object, masks_end: int) -> None:
        """The call returned; the tensors it was given still live.

        Args:
            result: What it returned.
            masks_end: How many dropout masks were used by now.
        """
        self.masks = (self.masks[0], masks_end)
        self.in_place = []
        if isinstance(result, torch.Tensor) and id(result) not in self._places:
            self.in_place.append(None)
            self.result = _FIRST
            return

        def take(tensor: torch.Tensor) -> _Slot:
            place = self._places.get(id(tensor))
            changed = place is not None and self.inputs[place].version != tensor._version
            self.in_place.append(place if changed else None)
            return _Slot(len(self.in_place) - 1)

        self.result = map_tensors(result, take)
        self.complete &= not any(True for _ in tensors_in(self.result))


def note_arguments(
    args: Sequence[object],
    kwargs: Mapping[str, object],
    producers: Mapping[TensorKey, tuple[int, int]],
    given: Mapping[TensorKey, int],
) -> CallArguments:
    """Take the arguments of a call apart; no tensor is copied.

    Args:
        args: Positional.
        kwargs: By keyword.
        producers: Which module output each known tensor is.
        given: Which of the tensors that both sides start from.
    """
    noted = CallArguments()
    places = noted._places

    def take(tensor: torch.Tensor) -> _Slot:
        if id(tensor) not in places:
            places[id(tensor)] = len(noted.inputs)
            noted.inputs.append(_note(tensor, producers, given))
        return _Slot(places[id(tensor)])

    if len(args) == 1 and isinstance(args[0], torch.Tensor) and not kwargs:
        take(args[0])
        noted.tree = _ONE_TENSOR
        return noted
    noted.tree = map_tensors((tuple(args), dict(kwargs)), take)
    noted.complete = not any(True for _ in tensors_in(noted.tree))
    return noted


def _note(
    tensor: torch.Tensor,
    producers: Mapping[TensorKey, tuple[int, int]],
    given: Mapping[TensorKey, int],
) -> CallInput:
    key = tensor_key(tensor)
    producer, place = producers.get(key), given.get(key)
    return CallInput(
        tensor.shape,
        tensor.dtype,
        producer,
        place,
        tensor.detach() if producer is None and place is None else None,
        key[1],
        tensor.requires_grad,
    )


def tensors_taken(args: Sequence[object], kwargs: Mapping[str, object]) -> list[torch.Tensor]:
    """The tensors of a call's arguments, as :func:`note_arguments` orders them."""
    found: dict[int, torch.Tensor] = {}

    def take(tensor: torch.Tensor) -> torch.Tensor:
        return found.setdefault(id(tensor), tensor)

    map_tensors((tuple(args), dict(kwargs)), take)
    return list(found.values())
