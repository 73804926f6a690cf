"""Other views, and the module tree, lead to the very place in the graph."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from playwright.sync_api import expect

import ortviz
from benchmarks.graphs import models
from tests.browser.lab_page import READY_MS, Debugger, LabPage

pytestmark = [pytest.mark.browser, pytest.mark.engine]

NUMBER = re.compile(r"^\d+$")


@pytest.fixture(scope="module")
def run_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One sampled step of a small transformer whose head returns NaN."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("leads") / "leads.ortviz"
    model = models.Transformer(2, 2)
    with torch.no_grad():
        model.head.bias.fill_(torch.nan)
    module = ortviz.wrap(model, path=path, strict=True)
    tokens = [torch.randint(0, models.VOCABULARY, (models.BATCH, models.LENGTH)) for _ in "st"]
    module(*tokens).square().mean().backward()
    module.ortviz.close()
    return path


@pytest.fixture
def graph(lab_page: LabPage, run_path: Path) -> Debugger:
    """The run, opened anew, so that nothing is selected."""
    (lab_page.lab.root / run_path.name).write_bytes(run_path.read_bytes())
    lab_page.close_all()
    lab_page.command("docmanager:open", path=run_path.name)
    opened = Debugger(lab_page.page.get_by_test_id("ortviz"))
    expect(opened.root).to_be_visible(timeout=READY_MS)
    return opened


def test_a_finding_leads_to_the_node_of_its_tensor(graph: Debugger, lab_page: LabPage) -> None:
    findings = graph.view("findings")
    leads = findings.get_by_test_id("finding-graph")
    # The finding of a weight has no node: nothing in the graph makes it.
    leads.and_(findings.locator('[title="parameter_grad/norm#weight"]')).click(timeout=READY_MS)
    expect(graph.find("node-details")).to_have_attribute("data-node", NUMBER, timeout=READY_MS)
    expect(graph.find("node-details")).to_contain_text("norm", timeout=READY_MS)
    scene = graph.root.locator(".ov-scene").last
    expect(scene).to_have_attribute("data-boxes", NUMBER, timeout=READY_MS)
    lab_page.page.wait_for_timeout(800)
    lab_page.screenshot("graph-finding-node")


def test_a_gradient_leads_to_the_node_that_makes_it(graph: Debugger) -> None:
    row = graph.view("gradients").get_by_test_id("gradient-row").first
    row.click(timeout=READY_MS)
    graph.view("graph")
    details = graph.find("node-details")
    expect(details).to_have_attribute("data-node", NUMBER, timeout=READY_MS)
    expect(details).to_contain_text("outputs", timeout=READY_MS)


def test_the_graph_moves_as_the_module_tree_is_scrolled(graph: Debugger, lab_page: LabPage) -> None:
    page = lab_page.page
    page.set_viewport_size({"width": 1400, "height": 560})
    try:
        graph.view("graph")
        scene = graph.root.locator(".ov-scene").last
        expect(scene).to_have_attribute("data-boxes", NUMBER, timeout=READY_MS)
        graph.find("graph-expand-all").click()
        expect(scene).to_have_attribute("data-closed", "0", timeout=READY_MS)
        page.wait_for_timeout(500)
        tree = graph.find("module-tree")
        top = "(element) => element.scrollTop"
        boxes = '[role="button"][aria-label]'
        scene.focus()
        scene.press("Home")
        cursor = scene.locator(boxes).first
        cursor.element_handle().wait_for_element_state("stable")
        before = cursor.bounding_box()
        box = tree.bounding_box()
        assert before is not None
        assert box is not None
        page.mouse.move(box["x"] + 60, box["y"] + box["height"] / 2)
        page.mouse.wheel(0, 4000)
        page.wait_for_timeout(600)
        scrolled = tree.evaluate(top)
        assert scrolled > 0
        after = cursor.bounding_box()
        assert after is not None
        assert before["y"] - after["y"] > 200, "the graph went down with the tree"
        page.wait_for_timeout(400)
        assert tree.evaluate(top) == scrolled, "the graph does not push the tree back"
        assert cursor.bounding_box() == after
        lab_page.screenshot("graph-tree-scrolled")
    finally:
        page.set_viewport_size({"width": 1400, "height": 1000})
