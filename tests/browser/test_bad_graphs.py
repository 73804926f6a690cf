"""Damaged, strange, huge and hostile models opened as graphs: shown or refused, never executed."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.bad_models import BAD_MODELS, CANARY, BadModel
from tests.browser.lab_page import READY_MS, LabPage

pytestmark = pytest.mark.browser

POLL_MS = 2_500
"""How often a page asks by itself (``state/store.ts``)."""
ANSWER_MS = 1_000
"""Within which the page has to answer a key."""

CLOSE_ALL = """() => {
  for (const widget of [...jupyterapp.shell.widgets("main")]) {
    if (widget.node.querySelector(".jp-Launcher") === null) widget.dispose();
  }
}"""
LISTEN = """() => {
  window.heard = null;
  window.addEventListener("keydown", () => { window.heard = performance.now(); }, {
    capture: true, once: true,
  });
  window.asked = performance.now();
}"""


@pytest.fixture
def page(lab_page: LabPage) -> LabPage:
    lab_page.page.evaluate(CLOSE_ALL)
    return lab_page


def _open(page: LabPage, model: BadModel) -> Locator:
    path = page.lab.root / f"{model.name}.onnx"
    path.write_bytes(model.content())
    page.command("docmanager:open", path=path.name, factory="ortviz graph")
    return page.page.get_by_test_id("ortviz-graph")


def _answers_keys(page: LabPage) -> float:
    """How long a key press takes to be heard, in ms."""
    page.page.evaluate(LISTEN)
    page.page.keyboard.press("F9")
    page.page.wait_for_function("window.heard !== null", timeout=READY_MS)
    return float(page.page.evaluate("window.heard - window.asked"))


@pytest.mark.parametrize("model", BAD_MODELS.values(), ids=BAD_MODELS)
def test_a_bad_file_is_shown_or_refused_in_words(page: LabPage, model: BadModel) -> None:
    graph = _open(page, model)
    failure = graph.get_by_test_id("failure").first
    shown = graph.locator(".ov-scene[data-boxes]")
    if model.refused:
        expect(failure).to_contain_text(f"{model.name}.onnx", timeout=READY_MS)
        # The browser itself logs the status with which the server said so, once.
        assert len(page.watch.trouble) == 1, page.watch.trouble
        page.watch.forgive(r"status of 400 .*/ortviz/onnx/command")
    else:
        expect(shown.or_(failure)).to_be_visible(timeout=READY_MS)
        expect(failure).to_have_count(0)
        assert int(shown.get_attribute("data-boxes") or 0) > 0 or model.name == "empty_graph"
        # Further notes are folded.
        text = graph.text_content() or ""
        assert re.search(model.said, text), text
    assert _answers_keys(page) < ANSWER_MS
    page.screenshot(f"bad-{model.name}")
    assert page.page.evaluate(f"window.{CANARY}") is None


def test_a_refused_file_is_asked_for_again_by_hand_only(page: LabPage) -> None:
    graph = _open(page, BAD_MODELS["truncated"])
    failure = graph.get_by_test_id("failure").first
    expect(failure).to_contain_text("truncated.onnx", timeout=READY_MS)
    page.page.wait_for_timeout(POLL_MS + 500)
    assert len(page.watch.trouble) == 1, page.watch.trouble
    page.watch.forgive(r"status of 400 .*/ortviz/onnx/command")
    (page.lab.root / "truncated.onnx").write_bytes(BAD_MODELS["hostile"].content())
    failure.get_by_role("button").click()
    expect(graph.locator(".ov-scene[data-boxes]")).to_be_visible(timeout=READY_MS)


def test_hostile_names_are_text_wherever_they_are_shown(page: LabPage) -> None:
    graph = _open(page, BAD_MODELS["hostile"])
    scene = graph.locator(".ov-scene")
    expect(graph.locator(".ov-scene[data-boxes]")).to_be_visible(timeout=READY_MS)
    graph.get_by_test_id("graph-expand-all").click()
    expect(graph.locator('[data-closed="0"]')).to_be_visible(timeout=READY_MS)
    scene.focus()
    # Every box is stepped on once, which speaks its name and shows its details.
    for _ in range(2 * len(BAD_MODELS)):
        page.page.keyboard.press("ArrowDown")
        page.page.keyboard.press("Enter")
    page.screenshot("bad-hostile-details")
    assert page.page.evaluate(f"window.{CANARY}") is None
    assert graph.locator("script, svg[onload], img[onerror], a[href^='javascript']").count() == 0
    box = graph.bounding_box()
    assert box is not None
    assert box["width"] <= 1400, "a long name made the page wider"
    overflow = graph.evaluate("(element) => element.scrollWidth - element.clientWidth")
    assert overflow <= 0, "a long name stands out"
