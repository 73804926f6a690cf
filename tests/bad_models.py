"""ONNX files that are damaged, strange, huge or hostile: each is shown or refused in words.

Shared by unit and browser tests. Nothing in them may ever be executed: hostile names set
``window.pwned``, which the browser tests look for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, external_data_helper, helper

CANARY = "pwned"
HUGE_COUNT = 100_000
HOSTILE_NAMES = {
    "html": f"<img src=x onerror=\"window.{CANARY}='html'\"><script>window.{CANARY}=1</script>",
    "quotes": f"\"'`;window.{CANARY}='quotes';//\\${{window.{CANARY}=1}}",
    "emoji": "🦄👩‍👩‍👧‍👦\u202e dlrow\u0301",
    "newlines": "one\ntwo\r\nthree\ttabs\u2028",
    "long": "x" * 10_000,
    "link": f"javascript:window.{CANARY}='link'",
    "markup": f"[click](javascript:window.{CANARY}=1) **bold** <b>b</b> &lt;",
    "scoped": "/<svg onload=window.pwned=1>/../%2e%2e/ /MatMul",
    "prototype": "__proto__",
}
"""By what is hostile about them."""


@dataclass(frozen=True, slots=True)
class BadModel:
    """One file.

    Attributes:
        name: Without its suffix.
        content: Makes the file's bytes.
        refused: Whether it cannot be shown, and must be refused with a sentence.
        said: A pattern of what has to be said, whichever of the two it is; empty for nothing.
    """

    name: str
    content: Callable[[], bytes]
    refused: bool = False
    said: str = ""


def truncated() -> bytes:
    """A model of which the last third is missing."""
    content = _bytes(_chain(60))
    return content[: 2 * len(content) // 3]


def text() -> bytes:
    """A text that somebody gave the wrong suffix."""
    return b"This is a text and no model.\n" * 20


def empty() -> bytes:
    """No bytes: a valid protocol buffer with nothing in it."""
    return b""


def empty_graph() -> bytes:
    """A model whose graph has no node."""
    return _bytes(_model([], ["x"], ["x"]))


def cyclic() -> bytes:
    """Three nodes in a ring, one that takes its own output, and what hangs on them."""
    nodes = [
        helper.make_node("Add", ["x", "c"], ["a"], name="first"),
        helper.make_node("Relu", ["a"], ["b"], name="second"),
        helper.make_node("Neg", ["b"], ["c"], name="third"),
        helper.make_node("Add", ["own", "c"], ["own"], name="itself"),
        helper.make_node("Relu", ["own"], ["y"], name="after"),
    ]
    return _bytes(_model(nodes, ["x"], ["y"]))


def unknown_operators() -> bytes:
    """Operators and domains that nobody has documentation of."""
    nodes = [
        helper.make_node("Frobnicate", ["x"], ["a"], name="n0", domain="com.example.nowhere"),
        helper.make_node("NoSuchOperator", ["a"], ["b"], name="n1"),
        helper.make_node("Relu", ["b"], ["c"], name="n2", domain="ai.onnx.of.the.future"),
        helper.make_node("", ["c"], ["y"], name="n3"),
    ]
    model = _model(nodes, ["x"], ["y"])
    model.opset_import.append(helper.make_opsetid("com.example.nowhere", 999))
    return _bytes(model)


def subgraphs() -> bytes:
    """A Loop around an If around an If; the inner ones use values of the graphs around them."""
    flag = helper.make_tensor_value_info("flag", TensorProto.BOOL, [])
    inner = _if("inner", "flag", "Relu", "Neg", "x")
    outer = helper.make_node(
        "If",
        ["flag"],
        ["chosen"],
        name="outer",
        then_branch=helper.make_graph([inner], "then", [], [_value("inner_out")]),
        else_branch=helper.make_graph(
            [helper.make_node("Abs", ["x"], ["else_out"], name="abs")],
            "else",
            [],
            [_value("else_out")],
        ),
    )
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["go_on"], name="condition"),
            outer,
            helper.make_node("Add", ["carried", "chosen"], ["next"], name="sum"),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            _value("carried"),
        ],
        [helper.make_tensor_value_info("go_on", TensorProto.BOOL, []), _value("next")],
    )
    nodes = [
        helper.make_node("Loop", ["count", "flag", "x"], ["looped"], name="loop", body=body),
        helper.make_node("Relu", ["looped"], ["y"], name="after"),
    ]
    model = _model(nodes, ["x"], ["y"])
    model.graph.input.extend([flag, helper.make_tensor_value_info("count", TensorProto.INT64, [])])
    return _bytes(model)


def huge() -> bytes:
    """100,000 nodes without modules, each with a neighbour and one far behind it."""
    nodes = [
        helper.make_node("Add", [f"t{index}", f"t{index // 2}"], [f"t{index + 1}"])
        for index in range(HUGE_COUNT)
    ]
    return _bytes(_model(nodes, ["t0"], [f"t{HUGE_COUNT}"]))


def wide() -> bytes:
    """One value that 5,000 nodes use, and one node that uses them all."""
    parts = [
        helper.make_node("Relu", ["x"], [f"p{index}"], name=f"p{index}") for index in range(5000)
    ]
    joined = helper.make_node("Sum", [f"p{index}" for index in range(5000)], ["y"], name="sum")
    return _bytes(_model([*parts, joined], ["x"], ["y"]))


def no_external_data() -> bytes:
    """Weights in files that are not there; one of them said to lie outside of the folder."""
    model = _model([helper.make_node("MatMul", ["x", "w"], ["y"], name="product")], ["x"], ["y"])
    for name, location in (("w", "weights.bin"), ("v", "../../../../etc/passwd")):
        tensor = helper.make_tensor(name, TensorProto.FLOAT, [4, 4], bytes(64), raw=True)
        external_data_helper.set_external_data(tensor, location)
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        model.graph.initializer.append(tensor)
    return _bytes(model)


def hostile() -> bytes:
    """Hostile text wherever ONNX has text: nodes, values, operators, domains, attributes."""
    nodes = [_hostile_node(index, name) for index, name in enumerate(HOSTILE_NAMES.values())]
    last = f"{len(nodes) - 1}{list(HOSTILE_NAMES.values())[-1]}"
    model = _model(nodes, ["start"], [last])
    model.producer_name = model.doc_string = HOSTILE_NAMES["html"]
    model.graph.name = model.graph.doc_string = HOSTILE_NAMES["html"]
    model.graph.input.append(_value(HOSTILE_NAMES["html"]))
    for name in HOSTILE_NAMES.values():
        model.opset_import.append(helper.make_opsetid(name, 1))
    return _bytes(model)


def repeated_names() -> bytes:
    """Nodes of one name, values that are made twice, and inputs that nobody makes."""
    nodes = [helper.make_node("Relu", ["nobody"], ["same"], name="same") for _ in range(6)]
    return _bytes(_model([*nodes, helper.make_node("Neg", ["same"], ["y"])], ["x"], ["y"]))


def deep_scopes() -> bytes:
    """A module in a module in a module, two hundred deep."""
    scope = "/_original_module" + "".join(f"/m{index}" for index in range(200))
    nodes = [
        helper.make_node(
            "Relu", [f"{scope}/r{index}"], [f"{scope}/r{index + 1}"], name=f"{scope}/Relu"
        )
        for index in range(3)
    ]
    return _bytes(_model(nodes, [f"{scope}/r0"], [f"{scope}/r3"]))


BAD_MODELS = {
    model.name: model
    for model in (
        BadModel("truncated", truncated, refused=True),
        BadModel("text", text, refused=True),
        BadModel("empty", empty, refused=True),
        BadModel("empty_graph", empty_graph),
        BadModel("cyclic", cyclic, said="cycle|circle"),
        BadModel("unknown_operators", unknown_operators),
        BadModel("subgraphs", subgraphs),
        BadModel("huge", huge),
        BadModel("wide", wide),
        BadModel("no_external_data", no_external_data, said=r"weights\.bin"),
        BadModel("hostile", hostile),
        BadModel("repeated_names", repeated_names),
        BadModel("deep_scopes", deep_scopes),
    )
}
"""By name."""


def _hostile_node(index: int, name: str) -> NodeProto:
    names = list(HOSTILE_NAMES.values())
    taken = f"{index - 1}{names[index - 1]}" if index else "start"
    node = helper.make_node(name, [taken], [f"{index}{name}"], name=name, domain=name)
    node.doc_string = name
    attribute = AttributeProto(name=name, type=AttributeProto.STRING, s=name.encode())
    node.attribute.append(attribute)
    return node


def _if(name: str, condition: str, then: str, otherwise: str, value: str) -> NodeProto:
    branches = {
        f"{which}_branch": helper.make_graph(
            [helper.make_node(op, [value], [f"{name}_{which}"], name=f"{name}_{op}")],
            which,
            [],
            [_value(f"{name}_{which}")],
        )
        for which, op in (("then", then), ("else", otherwise))
    }
    return helper.make_node("If", [condition], [f"{name}_out"], name=name, **branches)


def _chain(count: int) -> ModelProto:
    nodes = [
        helper.make_node("Relu", [f"t{index}"], [f"t{index + 1}"], name=f"n{index}")
        for index in range(count)
    ]
    return _model(nodes, ["t0"], [f"t{count}"])


def _model(nodes: list[NodeProto], inputs: list[str], outputs: list[str]) -> ModelProto:
    graph = helper.make_graph(
        nodes, "graph", [_value(name) for name in inputs], [_value(name) for name in outputs]
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def _value(name: str) -> object:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 4])


def _bytes(model: ModelProto) -> bytes:
    return bytes(model.SerializeToString())
