"""Which raw tensors a run keeps, and the tensors themselves on their way to the file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Protocol

from ortviz.record.histograms import Histogram
from ortviz.record.steps import Side

if TYPE_CHECKING:
    import numpy as np

DEFAULT_KEEP_BYTES = 256 * 1024 * 1024
"""Budget of the kept tensors of a run, and as much again for steps that can be re-run."""
ENTRY_BYTES = 128
"""What one tensor takes in the file beside its elements, about; so that tiny ones count too."""


@dataclass(frozen=True, slots=True)
class KeepRules:
    """What of the sampled steps is kept beside statistics.

    Patterns are those of :mod:`fnmatch` on site ids: ``forward/blocks.0*``, ``*/head#*``; ``*``
    also matches dots and slashes. Upper and lower case differ.

    Attributes:
        patterns: Sites whose tensors are kept, on both sides.
        histogram_patterns: Sites whose histograms are kept, on both sides.
        reruns: Whether what re-running a step takes is kept too.
        max_bytes: Budget of the tensors in the run file, and once more of the re-runnable steps.
    """

    patterns: tuple[str, ...] = ()
    histogram_patterns: tuple[str, ...] = ()
    reruns: bool = False
    max_bytes: int = DEFAULT_KEEP_BYTES

    def keeps(self, site_id: str) -> bool:
        """Whether the tensor of this site is to be kept."""
        return _matches(site_id, self.patterns)

    @property
    def keeps_histograms(self) -> bool:
        """Whether there are histograms: of sites asked for, and of kept tensors."""
        return bool(self.patterns or self.histogram_patterns)

    def counts(self, site_id: str) -> bool:
        """Whether a histogram of this site is to be kept."""
        return _matches(site_id, self.histogram_patterns)


class Keeping(Protocol):
    """What capture asks before it copies more than a comparison takes; called every sample."""

    def keeps(self, site_id: str) -> bool:
        """Whether the values of this site are wanted, as a tensor or as a histogram."""

    def keeps_rerun(self, size_bytes: int) -> bool:
        """Whether what re-running the step takes is wanted, so large as it is."""


@dataclass(frozen=True, slots=True)
class RawTensor:
    """A tensor with its elements, on the host.

    Attributes:
        values: The elements in the tensor's shape. numpy has no bfloat16 and no float8: those
            are widened to float32, which loses nothing.
        dtype: PyTorch's name without ``torch.``, of the tensor it was.
    """

    values: np.ndarray
    dtype: str

    @property
    def size_bytes(self) -> int:
        """Elements times the size of one in the tensor's own dtype."""
        return self.values.nbytes // (2 if self.is_narrowed else 1)

    @property
    def is_narrowed(self) -> bool:
        """Whether half of each element of ``values`` only comes from widening."""
        return self.dtype == "bfloat16" and self.values.dtype == "float32"


@dataclass(frozen=True, slots=True)
class KeptTensor:
    """Where a kept tensor was seen; the elements are read when asked for.

    Attributes:
        site_id: The site's address.
        side: The side.
        dtype: PyTorch's name without ``torch.``.
        shape: Sizes of the axes.
        size_bytes: Of its elements.
    """

    site_id: str
    side: Side
    dtype: str
    shape: tuple[int, ...]
    size_bytes: int


@dataclass(frozen=True, slots=True)
class StoredHistogram:
    """A histogram and where it was seen.

    Attributes:
        site_id: The site's address.
        side: The side.
        histogram: The counts.
    """

    site_id: str
    side: Side
    histogram: Histogram


def _matches(site_id: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(site_id, pattern) for pattern in patterns)
