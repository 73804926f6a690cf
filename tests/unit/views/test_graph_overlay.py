"""Which tensor of a step is which value of a stage, and what is said of the others."""

from __future__ import annotations

import math

import onnx
import pytest

from ortviz.graphs import read_structure
from ortviz.protocol.codec import Buffers, column_array
from ortviz.record import (
    ErrorOrigin,
    GraphRecord,
    Half,
    Mode,
    NodeRecord,
    Site,
    SiteComparison,
    SiteStatus,
    Stage,
    StepComparison,
    StepRecord,
    Verdict,
)
from ortviz.views.graph_overlay import NodeSecs, StageValues, graph_overlay_view

ROWS = (
    ("Gemm", ("x", "w"), ("h",)),
    ("Dropout", ("h",), ("d", "", "mask")),
    ("Gemm", ("d", "v"), ("y",)),
    ("YieldOp", ("y",), ("output-0_grad",)),
    ("Gemm", ("output-0_grad", "v"), ("d_grad",)),
    ("Gemm", ("output-0_grad", "d"), ("v_grad",)),
)


def _values(rows=ROWS, stage=Stage.EXECUTION_MODEL, given=("x",)):
    nodes = tuple(
        NodeRecord(index, "", op, "", inputs, outputs, Half.FORWARD, None)
        for index, (op, inputs, outputs) in enumerate(rows)
    )
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(op, inputs, outputs) for op, inputs, outputs in rows],
        "graph",
        [onnx.helper.make_tensor_value_info(name, 1, None) for name in given],
        [],
    )
    record = GraphRecord(Mode.TRAINING, stage, nodes, (), b"")
    return StageValues.of(record, read_structure(onnx.helper.make_model(graph)))


def _view(values, step, *compared, times=None, notes=()):
    buffers = Buffers()
    comparison = StepComparison(step.step, compared, {})
    view = graph_overlay_view(values, step, comparison, times or NodeSecs(), notes, buffers)
    parts = buffers.parts()
    columns = {
        name: column_array(value, parts).tolist()
        for name, value in view.items()
        if isinstance(value, dict) and "buffer" in value
    }
    text, ends = (column_array(view["site_ids"][name], parts) for name in ("text", "ends"))
    starts = [0, *ends.tolist()]
    columns["sites"] = [
        text[a:b].tobytes().decode() for a, b in zip(starts, ends.tolist(), strict=False)
    ]
    return columns, view["notes"]


def _compared(site_id, verdict=Verdict.ROUNDING, **more):
    return SiteComparison(Site.parse(site_id), verdict, **more)


def test_values_are_numbered_by_node_and_output_absent_ones_left_out():
    values = _values()
    assert values.numbers == {
        "h": 0, "d": 1, "mask": 2, "y": 3, "output-0_grad": 4, "d_grad": 5, "v_grad": 6,
        "x": 7,
    }  # fmt: skip
    assert values.inputs == (7,)
    repeated = _values((("A", (), ("x", "x")), ("B", (), ("x", "z"))), given=())
    assert repeated.numbers == {"x": 0, "z": 3}


def test_each_tensor_by_its_number_with_both_sides(make):
    step = make.step(
        [make.site("forward/a#out0", stats=make.stats(3.0)), make.site("parameter_grad/b#weight")],
        [
            make.site("parameter_grad/b#weight", value_name="v_grad"),
            make.site("forward/a#out0", stats=make.stats(4.0, nan=1, posinf=0), value_name="h"),
            make.site("backward/drop#out0", stats=make.stats(0.5), value_name="d_grad"),
        ],
    )
    columns, notes = _view(
        _values(),
        step,
        _compared("forward/a#out0", Verdict.DIVERGENT, max_abs_error=1.0, max_rel_error=0.25,
                  origin=ErrorOrigin.HERE),
        _compared("parameter_grad/b#weight", Verdict.EQUAL, max_abs_error=0.0, max_rel_error=0.0),
    )  # fmt: skip
    assert columns["value"] == [0, 5, 6]
    assert columns["sites"] == ["forward/a#out0", "backward/drop#out0", "parameter_grad/b#weight"]
    assert columns["verdict"] == [2, 3, 0]
    assert columns["born_here"] == [1, 0, 0]
    assert columns["max_rel_error"][0] == 0.25
    assert math.isnan(columns["max_rel_error"][1])
    assert columns["reference_norm"][0] == 3.0
    assert math.isnan(columns["reference_norm"][1])
    assert columns["candidate_norm"] == [4.0, 0.5, 1.0]
    assert columns["candidate_nonfinite"] == [1, 0, 0]
    assert columns["reference_nonfinite"] == [0, 0, 0]
    assert columns["backward"] == [0, 1, 1]
    assert notes == []


def test_all_nan_has_no_norm_but_counts(make):
    seen = make.site("forward/a#out0", stats=make.stats(nan=2), value_name="h")
    columns, _ = _view(_values(), make.step((), [seen]))
    assert math.isnan(columns["candidate_norm"][0])
    assert columns["candidate_nonfinite"] == [2]


def test_what_the_stage_does_not_have_is_left_out_and_counted(make):
    step = make.step(
        (),
        [
            make.site("forward/a#out0", value_name="h"),
            make.site("forward/a#Relu_output_0", value_name="merged"),
            make.site("forward/b#out0", status=SiteStatus.FUSED_AWAY, value_name="y"),
            make.site("parameter/a#weight", value_name="w"),
        ],
    )
    columns, notes = _view(_values(), step, notes=["More."])
    assert columns["sites"] == ["forward/a#out0"]
    own, other = notes
    assert own.startswith("1 recorded tensor is not in this stage (made in another one")
    assert own.endswith("; 1 is.")
    assert other == "More."


@pytest.mark.parametrize(
    ("stage", "found"), [(Stage.TORCH_EXPORTED, ["forward/b#out0"]), (Stage.OPTIMIZED, [])]
)
def test_a_fused_tensor_is_in_the_stages_before(make, stage, found):
    step = make.step(
        [make.site("forward/b#out0", stats=make.stats(2.0))],
        [make.site("forward/b#out0", status=SiteStatus.FUSED_AWAY, value_name="y")],
    )
    columns, notes = _view(_values(stage=stage), step)
    assert columns["sites"] == found
    assert len(notes) == 1 - len(found)
    if found:
        assert columns["reference_norm"] == [2.0]
        assert columns["verdict"] == [3]


@pytest.mark.parametrize(
    ("rows", "forward", "backward"),
    [
        (ROWS, 3, 4),
        ((("Gemm", (), ("y",)), ("Identity", ("y",), ("output-0",))), 1, None),
        ((("Gemm", (), ("y",)), ("YieldOp", ("y",), ("y_grad",))), 0, 1),
        ((("Gemm", (), ("y", "z")), ("YieldOp", ("y", "z"), ("z_grad",))), 0, None),
    ],
)
def test_outputs_of_the_model_and_what_arrives_there(make, rows, forward, backward):
    step = make.step(
        (), [make.site("forward/#out0"), make.site("backward/#out0"), make.site("forward/#out7")]
    )
    columns, _ = _view(_values(rows), step)
    assert columns["value"] == [number for number in (forward, backward) if number is not None]


def test_of_several_sites_with_one_tensor_the_innermost_is_shown(make):
    names = ["forward/#out0", "forward/block#out0", "forward/block.fc#out0"]
    step = make.step((), [make.site(name, value_name="y") for name in names])
    columns, _ = _view(_values(), step, *map(_compared, names))
    assert columns["sites"] == ["forward/block.fc#out0"]
    columns, _ = _view(_values(), step, _compared(names[1]))
    assert columns["sites"] == ["forward/block#out0"]


def test_the_only_input_is_known_and_of_several_none(make):
    one = make.site("input/#in0", stats=make.stats(3.0))
    columns, _ = _view(_values(), make.step([one], [one]))
    assert (columns["value"], columns["verdict"]) == ([7], [0])
    assert columns["reference_norm"] == columns["candidate_norm"] == [3.0]
    two = [one, make.site("input/#in1")]
    assert _view(_values(), make.step(two, two))[0]["value"] == []
    assert _view(_values(given=("x", "z")), make.step(two, two)) == _view(_values(), make.step())


def test_another_mode_and_a_fallback_say_why_nothing_is_there(make):
    seen = make.site("forward/a#out0", value_name="h")
    columns, (note,) = _view(_values(), StepRecord(3, Mode.INFERENCE, False, (), (seen,)))
    assert columns["value"] == []
    assert "Step 3 ran the inference graph" in note
    columns, (note,) = _view(_values(), StepRecord(3, Mode.TRAINING, True, (seen,), ()))
    assert columns["value"] == []
    assert "eager PyTorch" in note


def test_names_of_any_kind_travel(make):
    name = 'forward/<b>"ä\n🙂</b>#out0'
    step = make.step((), [make.site(name, value_name="h")])
    assert _view(_values(), step)[0]["sites"] == [name]
