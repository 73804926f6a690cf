"""The report as a file: complete, self-contained, and safe against its own data."""

from __future__ import annotations

import base64
import gzip
import json
import re

import numpy as np
import pytest
from golden_run import open_empty_run

from ortviz.errors import EnvironmentProblem, OrtvizError
from ortviz.protocol.codec import column_array, decode_frame
from ortviz.report import contents as contents_module
from ortviz.report import write_report
from ortviz.report.contents import collect, request_key
from ortviz.report.page import POLICY, script_json
from ortviz.session.commands import handle


def _element(page, name):
    (found,) = re.findall(rf'<script type="[^"]*" id="{name}">(.*?)</script>', page, re.DOTALL)
    return found


def _report(page):
    return json.loads(_element(page, "ortviz-report"))


def _unpack(text):
    return gzip.decompress(base64.b64decode(text, validate=True))


def _payload(report, key):
    payload, views = decode_frame(_unpack(report["frames"][key]))
    return payload, [bytes(view) for view in views]


def test_holds_what_the_run_answers(reader, bundle, tmp_path):
    path = write_report(reader, tmp_path / "deep" / "er" / "report.html")
    report = _report(path.read_text(encoding="utf-8"))
    assert report["steps"] == [0, 2, 4, 6]
    asked = [
        ("run", {}),
        ("findings", {}),
        ("graphs", {}),
        ("losses", {}),
        ("mask_map", {"loss": "mape"}),
        ("mask_map", {"loss": "smape"}),
        ("masked_elements", {"loss": "mape", "step": 3}),
        ("masked_elements", {"loss": "smape", "step": 7}),
        ("graph_nodes", {"mode": "training", "stage": "torch_exported"}),
        ("graph_model", {"mode": "training", "stage": "execution_model"}),
        ("graph_structure", {"mode": "training", "stage": "torch_exported"}),
        ("graph_lineage", {"mode": "training", "stage": "torch_exported"}),
        ("graph_lineage", {"mode": "training", "stage": "execution_model"}),
        ("graph_schemas", {"mode": "training", "stage": "execution_model"}),
        ("graph_details", {"mode": "training", "stage": "execution_model", "chunk": 0}),
        *[
            (command, {"step": step})
            for command in ("traces", "gradients", "histograms")
            for step in report["steps"]
        ],
    ]
    for command, params in asked:
        assert _payload(report, request_key(command, params)) == handle(reader, command, params)
    assert "all 4 recorded steps" in report["notes"][0]
    assert report["missing"]["traces"] == report["notes"][0]
    assert "no training to control" in report["missing"]["control"]


def test_key_does_not_depend_on_order():
    assert request_key("masked_elements", {"step": 3, "loss": "mape"}) == (
        'masked_elements?{"loss":"mape","step":3}'
    )
    assert request_key("run", {}) == "run?{}"


def test_page_is_self_contained(reader, bundle, tmp_path):
    page = write_report(reader, tmp_path / "r.html").read_text(encoding="utf-8")
    assert _unpack(_element(page, "ortviz-widget")) == (bundle / "widget.js").read_bytes()
    assert b"<html" in _unpack(_element(page, "ortviz-netron"))
    assert (
        f'http-equiv="Content-Security-Policy" content="{POLICY.replace(chr(39), "&#x27;")}"'
        in page
    )
    assert not re.search(r"(src|href|action)\s*=", page)
    assert "http://" not in page
    assert "https://" not in page


def test_data_cannot_become_markup(reader, bundle, tmp_path):
    evil = '</title></script><!-- <script>alert(1)</script> & "\u2028'
    page = write_report(reader, tmp_path / "r.html", title=evil).read_text(encoding="utf-8")
    assert _report(page)["title"] == evil
    assert "alert(1)</script>" not in page
    assert "<!--" not in page
    assert page.count("</title>") == 1
    assert page.count("</style>") == 2
    assert page.count("<script") == page.count("</script>") == 4


@pytest.mark.parametrize("text", ["</script>", "<!--", "]]>", "\u2028\u2029", "&lt;", "ä\\"])
def test_script_json_round_trips(text):
    written = script_json({text: [text, None, 1.5]})
    assert not set(written) & set("<>&\u2028\u2029")
    assert json.loads(written) == {text: [text, None, 1.5]}


def test_few_steps_are_said_to_be_few(reader, bundle, tmp_path):
    path = write_report(reader, tmp_path / "r.html", max_steps=2)
    report = _report(path.read_text(encoding="utf-8"))
    assert report["steps"] == [0, 6]
    assert "2 of 4 recorded steps" in report["missing"]["gradients"]
    assert request_key("traces", {"step": 2}) not in report["frames"]
    payload, buffers = _payload(report, "summary?{}")
    assert column_array(payload["sampled_steps"], buffers).tolist() == [0, 6]
    assert payload["sampled_step_count"] == 4


def test_step_budget(reader, monkeypatch):
    monkeypatch.setattr(contents_module, "MAX_STEPS_BYTES", 1)
    assert collect(reader, 100).steps == [0, 6]


def test_large_models_are_left_out_and_named(reader, monkeypatch):
    size = max(stored.size_bytes for stored in reader.graphs())
    monkeypatch.setattr(contents_module, "MAX_MODELS_BYTES", size)
    contents = collect(reader, 100)
    present = [key for key in contents.frames if key.startswith("graph_model")]
    assert present == ['graph_model?{"mode":"training","stage":"execution_model"}']
    absent = 'graph_model?{"mode":"training","stage":"torch_exported"}'
    assert "too large for a report" in contents.missing[absent]
    assert contents.missing[absent] in contents.notes
    assert 'graph_nodes?{"mode":"training","stage":"torch_exported"}' in contents.frames


def test_masked_steps_are_bounded(reader, monkeypatch):
    monkeypatch.setattr(contents_module, "MAX_MASKED_STEPS", 4)
    contents = collect(reader, 100)
    listed = [key for key in contents.frames if key.startswith('masked_elements?{"loss":"mape"')]
    assert 2 <= len(listed) <= 4
    assert any("MAPE are listed for" in note for note in contents.notes)


def test_a_run_without_steps(bundle, tmp_path):
    with open_empty_run(tmp_path) as reader:
        path = write_report(reader, tmp_path / "r.html")
    report = _report(path.read_text(encoding="utf-8"))
    assert report["steps"] == []
    assert "No step was recorded" in report["missing"]["traces"]
    assert "before the first step" in " ".join(report["notes"])
    payload, _ = _payload(report, "summary?{}")
    assert payload["status"] == "ended"
    payload, buffers = _payload(report, "losses?{}")
    assert column_array(payload["steps"], buffers).dtype == np.int32


def test_unbuilt_browser_side(reader, bundle, tmp_path):
    (bundle / "widget.js").unlink()
    with pytest.raises(EnvironmentProblem, match="make setup"):
        write_report(reader, tmp_path / "r.html")
    assert not (tmp_path / "r.html").exists()


def test_unwritable_place_leaves_the_old_report(reader, bundle, tmp_path):
    place = tmp_path / "r.html"
    place.mkdir()
    with pytest.raises(OrtvizError, match=r"cannot be written to .*r\.html"):
        write_report(reader, place)
    (tmp_path / "file").write_text("")
    with pytest.raises(OrtvizError, match="cannot be written"):
        write_report(reader, tmp_path / "file" / "r.html")
    assert not list(tmp_path.glob(".r.html.*"))
