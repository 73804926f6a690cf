"""A live module -> records: ORT taps, the eager shadow, its hook trace, dropout replay."""

from ortviz._compat.distributed import agreed, place
from ortviz.capture.eager import EagerWatch
from ortviz.capture.export_only import Export, export_stages
from ortviz.capture.wrap import check_wrappable, detach, finish, is_wrapped, wrap_module

__all__ = [
    "EagerWatch",
    "Export",
    "agreed",
    "check_wrappable",
    "detach",
    "export_stages",
    "finish",
    "is_wrapped",
    "place",
    "wrap_module",
]
