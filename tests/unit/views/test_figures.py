"""Plotly figures hold what the run holds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ortviz.errors import UnknownNameError
from ortviz.record import Side
from ortviz.views import figures
from ortviz.views.figures.look import COLORS, LOOK_HERE

sys.path.insert(0, str(Path(__file__).parents[2] / "contract" / "golden"))


@pytest.fixture
def reader(tmp_path):
    from golden_run import open_run

    with open_run(tmp_path) as reader:
        yield reader


@pytest.fixture
def empty(tmp_path):
    from golden_run import open_empty_run

    with open_empty_run(tmp_path) as reader:
        yield reader


def _of(figure, name, axis="y"):
    return [trace for trace in figure.data if trace.name == name and trace.yaxis == axis]


def test_losses(reader):
    figure = figures.losses(reader)
    (ort,) = _of(figure, "ONNX Runtime")
    np.testing.assert_allclose(ort.y[:4], [1, 1 / 2, 1 / 3, 1 / 4])
    assert np.isnan(ort.y[4:]).all()
    (eager,) = _of(figure, "eager PyTorch")
    assert np.flatnonzero(np.isfinite(eager.y)).tolist() == [0, 2]
    assert figure.layout.yaxis.title.text == "MAE"
    assert figure.layout.yaxis2.title.text == "MAPE<br>(trained)"
    (bars,) = _of(figure, "masked NaN", "y4")
    np.testing.assert_array_equal(bars.y, [np.nan] * 3 + [1] + [11] * 4)
    (marks,) = _of(figure, "not finite", "y5")
    assert "gradient nan (ONNX Runtime)" in marks.text
    assert figure.layout.yaxis5.ticktext[1] == "gradient"
    assert "&lt;b>" in figure.layout.title.text


def test_folded_losses_have_a_band(reader):
    figure = figures.losses(reader, max_points=3)
    assert [trace.fill for trace in figure.data if trace.type == "scatter"].count("tonexty") == 6


def test_log_losses(reader):
    assert figures.losses(reader, log=True).layout.yaxis3.type == "log"


def test_gradients(reader):
    figure = figures.gradients(reader, 2)
    (ort,) = _of(figure, "ONNX Runtime")
    assert list(ort.x[:3]) == ["norm.weight", "norm.bias", "blocks.0.weight"]
    assert ort.y[0] == 1.0
    states = [trace for trace in figure.data if trace.yaxis in ("y3", "y4")]
    by_side = {(trace.yaxis, tuple(trace.text)) for trace in states}
    assert ("y3", ("finite",) * 6 + ("none",)) in by_side
    assert ("y4", ("finite", "not captured", "finite", "finite", "finite")) in by_side
    assert figure.layout.yaxis.type == "log"


def test_gradients_of_the_newest_step(reader):
    figure = figures.gradients(reader)
    assert "at step 6" in figure.layout.title.text
    assert any("nan" in (trace.text or ()) for trace in figure.data)


def test_gradients_of_an_unknown_step(reader, empty):
    with pytest.raises(UnknownNameError, match="Step 5"):
        figures.gradients(reader, 5)
    with pytest.raises(UnknownNameError, match="No step is recorded yet"):
        figures.gradients(empty)


def test_mask_map(reader):
    (cells,) = figures.mask_map(reader).data
    assert np.flatnonzero(np.isfinite(cells.z[0])).tolist() == [4, 5, 6, 7]
    assert np.flatnonzero(np.isfinite(cells.z[1])).tolist() == [3, 4, 5, 6, 7]
    assert cells.customdata[1, 4] == 4
    with pytest.raises(UnknownNameError, match="mape and smape"):
        figures.mask_map(reader, "mae")


def test_empty_runs_have_empty_figures(empty):
    assert figures.losses(empty).to_json()
    assert figures.mask_map(empty).to_json()


def test_colours_are_those_of_the_debugger():
    tokens = (Path(__file__).parents[3] / "extension/style/debugger/tokens.css").read_text()
    for name, color in [
        ("reference", COLORS[Side.REFERENCE]),
        ("candidate", COLORS[Side.CANDIDATE]),
        ("look", LOOK_HERE),
    ]:
        assert f"--ov-{name}: {color};" in tokens


def test_only_figures_load_plotly_and_nothing_loads_torch():
    code = (
        "import sys, ortviz.session.commands, ortviz.report; "
        "print(sorted({'plotly', 'torch', 'onnxruntime'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
