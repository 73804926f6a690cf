"""The tensor level: every floating tensor of ORT's training graph, under its module's name."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
import torch
from torch import nn

from ortviz._compat import ort_private
from ortviz.capture import finish, wrap_module
from ortviz.capture.tapped_build import TappedBuilder
from ortviz.compare import compare_step
from ortviz.record import Direction, Level, SiteStatus, StepCapture, Verdict
from tests.engine.families import BY_NAME, FAMILIES, Family
from tests.engine.levels import Naming, captured, inner, ordinary, record
from tests.engine.sinks import ListSink

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_floating_value_has_one_site(family: Family, tmp_path: Path) -> None:
    torch.manual_seed(1)
    wrapped, sink = record(family.build(), family.batch, tmp_path)
    manager = ort_private.training_manager(wrapped)
    assert manager is not None
    model = ort_private.optimized_model(manager)
    assert model is not None
    elsewhere = {output.name for output in model.graph.output}
    for node in model.graph.node:
        if node.op_type == "YieldOp":
            elsewhere.update((*node.input, *node.output))
    made = {name for node in model.graph.node for name in node.output if name} - elsewhere
    for capture in sink.captures:
        names = [seen.value_name for seen in captured(capture).values()]
        seen = set(names) & made
        # What has no site is an integer, a boolean or a mask: ONNX's own checker knows the rest.
        assert made - seen <= _not_floating(model), sorted(made - seen)[:5]
        assert sum(name in seen for name in names if _is_inner(name, capture)) == len(
            {name for name in names if _is_inner(name, capture)}
        )
        sites = [each.site for each in capture.record.candidate]
        assert len(sites) == len(set(sites))


def _is_inner(name: str, capture: StepCapture) -> bool:
    return any(seen.value_name == name for seen in inner(capture).values())


_NO_FLOAT = ("per_input_length", "ReduceAxes", "shape", "Shape", "Gather_X", "Dropout_output_1")


def _not_floating(model: onnx.ModelProto) -> set[str]:
    """Integers and booleans, by ONNX's own types and, where those are missing, by ORT's names."""
    floats = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE)
    typed = {info.name: info.type.tensor_type.elem_type for info in model.graph.value_info}
    return {
        name
        for node in model.graph.node
        for name in node.output
        if typed.get(name, 0) not in floats
        and (typed.get(name, 0) or any(mark in name for mark in _NO_FLOAT))
    }


def test_a_small_transformer(tmp_path: Path) -> None:
    torch.manual_seed(1)
    _, sink = record(BY_NAME["transformer"].build(), BY_NAME["transformer"].batch, tmp_path)
    capture = sink.captures[-1]
    forward, backward = (
        [seen for seen in captured(capture).values() if seen.site.direction is direction]
        for direction in (Direction.FORWARD, Direction.BACKWARD)
    )
    assert len({seen.value_name for seen in forward}) >= 95
    assert len({seen.value_name for seen in backward}) >= 110
    found = captured(capture)
    for site in (
        "forward/blocks.0.attention#Softmax_output_0",
        "forward/blocks.1.norm1#LayerNormalization_output_1",
        "backward/blocks.1.attention#Softmax_output_0",
        "backward/blocks.0.norm1#LayerNormalization_output_0_grad_0",
        "backward/blocks.0.norm1#LayerNormalization_output_0_grad_2",
        "backward/blocks.1.attention.value#MatMul_Grad/dY_reshape_2d",
    ):
        assert found[site].stats is not None, site
        assert found[site].value_name
    # A module's output has one site: that of the module.
    value = found["forward/blocks.0.attention.out#out0"].value_name
    assert "forward/blocks.0.attention.out#Add_output_0" not in found
    assert value.endswith("/blocks.0/attention/out/Add_output_0")
    merged = inner(capture)["forward/blocks.0.feed_forward.1#Erf_output_0"]
    assert merged.status is SiteStatus.FUSED_AWAY
    assert "merged it into the Gelu" in merged.reason
    notes = " ".join(capture.record.notes)
    assert "integers, booleans or no tensors" in notes


def test_values_are_what_pytorch_computes(tmp_path: Path) -> None:
    torch.manual_seed(1)
    family = BY_NAME["transformer"]
    model = family.build().train()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    _, sink = record(model, family.batch, tmp_path, count=1)
    generator = torch.Generator().manual_seed(2)
    tokens = family.batch(generator)
    attention = model.blocks[0].attention  # type: ignore[union-attr,index]
    x = model.blocks[0].norm1(model.embedding(tokens))  # type: ignore[union-attr,index,operator]
    split = [
        layer(x).view(4, 5, 2, 8).transpose(1, 2)
        for layer in (attention.query, attention.key, attention.value)
    ]
    raw = split[0] @ split[1].transpose(-1, -2)
    weights = torch.softmax(raw / 8**0.5, -1)
    expected = {
        "forward/blocks.0.attention#MatMul_output_0": raw,
        "forward/blocks.0.attention#Softmax_output_0": weights,
        "forward/blocks.0.attention#MatMul_1_output_0": weights @ split[2],
        "forward/blocks.0.attention.query#MatMul_output_0": x @ attention.query.weight.T,
        "backward/head#Transpose_output_0": None,
    }
    found = captured(sink.captures[0])
    for site, value in expected.items():
        stats = found[site].stats
        assert stats is not None
        if value is None:
            gradient = found["parameter_grad/head#weight"].stats
            assert gradient is not None
            assert stats.l2_norm == pytest.approx(gradient.l2_norm, rel=1e-6)
            assert stats.shape == gradient.shape[::-1]
            continue
        assert stats.shape == tuple(value.shape)
        assert stats.minimum == pytest.approx(float(value.min()), rel=1e-4, abs=1e-6)
        assert stats.maximum == pytest.approx(float(value.max()), rel=1e-4, abs=1e-6)
        assert stats.l2_norm == pytest.approx(float(value.double().norm()), rel=1e-5)


def test_names_resolve_to_pytorchs_own(tmp_path: Path) -> None:
    torch.manual_seed(1)
    model = Naming()
    _, sink = record(model, ordinary, tmp_path)
    capture = sink.captures[-1]
    modules = {name for name, _ in model.named_modules()}
    assert {seen.site.module for seen in capture.record.candidate} <= modules
    found = captured(capture)
    for site in (
        "forward/nested.1.1.0#out0",
        "forward/items_.1#out0",
        "forward/table.left#out0",
        "forward/twice@1#out0",
        "forward/#Relu_output_0",
        "forward/#Relu_1_output_0",
        "forward/#Sigmoid_output_0",
        "forward/#Tanh_output_0",
        "forward/block#Relu_output_0",
        "backward/block#Relu_output_0",
        "backward/#Sigmoid_output_0",
        "backward/#Tanh_output_0",
        "parameter_grad/twice#weight",
    ):
        assert site in found, site
    # Called twice and tied to another: the weight's gradient has three parts.
    parts = [site for site in found if "#weight_grad_" in site]
    assert parts == [f"backward/twice#weight_grad_{index}" for index in (2, 1, 0)] or sorted(
        parts
    ) == [f"backward/twice#weight_grad_{index}" for index in range(3)]


def test_eager_has_no_counterpart_and_the_comparison_says_so(tmp_path: Path) -> None:
    torch.manual_seed(1)
    _, sink = record(Naming(), ordinary, tmp_path)
    capture = sink.captures[-1]
    comparison = compare_step(capture)
    for site, seen in inner(capture).items():
        result = comparison[site]
        assert result.verdict is Verdict.NOT_COMPARABLE
        assert "inside" in result.reason or seen.status is not SiteStatus.CAPTURED, result.reason
        assert site not in capture.candidate_values
    assert not comparison.first_divergence


def test_without_a_backward_the_gradients_say_so(tmp_path: Path) -> None:
    torch.manual_seed(1)
    sink = ListSink()
    wrapped = wrap_module(Naming(), sink, name="m", every=1, save_dir=tmp_path, level=Level.TENSOR)
    wrapped(torch.randn(3, 4))
    finish(wrapped)
    records = inner(sink.captures[0])
    assert records["forward/block#Relu_output_0"].status is SiteStatus.CAPTURED
    assert records["backward/block#Relu_output_0"].status is SiteStatus.NO_GRADIENT
    assert "No backward" in records["backward/block#Relu_output_0"].reason


def test_one_refused_value_costs_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = TappedBuilder._beside
    refused = "/_original_module/Sigmoid_output_0"

    def picky(self: TappedBuilder, plan, masked, readings):  # type: ignore[no-untyped-def]
        if refused in plan.inner.names:
            raise RuntimeError("no")
        return real(self, plan, masked, readings)

    monkeypatch.setattr(TappedBuilder, "_beside", picky)
    torch.manual_seed(1)
    _, sink = record(Naming(), ordinary, tmp_path)
    found = captured(sink.captures[-1])
    assert "forward/#Sigmoid_output_0" not in found
    assert "forward/#Relu_output_0" in found
    assert "backward/#Sigmoid_output_0" in found
    assert any(refused in note for note in sink.captures[-1].record.notes)
