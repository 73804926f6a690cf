"""The only place that touches private API of torch or ONNX Runtime.

Importing this package imports neither; :func:`ensure_ortmodule` does.
"""

from __future__ import annotations

from ortviz._compat.ortmodule import OrtModuleApi, ensure_ortmodule
from ortviz._compat.progress import BuildProgress, ProgressSink

__all__ = ["BuildProgress", "OrtModuleApi", "ProgressSink", "ensure_ortmodule"]
