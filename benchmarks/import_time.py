"""``import ortviz`` and ``%load_ext ortviz`` beside ``import torch``, each in a new process."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.row import Row

RUNS = 5
LIMIT = 1 / 3

_TIMED = """
import time
{before}
began = time.perf_counter()
{statement}
print(time.perf_counter() - began)
"""
_SHELL = "from IPython.core.interactiveshell import InteractiveShell\nshell = InteractiveShell()"


def measure() -> Iterator[Row]:
    """Two rows. The processes take turns, so that a busy machine slows all of them alike."""
    cases = {
        "torch": ("", "import torch"),
        "import ortviz": ("", "import ortviz"),
        "%load_ext ortviz": (_SHELL, "shell.run_line_magic('load_ext', 'ortviz')"),
    }
    secs: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(RUNS):
        for name, (before, statement) in cases.items():
            secs[name].append(_seconds(before, statement))
    median = {name: statistics.median(values) for name, values in secs.items()}
    for name in ("import ortviz", "%load_ext ortviz"):
        yield Row(
            what=name,
            peer="import torch",
            ratio=median[name] / median["torch"],
            limit=LIMIT,
            detail=f"{median[name] * 1e3:.1f} ms against {median['torch'] * 1e3:.0f} ms, "
            f"medians of {RUNS} new processes",
        )


def _seconds(before: str, statement: str) -> float:
    code = _TIMED.format(before=before, statement=statement)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    return float(done.stdout.split()[-1])


if __name__ == "__main__":
    for row in measure():
        print(f"{row.what}: {row.ratio:.3f} of {row.peer} ({row.detail})")
