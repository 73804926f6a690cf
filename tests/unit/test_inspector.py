"""``ortviz.GraphInspector``: what it takes, what it refuses in which words, what it gives."""

from __future__ import annotations

import sys
from pathlib import Path

import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch import nn

import ortviz
from ortviz.errors import OrtvizError, SourceError, StoreError, UnknownNameError

sys.path.insert(0, str(Path(__file__).parents[1] / "contract" / "golden"))


def proto() -> onnx.ModelProto:
    nodes = [helper.make_node("Relu", ["x"], ["h"]), helper.make_node("Neg", ["h"], ["y"])]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in "xhy"]
    graph = helper.make_graph(nodes, "tiny", ends[:1], ends[2:], value_info=ends[1:2])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "tiny.onnx"
    path.write_bytes(proto().SerializeToString())
    return path


@pytest.fixture
def run_file(tmp_path):
    from golden_run import open_run

    with open_run(tmp_path) as reader:
        return reader.save_copy(tmp_path / "recorded.ortviz")


def test_a_file_is_shown_alone_and_by_its_path(file):
    inspector = ortviz.GraphInspector(str(file), height=500)
    assert inspector.views == ["graph"]
    assert (inspector.onnx_path, inspector.run_path) == (str(file), "")
    assert (inspector.name, inspector.height) == ("tiny.onnx", 500)
    assert inspector.graph == ["inference", "model"]
    assert "tiny.onnx" in repr(inspector)


def test_a_home_folder_is_understood(file, monkeypatch):
    monkeypatch.setenv("HOME", str(file.parent))
    assert ortviz.GraphInspector("~/tiny.onnx").onnx_path == str(file)


@pytest.mark.parametrize("kind", ["proto", "bytes", "bytearray"])
def test_models_in_memory_become_a_file_that_goes_with_them(kind):
    given = proto() if kind == "proto" else proto().SerializeToString()
    inspector = ortviz.GraphInspector(bytearray(given) if kind == "bytearray" else given)
    path = Path(inspector.onnx_path)
    assert path.is_file()
    assert inspector.name == ("tiny" if kind == "proto" else "model")
    assert len(inspector.stages) == 1
    inspector.close()
    del inspector
    import gc

    gc.collect()
    assert not path.parent.exists()


def test_a_hostile_name_stays_in_its_folder():
    model = proto()
    model.graph.name = "../../<b>\n" + "x" * 10_000
    path = Path(ortviz.GraphInspector(model).onnx_path)
    assert path.parent.name.startswith("ortviz-graph-")
    assert len(path.name) < 80


def test_runs_are_shown_as_they_are(run_file):
    from_path = ortviz.GraphInspector(run_file)
    assert (from_path.run_path, from_path.onnx_path) == (str(run_file), "")
    assert from_path.graph == ["training", "execution_model"]
    run = ortviz.load(run_file)
    inspector = ortviz.GraphInspector(run, stage="torch_exported")
    assert inspector.graph == ["training", "torch_exported"]
    assert inspector.structure.file_node_count == len(run.graphs["torch_exported"].record.nodes)


def test_opening_a_file_leaves_the_last_run_alone(run_file):
    run = ortviz.load(run_file)
    ortviz.GraphInspector(run_file)
    assert ortviz.last_run() is run


class Tiny(nn.Module):
    def forward(self, x):
        return x


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (7, "no graph in an object of type int.*takes a run, a model wrapped by ortviz, the path"),
        (None, "NoneType"),
        (nn.Linear, "the class Linear"),
        (torch.ones(2), "type Tensor"),
        (Tiny(), r"Tiny is not wrapped.*ortviz.GraphInspector\(model, x\)"),
    ],
)
def test_anything_else_is_refused_with_what_is_taken(source, said):
    with pytest.raises(SourceError, match=said):
        ortviz.GraphInspector(source)
    assert issubclass(SourceError, TypeError)


def test_a_wrong_stage_is_told_before_a_model_is_exported():
    class Exported(nn.Module):
        def forward(self, x):
            pytest.fail("it was exported")

    with pytest.raises(UnknownNameError, match="no stage 'optimised'"):
        ortviz.GraphInspector(Exported(), torch.ones(2), stage="optimised")


def test_inputs_are_for_modules(file):
    with pytest.raises(SourceError, match=r"Example inputs were given with .*tiny\.onnx"):
        ortviz.GraphInspector(file, torch.ones(2))
    with pytest.raises(SourceError, match="Example inputs"):
        ortviz.GraphInspector(file, mask=torch.ones(2))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"mode": "eval"}, "no mode 'eval'.*training, inference"),
        ({"stage": "optimised"}, "no stage 'optimised'.*optimized_pre_grad"),
        ({"mode": "training"}, "no graph of training. There are inference/model"),
        ({"stage": "optimized"}, "no graph of optimized"),
    ],
)
def test_modes_and_stages_that_are_not_there(file, given, said):
    with pytest.raises(UnknownNameError, match=said):
        ortviz.GraphInspector(file, **given)


def test_files_that_are_none(tmp_path):
    with pytest.raises(StoreError, match="There is no file"):
        ortviz.GraphInspector("nothing.onnx")
    with pytest.raises(OrtvizError, match=r"cannot be read|empty"):
        ortviz.GraphInspector(b"nonsense")
    (tmp_path / "no.ortviz").write_bytes(b"nonsense")
    with pytest.raises(StoreError):
        ortviz.GraphInspector(tmp_path / "no.ortviz")


def test_stages_are_saved_whole(file, tmp_path):
    stages = ortviz.GraphInspector(file).stages
    assert list(stages) == [("inference", "model")]
    assert stages["model"].model_bytes == file.read_bytes()
    assert stages.structure("model", "inference").node_names
    assert not stages.lineage("model", "inference").links
    assert stages["inference", "model"].save(tmp_path / "copy.onnx").read_bytes()
    assert "inference" in repr(stages)
    with pytest.raises(UnknownNameError):
        stages["optimized"]


def test_a_part_is_written(file, tmp_path):
    inspector = ortviz.GraphInspector(file)
    part = inspector.extract(range(1, 2), tmp_path / "part.onnx")
    model = onnx.load(part)
    onnx.checker.check_model(model)
    assert [node.op_type for node in model.graph.node] == ["Neg"]
    assert str(part) == f"1 node in {tmp_path / 'part.onnx'}."
    with pytest.raises(OrtvizError, match="cannot be written"):
        inspector.extract([0], tmp_path)
    with pytest.raises(UnknownNameError):
        inspector.extract([50], tmp_path / "none.onnx")


@pytest.mark.parametrize("kind", ["file", "run"])
def test_a_report_shows_the_graphs_alone(kind, file, run_file, tmp_path):
    static = Path(ortviz.__file__).parent / "static" / "widget.js"
    if not static.exists():
        pytest.skip("the browser side is not built")
    source = file if kind == "file" else run_file
    page = ortviz.GraphInspector(source).to_html(tmp_path / "g.html").read_text()
    assert '"views":["graph"]' in page
    assert "graph_structure?" in page
    assert "cannot be saved from a report" in page
