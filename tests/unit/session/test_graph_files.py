"""Lone ONNX files: what is read of them, their siblings, and what is refused in which words."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ortviz.errors import OrtvizError, ProtocolError, StoreError, UnknownNameError
from ortviz.graphs import onnx_files
from ortviz.graphs.module_names import module_names
from ortviz.session import file_models
from ortviz.session.file_models import FILE_MODELS, MAX_MODELS
from ortviz.session.graph_files import GraphFiles

INFERENCE = {"mode": "inference", "stage": "model"}


def model(nodes, inputs=("x",), outputs=("y",), initializers=()):
    """A model whose inputs and outputs are float vectors."""

    def value(name):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [4])

    return helper.make_model(
        helper.make_graph(
            list(nodes), "g", [value(n) for n in inputs], [value(n) for n in outputs], initializers
        )
    )


def plain():
    """Relu, then Add of a large weight."""
    weight = numpy_helper.from_array(np.arange(4000, dtype=np.float32), "w")
    return model(
        [
            helper.make_node("Relu", ["x"], ["h"], name="/fc/Relu"),
            helper.make_node("Add", ["h", "w"], ["y"], name="/fc/Add"),
        ],
        initializers=[weight],
    )


def saved_by_ortmodule(*, backward=True):
    """A training graph with ORTModule's names."""
    root = "/_original_module"
    nodes = [
        helper.make_node(
            "MatMul",
            ["x", "_original_module.blocks.0.fc.weight"],
            [f"{root}/blocks.0/fc/MatMul_output_0"],
            name=f"{root}/blocks.0/fc/MatMul",
        ),
        helper.make_node(
            "Relu",
            [f"{root}/blocks.0/fc/MatMul_output_0"],
            [f"{root}/blocks.0/act/Relu_output_0"],
            name=f"{root}/blocks.0/act/Relu",
        ),
    ]
    if backward:
        nodes += [
            helper.make_node(
                "YieldOp",
                [f"{root}/blocks.0/act/Relu_output_0"],
                ["dy"],
                domain="com.microsoft",
                name="YieldOp",
            ),
            helper.make_node(
                "Mul", ["dy", "dy"], ["y"], name=f"{root}/blocks.0/act/Relu_Grad/Mul_0"
            ),
        ]
    outputs = ["y"] if backward else [f"{root}/blocks.0/act/Relu_output_0"]
    return model(nodes, ["x", "_original_module.blocks.0.fc.weight"], outputs)


def write(path: Path, proto: onnx.ModelProto) -> Path:
    path.write_bytes(proto.SerializeToString())
    return path


def test_a_lone_file_is_one_stage_that_is_none_of_ortmodules(tmp_path):
    files = GraphFiles(write(tmp_path / "net.onnx", plain()))
    payload, _ = files.answer("graphs", {})
    (row,) = payload["stages"]
    assert payload["first"] == INFERENCE
    assert (row["mode"], row["stage"], row["node_count"]) == ("inference", "model", 2)
    assert row["size_bytes"] == (tmp_path / "net.onnx").stat().st_size
    run, _ = files.answer("run", {})
    assert (run["name"], run["engine"], run["modules"]) == ("net.onnx", "file", [])
    summary, _ = files.answer("summary", {"rank": 0})
    assert (summary["status"], summary["step_count"], summary["latest_step"]) == ("ended", 0, None)
    nodes, _ = files.answer("graph_nodes", INFERENCE)
    assert [node["op_type"] for node in nodes["nodes"]] == ["Relu", "Add"]
    structure, _ = files.answer("graph_structure", INFERENCE)
    assert structure["file_node_count"] == 2


def test_what_is_kept_has_no_large_values_and_what_is_asked_for_has(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_files, "SMALL_FILE_BYTES", 0)
    path = write(tmp_path / "net.onnx", plain())
    files = GraphFiles(path)
    assert len(files.graph("inference", "model").model_bytes) < 1000
    payload, buffers = files.answer("graph_model", INFERENCE)
    assert payload["model"]["buffer"] == 0
    assert bytes(buffers[0]) == path.read_bytes()


def test_a_graph_with_a_yield_op_trains(tmp_path):
    files = GraphFiles(write(tmp_path / "any name.onnx", saved_by_ortmodule()))
    assert [each.value for each in files.first] == ["training", "model"]


def test_files_named_by_ortmodule_bring_their_siblings(tmp_path):
    write(tmp_path / "m_torch_exported_training.onnx", saved_by_ortmodule(backward=False))
    write(tmp_path / "m_optimized_training.onnx", saved_by_ortmodule())
    write(tmp_path / "m_optimized_pre_grad_training.onnx", saved_by_ortmodule(backward=False))
    write(tmp_path / "m_execution_model_inference.onnx", saved_by_ortmodule(backward=False))
    write(tmp_path / "other_optimized_inference.onnx", plain())
    files = GraphFiles(tmp_path / "m_optimized_training.onnx")
    payload, _ = files.answer("graphs", {})
    assert [(row["mode"], row["stage"]) for row in payload["stages"]] == [
        ("training", "torch_exported"),
        ("training", "optimized_pre_grad"),
        ("training", "optimized"),
        ("inference", "execution_model"),
    ]
    assert payload["first"] == {"mode": "training", "stage": "optimized"}
    assert [row["untraced_count"] for row in payload["stages"]] == [0, 0, 0, 0]
    run, _ = files.answer("run", {})
    names = [module["name"] for module in run["modules"]]
    assert names == ["", "blocks", "blocks.0", "blocks.0.fc", "blocks.0.act"]
    assert run["modules"][3]["parameter_count"] == 4
    lineage, _ = files.answer("graph_lineage", {"mode": "training", "stage": "optimized"})
    assert lineage["previous"] == "optimized_pre_grad"


def test_a_damaged_sibling_is_told_and_left_out(tmp_path):
    write(tmp_path / "m_optimized_training.onnx", saved_by_ortmodule())
    (tmp_path / "m_execution_model_training.onnx").write_bytes(b"\xff" * 40)
    payload, _ = GraphFiles(tmp_path / "m_optimized_training.onnx").answer("graphs", {})
    assert len(payload["stages"]) == 1
    assert "m_execution_model_training.onnx beside it is left out" in payload["notes"][0]


def test_siblings_that_are_no_files_are_told_and_left_out(tmp_path):
    write(tmp_path / "m_optimized_training.onnx", saved_by_ortmodule())
    (tmp_path / "m_execution_model_training.onnx").mkdir()
    os.mkfifo(tmp_path / "m_optimized_inference.onnx")
    (tmp_path / "m_torch_exported_training.onnx").symlink_to(tmp_path / "gone.onnx")
    payload, _ = GraphFiles(tmp_path / "m_optimized_training.onnx").answer("graphs", {})
    assert len(payload["stages"]) == 1
    assert [note.partition(".onnx")[0] for note in payload["notes"]] == [
        "m_torch_exported_training",
        "m_execution_model_training",
        "m_optimized_inference",
    ]


def test_a_sibling_whose_name_would_be_too_long_is_not_there(tmp_path):
    name = f"{'m' * 230}_optimized_training.onnx"
    files = GraphFiles(write(tmp_path / name, saved_by_ortmodule()))
    assert len(files.graphs()) == 1


def test_a_name_alone_makes_no_stage_of_ortmodule(tmp_path):
    files = GraphFiles(write(tmp_path / "my_optimized_inference.onnx", plain()))
    assert files.first[1].value == "model"
    # A page asks by the name before it knows.
    by_name, _ = files.answer("graph_structure", {"mode": "inference", "stage": "optimized"})
    known, _ = files.answer("graph_structure", {"mode": "inference", "stage": "model"})
    assert by_name["groups"] == known["groups"]
    assert by_name["file_node_count"] == known["file_node_count"] > 0


def test_a_changed_file_is_read_again(tmp_path):
    path = write(tmp_path / "net.onnx", plain())
    files = GraphFiles(path)
    before = files.info().run_id
    write(path, model([helper.make_node("Neg", ["x"], ["y"])]))
    nodes, _ = files.answer("graph_nodes", INFERENCE)
    assert [node["op_type"] for node in nodes["nodes"]] == ["Neg"]
    assert files.info().run_id != before
    path.unlink()
    with pytest.raises(StoreError, match="There is no file"):
        files.answer("graphs", {})


def test_a_file_is_read_once_for_many_questions(tmp_path, monkeypatch):
    read = []
    inner = file_models.read_onnx_file
    monkeypatch.setattr(
        file_models, "read_onnx_file", lambda version: read.append(version) or inner(version)
    )
    path = write(tmp_path / "net.onnx", plain())
    for command in ("run", "summary", "graphs"):
        GraphFiles(path).answer(command, {})
    assert len(read) == 1


def test_few_models_are_remembered(tmp_path):
    for number in range(MAX_MODELS + 3):
        GraphFiles(write(tmp_path / f"{number}.onnx", plain()))
    assert len(FILE_MODELS._known) == MAX_MODELS


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"not a model at all", "cannot be read|empty"),
        (b"\xff" * 64, "cannot be read"),
        (plain().SerializeToString()[:-3000], "cannot be read"),
    ],
)
def test_what_is_no_model_is_refused_in_words(tmp_path, content, said):
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    with pytest.raises(OrtvizError, match=said) as refused:
        GraphFiles(path)
    assert "bad.onnx" in str(refused.value)


def test_a_pipe_is_not_waited_for(tmp_path):
    path = tmp_path / "pipe.onnx"
    os.mkfifo(path)
    with pytest.raises(StoreError, match="no regular file"):
        GraphFiles(path)


def test_folders_and_missing_files_are_told(tmp_path):
    with pytest.raises(StoreError, match="is a folder"):
        GraphFiles(tmp_path)
    with pytest.raises(StoreError, match="There is no file"):
        GraphFiles(tmp_path / "nothing.onnx")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path):
    path = write(tmp_path / "net.onnx", plain())
    path.chmod(stat.S_IWUSR)
    with pytest.raises(StoreError, match="cannot be read"):
        GraphFiles(path)


def test_a_file_of_more_than_two_gigabytes_is_not_even_opened(tmp_path):
    path = tmp_path / "huge.onnx"
    with path.open("wb") as file:
        file.truncate(2**31 + 5)  # sparse: takes no room
    with pytest.raises(StoreError, match=r"2\.1 GB.*save_as_external_data"):
        GraphFiles(path)


def test_a_file_of_very_many_nodes_is_refused_in_words(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_files, "MAX_PARTS", 5)
    assert len(GraphFiles(write(tmp_path / "few.onnx", plain())).graphs()) == 1
    monkeypatch.setattr(onnx_files, "MAX_PARTS", 4)
    with pytest.raises(OrtvizError, match=r"many\.onnx has more than 4 nodes and tensors"):
        GraphFiles(write(tmp_path / "many.onnx", plain()))
    inner = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])] * 9, "b", [], [])
    body = model([helper.make_node("If", ["x"], ["y"], then_branch=inner)])
    monkeypatch.setattr(onnx_files, "MAX_PARTS", 9)
    with pytest.raises(OrtvizError, match="more than 9 nodes"):
        GraphFiles(write(tmp_path / "inside.onnx", body))


def external(proto: onnx.ModelProto, location: str) -> onnx.ModelProto:
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return proto


@pytest.mark.parametrize("location", ["weights.bin", "../secret.bin", "/etc/passwd"])
def test_missing_external_data_is_a_note(tmp_path, location):
    (tmp_path.parent / "secret.bin").write_bytes(bytes(16_000))
    path = write(tmp_path / "net.onnx", external(plain(), location))
    payload, _ = GraphFiles(path).answer("graphs", {})
    where = "weights.bin" if location == "weights.bin" else "a place outside"
    assert payload["notes"][0].startswith(f"The values of 1 tensor lie in {where}")
    assert payload["stages"][0]["node_count"] == 2


def test_what_only_runs_have_is_refused_in_words(tmp_path):
    files = GraphFiles(write(tmp_path / "net.onnx", plain()))
    with pytest.raises(OrtvizError, match="there are no steps, so there is no 'traces'"):
        files.answer("traces", {"step": 0})
    with pytest.raises(UnknownNameError, match="inference/model"):
        files.answer("graph_nodes", {"mode": "training", "stage": "optimized"})
    with pytest.raises(ProtocolError):
        files.answer("nonsense", {})
    with pytest.raises(ProtocolError):
        files.answer("graph_nodes", {"mode": "training", "stage": "../x"})


def test_names_of_modules_in_thousands_of_others_cost_little():
    deep = ".".join(["a"] * 4000)
    graph = model(
        [helper.make_node("Relu", ["x"], [f"/_original_module/{deep}/Relu_output_0"])],
        inputs=[f"_original_module.{deep}.weight"],
    )
    names = module_names([graph])
    assert len(names) < 200
    assert all(name == ".".join(["a"] * (name.count(".") + 1)) for name in names if name)


def test_module_names_follow_sequentials_and_repeated_calls():
    root = "/_original_module"

    def relu(scope):
        return helper.make_node("Relu", ["x"], [f"{root}/{scope}/Relu_output_0"])

    graph = model(
        [relu("c/c.1"), relu("fc/act"), relu("fc/act_1"), relu("head/left/deep"), relu("gelu_1")],
        inputs=["_original_module.fc.weight", "_original_module.heads.2.bias"],
    )
    assert module_names([graph]) == (
        "",
        "fc",
        "heads",
        "heads.2",
        "c",
        "c.1",
        "fc.act",
        "head",
        "head.left",
        "head.left.deep",
        "gelu_1",
    )
