"""A training cell while it runs: the debugger lives although the kernel answers nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator

import nbformat
import pytest
from playwright.sync_api import Locator, expect

from tests.browser.lab_page import READY_MS, Debugger, LabPage
from tests.browser.training import EVERY, Training, started_training, wait_for_step

pytestmark = pytest.mark.browser

KERNEL_LEFTOVERS = """
import gc, threading, warnings
print(model is original, trained)
print([one.name for one in threading.enumerate() if "ortviz" in one.name])
print(len(model._forward_hooks), len(model._backward_hooks))
"""
STEADY = (
    "step-strip",
    "live-toggle",
    "pause-resume",
    "sample-next",
    "finding-counts",
    "tab-losses",
    "loss-plot",
    "readout-mae",
    "readout-masked",
    "status-line",
)


@pytest.fixture
def training(lab_page: LabPage, request: pytest.FixtureRequest) -> Iterator[Training]:
    with started_training(lab_page, request.node.name.removeprefix("test_")[:30]) as started:
        yield started


def test_the_debugger_lives_while_the_cell_runs(training: Training) -> None:
    debugger = training.debugger
    expect(debugger.find("live-toggle", status="live")).to_be_visible()
    first = wait_for_step(debugger, 2 * EVERY)
    curve = _last_drawn(debugger)
    later = wait_for_step(debugger, first + 2 * EVERY)
    assert later > first
    training.wait_until(lambda: _last_drawn(debugger) > curve, "the curve has grown")
    assert training.is_busy()


def test_nothing_jumps_while_it_is_live(training: Training) -> None:
    debugger = training.debugger
    step = wait_for_step(debugger, 2 * EVERY)
    places = [_places(debugger)]
    for _ in range(6):
        step = wait_for_step(debugger, step + 4 * EVERY)
        places.append(_places(debugger))
        numbers = debugger.find("readout-mae").locator("dd").all_inner_texts()
        assert [number for number in numbers if not float(number) > 0] == []
    assert training.is_busy()
    assert [seen for seen in places if seen != places[0]] == []


def test_a_sampled_step_is_shown_while_the_kernel_is_busy(training: Training) -> None:
    debugger, page = training.debugger, training.page
    wait_for_step(debugger, 3 * EVERY)
    with page.page.expect_response("**/ortviz/run/command"):
        debugger.view("traces")
    debugger.find("step-strip").press("Home")
    expect(debugger.find("traces", step=0)).to_be_visible()
    expect(debugger.find("trace-row", site="forward/0#out0")).to_be_visible()
    debugger.find("step-strip").press("ArrowRight")
    expect(debugger.find("traces", step=EVERY)).to_be_visible()
    debugger.view("gradients")
    expect(debugger.find("gradients", step=EVERY)).to_be_visible()
    debugger.raw_graph()
    expect(debugger.find("netron", phase="shown")).to_be_visible(timeout=READY_MS)
    expect(debugger.node("YieldOp")).to_be_attached()
    assert training.is_busy()
    expect(debugger.find("step-strip", step=EVERY)).to_be_visible()

    debugger.find("live-toggle").click()
    wait_for_step(debugger, 4 * EVERY)
    debugger.screenshot("live-graph")
    assert training.is_busy()


def test_in_a_tab_sampling_is_paused_and_resumed_while_the_cell_runs(training: Training) -> None:
    wait_for_step(training.debugger, 2 * EVERY)
    training.page.command("ortviz:open-debugger")
    tab = Debugger(training.page.page.locator(".ortviz-Debugger").get_by_test_id("ortviz"))
    expect(tab.find("live-toggle", status="live")).to_be_visible(timeout=READY_MS)
    tab.find("pause-resume").click()
    expect(tab.find("live-toggle", status="paused")).to_be_visible()
    assert training.is_busy()
    paused_at = tab.step
    assert paused_at is not None
    tab.find("sample-next").click()
    training.wait_until(lambda: (tab.step or 0) > paused_at, "one step was sampled")
    tab.find("pause-resume").click()
    expect(tab.find("live-toggle", status="live")).to_be_visible()
    wait_for_step(tab, (tab.step or 0) + 2 * EVERY)
    assert training.is_busy()
    training.page.screenshot("live-page")
    tab.screenshot("live-tab")


def test_another_kernel_shows_how_it_goes_and_controls_nothing(training: Training) -> None:
    wait_for_step(training.debugger, 2 * EVERY)
    page, lab = training.page, training.page.lab
    (path,) = lab.root.rglob(f"*{training.name}*.ortviz")
    cell = f"import ortviz\nrun = ortviz.load({str(path)!r})\nrun.show()"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, lab.root / "other.ipynb")
    page.open_notebook("other.ipynb")
    page.start_all_cells()
    page.wait_for_cells()
    front = page.page.locator(".lm-DockPanel-widget:not(.lm-mod-hidden)")
    loaded = Debugger(front.get_by_test_id("ortviz"))
    page.command("docmanager:open", path=str(path.relative_to(lab.root)), factory="ortviz debugger")
    opened = Debugger(front.get_by_test_id("ortviz"))
    for debugger, name in ((opened, "file"), (loaded, "kernel")):
        if name == "kernel":
            page.command("docmanager:open", path="other.ipynb", factory="Notebook")
        elsewhere = debugger.find("trained-elsewhere")
        expect(elsewhere).to_have_text(
            re.compile(r"training in another kernel; shown as of step \d+"), timeout=READY_MS
        )
        expect(debugger.find("pause-resume")).to_have_count(0)
        expect(debugger.find("sample-next")).to_have_count(0)
        before = elsewhere.inner_text()
        expect(elsewhere).not_to_have_text(before, timeout=READY_MS)
        wait_for_step(debugger, (debugger.step or 0) + EVERY)
        debugger.screenshot(f"elsewhere-{name}")
    training.stop.touch()
    expect(loaded.find("run-status", status="ended")).to_be_visible(timeout=READY_MS)
    expect(loaded.find("trained-elsewhere")).to_have_count(0)


def test_after_the_cell_everything_is_as_before_but_trained(training: Training) -> None:
    debugger = training.debugger
    wait_for_step(debugger, 2 * EVERY)
    training.end()
    expect(debugger.find("run-status", status="ended")).to_be_visible()
    expect(debugger.find("live-toggle")).to_have_count(0)
    debugger.view("traces")
    expect(debugger.find("trace-row").first).to_be_visible()
    assert training.page.execute(KERNEL_LEFTOVERS).splitlines() == ["True True", "[]", "0 0"]


def test_an_interrupted_cell_gives_the_model_back(training: Training) -> None:
    debugger = training.debugger
    wait_for_step(debugger, 2 * EVERY)
    training.page.command("notebook:interrupt-kernel")
    expect(debugger.find("run-status")).to_be_visible()
    training.wait_until(lambda: not training.is_busy(), "the cell has ended")
    assert training.page.execute("print(model is original)").strip() == "True"
    debugger.view("traces")
    expect(debugger.find("trace-row").first).to_be_visible()


def _last_drawn(debugger: Debugger) -> int:
    """The last step of ONNX Runtime's curve; -1 before there is one."""
    plot: Locator = debugger.find("loss-plot").locator(".js-plotly-plot")
    curve = """(plot) => plot.data?.find(({ name }) => name === "MAE ORT")?.x.at(-1) ?? -1"""
    return int(plot.evaluate(curve))


def _places(debugger: Debugger) -> dict[str, dict[str, float] | None]:
    """Where on the page what does not belong to a step is."""
    return {testid: debugger.find(testid).bounding_box() for testid in STEADY}
