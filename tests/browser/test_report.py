"""A report of the golden run, opened from disk in a real Chromium without a network."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from ortviz.report import write_report

sys.path.insert(0, str(Path(__file__).parents[1] / "contract" / "golden"))
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    from golden_run import open_run

    folder = tmp_path_factory.mktemp("report")
    with open_run(folder) as reader:
        return write_report(reader, folder / "report.html")


@pytest.fixture
def page(browser, report):
    context = browser.new_context(viewport={"width": 1280, "height": 800}, offline=True)
    page = context.new_page()
    asked: list[str] = []
    trouble: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: message.type == "error" and trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.goto(report.as_uri())
    yield page
    assert [url for url in asked if not url.startswith(("file:", "blob:", "data:"))] == []
    assert trouble == []
    context.close()


def _open(page, view):
    page.get_by_test_id(f"tab-{view}").click()
    return page.get_by_test_id(f"panel-{view}")


def test_all_five_views_have_their_data(page):
    expect(page).to_have_title("sunspots <b>&</b> · ortviz")
    expect(_open(page, "losses")).to_contain_text("MAPE")
    traces = _open(page, "traces")
    expect(traces).to_contain_text("ONNX Runtime")
    expect(traces).to_contain_text("BatchNorm1d")
    expect(_open(page, "gradients")).to_contain_text("blocks.0.weight")
    expect(page.get_by_test_id("finding-counts")).to_contain_text("3 findings")
    findings = _open(page, "findings")
    expect(findings.get_by_test_id("finding-row")).to_have_count(3)
    expect(findings).to_contain_text("Train with MapeLoss(safe_grad=True)")


def test_a_finding_leads_to_its_step_and_view(page):
    findings = _open(page, "findings")
    row = findings.get_by_test_id("finding-row").filter(has_text="running_mean")
    row.get_by_test_id("finding-go").click()
    expect(page.get_by_test_id("panel-traces")).to_be_visible()
    expect(page.get_by_test_id("current-step")).to_contain_text("2")
    expect(page.get_by_test_id("status-line")).to_contain_text("norm")


def test_steps_can_be_walked(page):
    _open(page, "traces")
    step = page.get_by_test_id("current-step")
    before = step.inner_text()
    page.get_by_test_id("previous-step").click()
    expect(step).not_to_have_text(before)
    expect(page.get_by_test_id("failure")).to_have_count(0)


def test_the_selected_tensor_shows_how_its_elements_are_spread(page):
    _open(page, "traces")
    step = page.get_by_test_id("current-step")
    while not step.inner_text().startswith("step 2 "):
        before = step.inner_text()
        page.get_by_test_id("previous-step").click()
        expect(step).not_to_have_text(before)
    details = page.get_by_test_id("trace-details")
    page.locator('[data-testid="trace-row"][data-site="forward/head#out0"]').click()
    figure = details.get_by_test_id("histogram")
    expect(figure.locator("path")).to_have_count(2)
    expect(figure).to_have_attribute("title", re.compile(r"ORT: 448 elements from −0\.2500"))
    expect(details).to_contain_text("L2")
    # A site of which none was kept has none.
    page.locator('[data-testid="trace-row"][data-site="forward/norm#out0"]').click()
    expect(details).to_have_attribute("data-site", "forward/norm#out0")
    expect(figure).to_have_count(0)


def test_netron_draws_the_graph_from_the_file(page):
    _open(page, "graph")
    page.get_by_test_id("graph-shape-netron").click()
    frame = page.get_by_test_id("netron-frame")
    expect(frame).to_be_visible()
    netron = frame.content_frame
    expect(netron.get_by_text("FusedGemm")).to_be_visible()
    page.get_by_test_id("stage-torch_exported").click()
    expect(netron.get_by_text("FusedGemm")).to_have_count(0)
    expect(netron.get_by_text("Relu", exact=True)).to_be_visible()


def test_the_page_may_ask_nobody(page):
    policy = page.locator('meta[http-equiv="Content-Security-Policy"]').get_attribute("content")
    assert policy.startswith("default-src 'none';")
    assert not re.search(r"\*|https?:|'unsafe-eval'", policy)


def test_what_the_report_holds_is_said(page):
    expect(page.get_by_test_id("ortviz")).to_contain_text("This report holds all 4 recorded steps")
