"""The wheel: everything in one file, installed and found by Jupyter without Node."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.wheel

ROOT = Path(__file__).resolve().parents[2]


def run(command: list[str], cwd: Path, path: str = "/usr/bin:/bin") -> str:
    """Run a command on a PATH of its own; returns what it printed on both streams."""
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "JUPYTER", "VIRTUAL_ENV"))
    }
    env |= {
        "PATH": path,
        "JUPYTER_CONFIG_DIR": str(cwd / "jc"),
        "JUPYTER_DATA_DIR": str(cwd / "jd"),
    }
    done = subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def empty_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH with nothing on it, so that neither Node nor npm can be called."""
    folder = tmp_path_factory.mktemp("path")
    assert shutil.which("node", path=str(folder)) is None
    return str(folder)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory, empty_path: str) -> Path:
    """The wheel, made from an unpacked sdist without Node."""
    assert (ROOT / "ortviz/static/widget.js").exists(), "The widget is not built: make setup"
    dist = tmp_path_factory.mktemp("dist")
    hatch = [sys.executable, "-m", "hatchling", "build"]
    run([*hatch, "-t", "sdist", "-d", str(dist)], ROOT, empty_path)
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        if sys.version_info >= (3, 12):
            archive.extractall(dist, filter="data")
        else:
            archive.extractall(dist)
    source = next(path for path in dist.iterdir() if path.is_dir())
    run([*hatch, "-t", "wheel", "-d", str(dist)], source, empty_path)
    return next(dist.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """An environment with the wheel; its dependencies are those of the environment under test."""
    folder = tmp_path_factory.mktemp("clean")
    run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], folder)
    python = folder / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps"]
    run([*pip, "--no-index", str(wheel)], folder)
    # A line of a .pth file is a folder of packages; files of that folder ending in .pth are not
    # read, so that an editable install of ortviz in it stays out.
    site = next((folder / "venv" / "lib").glob("python*/site-packages"))
    (site / "zz_dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return folder


def test_the_wheel_holds_every_part_once(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    shared = "ortviz-0.1.0.data/data/"
    for name in (
        "ortviz/static/widget.js",
        "ortviz/static/manifest.json",
        "ortviz/netron/shim.js",
        "ortviz/netron/boot.js",
        "ortviz/native/describe.cpp",
        "ortviz/native/compare.cpp",
        "ortviz/native/elements.hpp",
        f"{shared}share/jupyter/labextensions/ortviz/package.json",
        f"{shared}share/jupyter/labextensions/ortviz/install.json",
        f"{shared}etc/jupyter/jupyter_server_config.d/ortviz.json",
        "ortviz-0.1.0.dist-info/licenses/LICENSE",
    ):
        assert names.count(name) == 1, name
    remote = [name for name in names if "labextensions/ortviz/static/remoteEntry" in name]
    assert len(remote) == 1
    assert not [name for name in names if "node_modules" in name or name.startswith("tests")]
    assert not [name for name in names if name.startswith("ortviz/labextension")]


def test_ortviz_is_imported_from_the_wheel(installed):
    python = str(installed / "venv/bin/python")
    code = (
        "import sys, ortviz, ortviz.server.routes as r; print(ortviz.__file__); "
        "assert r.BUNDLES.joinpath('widget.js').exists(); assert 'torch' not in sys.modules"
    )
    assert run([python, "-c", code], installed).startswith(str(installed))


def test_jupyterlab_lists_the_plugin(installed, empty_path):
    python = str(installed / "venv/bin/python")
    listed = run([python, "-m", "jupyterlab.labextensions", "list"], installed, empty_path)
    line = next(line for line in listed.splitlines() if "ortviz" in line and "v0.1.0" in line)
    assert "enabled" in line
    assert "OK" in line
    assert "(python, ortviz)" in line


def test_jupyter_server_lists_the_extension(installed, empty_path):
    python = str(installed / "venv/bin/python")
    code = "from jupyter_server.extension.serverextension import main; main()"
    listed = run([python, "-c", code, "list"], installed, empty_path)
    after = listed[listed.index("ortviz.server") :]
    assert "enabled" in after.splitlines()[0]
    assert "OK" in after.split("ortviz.server", 2)[-1] or "OK" in after


def test_the_plugin_names_no_folder_of_the_machine_that_built_it(installed):
    folder = installed / "venv/share/jupyter/labextensions/ortviz"
    package = json.loads((folder / "package.json").read_text())
    assert (folder / package["jupyterlab"]["_build"]["load"]).exists()
    for script in folder.glob("static/*.js"):
        assert str(ROOT) not in script.read_text(encoding="utf-8"), script.name
