"""Equal modules in a row fold; crowded groups split."""

from __future__ import annotations

import pytest

from ortviz.graphs import read_structure
from ortviz.record import GroupKind
from tests.unit.graphs.small_models import chain, graph, model, node, outline, structure_of


def _blocks(count: int, *, odd: int = -1, prefix: str = "blocks"):
    """Blocks of a Gemm inside of a child and a Relu of their own; one may differ."""
    nodes, modules, names, before = [], {}, [prefix], "x"
    for place in range(count):
        module = f"{prefix}.{place}"
        op = "Sigmoid" if place == odd else "Relu"
        nodes += [
            node("Gemm", [before, f"w{place}"], name=f"{module}/g"),
            node(op, [f"{module}/g"], name=f"{module}/r"),
        ]
        modules |= {f"{module}/g": f"{module}.fc", f"{module}/r": module}
        names += [module, f"{module}.fc"]
        before = f"{module}/r"
    return nodes, modules, names


def _kinds(structure):
    return [(str(group.kind), group.label, group.count) for group in structure.groups]


def test_twelve_equal_blocks_fold_also_when_they_are_all():
    nodes, modules, names = _blocks(12)
    made = model(nodes, ["x", *(f"_original_module.w{place}" for place in range(12))])
    structure = structure_of(made, modules, names)
    assert outline(structure)[1:5] == [
        "module blocks (24)",
        "  repeat 0–11 ×12 (24)",
        "    module 0 (2): blocks.0/r",
        "      module fc (1): blocks.0/g",
    ]
    repeat = structure.groups[1]
    assert (repeat.kind, repeat.module, repeat.node_count) == (GroupKind.REPEAT, None, 24)


def test_two_equal_blocks_stay_as_they_are():
    assert [kind for kind, _, _ in _kinds(structure_of(model(_blocks(2)[0]), *_blocks(2)[1:]))] == [
        "module"
    ] * 5


@pytest.mark.parametrize(
    ("odd", "rows"),
    [
        (0, [("module", "0", 1), ("repeat", "1–7", 7)]),
        (3, [("repeat", "0–2", 3), ("module", "3", 1), ("repeat", "4–7", 4)]),
        (6, [("repeat", "0–5", 6), ("module", "6", 1), ("module", "7", 1)]),
        (7, [("repeat", "0–6", 7), ("module", "7", 1)]),
    ],
)
def test_one_that_differs_breaks_the_row(odd, rows):
    nodes, modules, names = _blocks(8, odd=odd)
    structure = structure_of(model(nodes), modules, names)
    children = [group for group in structure.groups if group.parent == 0]
    assert [(str(each.kind), each.label, each.count) for each in children] == rows


def _three(nodes_of):
    """Three modules, each with the nodes that ``nodes_of(place)`` gives."""
    nodes, modules = [], {}
    for place in range(3):
        for each in nodes_of(place):
            each.name = f"{place}/{each.name}"
            modules[each.name] = f"m.{place}"
            nodes.append(each)
    structure = structure_of(model(nodes), modules, ["m", "m.0", "m.1", "m.2"])
    return any(group.kind is GroupKind.REPEAT for group in structure.groups)


def test_names_do_not_matter_but_operators_do():
    assert _three(lambda i: [node("Add", ["x", "x"], [f"any{i}"], name=f"other{i * 7}")])
    assert not _three(lambda i: [node("Add" if i else "Sub", ["x", "x"], [f"t{i}"])])
    assert not _three(lambda i: [node("Add", ["x", "x"], [f"t{i}"], domain="own" if i else "")])


def test_the_number_of_nodes_matters():
    assert not _three(lambda i: [node("Relu", ["x"], [f"t{i}{k}"]) for k in range(2 + (i == 1))])


def test_which_slot_a_value_goes_into_matters():
    def swapped(i, swap):
        inputs = ["x", f"a{i}"] if i == 1 and swap else [f"a{i}", "x"]
        return [node("Relu", ["x"], [f"a{i}"], name="r"), node("Sub", inputs, [f"b{i}"], name="s")]

    assert _three(lambda i: swapped(i, swap=False))
    assert not _three(lambda i: swapped(i, swap=True))


def test_which_output_is_used_matters():
    def used(i, other):
        part = f"a{i}" if i == 1 and other else f"b{i}"
        return [
            node("Split", ["x"], [f"a{i}", f"b{i}"], name="s"),
            node("Relu", [part], [f"r{i}"], name="r"),
        ]

    assert _three(lambda i: used(i, other=False))
    assert not _three(lambda i: used(i, other=True))


def test_an_optional_input_left_out_matters():
    assert not _three(lambda i: [node("Clip", ["x", "" if i else "x"], [f"t{i}"], name="c")])


def test_the_order_of_nodes_in_the_file_does_not_matter():
    def shuffled(i):
        first = node("Exp", ["x"], [f"e{i}"], name="e")
        second = node("Log", ["x"], [f"l{i}"], name="l")
        pair = [second, first] if i == 1 else [first, second]
        return [*pair, node("Add", [f"e{i}", f"l{i}"], [f"s{i}"], name="s")]

    assert _three(shuffled)


def test_the_order_of_branches_that_look_alike_does_not_matter():
    def branches(i):
        """Twice Exp and then Log, of one input; in the second module crosswise in the file."""
        exps = [node("Exp", ["x"], [f"e{k}{i}"], name=f"e{k}") for k in range(2)]
        logs = [node("Log", [f"e{k}{i}"], [f"l{k}{i}"], name=f"l{k}") for k in range(2)]
        return [*exps, *(logs[::-1] if i == 1 else logs)]

    assert _three(branches)


def test_where_a_child_stands_matters():
    """The same operators, once in the child and once beside it."""
    nodes, modules = [], {}
    for place in range(3):
        nodes += [
            node("Relu", ["x"], name=f"{place}a"),
            node("Relu", [f"{place}a"], name=f"{place}b"),
        ]
        inner, outer = ("a", "b") if place == 1 else ("b", "a")
        modules |= {f"{place}{inner}": f"m.{place}.c", f"{place}{outer}": f"m.{place}"}
    names = ["m", *(f"m.{place}{tail}" for place in range(3) for tail in ("", ".c"))]
    structure = structure_of(model(nodes), modules, names)
    assert GroupKind.REPEAT not in {group.kind for group in structure.groups}


def test_bodies_are_part_of_the_structure():
    def with_body(i, op):
        body = graph([node(op if i == 1 else "Neg", ["x"], [f"n{i}"], name="inner")])
        return [node("If", ["x"], [f"t{i}"], name="if", then_branch=body)]

    assert _three(lambda i: with_body(i, "Neg"))
    assert not _three(lambda i: with_body(i, "Abs"))


def test_query_key_and_value_are_no_row():
    nodes = [node("Gemm", ["x"], name=name) for name in ("query", "key", "value", "out")]
    names = [each.name for each in nodes]
    structure = structure_of(model(nodes), dict(zip(names, names, strict=True)), names)
    assert GroupKind.REPEAT not in {group.kind for group in structure.groups}


def _normed(between):
    """Five equal layers in a row; after those in ``between`` the model itself does something."""
    nodes, modules, names, before = [], {}, ["net"], "x"
    for place in range(5):
        layer = f"net.norm{place}"
        nodes.append(node("Relu", [before], name=layer))
        modules[layer] = layer
        names.append(layer)
        before = layer
        if place in between:
            before = f"own{place}"
            nodes.append(node("Exp", [layer], name=before))
            modules[before] = "net"
    structure = structure_of(model(nodes), modules, names)
    return [group.label for group in structure.groups if group.kind is GroupKind.REPEAT]


def test_layers_with_something_of_the_group_between_them_are_no_row():
    assert _normed(()) == ["norm0–4"]
    assert _normed((0, 1, 2, 3)) == []
    assert _normed((4,)) == ["norm0–4"]
    assert _normed((1,)) == ["norm2–4"]
    assert _normed((2,)) == ["norm0–2"]


def test_scopes_fold_as_modules_do():
    nodes = [node("Relu", ["x"], [f"t{i}"], name=f"/encoder/layer.{i}/Relu") for i in range(4)]
    assert outline(read_structure(model(nodes)))[1:3] == [
        "module encoder (4)",
        "  repeat layer.0–3 ×4 (4)",
    ]


def test_rows_inside_of_rows():
    nodes, modules, names = [], {}, ["m"]
    for outer in range(3):
        names.append(f"m.{outer}")
        for inner in range(4):
            module = f"m.{outer}.{inner}"
            nodes.append(node("Relu", ["x"], name=module))
            modules[module] = module
            names.append(module)
    structure = structure_of(model(nodes), modules, names)
    assert _kinds(structure)[:4] == [
        ("module", "m", 1),
        ("repeat", "0–2", 3),
        ("module", "0", 1),
        ("repeat", "0–3", 4),
    ]
    assert structure.groups[1].node_count == 12


def test_a_hundred_and_twenty_nodes_stand_side_by_side_and_one_more_does_not():
    assert read_structure(model(chain(120))).groups == ()
    structure = read_structure(model(chain(121)))
    assert [(g.label, g.node_count) for g in structure.groups] == [("1–61", 61), ("62–121", 60)]
    assert {group.kind for group in structure.groups} == {GroupKind.PART}


def test_parts_of_parts():
    structure = read_structure(model(chain(20_000)))
    top = [group for group in structure.groups if group.parent == -1]
    assert [(g.label, g.node_count) for g in top] == [("1–10000", 10_000), ("10001–20000", 10_000)]
    assert len(structure.groups) == 2 + 200
    assert structure.groups[1].label == "1–100"


def test_many_modules_that_differ_are_split_as_well():
    nodes = [node("Relu" if i % 2 else "Exp", ["x"], name=f"n{i}") for i in range(300)]
    modules = {f"n{i}": f"m.{i}" for i in range(300)}
    structure = structure_of(model(nodes), modules, ["m", *modules.values()])
    parts = [group for group in structure.groups if group.parent == 0]
    assert [(str(p.kind), p.label, p.node_count) for p in parts] == [
        ("part", "0–99", 100),
        ("part", "100–199", 100),
        ("part", "200–299", 100),
    ]


def test_many_equal_modules_are_split_inside_of_their_row():
    nodes = [node("Relu", ["x"], name=f"n{i}") for i in range(150)]
    modules = {f"n{i}": f"m.{i}" for i in range(150)}
    structure = structure_of(model(nodes), modules, ["m", *modules.values()])
    assert _kinds(structure)[:3] == [
        ("module", "m", 1),
        ("repeat", "0–149", 150),
        ("part", "0–74", 1),
    ]


def test_a_node_and_its_bodies_stay_together_when_they_are_split():
    body = graph([node("Neg", ["x"], name="inner")])
    nodes = [
        node("If", ["x"], name=f"if{i}", then_branch=body, else_branch=body) for i in range(60)
    ]
    structure = read_structure(model(nodes))
    for group in structure.groups:
        if group.kind is GroupKind.SUBGRAPH:
            assert group.parent == structure.node_group[group.owner]
    parts = [group for group in structure.groups if group.kind is GroupKind.PART]
    assert [part.node_count for part in parts] == [99, 81]


def test_runs_follow_the_order_of_computing_where_the_file_does_not():
    nodes = chain(121)[::-1]
    structure = read_structure(model(nodes))
    where = dict(zip(structure.node_names, structure.node_group.tolist(), strict=True))
    assert [where["n0"], where["n60"], where["n61"], where["n120"]] == [0, 0, 1, 1]
