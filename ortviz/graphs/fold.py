"""Folds numbered modules of equal structure in a row into one group.

Only numbered ones (``blocks.0``, ``layer3``) are a row: query, key and value are built alike too,
and nobody wants them as one. Nor are they a row where the group around them computes something
from one for the next.

Two groups are equal when their operators, the tensors between these, their groups and the nodes in
them are the same, whatever they are called. This is compared exactly: nodes are brought into an
order that does not depend on names, and all numbers are counted from the group's first node.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ortviz.graphs.canonical import CanonicalOrder
from ortviz.graphs.flat import FlatGraph
from ortviz.graphs.tree import Group, Tree
from ortviz.record.structures import GroupKind

MIN_REPEATS = 3
"""Modules in a row that are folded; fewer are shown as they are."""

_LONGEST_CUT = 200
"""Rows up to this length are cut where something is between; longer ones are left as they are."""
_NUMBERED = re.compile(r"^(.*?)\d+$", re.DOTALL)


def fold_repeats(tree: Tree, flat: FlatGraph) -> None:
    """Put equal neighbours into ``repeat`` groups, in every group of the tree."""
    parents = [group for _, group in tree.walk() if _may_fold(group)]
    if not parents:
        return
    order = CanonicalOrder(tree, flat)
    for group in parents:
        rows = [row for row in _equal_rows(group, order) if len(row) >= MIN_REPEATS]
        if rows:
            _fold(group, rows, order)


def _may_fold(group: Group) -> bool:
    return sum(_stem(each) is not None for each in group.groups) >= MIN_REPEATS


def _stem(group: Group) -> str | None:
    """What is before the number in a module's name; None where there is no number."""
    numbered = _NUMBERED.match(group.label)
    return numbered[1] if numbered and group.kind is GroupKind.MODULE else None


def _equal_rows(group: Group, order: CanonicalOrder) -> list[list[int]]:
    """Places in ``group.groups`` that follow each other and are equal."""
    rows: list[list[int]] = []
    before: Group | None = None
    for place, each in enumerate(group.groups):
        stem = _stem(each)
        goes_on = (
            before is not None
            and stem is not None
            and stem == _stem(before)
            and order.are_equal(before, each)
        )
        if not goes_on:
            rows.append([])
        rows[-1].append(place)
        before = each
    return rows


def _fold(group: Group, rows: Sequence[list[int]], order: CanonicalOrder) -> None:
    users = order.neighbours(group)
    first_of: dict[int, Group] = {}
    folded: set[int] = set()
    for row in rows:
        for part in _whole_rows(row, users):
            first_of[part[0]] = _repeat([group.groups[place] for place in part])
            folded.update(part)
    group.groups = [
        first_of.get(place, each)
        for place, each in enumerate(group.groups)
        if place in first_of or place not in folded
    ]


def _whole_rows(row: list[int], users: Sequence[set[int]]) -> list[list[int]]:
    """The row, or the pieces of it between which other items of the group compute something.

    A box around ``norm1`` and ``norm2`` with the attention between them beside it would be drawn
    before and after itself.
    """
    if not _is_left_and_entered(row, users):
        return [row]
    if len(row) > _LONGEST_CUT:
        return []
    parts: list[list[int]] = [[]]
    for place in row:
        if _is_left_and_entered([*parts[-1], place], users):
            parts.append([])
        parts[-1].append(place)
    return [part for part in parts if len(part) >= MIN_REPEATS]


def _is_left_and_entered(row: Sequence[int], users: Sequence[set[int]]) -> bool:
    """Whether what is made in a row comes back into it by way of other items."""
    inside = set(row)
    waiting = [user for place in row for user in users[place] if user not in inside]
    seen = set(waiting)
    while waiting:
        for user in users[waiting.pop()]:
            if user in inside:
                return True
            if user not in seen:
                seen.add(user)
                waiting.append(user)
    return False


def _repeat(row: list[Group]) -> Group:
    label = range_label(row[0].label, row[-1].label)
    return Group(GroupKind.REPEAT, label, row[0].half, count=len(row), groups=row)


def range_label(first: str, last: str) -> str:
    """``0–11``; of ``layer.0`` and ``layer.11`` it is ``layer.0–11``."""
    numbered = _NUMBERED.match(first)
    if numbered and last.startswith(numbered[1]):
        last = last[len(numbered[1]) :]
    return f"{first}–{last}"
