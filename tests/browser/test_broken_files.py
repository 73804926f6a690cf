"""Files that are damaged or are not what their name says: a sentence, not an empty page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from onnx import TensorProto, helper
from playwright.sync_api import FrameLocator, expect

from tests.browser.lab_page import READY_MS, LabPage

pytestmark = pytest.mark.browser


def _model_bytes() -> bytes:
    nodes = [helper.make_node("Relu", [f"t{i}"], [f"t{i + 1}"], name=f"n{i}") for i in range(20)]
    inputs = [helper.make_tensor_value_info("t0", TensorProto.FLOAT, [2])]
    outputs = [helper.make_tensor_value_info("t20", TensorProto.FLOAT, [2])]
    model = helper.make_model(helper.make_graph(nodes, "graph", inputs, outputs))
    return bytes(model.SerializeToString())


@pytest.fixture
def page(lab_page: LabPage) -> LabPage:
    lab_page.close_all()
    lab_page.wear("light")
    return lab_page


def _open_in_netron(page: LabPage, path: Path) -> FrameLocator:
    page.command("docmanager:open", path=path.name, factory="Netron (ortviz)")
    return page.page.locator(".ortviz-Netron iframe").content_frame


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("truncated.onnx", _model_bytes()[:-150]),
        ("text.onnx", b"This is a text and no model.\n" * 20),
        ("empty.onnx", b""),
    ],
)
def test_a_damaged_model_is_told_in_words(page: LabPage, name: str, content: bytes) -> None:
    path = page.lab.root / name
    path.write_bytes(content)
    netron = _open_in_netron(page, path)
    message = netron.locator(".message-text")
    expect(message).to_be_visible(timeout=READY_MS)
    page.screenshot(f"broken-{path.stem}")
    assert re.search(r"\w+ \w+ \w+", message.inner_text()), message.inner_text()
    assert "undefined" not in message.inner_text()


@pytest.mark.parametrize(
    ("name", "content"),
    [("text.ortviz", b"no run\n" * 100), ("empty.ortviz", b"")],
)
def test_a_file_that_is_no_run_is_told_in_words(page: LabPage, name: str, content: bytes) -> None:
    (page.lab.root / name).write_bytes(content)
    page.command("docmanager:open", path=name)
    failure = page.page.get_by_test_id("failure").first
    expect(failure).to_be_visible(timeout=READY_MS)
    expect(failure).to_contain_text(name)
    page.screenshot(f"broken-run-{Path(name).stem}")
    # The browser itself logs the status with which the server said so.
    page.watch.forgive(r"status of 404 .*/ortviz/run/command")
