"""Netron as one document: opened from disk, without a network, told and heard by messages."""

from __future__ import annotations

import base64
import html

import pytest
from onnx import TensorProto, helper

from ortviz.netron.document import netron_document
from tests.browser.lab_page import SCREENSHOTS

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><meta charset="utf-8">
<iframe id="frame" style="width: 98vw; height: 96vh" srcdoc="{document}"></iframe>
<script>
window.heard = [];
addEventListener("message", (event) => heard.push(event.data));
const frame = document.getElementById("frame");
window.tell = (message) =>
  frame.contentWindow.postMessage({{ ortviz: "netron", ...message }}, "*");
window.model = Uint8Array.from(atob("{model}"), (char) => char.charCodeAt(0)).buffer;
</script>
"""
TIMEOUT_MS = 30_000


def model_bytes() -> bytes:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 8, 8])
    w = helper.make_tensor_value_info("w", TensorProto.FLOAT, [4, 3, 1, 1])
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["/conv/Conv_output_0"], name="/conv/Conv"),
        helper.make_node("Relu", ["/conv/Conv_output_0"], ["h"], name="same name"),
        helper.make_node("Relu", ["h"], ["y"], name="same name"),
    ]
    return helper.make_model(helper.make_graph(nodes, "g", [x, w], [y])).SerializeToString()


@pytest.fixture
def page(browser, tmp_path):
    """A page on disk with Netron in it, in a browser that is offline."""
    document = html.escape(netron_document(), quote=True)
    model = base64.b64encode(model_bytes()).decode("ascii")
    path = tmp_path / "page.html"
    path.write_text(PAGE.format(document=document, model=model), encoding="utf-8")
    context = browser.new_context(viewport={"width": 1000, "height": 700}, offline=True)
    page = context.new_page()
    asked, trouble = [], []
    context.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: message.type == "error" and trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.goto(path.as_uri())
    wait(page, "ready")
    yield page
    context.close()
    assert [url for url in asked if not url.startswith(("file:", "blob:", "about:"))] == []
    assert trouble == []


def wait(page, event, **detail):
    """Wait until Netron has said something; returns it."""
    page.wait_for_function(
        "([event, detail]) => heard.some((message) => message.event === event &&"
        " Object.entries(detail).every(([key, value]) => message[key] === value))",
        arg=[event, detail],
        timeout=TIMEOUT_MS,
    )
    said = page.evaluate("(event) => heard.filter((message) => message.event === event)", event)
    return said[-1]


def open_model(page, name="m.onnx"):
    page.evaluate("(name) => tell({ command: 'open', name, bytes: model })", name)
    return wait(page, "opened", name=name)


def test_a_model_is_shown_and_its_nodes_are_marked_by_the_tensors_they_make(page):
    assert open_model(page)["nodes"] == 3
    groups = [
        {"values": ["h", "no such tensor"], "color": "rgb(230, 159, 0)"},
        {"values": ["/conv/Conv_output_0"], "color": "rgb(0, 114, 178)"},
    ]
    page.evaluate("(groups) => tell({ command: 'mark', groups })", groups)
    assert wait(page, "marked")["nodes"] == 2
    frame = page.frame_locator("#frame")
    assert frame.locator(".ortviz-mark").count() == 2
    marked = frame.locator(".ortviz-mark", has_text="Conv").get_attribute("style")
    assert "rgb(0, 114, 178)" in marked
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / "netron-document.png")
    page.evaluate("() => tell({ command: 'mark', groups: [] })")
    assert wait(page, "marked", nodes=0)["nodes"] == 0


def test_a_click_says_which_tensors_a_node_makes(page):
    open_model(page)
    page.frame_locator("#frame").locator(".node-item-type", has_text="Relu").nth(1).click()
    picked = wait(page, "picked")
    assert (picked["name"], picked["type"], picked["values"]) == ("same name", "Relu", ["y"])


def test_of_models_asked_for_at_once_the_last_is_shown(page):
    page.evaluate("""() => {
      for (const name of ["first.onnx", "second.onnx", "third.onnx"]) {
        tell({ command: "open", name, bytes: model });
      }
    }""")
    wait(page, "opened", name="third.onnx")
    names = page.evaluate("heard.filter((m) => m.event === 'opened').map((m) => m.name)")
    assert names == ["first.onnx", "third.onnx"]


def test_what_is_no_model_is_told_and_the_next_one_opens(page):
    page.evaluate("tell({ command: 'open', name: 'bad.onnx', bytes: new ArrayBuffer(16) })")
    assert wait(page, "failed", name="bad.onnx")["message"]
    assert open_model(page, "good.onnx")["nodes"] == 3


def test_the_theme_is_the_embedding_pages(page):
    open_model(page)
    frame = page.locator("#frame")
    color = "(e) => getComputedStyle(e.contentDocument.body).backgroundColor"
    colors = {}
    for theme in ("dark", "light", "dark"):
        page.evaluate("(theme) => tell({ command: 'theme', theme })", theme)
        page.wait_for_function(
            "(theme) => document.getElementById('frame').contentDocument"
            ".documentElement.style.colorScheme === theme",
            arg=theme,
        )
        seen = frame.evaluate(color)
        assert colors.setdefault(theme, seen) == seen
    assert colors["dark"] != colors["light"]
