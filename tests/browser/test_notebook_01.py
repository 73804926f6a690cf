"""Notebook 01 as a person has it: JupyterLab, all cells run, one debugger used view after view."""

from __future__ import annotations

import re
import shutil

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.lab import ROOT
from tests.browser.lab_page import Debugger, LabPage, Theme

pytestmark = pytest.mark.browser

NOTEBOOK = "01_sunspots.ipynb"
VIEWS = ("losses", "graph", "traces", "gradients", "findings")
STEPS = 33
"""Steps of the first run: 277 windows less the last incomplete batch of 8, one epoch."""
POISONED = 14
"""The step whose batch holds the zero of 1810, as the notebook tells it."""


@pytest.fixture(scope="module")
def story(lab_page: LabPage) -> LabPage:
    """The notebook after all its cells ran."""
    shutil.copy(ROOT / "notebooks" / NOTEBOOK, lab_page.lab.root / NOTEBOOK)
    lab_page.open_notebook(NOTEBOOK)
    lab_page.start_all_cells()
    lab_page.wait_for_cells()
    return lab_page


@pytest.fixture
def mape(story: LabPage) -> Debugger:
    """The first run's debugger, in light and wide, at its losses."""
    story.wear("light")
    debugger = Debugger(story.page.get_by_test_id("ortviz").nth(0))
    debugger.root.scroll_into_view_if_needed()
    debugger.view("losses")
    return debugger


def test_each_training_cell_has_its_debugger(story: LabPage) -> None:
    debuggers = story.page.get_by_test_id("ortviz")
    expect(debuggers).to_have_count(3)
    for index, name in enumerate(("mape", "mape-safe", "smape")):
        debugger = Debugger(debuggers.nth(index))
        debugger.root.scroll_into_view_if_needed()
        expect(debugger.find("strip")).to_contain_text(name)
        expect(debugger.find("run-status", status="ended")).to_be_visible()
        expect(debugger.find("failure")).to_have_count(0)


def test_all_five_views_show_the_run(mape: Debugger) -> None:
    losses = mape.view("losses")
    for lane in ("mae", "mape", "smape", "masked", "map"):
        expect(losses.get_by_test_id(f"readout-{lane}")).to_be_visible()
    expect(losses.locator(".scatterlayer .trace")).not_to_have_count(0)
    expect(losses.get_by_test_id("loss-plot")).to_be_visible()

    mape.raw_graph()
    expect(mape.find("module-item", module="blocks.2.forecast")).to_be_attached()
    expect(mape.find("netron", phase="shown")).to_be_visible()
    expect(mape.node("YieldOp")).to_be_attached()

    traces = mape.view("traces")
    expect(traces).to_contain_text("eager PyTorch")
    expect(traces).to_contain_text("ONNX Runtime")
    expect(mape.find("trace-row", site="forward/blocks.0.stack.0#out0")).to_be_visible()

    gradients = mape.view("gradients")
    expect(gradients).to_contain_text("blocks.0.stack.0.weight")

    mape.view("findings")
    expect(mape.find("finding-row", severity="error")).not_to_have_count(0)
    expect(mape.find("finding-row").first).to_contain_text("target is exactly 0")
    expect(mape.find("problems")).to_have_count(0)


def test_a_step_of_the_strip_is_shown_by_every_view(mape: Debugger) -> None:
    _pick_in_strip(mape, POISONED)
    _expect_step_everywhere(mape, POISONED)


def test_a_step_of_the_loss_chart_is_shown_by_every_view(mape: Debugger) -> None:
    _click_in_chart(mape, step=5, trace="MAPE ORT")
    expect(mape.find("mask-panel")).to_have_count(0)
    _expect_step_everywhere(mape, 5)


def test_a_module_lights_up_in_every_view(mape: Debugger) -> None:
    _pick_in_strip(mape, 3)
    mape.raw_graph()
    mape.find("stage-execution_model").click()
    item = mape.find("module-item", module="blocks.1")
    item.click()
    expect(item).to_have_attribute("aria-selected", "true")
    expect(mape.find("netron", phase="shown")).to_be_visible()
    forward, backward = (int(item.locator(".ov-num").nth(column).inner_text()) for column in (1, 2))
    assert forward > 0
    assert backward > 0
    marked = mape.netron.locator(".ortviz-mark")
    expect(marked).to_have_count(forward + backward)
    expect(mape.find("node-details")).to_contain_text(f"{forward + backward} nodes of this stage")

    mape.view("traces")
    expect(_selected(mape, "trace-row")).to_have_attribute("data-site", re.compile("/blocks.1#"))
    mape.view("gradients")
    lit = mape.find("gradient-row").and_(mape.root.locator(".ov-lit"))
    expect(lit.first).to_be_visible()
    expect(lit.first).to_have_attribute("data-site", re.compile("blocks.1"))
    expect(mape.find("status-line")).to_contain_text("blocks.1")
    expect(mape.find("status-line")).to_contain_text("step 3")


def test_a_stage_is_loaded_by_netron_and_keeps_the_marks(mape: Debugger) -> None:
    mape.raw_graph()
    mape.find("module-item", module="blocks.0.forecast").click()
    mape.find("stage-execution_model").click()
    expect(mape.node("YieldOp")).to_be_attached()
    mape.find("stage-torch_exported").click()
    expect(mape.find("stage-torch_exported")).to_have_attribute("aria-checked", "true")
    expect(mape.node("Relu").first).to_be_attached()
    expect(mape.node("YieldOp")).to_have_count(0)
    expect(mape.netron.locator(".ortviz-mark")).to_have_count(1)


def test_a_node_of_netron_selects_its_module(mape: Debugger) -> None:
    mape.raw_graph()
    mape.find("module-item", module="blocks.2").click()
    mape.find("stage-optimized_pre_grad").click()
    expect(mape.find("netron", phase="shown")).to_be_visible()
    marked = mape.netron.locator(".ortviz-mark")
    expect(marked).not_to_have_count(0)
    marked.last.click()
    expect(mape.find("node-details")).to_have_attribute("data-node", re.compile(r"\d+"))
    chosen = _selected(mape, "module-item").get_attribute("data-module")
    assert chosen is not None
    assert chosen.startswith("blocks.2.")
    mape.view("traces")
    expect(_selected(mape, "trace-row")).to_have_attribute("data-site", re.compile(chosen))


def test_the_inference_graph_is_there_once_the_model_was_used_in_eval_mode(story: LabPage) -> None:
    smape = Debugger(story.page.get_by_test_id("ortviz").nth(2))
    smape.raw_graph()
    smape.find("graph-mode-inference").click()
    expect(smape.find("netron", phase="shown")).to_be_visible()
    expect(smape.node("FusedGemm").first).to_be_attached()
    expect(smape.node("YieldOp")).to_have_count(0)


def test_a_finding_leads_to_its_view_step_and_module(mape: Debugger) -> None:
    _pick_in_strip(mape, 0)
    mape.view("findings")
    mape.find("finding-go").first.click()
    expect(mape.find("panel-gradients")).to_be_visible()
    expect(mape.find("gradients", step=POISONED)).to_be_visible()
    expect(mape.find("step-strip", step=POISONED)).to_be_visible()
    expect(mape.find("status-line")).to_contain_text("blocks.2.forecast")
    expect(mape.find("gradient-row", state="nan").first).to_be_visible()
    mape.raw_graph()
    expect(mape.find("module-item", module="blocks.2.forecast")).to_have_attribute(
        "aria-selected", "true"
    )


def test_a_masked_cell_of_the_map_opens_its_element(mape: Debugger) -> None:
    mape.find("mask-loss-mape").click()
    _click_in_chart(mape, step=POISONED, trace="map", row=_map_row(mape, POISONED))
    panel = mape.find("mask-panel", step=POISONED)
    expect(panel).to_be_visible()
    expect(panel.get_by_test_id("masked-element")).to_have_count(1)
    expect(panel).to_contain_text("1 of 88 elements")
    expect(panel.get_by_test_id("masked-element").locator("td").last).to_have_text("NaN")
    mape.screenshot("losses-masked-element")
    panel.get_by_role("button", name="Close").click()
    expect(panel).to_have_count(0)


def test_steps_can_be_walked_by_keyboard(mape: Debugger) -> None:
    strip = mape.find("step-strip")
    strip.press("Home")
    expect(strip).to_have_attribute("data-step", "0")
    strip.press("ArrowRight")
    expect(strip).to_have_attribute("data-step", "1")
    strip.press("End")
    expect(strip).to_have_attribute("data-step", str(STEPS - 1))
    mape.find("previous-step").click()
    expect(strip).to_have_attribute("data-step", str(STEPS - 2))


def test_the_height_is_the_users(mape: Debugger) -> None:
    before = mape.root.bounding_box()
    mape.find("resize-handle").press("ArrowDown")
    grown = mape.root.bounding_box()
    assert before is not None
    assert grown is not None
    assert grown["height"] == before["height"] + 40
    mape.find("resize-handle").press("ArrowUp")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 700])
def test_every_view_fits_and_is_kept_as_a_picture(
    story: LabPage, mape: Debugger, theme: Theme, width: int
) -> None:
    story.page.set_viewport_size({"width": width, "height": 1000})
    story.wear(theme)
    try:
        expect(mape.root).to_have_attribute("data-theme", theme)
        _pick_in_strip(mape, POISONED)
        for view in VIEWS:
            panel = mape.raw_graph() if view == "graph" else mape.view(view)
            if view == "graph":
                mape.find("graph-left").select_option("modules")
                mape.find("module-item", module="blocks.1").click()
                expect(mape.find("netron", phase="shown")).to_be_visible()
                expect(mape.netron.locator(".ortviz-mark")).not_to_have_count(0)
            _expect_inside(panel, mape.root)
            assert mape.cut_numbers() == []
            mape.screenshot(f"{view}-{theme}-{width}")
        story.screenshot(f"page-{theme}-{width}")
    finally:
        story.page.set_viewport_size({"width": 1400, "height": 1000})


def _selected(debugger: Debugger, testid: str) -> Locator:
    return debugger.find(testid).and_(debugger.root.locator('[aria-selected="true"]'))


def _pick_in_strip(debugger: Debugger, step: int) -> None:
    """Click the run's small curve where a step is, then walk if the pixel was its neighbour's."""
    strip = debugger.find("step-strip")
    box = strip.bounding_box()
    assert box is not None
    strip.click(position={"x": box["width"] * step / (STEPS - 1), "y": box["height"] - 8})
    expect(strip).to_have_attribute("data-step", str(step))


def _click_in_chart(debugger: Debugger, step: int, trace: str, row: int | None = None) -> None:
    """Click the loss chart at a step, at the height of a curve or of a row of the map."""
    debugger.view("losses")
    plot = debugger.find("loss-plot")
    debugger.root.scroll_into_view_if_needed()
    position = plot.locator(".js-plotly-plot").evaluate(
        """(plot, [step, name, row]) => {
          const full = plot._fullLayout;
          const trace = plot._fullData.find((one) => one.name === name);
          const y = full[trace.yaxis.replace("y", "yaxis")];
          const value = row ?? trace.y[step];
          return {
            x: full._size.l + full.xaxis.l2p(step),
            y: y._offset + y.l2p(value),
          };
        }""",
        [step, trace, row],
    )
    plot.click(position=position)


def _map_row(debugger: Debugger, step: int) -> int:
    """The row of the map at which an element of a step was masked."""
    plot = debugger.find("loss-plot").locator(".js-plotly-plot")
    return int(
        plot.evaluate(
            """(plot, step) => plot._fullData.find((one) => one.name === "map").z
              .findIndex((row) => row[step])""",
            step,
        )
    )


def _expect_step_everywhere(debugger: Debugger, step: int) -> None:
    expect(debugger.find("current-step")).to_have_text(f"step {step} · {STEPS} steps")
    expect(debugger.find("step-strip", step=step)).to_be_visible()
    expect(debugger.find("readout-nonfinite")).to_contain_text(f"step {step}")
    debugger.view("traces")
    expect(debugger.find("traces", step=step)).to_be_visible()
    debugger.find("trace-row", site="forward/blocks.0.stack.0#out0").click()
    expect(debugger.find("status-line")).to_contain_text(f"step {step}")
    debugger.view("gradients")
    expect(debugger.find("gradients", step=step)).to_be_visible()


def _expect_inside(panel: Locator, root: Locator) -> None:
    """Nothing of a view sticks out of the debugger sideways."""
    box, outer = panel.bounding_box(), root.bounding_box()
    assert box is not None
    assert outer is not None
    assert box["x"] >= outer["x"]
    assert box["x"] + box["width"] <= outer["x"] + outer["width"] + 0.5
    assert panel.evaluate("(one) => one.scrollWidth <= one.clientWidth")
