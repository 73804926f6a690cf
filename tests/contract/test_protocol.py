"""TypeScript's types are what messages.py says."""

from __future__ import annotations

from pathlib import Path

from ortviz.protocol.typescript import DEFAULT_TARGET, main

ROOT = Path(__file__).resolve().parents[2]


def test_typescript_is_up_to_date():
    assert main(["--check", str(ROOT / DEFAULT_TARGET)]) == 0
