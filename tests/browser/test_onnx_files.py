"""``.onnx`` files in JupyterLab: both viewers, changes on disk, a reload, and the inspector."""

from __future__ import annotations

import shutil

import nbformat
import pytest
from onnx import TensorProto, helper
from playwright.sync_api import expect

from tests.browser.lab_page import READY_MS, SCREENSHOTS

pytestmark = pytest.mark.browser
NAME = 'a model & <b>"more".onnx'


def model(operators, prefix=""):
    """A chain of operators, each in a scope of its own."""
    names = ["x", *(f"h{place}" for place in range(1, len(operators))), "y"]
    nodes = [
        helper.make_node(op, [names[at]], [names[at + 1]], name=f"{prefix}/layer{at}/{op}")
        for at, op in enumerate(operators)
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in "xy"]
    return helper.make_model(helper.make_graph(nodes, "g", ends[:1], ends[1:]))


@pytest.fixture(scope="module")
def files(lab):
    (lab.root / NAME).write_bytes(model(["Relu", "Neg"]).SerializeToString())
    root = "/_original_module"
    for stage, operators in (("torch_exported", ["Relu", "Neg"]), ("optimized", ["Relu"])):
        path = lab.root / f"saved_{stage}_training.onnx"
        path.write_bytes(model(operators, root).SerializeToString())
    (lab.root / "broken.onnx").write_bytes(b"\xff" * 100)
    return lab.root


@pytest.fixture
def page(lab_page, files):
    """JupyterLab with no tab but its launcher."""
    lab_page.page.evaluate("""() => {
      for (const widget of [...jupyterapp.shell.widgets("main")]) {
        if (widget.node.querySelector(".jp-Launcher") === null) widget.dispose();
      }
    }""")
    return lab_page


def graph(page):
    """The Graph view of the tab in front."""
    return page.page.locator(".lm-DockPanel-widget:not(.lm-mod-hidden)").get_by_test_id(
        "ortviz-graph"
    )


def picture(page, name):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.page.screenshot(path=SCREENSHOTS / f"{name}.png", animations="disabled")


def asked_of(page, path_part):
    """Commands that were posted about a file."""
    return [url for url in page.watch.requests if path_part in url]


def test_a_file_opens_as_a_graph_and_in_netron(page):
    page.page.evaluate("() => jupyterapp.shell.activateById('filebrowser')")
    page.page.get_by_text(NAME).first.dblclick()
    expect(graph(page)).to_be_visible(timeout=READY_MS)
    expect(graph(page).get_by_test_id("ortviz")).to_have_count(0)
    picture(page, "onnx-graph")
    factories = "() => jupyterapp.docRegistry.preferredWidgetFactories('m.onnx').map(f => f.name)"
    offered = page.page.evaluate(factories)
    assert offered[0] == "ortviz graph"
    assert "Netron (ortviz)" in offered
    page.command("docmanager:open", path=NAME, factory="Netron (ortviz)")
    frame = page.page.locator(".ortviz-Netron iframe").content_frame
    expect(frame.locator(".graph-node", has_text="Neg")).to_be_visible(timeout=READY_MS)
    asked = asked_of(page, "api/contents/a%20model")
    assert all("content=0" in url or "checkpoints" in url for url in asked), asked
    assert asked_of(page, "ortviz/onnx/command")
    assert page.lab.ask("api/kernels") == []


def test_tabs_are_there_again_after_a_reload(page):
    page.command("docmanager:open", path=NAME)
    expect(graph(page)).to_be_visible(timeout=READY_MS)
    page.command("docmanager:open", path=NAME, factory="Netron (ortviz)")
    # Without "reset" in the address, which empties the workspace.
    page.page.wait_for_timeout(1_500)  # the workspace is saved once it has been left alone
    page.page.goto(page.lab.page_url.replace("&reset", ""))
    page.page.wait_for_function("window.jupyterapp !== undefined", timeout=READY_MS)
    page.page.evaluate("async () => { await jupyterapp.restored; }")
    tabs = page.page.locator(".lm-DockPanel-tabBar .lm-TabBar-tabLabel", has_text=NAME)
    expect(tabs).to_have_count(2, timeout=READY_MS)
    page.page.evaluate("""() => {
      const tabs = [...jupyterapp.shell.widgets("main")];
      const graph = tabs.find((tab) => tab.content?.hasClass?.("ortviz-Debugger"));
      jupyterapp.shell.activateById(graph.id);
    }""")
    expect(graph(page)).to_be_visible(timeout=READY_MS)


def test_what_cannot_be_read_is_said(page):
    page.command("docmanager:open", path="broken.onnx")
    expect(graph(page)).to_contain_text("broken.onnx cannot be read", timeout=READY_MS)
    picture(page, "onnx-broken")
    # The browser itself logs the status with which the server said so.
    page.watch.forgive(r"status of 400 .*/ortviz/onnx/command")


def test_a_changed_file_is_shown_anew(page, files):
    shutil.copy(files / NAME, files / "changing.onnx")
    page.command("docmanager:open", path="changing.onnx")
    expect(graph(page)).to_be_visible(timeout=READY_MS)
    expect(graph(page)).to_contain_text("2 forward", timeout=READY_MS)
    before = len(asked_of(page, "ortviz/onnx/command"))
    (files / "changing.onnx").write_bytes(model(["Abs", "Exp", "Log"]).SerializeToString())
    page.command("docmanager:reload")
    expect(graph(page)).to_contain_text("3 forward", timeout=READY_MS)
    assert len(asked_of(page, "ortviz/onnx/command")) > before


def test_the_inspector_shows_graphs_below_a_cell(page, files):
    cells = [
        "import onnx, ortviz\npath = 'saved_optimized_training.onnx'",
        "ortviz.GraphInspector(path, height=420)",
        "ortviz.GraphInspector(onnx.load(path), height=420)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, files / "graphs.ipynb")
    page.open_notebook("graphs.ipynb")
    page.start_all_cells()
    page.wait_for_cells()
    shown = page.page.locator(".jp-NotebookPanel").get_by_test_id("ortviz-graph")
    expect(shown).to_have_count(2, timeout=READY_MS)
    heights = shown.evaluate_all("(all) => all.map((each) => each.offsetHeight)")
    assert heights == [420, 420]
    expect(shown.first.get_by_test_id("status-line")).to_be_visible()
    assert "saved" in page.execute(
        "inspector = ortviz.GraphInspector('saved_torch_exported_training.onnx')\n"
        "print(inspector.stages, inspector.name)"
    )
    picture(page, "graph-inspector")
