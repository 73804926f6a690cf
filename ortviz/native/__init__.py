"""Loops over elements in C++, compiled once per machine; without them callers use torch or numpy.

A step leaves hundreds of small tensors. What each of them costs in calls of torch or numpy is
many times what its elements cost, and none of these calls gives all that is wanted in one pass.
"""

from ortviz.native.library import (
    CODES,
    Description,
    Difference,
    Kernels,
    check_kernels,
    kernels,
    prepare_kernels,
)

__all__ = [
    "CODES",
    "Description",
    "Difference",
    "Kernels",
    "check_kernels",
    "kernels",
    "prepare_kernels",
]
