"""A live module -> records: ORT taps, the eager shadow, its hook trace, dropout replay."""

from ortviz._compat.distributed import agreed, place
from ortviz.capture.eager import EagerWatch
from ortviz.capture.wrap import check_wrappable, detach, finish, is_wrapped, wrap_module

__all__ = [
    "EagerWatch",
    "agreed",
    "check_wrappable",
    "detach",
    "finish",
    "is_wrapped",
    "place",
    "wrap_module",
]
