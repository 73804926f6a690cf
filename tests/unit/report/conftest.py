"""The golden run and a stand-in for the built browser side."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "contract" / "golden"))

WIDGET = """
export function createStaticTransport(report, netron) {
  return { report, netron };
}
export function mount(root, transport, options) {
  root.textContent = `mounted ${options.title}: ${Object.keys(transport.report.frames).length}`;
  window.netron = transport.netron;
}
"""


@pytest.fixture
def reader(tmp_path):
    from golden_run import open_run

    with open_run(tmp_path) as reader:
        yield reader


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    folder = tmp_path / "static"
    folder.mkdir()
    (folder / "widget.js").write_text(WIDGET)
    (folder / "widget.css").write_text("p { color: red } /* </style><b>x</b> */")
    monkeypatch.setattr("ortviz.report.write.STATIC", folder)
    return folder
