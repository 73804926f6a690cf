"""Tolerances of one's own for some sites."""

from __future__ import annotations

import math
from fnmatch import fnmatchcase

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ortviz.compare import Comparer, Tolerance, tolerance_rules
from ortviz.errors import WrapError
from ortviz.record import Direction, ToleranceRule, Verdict
from tests.unit.compare.conftest import Deep

ONE = np.array([1.0, -1.0], np.float32)
PERCENT = ONE * np.float32(1.01)


def compare(tolerances: object, module: str = "blocks.0.fc", **kwargs):
    step = Deep()
    site = step.add(
        module, kwargs.pop("reference", ONE), kwargs.pop("candidate", PERCENT), **kwargs
    )
    return step.compare(Comparer(tolerance_rules(tolerances)))[site.id]


def test_a_number_replaces_the_relative_tolerance():
    assert compare(None).verdict is Verdict.DIVERGENT
    found = compare({"forward/blocks.*": 0.1})
    assert (found.verdict, found.tolerance) == (Verdict.ROUNDING, 0.1)
    assert found.tolerance_reason == "your tolerance for 'forward/blocks.*'"
    assert compare({"backward/*": 0.1}).verdict is Verdict.DIVERGENT


def test_a_divergence_says_which_tolerance_it_broke():
    found = compare({"forward/*": 1e-3})
    assert found.verdict is Verdict.DIVERGENT
    assert "your tolerance for 'forward/*' allows up to 0.001" in found.reason


def test_stricter_than_the_table():
    near = ONE * np.float32(1 + 1e-6)
    assert compare(None, candidate=near).verdict is Verdict.ROUNDING
    assert compare({"*": 1e-8}, candidate=near).verdict is Verdict.DIVERGENT
    assert compare({"*": 0}, candidate=near).verdict is Verdict.DIVERGENT


def test_of_several_patterns_the_last_one_counts():
    assert compare({"*": 0.1, "forward/blocks.0.*": 1e-3}).verdict is Verdict.DIVERGENT
    assert compare({"forward/blocks.0.*": 1e-3, "*": 0.1}).verdict is Verdict.ROUNDING


def test_the_rest_of_the_table_stays_beside_a_number():
    noise = np.array([3e-8, -1e-8], np.float32)
    step = Deep()
    site = step.add("a", noise, -noise, direction=Direction.PARAMETER_GRAD, slot="bias")
    step.add("a", ONE, ONE, direction=Direction.PARAMETER_GRAD, slot="weight")
    assert step.compare(Comparer([ToleranceRule("*", 1e-9)]))[site.id].verdict is Verdict.ROUNDING
    whole = Comparer(tolerance_rules({"*": Tolerance(1e-9)}))
    assert step.compare(whole)[site.id].verdict is Verdict.DIVERGENT


def test_an_absolute_tolerance():
    found = compare({"*": Tolerance(0.0, absolute=0.02)})
    assert found.verdict is Verdict.ROUNDING
    assert compare({"*": Tolerance(0.0, absolute=0.005)}).verdict is Verdict.DIVERGENT


def test_integers_stay_exact():
    found = compare({"*": 10.0}, reference=np.array([1, 2]), candidate=np.array([1, 3]))
    assert found.verdict is Verdict.DIVERGENT
    assert "int64 is never rounded" in found.reason


def test_a_pattern_that_never_applied_is_told_once_at_the_end():
    comparer = Comparer(tolerance_rules({"forward/blok.*": 0.1, "forward/*": 0.1}))
    assert comparer.problems() == ()
    step = Deep()
    step.add("blocks.0.fc", ONE, ONE)
    for _ in range(3):
        step.compare(comparer)
    (problem,) = comparer.problems()
    assert "'forward/blok.*' was never used: this run has no such site" in problem.what
    assert "forward/blocks.0.fc#out0" in problem.remedy


def test_a_pattern_that_a_later_one_always_hides_is_told():
    comparer = Comparer(tolerance_rules({"forward/fc*": 0.1, "*": 0.2}))
    step = Deep()
    step.add("fc", ONE, ONE)
    step.compare(comparer)
    (problem,) = comparer.problems()
    assert "'forward/fc*' was never used" in problem.what
    assert "later pattern" in problem.what


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        (1e-3, "a dict of site patterns to numbers, and this is 0.001"),
        ({3: 1e-3}, "has the key 3, which is no pattern"),
        ({"*": "small"}, r"for '\*' is 'small'"),
        ({"*": -1.0}, r"for '\*' is -1.0"),
        ({"*": math.nan}, r"for '\*' is nan"),
        ({"*": math.inf}, r"for '\*' is inf"),
        ({"*": True}, r"for '\*' is True"),
        ({"*": Tolerance(1e-3, absolute=-1.0)}, r"for '\*' is Tolerance"),
        ({"blocks.*": 1e-3}, "'blocks.*' can never apply: ids of sites begin with one of forward/"),
        ({"fwd/*": 1e-3}, r"'fwd/\*' can never apply"),
        ({"forward": 1e-3}, "'forward' can never apply"),
        ({"": 1e-3}, "'' can never apply"),
        ({"parameter/*": 1e-3}, "both sides share the tensors of parameter/"),
        ({"input/in0": 1e-3}, "both sides share the tensors of input/"),
        ({"forward/fc1": 1e-3}, r"end in the tensor's name after a #. Write 'forward/fc1#\*'"),
    ],
)
def test_what_is_no_tolerance_is_refused_with_what_to_write(given_, said):
    with pytest.raises(WrapError, match=said):
        tolerance_rules(given_)


SITES = st.builds(
    lambda direction, module, slot: f"{direction}/{module}#{slot}",
    st.sampled_from(["forward", "backward", "parameter_grad", "buffer"]),
    st.sampled_from(["", "fc", "blocks.0.fc", "blocks.10.mlp"]),
    st.sampled_from(["out0", "weight"]),
)


@given(SITES, st.data())
def test_no_pattern_that_matches_a_site_is_refused(site, data):
    """Some letters of an id are replaced by wildcards; the result matches that id."""
    letters = list(site)
    for _ in range(data.draw(st.integers(0, 4))):
        start = data.draw(st.integers(0, len(letters)))
        length = data.draw(st.integers(0, len(letters) - start))
        single = length == 1 and letters[start] != "*"
        letters[start : start + length] = ["?"] if single else ["*"]
    pattern = "".join(letters)
    assert fnmatchcase(site, pattern)
    assert tolerance_rules({pattern: 1e-3}) == (ToleranceRule(pattern, 1e-3),)
