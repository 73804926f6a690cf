"""Distributions that overwrite each other, made of real metadata folders."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ortviz._compat import clash
from ortviz._compat.checks_packages import check_onnxruntimes, check_ort_version
from ortviz._compat.clash import clash_sentence, installed_onnxruntimes


def install(site: Path, name: str, version: str) -> None:
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which distributions are looked for."""
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    return tmp_path


def test_nothing_installed(site: Path) -> None:
    assert installed_onnxruntimes() == {}
    check = check_onnxruntimes()
    assert (check.status, check.found) == ("error", "none")
    assert "onnxruntime-training-cpu==1.19.2" in check.remedy_command
    assert check_ort_version().status == "error"


def test_one_training_package_is_fine(site: Path) -> None:
    install(site, "onnxruntime-training-cpu", "1.19.2")
    assert clash_sentence(installed_onnxruntimes()) is None
    assert check_onnxruntimes().status == "ok"
    assert check_ort_version().status == "ok"


def test_plain_onnxruntime_cannot_train(site: Path) -> None:
    install(site, "onnxruntime", "1.23.0")
    assert clash_sentence(installed_onnxruntimes()) is None
    check = check_onnxruntimes()
    assert check.status == "error"
    assert "cannot train" in check.meaning
    assert "uninstall -y onnxruntime &&" in check.remedy_command


@pytest.mark.parametrize(
    "names",
    [
        ("onnxruntime", "onnxruntime-training-cpu"),
        ("onnxruntime-gpu", "onnxruntime-training"),
        ("onnxruntime-training", "onnxruntime-training-cpu"),
        ("onnxruntime", "onnxruntime-training", "onnxruntime-training-cpu"),
    ],
)
def test_two_of_them_clash_and_the_command_names_all(site: Path, names: tuple[str, ...]) -> None:
    for name in names:
        install(site, name, "1.19.2")
    check = check_onnxruntimes()
    assert check.status == "error"
    for name in names:
        assert f"{name} 1.19.2" in check.meaning
        assert name in check.remedy_command
    assert "pip install --no-deps onnxruntime-training" in check.remedy_command


@pytest.mark.parametrize(("gpu", "kept"), [(True, "training==1.19.2"), (False, "cpu==1.19.2")])
def test_the_gpu_package_is_kept_only_where_there_is_a_driver(
    gpu: bool, kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clash.Path, "exists", lambda _path: gpu)
    installed = {"onnxruntime-training": "1.19.2", "onnxruntime-training-cpu": "1.19.2"}
    found = clash_sentence(installed)
    assert found is not None
    assert found.command.endswith(kept)


def test_an_older_training_package_is_a_warning(site: Path) -> None:
    install(site, "onnxruntime-training-cpu", "1.18.0")
    check = check_ort_version()
    assert check.status == "warning"
    assert check.remedy_command.endswith("onnxruntime-training-cpu==1.19.2")
