"""Born here or came in, and which site gets the name."""

from __future__ import annotations

import numpy as np
import pytest

from ortviz.record import Direction, ErrorOrigin, Verdict
from tests.unit.compare.conftest import Deep

ONE = np.array([1.0, -1.0, 0.5], np.float32)
FAR = ONE * np.float32(1.5)
FARTHER = ONE * np.float32(2.5)
NEAR = ONE * np.float32(1 + 1e-6)
BACKWARD, GRADIENT = Direction.BACKWARD, Direction.PARAMETER_GRAD


def test_three_origins():
    step = Deep()
    fine = step.add("a", ONE, NEAR, local=NEAR)
    born = step.add("b", ONE, FAR, local=ONE)
    came = step.add("c", ONE, FAR, local=FAR)
    unknown = step.add("d", ONE, FAR)
    result = step.compare()
    assert [result[site.id].origin for site in (fine, born, came, unknown)] == [
        ErrorOrigin.UNKNOWN,
        ErrorOrigin.HERE,
        ErrorOrigin.INHERITED,
        ErrorOrigin.UNKNOWN,
    ]
    assert result[born.id].local_abs_error == 0.5
    assert result[came.id].local_abs_error == 0.0
    assert result[came.id].local_rel_error == 0.0
    assert result[unknown.id].local_abs_error is None
    assert result.first_divergence == {Direction.FORWARD: born}
    assert result.first_own_divergence == {Direction.FORWARD: born}


def test_the_own_error_is_named_although_an_inherited_one_comes_first():
    step = Deep()
    came = step.add("a", ONE, FAR, local=FAR)
    born = step.add("b", ONE, FARTHER, local=FAR)
    result = step.compare()
    assert result.first_divergence == {Direction.FORWARD: came}
    assert result.first_own_divergence == {Direction.FORWARD: born}
    assert result[born.id].local_rel_error == pytest.approx(1.0 / 1.5)


def test_the_same_rule_judges_the_own_error():
    step = Deep()
    wide = ONE.astype(np.float64) + np.array([0, 0, 0.1])
    site = step.add("a", ONE, FAR, local=ONE, wide=wide)
    found = step.compare()[site.id]
    # The noise floor of 0.1 makes 0.5 rounding, in all of it and in the module's own part.
    assert (found.verdict, found.origin) == (Verdict.ROUNDING, ErrorOrigin.UNKNOWN)


def test_nan_made_by_a_module_was_born_there():
    step = Deep()
    broken = np.array([np.nan, -1.0, 0.5], np.float32)
    born = step.add("a", ONE, broken, local=ONE)
    came = step.add("b", ONE, broken, local=broken)
    result = step.compare()
    assert result[born.id].origin is ErrorOrigin.HERE
    assert result[came.id].origin is ErrorOrigin.INHERITED


def test_local_values_of_another_shape_say_nothing():
    step = Deep()
    site = step.add("a", ONE, FAR, local=np.zeros((2, 2), np.float32))
    assert step.compare()[site.id].origin is ErrorOrigin.UNKNOWN


def test_a_container_does_not_take_its_childs_name():
    step = Deep()
    child = step.add("blocks.0.fc", ONE, FAR, local=ONE)
    step.add("blocks.0", ONE, FAR, local=ONE)
    step.add("blocks", ONE, FAR, local=ONE)
    step.add("", ONE, FAR, local=ONE)
    assert step.compare().first_own_divergence == {Direction.FORWARD: child}


def test_backward_enters_a_container_before_its_child():
    step = Deep()
    step.add("blocks", ONE, FAR, local=ONE, direction=BACKWARD)
    step.add("blocks.1", ONE, FAR, local=ONE, direction=BACKWARD)
    leaf = step.add("blocks.1.fc", ONE, FAR, local=ONE, direction=BACKWARD)
    step.add("blocks.0", ONE, FARTHER, local=ONE, direction=BACKWARD)
    result = step.compare()
    assert result.first_own_divergence == {BACKWARD: leaf}
    assert result.first_divergence == {BACKWARD: leaf}


def test_a_child_with_another_tensor_does_not_take_its_containers_name():
    step = Deep()
    container = step.add("blocks", ONE, FAR, local=ONE, direction=BACKWARD)
    step.add("blocks.1", ONE, FARTHER, local=ONE, direction=BACKWARD)
    assert step.compare().first_own_divergence == {BACKWARD: container}


def test_modules_whose_names_begin_alike_are_no_containers():
    step = Deep()
    first = step.add("block", ONE, FAR, local=ONE)
    step.add("block2.fc", ONE, FAR, local=ONE)
    assert step.compare().first_own_divergence == {Direction.FORWARD: first}


def test_each_direction_has_its_own():
    step = Deep()
    step.add("a", ONE, NEAR, local=NEAR)
    backward = step.add("b", ONE, FAR, local=ONE, direction=BACKWARD)
    step.add("a", ONE, FAR, local=FAR, direction=BACKWARD)
    gradient = step.add("b", ONE, FAR, local=ONE, direction=GRADIENT, slot="weight")
    buffer = step.add("bn", ONE, FAR, direction=Direction.BUFFER, slot="running_mean")
    result = step.compare()
    assert result.first_own_divergence == {BACKWARD: backward, GRADIENT: gradient}
    assert result.first_divergence == {
        BACKWARD: backward,
        GRADIENT: gradient,
        Direction.BUFFER: buffer,
    }
