"""ORTModule without its silent fallback to eager PyTorch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_POLICY = "ORTMODULE_FALLBACK_POLICY"


@contextmanager
def fallback_off() -> Iterator[None]:
    """What an ORTModule that is made inside cannot do is raised, and so is what stops a forward."""
    before = os.environ.get(_POLICY)
    os.environ[_POLICY] = "FALLBACK_DISABLE"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_POLICY]
        else:
            os.environ[_POLICY] = before
