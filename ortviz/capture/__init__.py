"""A live module -> records: ORT taps, the eager shadow, its hook trace, dropout replay."""

from ortviz.capture.eager import EagerWatch, wrap_eager
from ortviz.capture.wrap import check_wrappable, detach, finish, is_wrapped, wrap_module

__all__ = [
    "EagerWatch",
    "check_wrappable",
    "detach",
    "finish",
    "is_wrapped",
    "wrap_eager",
    "wrap_module",
]
