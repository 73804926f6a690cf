"""``python -m ortviz`` is the same as ``ortviz``."""

from __future__ import annotations

import sys

from ortviz.cli import main

if __name__ == "__main__":
    sys.exit(main())
