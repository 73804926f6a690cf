"""Element types, addresses and fates of values, on small graphs made by hand."""

from __future__ import annotations

import onnx
import pytest
from onnx import TensorProto, helper

from ortviz.graphs import FLOATING, ModuleScopes, element_types, lost_values, value_sites
from ortviz.record import Direction, Site, SiteStatus

F, I = TensorProto.FLOAT, TensorProto.INT64  # noqa: E741
ROOT = "/_original_module"


def graph(
    *nodes: onnx.NodeProto, inputs: dict[str, int], typed: dict[str, int] | None = None
) -> onnx.ModelProto:
    made = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info(name, kind, None) for name, kind in inputs.items()],
        [],
        value_info=[
            helper.make_tensor_value_info(name, kind, None) for name, kind in (typed or {}).items()
        ],
    )
    return helper.make_model(made)


def node(op: str, inputs: list[str], *outputs: str, **attributes: object) -> onnx.NodeProto:
    return helper.make_node(op, inputs, list(outputs), name=f"{op}_{outputs[0]}", **attributes)


class TestElementTypes:
    @pytest.mark.parametrize(
        ("made", "kind"),
        [
            (node("Shape", ["x"], "y"), I),
            (node("Cast", ["x"], "y", to=TensorProto.FLOAT16), TensorProto.FLOAT16),
            (node("Less", ["x", "x"], "y"), TensorProto.BOOL),
            (node("Reshape", ["x", "n"], "y"), F),
            (node("Gather", ["n", "n"], "y"), I),
            (node("ConcatTraining", ["x", "x"], "z", "y"), I),
        ],
    )
    def test_what_an_operation_gives(self, made: onnx.NodeProto, kind: int) -> None:
        assert element_types(graph(made, inputs={"x": F, "n": I}))["y"] == kind

    def test_types_are_followed_from_node_to_node(self) -> None:
        model = graph(
            node("Shape", ["x"], "a"),
            node("Gather", ["a", "n"], "b"),
            node("Unsqueeze", ["b", "n"], "c"),
            inputs={"x": F, "n": I},
        )
        assert element_types(model)["c"] not in FLOATING

    def test_what_nothing_tells_is_left_out(self) -> None:
        model = graph(node("GatherGrad", ["n", "n", "x"], "y"), inputs={"x": F, "n": I})
        assert "y" not in element_types(model)

    def test_sequences_are_no_tensors(self) -> None:
        model = graph(inputs={"x": F})
        info = onnx.ValueInfoProto(name="s")
        info.type.sequence_type.elem_type.tensor_type.elem_type = F
        model.graph.value_info.append(info)
        assert element_types(model)["s"] not in FLOATING


class TestValueSites:
    scopes = ModuleScopes(["", "a", "blocks", "blocks.0", "blocks.0.fc", "shared"])

    def sites(self, *nodes: onnx.NodeProto) -> dict[str, str]:
        names = [name for each in nodes for name in each.output]
        return {n: site.id for n, site in value_sites(nodes, names, self.scopes).items()}

    def test_scope_and_rest_of_the_name(self) -> None:
        value = f"{ROOT}/blocks.0/fc/MatMul_output_0"
        assert self.sites(node("MatMul", ["x"], value)) == {
            value: "forward/blocks.0.fc#MatMul_output_0"
        }

    def test_gradients_their_partial_sums_and_helpers(self) -> None:
        value = f"{ROOT}/blocks.0/MatMul_output_0"
        found = self.sites(
            node("YieldOp", [value], "dy"),
            node("A", ["dy"], f"{value}_grad_1"),
            node("A", ["dy"], f"{value}_grad_0"),
            node("Sum", [f"{value}_grad_0", f"{value}_grad_1"], f"{value}_grad"),
            node("R", ["dy"], f"{ROOT}/a/MatMul_Grad/dY_reshape_2d"),
            node("Sum", ["dy"], "_original_module.a.weight_grad_0"),
        )
        assert list(found.values())[1:] == [
            "backward/blocks.0#MatMul_output_0_grad_1",
            "backward/blocks.0#MatMul_output_0_grad_0",
            "backward/blocks.0#MatMul_output_0",
            "backward/a#MatMul_Grad/dY_reshape_2d",
            "backward/a#weight_grad_0",
        ]

    def test_the_second_call_of_a_module(self) -> None:
        first, second = (f"{ROOT}/shared{n}/Gemm_output_0" for n in ("", "_1"))
        assert self.sites(node("Gemm", ["x"], second), node("Gemm", ["x"], first)) == {
            second: "forward/shared@1#Gemm_output_0",
            first: "forward/shared#Gemm_output_0",
        }

    def test_a_call_that_optimisation_removed_still_counts(self) -> None:
        first, second = (f"{ROOT}/shared{n}/Gemm_output_0" for n in ("", "_1"))
        nodes = [node("Gemm", ["x"], second)]
        found = value_sites(nodes, [second], self.scopes, [first])
        assert found[second] == Site(Direction.FORWARD, "shared", "Gemm_output_0", 1)

    def test_a_value_without_scope_goes_to_who_uses_it(self) -> None:
        found = self.sites(
            node("Gelu", ["x"], "token#7"), node("MatMul", ["token#7"], f"{ROOT}/a/M_output_0")
        )
        assert found["token#7"] == "forward/a#token_7"
        assert Site.parse(found["token#7"]).module == "a"

    def test_a_value_that_nothing_places_is_the_models_own(self) -> None:
        assert self.sites(node("Gelu", ["x"], "alone")) == {"alone": "forward/#alone"}

    def test_no_two_values_share_a_site(self) -> None:
        value = f"{ROOT}/a/X"
        found = self.sites(
            node("YieldOp", ["x"], "dy"),
            node("A", ["dy"], value),
            node("A", ["dy"], f"{value}_grad"),
        )
        assert len(set(found.values())) == 3
        assert found[f"{value}_grad"] == "backward/a#X_grad"


class TestLostValues:
    def lost(
        self, exported: onnx.ModelProto, optimized: onnx.ModelProto
    ) -> dict[str, tuple[SiteStatus, str]]:
        found = lost_values(exported, optimized)
        return {value.name: (value.status, value.reason) for value in found}

    def test_merged_into_another_operation(self) -> None:
        exported = graph(
            node("Erf", ["x"], "e"), node("Mul", ["e", "x"], "y"), inputs={"x": F}, typed={"e": F}
        )
        optimized = graph(node("Gelu", ["x"], "y"), inputs={"x": F})
        status, reason = self.lost(exported, optimized)["e"]
        assert status is SiteStatus.FUSED_AWAY
        assert reason == (
            "ORT merged it into the Gelu that makes y. Made by Erf (Erf_e) in the exported graph."
        )

    def test_replaced_by_an_equal_value(self) -> None:
        exported = graph(
            node("Relu", ["x"], "r1"),
            node("Relu", ["x"], "r2"),
            node("Add", ["r1", "x"], "y1"),
            node("Add", ["r2", "x"], "y2"),
            inputs={"x": F},
            typed={"r1": F, "r2": F, "y1": F, "y2": F},
        )
        optimized = graph(
            node("Relu", ["x"], "r1"),
            node("Add", ["r1", "x"], "y1"),
            node("Add", ["r1", "x"], "y2"),
            inputs={"x": F},
        )
        assert self.lost(exported, optimized)["r2"][1].startswith("ORT uses r1 in its place (the")

    def test_unused(self) -> None:
        exported = graph(node("Relu", ["x"], "r"), inputs={"x": F}, typed={"r": F})
        status, reason = self.lost(exported, graph(inputs={"x": F}))["r"]
        assert status is SiteStatus.NOT_CAPTURED
        assert "does not compute it" in reason

    def test_constants_and_integers_are_not_listed(self) -> None:
        exported = graph(
            node("Constant", [], "c", value_float=1.0),
            node("Neg", ["c"], "d"),
            node("Shape", ["x"], "s"),
            inputs={"x": F},
            typed={"c": F, "d": F, "s": I},
        )
        assert self.lost(exported, graph(inputs={"x": F})) == {}
