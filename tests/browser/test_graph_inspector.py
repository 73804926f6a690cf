"""The Graph view as somebody uses it on a recorded transformer, without a kernel."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import onnx
import pytest
import torch
from playwright.sync_api import ViewportSize, expect

import ortviz
from benchmarks.graphs import models
from tests.browser.lab_page import READY_MS, Debugger, LabPage

pytestmark = [pytest.mark.browser, pytest.mark.engine]


ARROWS = ("ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight")
WINDOW: ViewportSize = {"width": 1400, "height": 1000}
CLOSED = "closed group"
NODE = ", node, "
SOFTMAX = re.compile("^Softmax, node")


@pytest.fixture(scope="module")
def run_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sampled steps of a small transformer; in the second one its output is NaN."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("inspector") / "transformer.ortviz"
    model = models.Transformer(2, 2)
    module = ortviz.wrap(model, path=path, strict=True)
    for step in range(2):
        if step == 1:
            with torch.no_grad():
                model.head.bias.fill_(torch.nan)
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


@pytest.fixture(scope="module")
def outline(graph: Debugger) -> int:
    """How many boxes the first picture has."""
    return Scene(graph).boxes


@pytest.fixture(autouse=True)
def first_picture(graph: Debugger, lab_page: LabPage, outline: int) -> None:
    """Whatever the test before did: one pane, Follow on, no colours, and the model's outline."""
    lab_page.page.emulate_media(reduced_motion="reduce")
    graph.find("graph-shape-picture").last.click()
    graph.find("graph-left").select_option("modules")
    graph.find("graph-overlay").select_option("none")
    graph.find("graph-follow").check()
    scene = Scene(graph)
    expect(scene.root).to_have_attribute("data-boxes", re.compile(r"\d"), timeout=READY_MS)
    scene.root.press("Escape")
    graph.find("graph-collapse-all").click()
    graph.find("graph-fit").click()
    expect(scene.root).to_have_attribute("data-boxes", str(outline), timeout=READY_MS)


class Scene:
    """One picture, read by what it tells those who do not see it.

    Args:
        graph: The debugger it is in.
        side: Which of two panes.
    """

    def __init__(self, graph: Debugger, side: Literal["left", "right"] = "right") -> None:
        scenes = graph.root.locator(".ov-scene")
        self.root = scenes.first if side == "left" else scenes.last
        self.cursor = self.root.locator("[role=button][aria-label]").first

    @property
    def boxes(self) -> int:
        """How many boxes are drawn."""
        return int(self.root.get_attribute("data-boxes") or 0)

    @property
    def spoken(self) -> str:
        """What the box is that the keyboard is on."""
        return self.cursor.get_attribute("aria-label") or ""

    @property
    def place(self) -> tuple[float, float]:
        """Upper left corner of that box in the scene, in px, once it rests there."""
        self.cursor.element_handle().wait_for_element_state("stable", timeout=READY_MS)
        box, around = self.cursor.bounding_box(), self.root.bounding_box()
        assert box is not None
        assert around is not None
        return box["x"] - around["x"], box["y"] - around["y"]

    def walk(self, wanted: str, begin: str = "Home", keys: Sequence[str] = ARROWS) -> None:
        """Walk to a box whose spoken name has a pattern, from an end or from where it is."""
        self.root.focus()
        if begin:
            self.root.press(begin)
        ways = random.Random(0)
        for _ in range(400):
            if re.search(wanted, self.spoken):
                return
            self.root.press(ways.choice(keys))
        pytest.fail(f"no box is {wanted!r}; the last one is {self.spoken!r}")

    def press(self, key: str) -> None:
        """Press a key and wait until another picture is drawn."""
        before = self.boxes
        self.root.press(key)
        self.differs(before)

    def differs(self, boxes: int) -> None:
        """Wait until another number of boxes is drawn."""
        drawn = re.compile(rf"^(?!{boxes}$)\d+$")
        expect(self.root).to_have_attribute("data-boxes", drawn, timeout=READY_MS)


def test_the_first_picture_is_the_outline_and_all_of_it_opens_at_once(
    graph: Debugger, lab_page: LabPage, outline: int
) -> None:
    lab_page.screenshot("inspector-first-light")
    assert 5 < outline < 60
    scene = Scene(graph)
    graph.find("graph-expand-all").click()
    expect(scene.root).to_have_attribute("data-closed", "0", timeout=READY_MS)
    assert scene.boxes > 400
    graph.find("graph-collapse-all").click()
    expect(scene.root).to_have_attribute("data-boxes", str(outline), timeout=READY_MS)


@pytest.mark.parametrize(("begin", "key"), [("Home", "ArrowDown"), ("End", "ArrowUp")])
def test_a_group_opens_and_closes_where_the_eye_is(
    graph: Debugger, lab_page: LabPage, outline: int, begin: str, key: str
) -> None:
    scene = Scene(graph)
    for _ in range(3):
        scene.root.press("+")
    scene.walk(CLOSED, begin, [key])
    closed = scene.place
    name = scene.spoken.split(",")[0]
    # The user sees the boxes move; the corner stays all the same.
    lab_page.page.emulate_media(reduced_motion="no-preference")
    scene.press("Enter")
    assert re.match(rf"{name}, open group", scene.spoken)
    assert scene.place == pytest.approx(closed, abs=2)
    scene.press("Enter")
    assert re.match(rf"{name}, closed group", scene.spoken)
    assert scene.place == pytest.approx(closed, abs=2)
    assert scene.boxes == outline


def test_search_leads_to_a_node_and_to_all_that_is_known_of_it(graph: Debugger) -> None:
    choose(graph, "Softmax", "node")
    details = graph.find("node-details")
    expect(details).to_have_attribute("data-node", re.compile(r"\d+"), timeout=READY_MS)
    expect(details).to_contain_text("Softmax")
    expect(details.get_by_test_id("lineage-link").first).to_be_visible(timeout=READY_MS)
    expect(details.get_by_test_id("schema")).to_be_visible(timeout=READY_MS)


def test_the_keyboard_alone_walks_opens_and_chooses(graph: Debugger) -> None:
    scene = Scene(graph)
    scene.walk(CLOSED)
    scene.press("Enter")
    scene.walk(NODE)
    operator = scene.spoken.split(",")[0]
    scene.root.press("Enter")
    expect(graph.find("node-details").locator("h4")).to_contain_text(operator, timeout=READY_MS)


@pytest.fixture
def stages(graph: Debugger, lab_page: LabPage) -> tuple[Scene, Scene]:
    """Two stages side by side, the same groups open in both."""
    graph.find("graph-left").select_option("training/torch_exported")
    expect(graph.root.locator(".ov-scene[data-boxes]")).to_have_count(2, timeout=READY_MS)
    lab_page.screenshot("inspector-two-stages-light")
    # The left one kept open what a test before had opened.
    graph.find("graph-collapse-all").click()
    return Scene(graph, "left"), Scene(graph)


def test_two_stages_follow_each_other(graph: Debugger, stages: tuple[Scene, Scene]) -> None:
    left, right = stages
    choose(graph, "Softmax", "node")
    for scene in stages:
        expect(scene.cursor).to_have_attribute("aria-label", SOFTMAX, timeout=READY_MS)
    # In either pane another box is chosen: the other one has it too.
    for chosen, other, operator in ((left, right, "MatMul"), (right, left, "Softmax")):
        chosen.walk(f"^{operator}, node", begin="")
        chosen.root.press(" ")
        same = re.compile(f"^(Fused)?{operator}, node")
        expect(other.cursor).to_have_attribute("aria-label", same, timeout=READY_MS)
    graph.find("graph-follow").uncheck()
    spoken = left.spoken
    right.walk("^(Fused)?MatMul, node", begin="")
    right.root.press(" ")
    expect(graph.find("node-details").locator("h4")).to_contain_text("MatMul", timeout=READY_MS)
    assert left.spoken == spoken


def test_groups_open_in_both_stages(graph: Debugger, stages: tuple[Scene, Scene]) -> None:
    left, right = stages
    choose(graph, "encoder.0", "module")
    for scene in stages:
        layer = re.compile(r"^0, closed group.*module encoder\.0")
        expect(scene.cursor).to_have_attribute("aria-label", layer, timeout=READY_MS)
    assert left.place[0] > 0, "it is on screen"
    closed = left.boxes
    right.press("Enter")
    left.differs(closed)
    opened = left.boxes
    graph.find("graph-follow").uncheck()
    right.press("Enter")
    # Had the left one closed too, this would open it.
    left.press("Enter")
    assert left.boxes == closed < opened


def test_panning_moves_both_stages(graph: Debugger, stages: tuple[Scene, Scene]) -> None:
    left, right = stages
    choose(graph, "decoder.0", "module")
    for scene in stages:
        expect(scene.cursor).to_have_attribute("aria-label", re.compile("^0,"), timeout=READY_MS)
    right.root.focus()
    for _ in range(4):
        right.root.press("+")
    before = left.place
    right.root.press("Shift+ArrowDown")
    moved_to(left, before)
    graph.find("graph-follow").uncheck()
    before, rests = right.place, left.place
    right.root.press("Shift+ArrowUp")
    moved_to(right, before)
    assert left.place == rests


def test_the_module_tree_and_the_graph_follow_each_other(graph: Debugger) -> None:
    scene = Scene(graph)
    layer = graph.find("module-item", module="encoder.0")
    layer.click()
    expect(scene.cursor).to_have_attribute("aria-label", re.compile("^0, closed group"))
    scene.walk("^head, closed group.*forward")
    scene.root.press(" ")
    expect(graph.find("module-item", module="head")).to_have_attribute("aria-selected", "true")
    assert scene.place[0] > 0, "it is on screen"
    closed = scene.boxes
    twisty = graph.root.get_by_test_id("module-toggle-encoder.0")
    for times, open_ in enumerate(["false", "true"]):
        twisty.click()
        expect(layer).to_have_attribute("aria-expanded", open_)
        if times == 1:
            scene.differs(closed)
    graph.find("graph-follow").uncheck()
    opened = scene.boxes
    twisty.click()
    expect(layer).to_have_attribute("aria-expanded", "false")
    # Had the graph closed too, this would open it.
    scene.walk(r"^0, (open|closed) group.*module encoder\.0, forward")
    scene.press("Enter")
    assert scene.boxes < opened


def test_netron_shows_what_is_selected_and_selects(graph: Debugger, lab_page: LabPage) -> None:
    graph.find("graph-overlay").select_option("op")
    choose(graph, "Softmax", "node")
    details = graph.find("node-details")
    expect(details).to_have_attribute("data-node", re.compile(r"\d+"), timeout=READY_MS)
    softmax = details.get_attribute("data-node") or ""
    graph.find("graph-shape-netron").click()
    expect(graph.find("netron", phase="shown")).to_be_visible(timeout=READY_MS)
    selected = graph.netron.locator("g.node.select, g.graph-node.select")
    expect(selected).to_contain_text("Softmax", timeout=READY_MS)
    marks = graph.netron.locator(".ortviz-mark")
    expect(marks.nth(100)).to_be_attached(timeout=READY_MS)
    colours = {marks.nth(place).get_attribute("style") for place in range(40)}
    assert len(colours) > 2
    lab_page.screenshot("inspector-netron-light")
    graph.node("MatMul").first.click()
    expect(details).not_to_have_attribute("data-node", softmax, timeout=READY_MS)
    expect(details.locator("h4")).to_contain_text("MatMul", timeout=READY_MS)


def test_steps_change_colours_and_details_but_not_the_view(graph: Debugger) -> None:
    scene = Scene(graph)
    graph.find("graph-overlay").select_option("nonfinite")
    slider, legend = graph.find("step-slider"), graph.find("graph-legend", overlay="nonfinite")
    details = graph.find("node-details")
    slider.fill("1")
    nan = re.compile("other was not recorded: [1-9]")
    expect(legend).to_contain_text(nan, timeout=READY_MS)
    scene.walk("^head, closed group.*forward")
    scene.press("Enter")
    scene.walk("^(Gemm|Add|MatMul), node.*module head, forward")
    scene.root.press(" ")
    expect(details).to_contain_text("NaN or", timeout=READY_MS)
    place = scene.place
    slider.fill("0")
    expect(legend).not_to_contain_text(nan, timeout=READY_MS)
    expect(details).not_to_contain_text("NaN or", timeout=READY_MS)
    graph.find("step-play").click()
    expect(legend).to_contain_text(nan, timeout=READY_MS)
    expect(details).to_contain_text("NaN or", timeout=READY_MS)
    assert scene.place == place


def choose(graph: Debugger, name: str, kind: str) -> None:
    """Search and go to the first hit of a kind."""
    graph.find("graph-search").fill(name)
    graph.find("graph-hit", kind=kind).first.click()


def moved_to(scene: Scene, before: tuple[float, float]) -> None:
    """Wait until the box that the keyboard is on is elsewhere on screen."""
    style = scene.cursor.get_attribute("style") or ""
    if scene.place == before:
        expect(scene.cursor).not_to_have_attribute("style", style, timeout=READY_MS)


def test_an_overlay_colours_by_step_with_a_legend(graph: Debugger) -> None:
    graph.find("graph-overlay").select_option("divergence")
    legend = graph.find("graph-legend", overlay="divergence")
    # How many tensors are of which kind.
    expect(legend).to_contain_text(re.compile(r": [1-9]"), timeout=READY_MS)
    expect(graph.find("step-slider")).to_be_visible()


@pytest.fixture
def narrow(graph: Debugger, lab_page: LabPage) -> Iterator[dict[str, float]]:
    """A window in which the debugger is 700 px wide and 640 px high; its rectangle."""
    wide = graph.root.bounding_box()
    assert wide is not None
    size = {
        "width": WINDOW["width"] - int(wide["width"]) + 700,
        "height": WINDOW["height"] - int(wide["height"]) + 640,
    }
    lab_page.page.set_viewport_size(size)
    lab_page.page.wait_for_function(
        "() => document.querySelector('[data-testid=ortviz]').clientWidth <= 700"
    )
    box = graph.root.bounding_box()
    assert box is not None
    yield {**box}
    lab_page.page.set_viewport_size(WINDOW)


def test_the_picture_gets_most_of_a_small_window(
    graph: Debugger, lab_page: LabPage, narrow: dict[str, float]
) -> None:
    assert narrow["width"] == pytest.approx(700, abs=2)
    assert narrow["height"] == pytest.approx(640, abs=2)
    picture = graph.find("graph-scene").bounding_box()
    assert picture is not None
    assert picture["height"] >= 0.55 * narrow["height"]
    graph.find("graph-overlay").select_option("divergence")
    expect(graph.find("step-slider")).to_be_visible()
    wide = "(all) => all.filter((one) => one.scrollWidth > one.clientWidth + 1).length"
    for row in (".ov-stages", ".ov-graph-toolbar", ".ov-graph-bar"):
        rows = graph.root.locator(f"{row}:visible")
        assert rows.evaluate_all(wide) == 0, f"nothing of {row} is cut off"
    lab_page.screenshot("inspector-small-window-light")


def test_a_line_in_a_small_window_says_what_is_selected_and_opens_the_rest(
    graph: Debugger, narrow: dict[str, float]
) -> None:
    line, details = graph.find("graph-peek"), graph.find("node-details")
    choose(graph, "Softmax", "node")
    expect(graph.find("graph-hit")).to_have_count(0)
    expect(line).to_contain_text(re.compile("Softmax.*step 1"), timeout=READY_MS)
    expect(details).to_have_count(0)
    line.press("Enter")
    expect(details).to_contain_text("Softmax", timeout=READY_MS)
    box = details.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= narrow["y"] + narrow["height"]
    details.press("Escape")
    expect(details).to_have_count(0)
    expect(line).to_be_focused()


def test_picture_and_selection_are_saved_as_files(graph: Debugger, lab_page: LabPage) -> None:
    scene = Scene(graph)
    scene.walk(CLOSED)
    scene.root.press(" ")
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
        lab_page.page.set_viewport_size(WINDOW)
        lab_page.wear("light")
