"""A real Jupyter Server with ortviz's extension, below a base URL, with a run and a model."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse

import httpx
import pytest
from onnx import TensorProto, helper

from ortviz.record import GraphRecord, Mode, RunInfo, Stage
from ortviz.record.store import RunWriter

TOKEN = "secret"
START_SECS = 60


@dataclass(frozen=True)
class Server:
    """A running server and clients for it."""

    url: str
    """Ends with the base URL and a slash."""
    root: Path

    def client(self) -> httpx.Client:
        """A logged-in client, as a browser is after it opened a page: by cookie, not by token."""
        client = httpx.Client(base_url=self.url, headers={"Referer": self.url})
        assert client.get("login", params={"token": TOKEN}).status_code in (200, 302)
        return client

    def stranger(self) -> httpx.Client:
        """A client that never logged in."""
        return httpx.Client(base_url=self.url)


def model_bytes() -> bytes:
    """A small ONNX model."""
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    other = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [value], [other])
    return helper.make_model(graph).SerializeToString()


def write_run(path: Path) -> Path:
    """A run with one saved stage."""
    info = RunInfo("r1", "small", 0.0, 1, "ortmodule", "", (), (), ())
    with RunWriter.create(path, info) as writer:
        writer.put_graph(GraphRecord(Mode.TRAINING, Stage.EXECUTION_MODEL, (), (), model_bytes()))
    return path


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory):
    base = tmp_path_factory.mktemp("jupyter")
    root = base / "root"
    root.mkdir()
    write_run(root / "small.ortviz")
    write_run(root / ".hidden.ortviz")
    write_run(base / "outside.ortviz")
    (root / "no_run.ortviz").write_bytes(b"not a database")
    (root / "model.onnx").write_bytes(model_bytes())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/user/ada/"
    folders = {name: str(base / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
    log = (base / "server.log").open("wb")
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyter_server", "--allow-root", "--no-browser"),
            f"--ServerApp.port={port}",
            "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={TOKEN}",
            f"--ServerApp.base_url={urlparse(url).path}",
            f"--ServerApp.root_dir={root}",
            "--ServerApp.jpserver_extensions={'ortviz.server': True}",
        ],
        env={**os.environ, **folders},
        stdout=log,
        stderr=log,
    )
    try:
        _wait(url, process, base / "server.log")
        yield Server(url, root)
    finally:
        process.terminate()
        process.wait(timeout=30)
        log.close()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"{url}api").raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"Jupyter Server did not start:\n{log.read_text()}")


@pytest.fixture
def client(server: Server):
    client = server.client()
    yield client
    client.close()


@pytest.fixture
def stranger(server: Server):
    client = server.stranger()
    yield client
    client.close()
