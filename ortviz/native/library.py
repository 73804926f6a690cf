"""The compiled loops as Python functions; they read memory by address, whoever it belongs to."""

from __future__ import annotations

import ctypes
import functools
from pathlib import Path
from typing import Any

from ortviz._compat.check import Check, Status
from ortviz.native.build import compile_kernels, library_file

CODES = {
    "float32": 0, "float64": 1, "float16": 2, "bfloat16": 3, "int8": 4, "uint8": 5,
    "int16": 6, "uint16": 7, "int32": 8, "uint32": 9, "int64": 10, "bool": 5,
}  # fmt: skip
"""PyTorch's names of dtypes; the numbers are those of ``Code`` in ``elements.hpp``."""
_LONG = 1 << 15
"""From so many elements on other threads may run Python meanwhile. Getting the interpreter back
takes up to its switch interval of 5 ms, which a short loop is not worth."""


class Description(ctypes.Structure):
    """Of the elements of one tensor; the extremes and sums are those of the finite ones.

    Attributes:
        minimum: +inf where no element is finite.
        maximum: −inf where no element is finite.
        mean: In float64, as all sums.
        std: Population, ddof 0.
        l2_norm: Root of the sum of squares.
        zero_count: Elements equal to 0.
        nan_count: NaN.
        posinf_count: +inf.
        neginf_count: −inf.
        first_nonfinite: Position of the first NaN or ±inf in memory; −1 for none.
    """

    minimum: float
    maximum: float
    mean: float
    std: float
    l2_norm: float
    zero_count: int
    nan_count: int
    posinf_count: int
    neginf_count: int
    first_nonfinite: int

    _fields_ = [
        *((name, ctypes.c_double) for name in ("minimum", "maximum", "mean", "std", "l2_norm")),
        *((name, ctypes.c_int64) for name in ("zero_count", "nan_count", "posinf_count")),
        *((name, ctypes.c_int64) for name in ("neginf_count", "first_nonfinite")),
    ]


class Difference(ctypes.Structure):
    """How far two arrays of finite elements are apart.

    Attributes:
        error_sum: Sum of |candidate − reference|.
        max_error: The largest of these.
        scale: Largest |reference|.
        squares_reference: Sum of reference².
        squares_candidate: Sum of candidate².
        products: Sum of reference · candidate.
        worst: First position of ``max_error`` in memory; −1 when nothing differs.
        max_ulp: Largest distance in units in the last place of the dtype.
    """

    error_sum: float
    max_error: float
    scale: float
    squares_reference: float
    squares_candidate: float
    products: float
    worst: int
    max_ulp: int

    _fields_ = [
        *((name, ctypes.c_double) for name in ("error_sum", "max_error", "scale")),
        *((name, ctypes.c_double) for name in ("squares_reference", "squares_candidate")),
        ("products", ctypes.c_double),
        ("worst", ctypes.c_int64),
        ("max_ulp", ctypes.c_uint64),
    ]


class Kernels:
    """The library's functions.

    Args:
        library: A file that :func:`prepare_kernels` made.

    Raises:
        OSError: It does not load.
    """

    def __init__(self, library: Path) -> None:
        self._short = _functions(ctypes.PyDLL(str(library)))
        self._long = _functions(ctypes.CDLL(str(library)))

    def describe(self, address: int, count: int, code: int) -> Description:
        """Go through one tensor.

        Args:
            address: Of its first element; all lie one after the other.
            count: Of elements.
            code: From ``CODES``.
        """
        found = Description()
        describe, _ = self._long if count >= _LONG else self._short
        describe(address, count, code, ctypes.byref(found))
        return found

    def compare(self, reference: int, candidate: int, count: int, code: int) -> Difference | None:
        """Go through two arrays of one dtype and length.

        Args:
            reference: Address of the first element; all lie one after the other.
            candidate: Likewise.
            count: Of elements, on each side.
            code: From ``CODES``.

        Returns:
            None for a dtype other than float32 and float64, and where an element, or the sum of
            squares, is not finite.
        """
        found = Difference()
        _, compare = self._long if count >= _LONG else self._short
        refused = compare(reference, candidate, count, code, ctypes.byref(found))
        return None if refused else found


def prepare_kernels() -> str:
    """Compile the library, so that :func:`kernels` has one; takes seconds the first time.

    Returns:
        Why there will be none; empty when there is.
    """
    if kernels() is not None:
        return ""
    why_not = compile_kernels()
    kernels.cache_clear()
    if why_not or kernels() is not None:
        return why_not
    return f"{library_file()} does not load; delete its folder to have it compiled again."


@functools.cache
def kernels() -> Kernels | None:
    """The library, if it is compiled for this machine."""
    try:
        return Kernels(library_file())
    except OSError:
        return None


def check_kernels(why_not: str = "") -> Check:
    """Say whether the library is there, for the doctor.

    Args:
        why_not: What :func:`prepare_kernels` said, if it was tried.
    """
    name = "ortviz's own loops"
    if kernels() is not None:
        return Check(name, Status.OK, str(library_file()))
    return Check(
        name,
        Status.WARNING,
        "not compiled",
        why_not
        or "They are compiled at the first sampled step, which takes seconds. Without a C++ "
        "compiler torch does their work, several times slower.",
        "ortviz doctor --fix",
    )


def _functions(library: Any) -> tuple[Any, Any]:
    describe, compare = library.ortviz_describe, library.ortviz_compare
    pointer, count, code = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int32
    describe.argtypes = (pointer, count, code, pointer)
    compare.argtypes = (pointer, pointer, count, code, pointer)
    describe.restype = compare.restype = code
    return describe, compare
