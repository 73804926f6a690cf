"""JupyterLab's plugin: models and runs opened from the file browser, a notebook's run in a tab."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import nbformat
import pytest
from onnx import TensorProto, helper
from playwright.sync_api import expect

from tests.browser.lab_page import READY_MS, SCREENSHOTS, Debugger

sys.path.insert(0, str(Path(__file__).parents[1] / "contract" / "golden"))
pytestmark = pytest.mark.browser

NETRON = "Netron (ortviz)"
# The launcher stays: JupyterLab makes a new one for an empty page, and then both race.
CLOSE_ALL = """() => {
  for (const widget of [...jupyterapp.shell.widgets("main")]) {
    if (widget.node.querySelector(".jp-Launcher") === null) widget.dispose();
  }
}"""


@pytest.fixture(scope="module")
def files(lab, tmp_path_factory):
    """A model and a run in the folder that JupyterLab shows."""
    from golden_run import open_run

    nodes = [
        helper.make_node("Relu", ["x"], ["h"], name="/fc1/Relu"),
        helper.make_node("Neg", ["h"], ["y"], name="/fc2/Neg"),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])
    model = helper.make_model(helper.make_graph(nodes, "g", [x], [y]))
    (lab.root / "a model & more.onnx").write_bytes(model.SerializeToString())
    with open_run(tmp_path_factory.mktemp("golden")) as reader:
        reader.save_copy(lab.root / "recorded.ortviz")
    return lab.root


@pytest.fixture
def page(lab_page, files):
    """JupyterLab in its light theme, with no tab but its launcher."""
    lab_page.page.evaluate(CLOSE_ALL)
    wear(lab_page, "light")
    return lab_page


def wear(page, theme):
    """Change the theme and wait for JupyterLab's splash, which a second change would trip over."""
    page.wear(theme)
    expect(page.page.locator("#jupyterlab-splash")).to_have_count(0)


def picture(page, name):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.page.screenshot(path=SCREENSHOTS / f"{name}.png", animations="disabled")


def netron_background(frame):
    """The colour of Netron's page; from outside, because Netron forbids evaluation inside."""
    return frame.evaluate("(e) => getComputedStyle(e.contentDocument.body).backgroundColor")


def test_a_model_opens_in_netron_and_wears_the_theme(page):
    page.command("docmanager:open", path="a model & more.onnx", factory=NETRON)
    frame = page.page.locator(".ortviz-Netron iframe")
    expect(frame.content_frame.locator(".graph-node", has_text="Relu")).to_be_visible()
    expect(frame.content_frame.locator(".graph-node", has_text="Neg")).to_be_visible()
    light = netron_background(frame)
    picture(page, "lab-onnx-light")
    wear(page, "dark")
    page.page.wait_for_function(
        """(light) => getComputedStyle(document.querySelector(".ortviz-Netron iframe")
          .contentDocument.body).backgroundColor !== light""",
        arg=light,
    )
    picture(page, "lab-onnx-dark")
    wear(page, "light")
    asked = [url for url in page.watch.requests if "api/contents/a%20model" in url]
    assert asked
    assert all("content=0" in url or "checkpoints" in url for url in asked), asked


def test_a_model_is_opened_as_a_graph_by_a_double_click(page):
    page.page.evaluate("() => jupyterapp.shell.activateById('filebrowser')")
    page.page.get_by_text("a model & more.onnx").first.dblclick()
    scene = page.page.get_by_test_id("ortviz-graph").locator(".ov-scene[data-boxes]")
    expect(scene).to_have_attribute("data-boxes", re.compile("[1-9]"), timeout=READY_MS)
    page.page.evaluate("() => jupyterapp.shell.collapseLeft()")


def test_a_changed_model_is_shown_anew(page, files):
    page.command("docmanager:open", path="a model & more.onnx", factory=NETRON)
    frame = page.page.locator(".ortviz-Netron iframe").content_frame
    expect(frame.locator(".graph-node", has_text="Neg")).to_be_visible()
    path = files / "a model & more.onnx"
    before = path.read_bytes()
    path.write_bytes(before.replace(b"Neg", b"Abs"))
    try:
        page.command("docmanager:reload")
        expect(frame.locator(".graph-node", has_text="Abs")).to_be_visible()
    finally:
        path.write_bytes(before)


def test_a_recorded_run_opens_without_a_kernel(page):
    page.command("docmanager:open", path="recorded.ortviz")
    debugger = Debugger(page.page.get_by_test_id("ortviz"))
    expect(debugger.find("finding-counts")).to_contain_text("3 findings")
    for name in ("losses", "traces", "gradients", "findings", "graph"):
        expect(debugger.view(name)).to_be_visible()
    expect(debugger.root.locator(".ov-scene[data-boxes]")).to_be_visible(timeout=READY_MS)
    debugger.raw_graph()
    expect(debugger.netron.locator(".graph-node").first).to_be_visible(timeout=READY_MS)
    picture(page, "lab-run-graph")
    assert page.lab.ask("api/kernels") == []


def test_the_command_shows_a_notebooks_run_while_its_cell_runs(page, files):
    stop = files / "stop"
    stop.unlink(missing_ok=True)
    cells = [
        "%load_ext ortviz\nimport ortviz, time\nfrom pathlib import Path",
        "run = ortviz.load('recorded.ortviz')\nrun.show()",
        "while not Path('stop').exists():\n    time.sleep(0.1)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, files / "busy.ipynb")
    page.open_notebook("busy.ipynb")
    page.start_all_cells()
    try:
        waiting = page.page.locator(".jp-CodeCell").last.locator(".jp-InputPrompt")
        expect(waiting).to_have_text("[*]:")
        expect(page.page.get_by_test_id("ortviz")).to_be_visible(timeout=READY_MS)
        page.command("ortviz:open-debugger")
        tab = page.page.locator(".ortviz-Debugger").get_by_test_id("ortviz")
        expect(tab).to_be_visible()
        expect(Debugger(tab).find("finding-counts")).to_contain_text("3 findings")
        expect(Debugger(tab).find("loss-plot")).to_be_visible()
        expect(waiting).to_have_text("[*]:")
        picture(page, "lab-debugger-tab")
    finally:
        stop.touch()
    expect(waiting).to_have_text("[3]:")


def test_without_a_run_the_command_says_what_to_do(page):
    page.page.evaluate("() => { jupyterapp.commands.execute('ortviz:open-debugger'); }")
    dialog = page.page.locator(".jp-Dialog")
    expect(dialog).to_contain_text(re.compile("%%ortviz.*\\.ortviz file"))
    dialog.locator(".jp-Dialog-button").click()
    expect(dialog).to_have_count(0)
