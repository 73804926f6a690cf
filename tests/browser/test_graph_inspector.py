"""The Graph view as somebody uses it on a recorded transformer, without a kernel."""

from __future__ import annotations

import re
from pathlib import Path

import onnx
import pytest
import torch
from playwright.sync_api import expect

import ortviz
from benchmarks.graphs import models
from tests.browser.lab_page import READY_MS, Debugger, LabPage

pytestmark = [pytest.mark.browser, pytest.mark.engine]


@pytest.fixture(scope="module")
def run_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sampled steps of a small transformer."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("inspector") / "transformer.ortviz"
    module = ortviz.wrap(models.Transformer(2, 2), path=path, strict=True)
    for _ in range(2):
        tokens = [torch.randint(0, models.VOCABULARY, (models.BATCH, models.LENGTH)) for _ in "st"]
        module(*tokens).square().mean().backward()
    module.ortviz.close()
    return path


@pytest.fixture(scope="module")
def graph(lab_page: LabPage, run_path: Path) -> Debugger:
    """The Graph view of the run, its first picture drawn."""
    (lab_page.lab.root / run_path.name).write_bytes(run_path.read_bytes())
    lab_page.command("docmanager:open", path=run_path.name)
    opened = Debugger(lab_page.page.get_by_test_id("ortviz"))
    opened.view("graph")
    expect(opened.root.locator(".ov-scene[data-boxes]")).to_be_visible(timeout=READY_MS)
    return opened


def boxes(graph: Debugger) -> int:
    """How many boxes are drawn in the right pane."""
    return int(graph.root.locator(".ov-scene").last.get_attribute("data-boxes") or 0)


def test_groups_open_in_place_and_all_at_once(graph: Debugger, lab_page: LabPage) -> None:
    first = boxes(graph)
    lab_page.screenshot("inspector-first-light")
    assert first < 60, "the first picture is the model's outline"
    graph.find("graph-expand-all").click()
    scene = graph.root.locator(".ov-scene")
    expect(scene).to_have_attribute("data-closed", "0", timeout=READY_MS)
    assert boxes(graph) > 400
    graph.find("graph-collapse-all").click()
    expect(scene).to_have_attribute("data-boxes", str(first), timeout=READY_MS)


def test_search_leads_to_a_node_and_to_all_that_is_known_of_it(graph: Debugger) -> None:
    graph.find("graph-search").fill("Softmax")
    hit = graph.root.locator('[data-testid="graph-hit"][data-kind="node"]').first
    expect(hit).to_be_visible()
    hit.click()
    details = graph.find("node-details")
    expect(details).to_have_attribute("data-node", re.compile(r"\d+"), timeout=READY_MS)
    expect(details).to_contain_text("Softmax")
    expect(details.get_by_test_id("lineage-link").first).to_be_visible(timeout=READY_MS)
    expect(details.get_by_test_id("schema")).to_be_visible(timeout=READY_MS)


def test_the_keyboard_alone_walks_opens_and_chooses(graph: Debugger, lab_page: LabPage) -> None:
    graph.find("graph-collapse-all").click()
    scene = graph.root.locator(".ov-scene").last
    before = boxes(graph)
    scene.focus()
    keyboard = lab_page.page.keyboard
    keyboard.press("Home")
    for _ in range(12):
        keyboard.press("ArrowDown")
        keyboard.press("Enter")
        lab_page.page.wait_for_timeout(100)
        if boxes(graph) > before:
            break
    lab_page.page.wait_for_timeout(500)
    assert boxes(graph) != before, "no group was opened"
    spoken = graph.root.locator(".ov-scene [aria-live]").last
    assert spoken.inner_text().strip() != ""


def test_two_stages_stand_side_by_side(graph: Debugger, lab_page: LabPage) -> None:
    graph.find("graph-left").select_option("training/torch_exported")
    scenes = graph.root.locator(".ov-scene[data-boxes]")
    expect(scenes).to_have_count(2, timeout=READY_MS)
    lab_page.screenshot("inspector-two-stages-light")
    graph.find("graph-left").select_option("modules")
    expect(scenes).to_have_count(1)


def test_an_overlay_colours_by_step_with_a_legend(graph: Debugger) -> None:
    graph.find("graph-overlay").select_option("divergence")
    legend = graph.find("graph-legend", overlay="divergence")
    # How many tensors are of which kind.
    expect(legend).to_contain_text(re.compile(r": [1-9]"), timeout=READY_MS)
    expect(graph.find("step-slider")).to_be_visible()


def test_picture_and_selection_are_saved_as_files(graph: Debugger, lab_page: LabPage) -> None:
    contents = {}
    for kind in ("svg", "png", "onnx"):
        with lab_page.page.expect_download() as download:
            graph.find("graph-export").select_option(kind)
        contents[kind] = Path(download.value.path()).read_bytes()
    assert contents["svg"].startswith(b"<svg")
    assert contents["png"].startswith(b"\x89PNG")
    assert len(onnx.load_model_from_string(contents["onnx"]).graph.node) > 0


@pytest.mark.parametrize(("theme", "width"), [("dark", 1400), ("light", 700)])
def test_it_looks_right_in_every_theme_and_width(
    graph: Debugger, lab_page: LabPage, theme: str, width: int
) -> None:
    lab_page.page.set_viewport_size({"width": width, "height": 1000})
    lab_page.wear(theme)
    try:
        expect(graph.root).to_have_attribute("data-theme", theme)
        scene = graph.root.locator(".ov-scene").last
        expect(scene).to_be_visible()
        box = scene.bounding_box()
        assert box is not None
        assert box["height"] > 150, "the picture has room"
        lab_page.screenshot(f"inspector-{theme}-{width}")
    finally:
        lab_page.page.set_viewport_size({"width": 1400, "height": 1000})
        lab_page.wear("light")
