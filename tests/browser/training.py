"""A notebook whose cell trains for as long as a test wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat
from playwright.sync_api import expect

from tests.browser.lab_page import READY_MS, Debugger, LabPage

EVERY = 5
"""Every how many steps is sampled."""
SETUP = """\
%load_ext ortviz
import time
from pathlib import Path

import torch
import ortviz
from ortviz.losses import MAELoss

torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
original, before = model, model[0].weight.detach().clone()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
criterion = MAELoss()
x = torch.randn(32, 8)
y = x.sum(1, keepdim=True)
"""
# Trains until the test says so; the limit only ends it where the test was ended before.
TRAIN = """\
%%ortviz model --every {every} --name {name}
until = time.monotonic() + 240
while not Path("{stop}").exists() and time.monotonic() < until:
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    time.sleep(0.02)
"""
AFTER = "trained = model is original and not torch.equal(model[0].weight, before)"
POLL_MS = 200


@dataclass(frozen=True)
class Training:
    """A notebook whose second cell is training.

    Attributes:
        page: JupyterLab with that notebook.
        debugger: Below the cell.
        name: Of the run and the notebook.
        stop: Touch it to end the training.
    """

    page: LabPage
    debugger: Debugger
    name: str
    stop: Path

    def is_busy(self) -> bool:
        """Whether the training cell still runs."""
        return self.page.is_running(cell=1)

    def end(self) -> None:
        """Let the cell end."""
        self.stop.touch()
        self.page.wait_for_cells()

    def wait_until(self, holds: Callable[[], bool], what: str) -> None:
        """Ask again and again."""
        for _ in range(READY_MS // POLL_MS):
            if holds():
                return
            self.page.page.wait_for_timeout(POLL_MS)
        raise AssertionError(f"waited in vain until {what}")


@contextmanager
def started_training(lab_page: LabPage, name: str) -> Iterator[Training]:
    """Start it and wait for the debugger; in the end every tab and kernel is closed.

    Args:
        lab_page: JupyterLab.
        name: For the run and the notebook.
    """
    stop = lab_page.lab.root / f"stop-{name}"
    cells = [SETUP, TRAIN.format(every=EVERY, name=name, stop=stop.name), AFTER]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, lab_page.lab.root / f"{name}.ipynb")
    lab_page.wear("light")
    lab_page.open_notebook(f"{name}.ipynb")
    lab_page.start_all_cells()
    debugger = Debugger(lab_page.page.locator(".jp-OutputArea").get_by_test_id("ortviz"))
    try:
        expect(debugger.root).to_be_visible(timeout=READY_MS)
        yield Training(lab_page, debugger, name, stop)
    finally:
        stop.touch()
        lab_page.close_all()


def wait_for_step(debugger: Debugger, at_least: int) -> int:
    """Wait until the shown step, which follows the newest sampled one, is at least this; it."""
    strip = debugger.find("step-strip")
    expect(strip).to_be_visible(timeout=READY_MS)
    strip.page.wait_for_function(
        "([strip, step]) => Number(strip.dataset.step || -1) >= step",
        arg=[strip.element_handle(), at_least],
        timeout=READY_MS,
    )
    step = debugger.step
    assert step is not None
    return step
