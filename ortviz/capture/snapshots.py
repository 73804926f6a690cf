"""What tensors held when they were seen, without copying those that nobody changes later."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, MutableMapping

import torch


class Snapshots:
    """Takes tensors of one eager run.

    Most tensors are written once. Copying each of them costs more than computing it: the memory
    must be fetched from the system first. So where an earlier run of the same module has shown
    that nothing is changed in place after it was seen, memory is shared, and PyTorch's own count
    of in-place changes tells at the end whether that was right.

    Args:
        share: Whether memory may be shared.
    """

    def __init__(self, *, share: bool) -> None:
        self._share = share
        self._lasting: set[int] = set()
        self._seen: list[tuple[torch.Tensor, int]] = []

    def keep_apart(self, tensors: Iterable[torch.Tensor]) -> None:
        """Note tensors that outlive the run; what shares memory with them is copied."""
        self._lasting.update(tensor.untyped_storage().data_ptr() for tensor in tensors)

    def of_result(self, tensor: torch.Tensor) -> torch.Tensor:
        """The values of a module's output as they are now.

        Only what this run has computed is shared: a tensor without a history may be state that
        the module keeps.
        """
        base = tensor if tensor._base is None else tensor._base
        return self._take(tensor, may_share=base.grad_fn is not None)

    def of_gradient(self, tensor: torch.Tensor) -> torch.Tensor:
        """The values of a gradient as they are now."""
        return self._take(tensor, may_share=True)

    @property
    def overwritten(self) -> bool:
        """Whether anything seen so far was changed in place afterwards."""
        return any(tensor._version != version for tensor, version in self._seen)

    def _take(self, tensor: torch.Tensor, *, may_share: bool) -> torch.Tensor:
        same = tensor.detach()
        self._seen.append((same, same._version))
        shared = self._share and may_share and same.layout is torch.strided
        if shared and same.untyped_storage().data_ptr() not in self._lasting:
            return same
        return same.clone()


def copy_what_shares(
    values: MutableMapping[str, torch.Tensor], others: Iterable[torch.Tensor]
) -> None:
    """Replace by copies those values whose memory overlaps that of tensors the user may change.

    Args:
        values: Changed in place.
        others: Contiguous, as ONNX Runtime's are.
    """
    spans = sorted(_span(tensor) for tensor in others)
    for name, tensor in values.items():
        start, end = _span(tensor)
        # Of the spans that begin before the end, only the last can reach beyond the start: what
        # the user gets are separate tensors.
        index = bisect_right(spans, (end - 1, end)) - 1
        if index >= 0 and start < spans[index][1] and spans[index][0] < end:
            values[name] = tensor.clone()


def _span(tensor: torch.Tensor) -> tuple[int, int]:
    start = tensor.data_ptr()
    return start, start + tensor.numel() * tensor.element_size()
