"""Looking at a run needs neither torch nor ONNX Runtime, so these rooms never import them."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Runs alone, because the tests' own process may have loaded torch already.
SCRIPT = """
import importlib, pkgutil, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "onnxruntime"):
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocked())
room = importlib.import_module(sys.argv[1])
names = [m.name for m in pkgutil.walk_packages(room.__path__, room.__name__ + ".")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


@pytest.mark.parametrize("room", ["record", "compare", "findings", "views", "protocol"])
def test_room_loads_without_torch_and_onnxruntime(room):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, f"ortviz.{room}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0


def test_the_blocker_blocks():
    script = SCRIPT.replace("print(", "import torch\nprint(")
    done = subprocess.run(
        [sys.executable, "-c", script, "ortviz.compare"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "torch is blocked" in done.stderr
