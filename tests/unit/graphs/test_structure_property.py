"""What holds for the hierarchy of any graph, however strange."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ortviz.graphs import ModelNames, read_structure
from ortviz.graphs.flat import graphs_in_order
from ortviz.graphs.parts import MAX_CHILDREN
from ortviz.record import GroupKind
from tests.unit.graphs.small_models import graph, model, node, record_of

_NAMES = st.sampled_from(
    ["", "x", "a", "b", "c", "d", "e", "/a/b/c", "/a/b.0/c", "/a/b.1/c", "/a/b.2/c", "fc.weight"]
)
_OPS = st.sampled_from(["Relu", "Add", "Odd", "YieldOp"])
_MODULES = ("", "a", "a.0", "a.1", "a.2", "a.2.fc", "b")


@st.composite
def _nodes(draw, depth: int = 0):
    nodes = []
    for _ in range(draw(st.integers(0, 8))):
        attributes = {}
        if depth < 2 and draw(st.integers(0, 5)) == 0:
            attributes["body"] = graph(draw(_nodes(depth + 1)), ["c"], ["d"])
        made = node(draw(_OPS), draw(st.lists(_NAMES, max_size=4)), ["t"], **attributes)
        made.name = draw(_NAMES)
        del made.output[:]
        made.output.extend(draw(st.lists(_NAMES, max_size=3)))
        nodes.append(made)
    return nodes


_MODELS = st.builds(
    model,
    _nodes(),
    inputs=st.lists(_NAMES, max_size=5, unique=True),
    outputs=st.lists(_NAMES, max_size=3),
)


def _structures(made, modules):
    """By scopes, and by modules."""
    record = record_of(made, {})
    nodes = record.nodes
    by_module = {
        each.name: modules[place % len(modules)] for place, each in enumerate(nodes) if modules
    }
    yield read_structure(made)
    yield read_structure(made, record_of(made, by_module), ModelNames(_MODULES))


@settings(deadline=None, max_examples=150)
@given(_MODELS, st.lists(st.sampled_from([None, *_MODULES]), max_size=5))
def test_everything_is_in_one_place_and_all_counts_add_up(made, modules):
    for structure in _structures(made, modules):
        groups, node_group = structure.groups, structure.node_group
        nodes = [each for inner, _ in graphs_in_order(made.graph) for each in inner.node]
        assert structure.file_node_count == len(made.graph.node)
        assert list(structure.node_names[: len(nodes)]) == [each.name for each in nodes]
        assert len(node_group) == len(structure.node_names) == len(structure.node_kind)
        assert node_group.min(initial=-1) >= -1
        assert node_group.max(initial=-1) < len(groups)
        assert all(-1 <= group.parent < place for place, group in enumerate(groups))
        counts = Counter(node_group[structure.node_kind == 0].tolist())
        for place in range(len(groups) - 1, -1, -1):
            assert groups[place].node_count == counts[place]
            counts[groups[place].parent] += counts[place]
        assert counts[-1] == len(nodes)
        for group in groups:
            if group.owner >= 0:
                assert group.parent == node_group[group.owner]
            elif group.parent >= 0:
                assert group.half == groups[group.parent].half


@settings(deadline=None, max_examples=150)
@given(_MODELS)
def test_edges_are_the_uses_of_tensors_that_nodes_make(made):
    structure = read_structure(made)
    values, nodes = len(structure.value_names), len(structure.node_names)
    assert structure.value_node.tolist() == sorted(structure.value_node.tolist())
    assert all(0 <= each < nodes for each in structure.value_node)
    pairs = list(zip(structure.edge_value.tolist(), structure.edge_to.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)
    assert all(0 <= of < values and 0 <= to < nodes for of, to in pairs)
    users = [each for inner, _ in graphs_in_order(made.graph) for each in inner.node]
    for of, to in pairs:
        maker = structure.value_node[of]
        if to < structure.file_node_count and structure.node_kind[maker] == 0:
            assert structure.value_names[of] in users[to].input
            assert structure.value_names[of] in users[maker].output


# A body: for each node its operator and what its slots take, -1 from outside or a node before it.
_BODY = st.lists(
    st.tuples(st.sampled_from("ab"), st.lists(st.integers(-1, 3), min_size=1, max_size=2)),
    min_size=1,
    max_size=4,
)


def _body_nodes(body, module, order):
    """The nodes of a body in some order, under names that tell nothing."""
    made = [
        node(
            op,
            ["x" if at < 0 or at >= place else f"{module}/{at}" for at in slots],
            name=f"{module}/{place}",
        )
        for place, (op, slots) in enumerate(body)
    ]
    return [made[place] for place in order]


def _same(one, other):
    """Whether two bodies are equal but for the order of nodes, by trying all orders."""

    def edges(body, place_of):
        return {
            (place_of[place], slot, place_of[at] if 0 <= at < place else -1)
            for place, (_, slots) in enumerate(body)
            for slot, at in enumerate(slots)
        }

    if len(one) != len(other):
        return False
    wanted = edges(one, range(len(one)))
    return any(
        all(one[to][0] == other[place][0] for place, to in enumerate(order))
        and edges(other, order) == wanted
        for order in permutations(range(len(one)))
    )


@settings(deadline=None, max_examples=150)
@given(st.lists(_BODY, min_size=1, max_size=2), st.data())
def test_what_folds_is_equal_and_what_is_equal_folds(bodies, data):
    chosen = [data.draw(st.sampled_from(bodies)) for _ in range(3)]
    nodes, modules = [], {}
    for place, body in enumerate(chosen):
        order = data.draw(st.permutations(range(len(body))))
        made = _body_nodes(body, f"m.{place}", order)
        nodes += made
        modules |= {each.name: f"m.{place}" for each in made}
    built = model(nodes)
    names = ModelNames(("", "m", "m.0", "m.1", "m.2"))
    structure = read_structure(built, record_of(built, modules), names)
    folds = any(group.kind is GroupKind.REPEAT for group in structure.groups)
    assert folds == all(_same(chosen[0], each) for each in chosen[1:])


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 700),
    st.lists(st.tuples(st.integers(0, 400), st.integers(1, 3)), max_size=4),
)
def test_no_group_is_crowded(loose, containers):
    """Loose nodes, and containers of many modules that differ in how many nodes they have."""
    nodes, modules, names = [], {}, [""]
    for place, (count, size) in enumerate(containers):
        names.append(f"m{place}")
        for child in range(count):
            names.append(f"m{place}.{child}")
            for inner in range(1 + child % size):
                name = f"m{place}.{child}.{inner}"
                nodes.append(node("Relu", ["x"], name=name))
                modules[name] = f"m{place}.{child}"
    nodes += [node("Relu", ["x"], name=f"loose{place}") for place in range(loose)]
    made = model(nodes)
    structure = read_structure(made, record_of(made, modules), ModelNames(tuple(names)))
    children = Counter(group.parent for group in structure.groups)
    own = Counter(structure.node_group[structure.node_kind == 0].tolist())
    assert all(children[place] + own[place] <= MAX_CHILDREN for place in {*children, *own})
    repeats = [group for group in structure.groups if group.kind is GroupKind.REPEAT]
    assert all(group.count >= 3 for group in repeats)
    ends = np.flatnonzero(structure.node_kind != 0)
    assert (structure.node_group[ends] == -1).all()
