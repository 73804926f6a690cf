"""From a torch version to what it needs."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.version import InvalidVersion

from ortviz._compat import versions
from ortviz._compat.versions import Support, compat_plan

ATEN, INTEROP = "aten_op_executor", "torch_interop_utils"


@pytest.mark.parametrize(
    ("torch_version", "support", "extensions", "moved"),
    [
        ("2.3.1", Support.UNTESTED, (ATEN, INTEROP), False),
        ("2.4.0", Support.FULL, (ATEN, INTEROP), False),
        ("2.6.0+cu124", Support.FULL, (ATEN, INTEROP), False),
        ("2.7.0", Support.NO_CUSTOM_AUTOGRAD, (ATEN,), False),
        ("2.8.0", Support.NO_CUSTOM_AUTOGRAD, (ATEN,), False),
        ("2.9.0", Support.NO_CUSTOM_AUTOGRAD, (ATEN,), True),
        ("2.10.0", Support.NO_CUSTOM_AUTOGRAD, (ATEN,), True),
        ("2.13.0+cpu", Support.NO_CUSTOM_AUTOGRAD, (ATEN,), True),
        ("2.14.0.dev20261101", Support.UNTESTED, (ATEN,), True),
        ("3.0.0", Support.UNTESTED, (ATEN,), True),
    ],
)
def test_plan_of_each_version(
    torch_version: str, support: Support, extensions: tuple[str, ...], moved: bool
) -> None:
    plan = compat_plan(torch_version)
    assert plan.support is support
    assert plan.extensions == extensions
    assert plan.custom_autograd is (INTEROP in extensions)
    assert (plan.alias_torch_onnx, plan.legacy_export) == (moved, moved)


def test_what_is_no_version_is_refused() -> None:
    with pytest.raises(InvalidVersion):
        compat_plan("yesterday")


def test_torch_version_keeps_the_local_part_that_metadata_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "version.py").write_text("debug = False\n__version__ = '2.13.0+cu130'\n")
    monkeypatch.setattr(versions, "package_folder", lambda _name: tmp_path)
    monkeypatch.setattr(versions, "distribution_version", lambda _name: "2.13.0")
    assert versions.torch_version() == "2.13.0+cu130"


def test_torch_version_from_metadata_where_the_file_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "version.py").write_text("__version__ = 'not a version'\n")
    monkeypatch.setattr(versions, "package_folder", lambda _name: tmp_path)
    monkeypatch.setattr(versions, "distribution_version", lambda _name: "2.13.0")
    assert versions.torch_version() == "2.13.0"


def test_nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "package_folder", lambda _name: None)
    monkeypatch.setattr(versions, "distribution_version", lambda _name: None)
    assert versions.torch_version() is None
    assert versions.ort_training_version() is None
    assert versions.ort_extension_folder() is None


@pytest.mark.parametrize(
    ("value", "asks"), [(None, False), ("", False), ("0", False), ("1", True), ("2", True)]
)
def test_switch_for_custom_autograd(
    value: str | None, asks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(versions.AUTOGRAD_VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(versions.AUTOGRAD_VARIABLE, value)
    assert versions.asks_for_custom_autograd() is asks
