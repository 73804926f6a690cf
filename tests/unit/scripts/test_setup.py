"""The setup script's parts: what is done again, what is said, and a Node from PyPI that works."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"


def load(name: str):
    """Import a script by its path, as a module beside which its siblings are found."""
    sys.path.insert(0, str(SCRIPTS))
    try:
        spec = importlib.util.spec_from_file_location(
            f"ortviz_scripts_{name}", SCRIPTS / f"{name}.py"
        )
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(SCRIPTS))
    return module


steps_module = load("steps")
node_tools = load("node_tools")


@pytest.fixture
def steps(tmp_path):
    return steps_module.Steps(2, tmp_path / "logs" / "setup.log", tmp_path / "stamps")


def test_a_step_is_current_until_its_inputs_change(steps, tmp_path):
    source = tmp_path / "src"
    source.mkdir()
    (source / "a.ts").write_text("1")
    digest = steps_module.digest_of([source], "3.11")
    assert not steps.is_current("build", digest)
    steps.stamp("build", digest)
    assert steps.is_current("build", steps_module.digest_of([source], "3.11"))
    (source / "a.ts").write_text("2")
    assert not steps.is_current("build", steps_module.digest_of([source], "3.11"))
    steps.stamp("build", steps_module.digest_of([source], "3.11"))
    assert not steps.is_current("build", steps_module.digest_of([source], "3.12"))
    steps.forget("build")
    assert not steps.is_current("build", steps_module.digest_of([source], "3.11"))


def test_renamed_and_missing_files_change_the_digest(tmp_path):
    first = tmp_path / "a"
    first.write_text("x")
    before = steps_module.digest_of([first])
    second = first.rename(tmp_path / "b")
    assert steps_module.digest_of([second]) != before
    assert steps_module.digest_of([first]) != before


def test_a_command_that_fails_shows_its_end_and_what_to_do(steps, tmp_path, capsys):
    steps.begin("Trying")
    code = "import sys; print('the cause'); sys.exit(3)"
    with pytest.raises(steps_module.SetupError, match=r"exit code 3.*Install it\."):
        steps.run([sys.executable, "-c", code], tmp_path, remedy="Install it.")
    assert "the cause" in capsys.readouterr().out
    assert "the cause" in (tmp_path / "logs" / "setup.log").read_text()


def test_a_program_that_is_not_there_is_named(steps, tmp_path):
    steps.begin("Trying")
    with pytest.raises(steps_module.SetupError, match="no-such-program"):
        steps.run(["no-such-program"], tmp_path)


def test_steps_are_numbered(steps, capsys):
    steps.begin("One")
    steps.end("is there")
    steps.begin("Two")
    steps.end()
    printed = capsys.readouterr().out
    assert "[1/2] One" in printed
    assert "is there" in printed
    assert "[2/2] Two" in printed


@pytest.mark.parametrize(
    ("printed", "version"),
    [("v20.20.2", (20, 20, 2)), ("v8.0.0", (8, 0, 0)), ("nonsense", None)],
)
def test_node_versions_are_read(tmp_path, printed, version):
    node = tmp_path / "node"
    node.write_text(f"#!/bin/sh\necho {printed}\n")
    node.chmod(0o755)
    assert node_tools.node_version(str(node)) == version


def test_an_old_node_is_not_taken(tmp_path, monkeypatch):
    for name, printed in (("node", "v18.19.0"), ("npm", "9")):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {printed}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert node_tools.machine_node() is None
    (tmp_path / "node").write_text("#!/bin/sh\necho v22.1.0\n")
    assert node_tools.machine_node() == tmp_path
    (tmp_path / "npm").unlink()
    assert node_tools.machine_node() is None


def test_the_shims_start_what_the_wheel_of_node_carries(tmp_path):
    wheel = tmp_path / "a wheel"
    npm = wheel / "lib" / "node_modules" / "npm" / "bin"
    npm.mkdir(parents=True)
    (wheel / "bin").mkdir()
    (wheel / "bin" / "node").write_text('#!/bin/sh\necho "node $@"\n')
    (wheel / "bin" / "node").chmod(0o755)
    shims = node_tools.write_shims(wheel, tmp_path / "shims")
    ran = subprocess.run(
        [str(shims / "npm"), "ci", "a b"], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == f"node {npm / 'npm-cli.js'} ci a b"
