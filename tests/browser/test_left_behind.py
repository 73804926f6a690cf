"""What is left when a notebook is closed or its kernel dies in the middle of training."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import expect

from tests.browser.lab_page import READY_MS, Debugger, LabPage
from tests.browser.training import EVERY, Training, started_training, wait_for_step

pytestmark = pytest.mark.browser

POLL_MS = 2_500
"""How often a debugger asks the server by itself (``state/store.ts``)."""
PORTS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")


@pytest.fixture
def training(lab_page: LabPage, request: pytest.FixtureRequest) -> Iterator[Training]:
    with started_training(lab_page, request.node.name.removeprefix("test_")[:30]) as started:
        yield started


def test_a_closed_notebook_leaves_its_run_and_nothing_else(training: Training) -> None:
    page, lab = training.page, training.page.lab
    wait_for_step(training.debugger, 2 * EVERY)
    training.debugger.raw_graph()
    expect(training.debugger.find("netron", phase="shown")).to_be_visible(timeout=READY_MS)
    kernel = _kernel(training)
    ports = [json.loads(_connection_file(training).read_text())[name] for name in PORTS]

    page.close_all()
    training.wait_until(lambda: not kernel.is_running(), "the kernel's process has ended")
    assert lab.ask("api/kernels") == []
    assert [port for port in ports if _is_open(port)] == []
    expect(page.page.get_by_test_id("ortviz")).to_have_count(0)
    expect(page.page.locator("iframe")).to_have_count(0)
    asked = len(_asked_of_ortviz(page))
    page.page.wait_for_timeout(2 * POLL_MS)
    assert _asked_of_ortviz(page)[asked:] == []

    run = _run_file(training)
    server = psutil.Process(lab.process.pid)
    assert [file.path for file in server.open_files() if file.path.startswith(str(run))] == []
    page.command("docmanager:open", path=str(run.relative_to(lab.root)))
    debugger = Debugger(page.page.get_by_test_id("ortviz"))
    debugger.view("traces")
    expect(debugger.find("trace-row", site="forward/0#out0")).to_be_visible(timeout=READY_MS)


def test_a_killed_kernel_leaves_what_was_recorded_on_show(training: Training) -> None:
    debugger = training.debugger
    wait_for_step(debugger, 3 * EVERY)
    # JupyterLab's own, where the kernel is killed while the notebook asks it for its state.
    training.page.watch.excuse("Could not restore the debugger state")
    os.kill(_kernel(training).pid, signal.SIGKILL)
    expect(training.page.page.locator(".jp-Dialog")).to_be_visible(timeout=READY_MS)
    training.page.screenshot("kernel-killed")
    training.page.page.locator(".jp-Dialog button").last.click()
    debugger.find("step-strip").press("Home")
    debugger.view("traces")
    expect(debugger.find("traces", step=0)).to_be_visible()
    expect(debugger.find("trace-row", site="forward/0#out0")).to_be_visible()
    debugger.view("losses")
    expect(debugger.find("readout-mae")).to_be_visible()
    training.page.screenshot("kernel-killed-losses")


def _kernel(training: Training) -> psutil.Process:
    """The process of the notebook's kernel: the child of the server that has its connection."""
    connection = str(_connection_file(training))
    server = psutil.Process(training.page.lab.process.pid)
    (found,) = [one for one in server.children() if connection in one.cmdline()]
    return found


def _connection_file(training: Training) -> Path:
    (kernel,) = training.page.lab.ask("api/kernels")
    return training.page.lab.root.parent / "runtime" / f"kernel-{kernel['id']}.json"


def _run_file(training: Training) -> Path:
    (found,) = (training.page.lab.root / "ortviz_runs").glob(f"{training.name}-*.ortviz")
    return found


def _asked_of_ortviz(page: LabPage) -> list[str]:
    return [url for url in page.watch.requests if "/ortviz/" in url]


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
