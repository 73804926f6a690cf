"""Scalars, columns and names of the wire.

Two rules make every message plain JSON plus binary buffers:

* A scalar that may be NaN or infinite is a :data:`WireFloat`: non-finite values are the strings
  ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``.
* A long array is a :class:`Column`: its bytes are the buffer of that number, little-endian and
  C-contiguous; floats in it may be non-finite.
"""

from __future__ import annotations

from typing import Literal, TypedDict, Union

WireFloat = Union[float, Literal["NaN", "Infinity", "-Infinity"], None]
ColumnDtype = Literal["float64", "float32", "int32", "uint8"]
SideName = Literal["reference", "candidate"]
ModeName = Literal["training", "inference"]
StageName = Literal[
    "torch_exported",
    "post_processed",
    "optimized_pre_grad",
    "optimized",
    "execution_model",
    "model",
]
"""ORTModule's five in order; ``model`` is a graph of a lone ONNX file, which is none of them."""
LossName = Literal["mae", "mape", "smape", "user"]
MaskedLossName = Literal["mape", "smape"]
SeverityName = Literal["error", "warning", "info"]
VerdictName = Literal["equal", "rounding", "divergent", "not_comparable"]
OriginName = Literal["here", "inherited", "unknown"]
ViewName = Literal["losses", "graph", "traces", "gradients", "findings"]
StatusName = Literal["waiting", "live", "paused", "ended"]
SiteStatusName = Literal["captured", "fused_away", "never_called", "no_gradient", "not_captured"]
DirectionName = Literal["input", "forward", "backward", "parameter_grad", "parameter", "buffer"]
NonfiniteName = Literal["NaN", "Infinity", "-Infinity"]


class Column(TypedDict):
    """A numeric array whose bytes travel as a binary buffer."""

    buffer: int
    dtype: ColumnDtype
    shape: list[int]
