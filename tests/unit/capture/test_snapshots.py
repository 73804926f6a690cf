"""Snapshots share memory only where nobody writes to it afterwards, and tell when one did."""

from __future__ import annotations

import torch

from ortviz.capture.snapshots import Snapshots, copy_what_shares


def computed(weight: torch.Tensor) -> torch.Tensor:
    return weight * 2


def test_a_copy_keeps_what_it_saw_and_tells_that_it_was_needed() -> None:
    snapshots = Snapshots(share=False)
    result = computed(torch.ones(3, requires_grad=True))
    seen = snapshots.of_result(result)
    assert not snapshots.overwritten
    result.mul_(5)
    assert snapshots.overwritten
    assert seen.tolist() == [2, 2, 2]


def test_what_the_run_computed_is_shared() -> None:
    snapshots = Snapshots(share=True)
    result = computed(torch.ones(3, requires_grad=True))
    assert snapshots.of_result(result).data_ptr() == result.data_ptr()
    assert snapshots.of_gradient(gradient := torch.ones(3)).data_ptr() == gradient.data_ptr()
    assert not snapshots.overwritten


def test_a_change_through_a_view_is_noticed() -> None:
    snapshots = Snapshots(share=True)
    result = computed(torch.ones(4, requires_grad=True))
    snapshots.of_result(result.view(2, 2))
    result[0] = 7
    assert snapshots.overwritten


def test_a_change_of_a_shared_gradient_is_noticed() -> None:
    snapshots = Snapshots(share=True)
    gradient = torch.ones(3)
    snapshots.of_gradient(gradient)
    gradient.add_(1)
    assert snapshots.overwritten


def test_what_outlives_the_run_is_copied() -> None:
    weight, state, given = torch.ones(4, requires_grad=True), torch.ones(4), torch.ones(4)
    snapshots = Snapshots(share=True)
    snapshots.keep_apart([weight, given])
    for tensor in (weight, weight.view(2, 2), weight[1:], state):
        assert snapshots.of_result(tensor).data_ptr() != tensor.data_ptr()
    assert snapshots.of_gradient(given.view(2, 2)).data_ptr() != given.data_ptr()


def test_only_values_that_overlap_are_copied() -> None:
    users = [torch.arange(10.0), torch.arange(6.0), torch.zeros(0)]
    own = torch.arange(3.0)
    values = {
        "same": users[0],
        "inside": users[0][4:6],
        "end": users[1][5:],
        "own": own,
        "empty": torch.zeros(0),
    }
    before = {name: value.data_ptr() for name, value in values.items()}
    expected = {name: value.tolist() for name, value in values.items()}
    copy_what_shares(values, users)
    changed = {name for name, value in values.items() if value.data_ptr() != before[name]}
    assert changed == {"same", "inside", "end"}
    assert {name: value.tolist() for name, value in values.items()} == expected
