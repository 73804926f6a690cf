"""Whatever the model, the level and the way of training: bit for bit plain ORTModule.

A few dozen cases by default, the same ones every time. ``ORTVIZ_EXAMPLES=500`` looks at 500 of
them, other ones each time.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from torch import nn

import ortviz
from ortviz._compat import ensure_ortmodule
from tests.engine.families import Family
from tests.engine.more_families import IN_FLOAT64, MANY_FAMILIES
from tests.engine.training_styles import STEPS, Outcome, Style, outcome

pytestmark = pytest.mark.engine

EXAMPLES = int(os.environ.get("ORTVIZ_EXAMPLES", "0"))
"""0 is the short list that every run goes through."""
_SHORT = 6
"""Beside the list of :func:`covered_cases`."""


@dataclass(frozen=True)
class Case:
    """One training."""

    family: str
    style: Style
    level: str
    every: int
    dtype: str = "float32"
    verify: str = "auto"
    node_times: int = 0


STYLES = st.builds(
    Style,
    keywords=st.booleans(),
    micro_batches=st.sampled_from([1, 2]),
    one_backward=st.booleans(),
    between=st.sampled_from(["nothing", "eval", "no_grad"]),
    clip=st.booleans(),
    hooks=st.booleans(),
    set_to_none=st.booleans(),
    optimizer=st.sampled_from(["sgd", "adam"]),
    ragged=st.booleans(),
    loss=st.sampled_from(["module", "expression"]),
)
CASES = st.builds(
    Case,
    family=st.sampled_from([family.name for family in MANY_FAMILIES]),
    style=STYLES,
    level=st.sampled_from(["module", "tensor"]),
    every=st.sampled_from([1, 7]),
    dtype=st.sampled_from(["float32", "float64"]),
    verify=st.sampled_from(["auto", "always", "never"]),
    node_times=st.sampled_from([0, 2]),
).map(lambda case: case if case.family in IN_FLOAT64 else replace(case, dtype="float32"))

COVERED = [
    Style(),
    Style(keywords=True, micro_batches=2, hooks=True, ragged=True),
    Style(micro_batches=2, one_backward=True, set_to_none=False, optimizer="adam"),
    Style(between="eval", clip=True, loss="expression"),
    Style(between="no_grad", hooks=True, set_to_none=False, clip=True),
]


def covered_cases() -> list[Case]:
    """Each family at both levels, with every 1 and 7, each in another style."""
    cases = []
    for index, family in enumerate(MANY_FAMILIES):
        for turn, level in enumerate(("module", "tensor")):
            style = COVERED[(2 * index + turn) % len(COVERED)]
            dtype = "float64" if family.name in IN_FLOAT64 and turn else "float32"
            verify = ("auto", "always", "never")[(index + turn) % 3]
            every = (1, 7)[(index + turn) % 2]
            timed = 2 * ((index + turn) % 2)
            cases.append(Case(family.name, style, level, every, dtype, verify, timed))
    return cases


@lru_cache(maxsize=64)
def plain(family: str, style: Style, dtype: str) -> Outcome:
    """The same training under ORTModule alone."""
    return outcome(_family(family), style, getattr(torch, dtype), ensure_ortmodule().ORTModule)


def watched(case: Case) -> Outcome:
    """The training under ortviz, its recording checked for being there."""
    with tempfile.TemporaryDirectory(prefix="ortviz-undisturbed-") as folder:
        return _watched(case, Path(folder) / "run.ortviz")


def _watched(case: Case, path: Path) -> Outcome:
    runs = []

    def wrap(model: nn.Module) -> nn.Module:
        wrapped = ortviz.wrap(
            model,
            case.every,
            path=path,
            level=case.level,
            verify=case.verify,
            node_times=case.node_times,
        )
        runs.append(wrapped.ortviz)
        return wrapped

    noted = outcome(_family(case.family), case.style, getattr(torch, case.dtype), wrap)
    (run,) = runs
    run.close()
    assert not run.problems, run.problems
    forwards = STEPS * case.style.micro_batches
    assert run.state.step_count == forwards
    assert list(run.steps) == list(range(0, forwards, case.every))
    assert (run.node_times.measured is not None) == bool(case.node_times)
    return noted


def differences(expected: Outcome, got: Outcome) -> list[str]:
    """What is not the same to the last bit."""
    assert expected.tensors.keys() == got.tensors.keys()
    found = []
    for name, tensor in expected.tensors.items():
        other = got.tensors[name]
        if (tensor is None) != (other is None):
            found.append(f"{name}: {tensor} and {other}")
        elif tensor is not None and other is not None and not _same(tensor, other):
            found.append(name)
    found += [
        f"{name}: {fact} and {got.facts[name]}"
        for name, fact in expected.facts.items()
        if got.facts[name] != fact
    ]
    return found


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    same_kind = one.dtype == other.dtype and one.shape == other.shape
    return same_kind and bool(torch.equal(one.isnan(), other.isnan())) and bool(
        torch.equal(one.nan_to_num() if one.is_floating_point() else one,
                    other.nan_to_num() if other.is_floating_point() else other)
    )  # fmt: skip


def _family(name: str) -> Family:
    return next(family for family in MANY_FAMILIES if family.name == name)


def _with_examples(test):  # type: ignore[no-untyped-def]
    for case in covered_cases():
        test = example(case)(test)
    return test


@pytest.mark.timeout(60 * 60 if EXAMPLES else 30 * 60)
@settings(
    max_examples=EXAMPLES or _SHORT,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
@given(CASES)
@_with_examples
def test_training_is_not_disturbed(case: Case) -> None:
    expected = plain(case.family, case.style, case.dtype)
    assert differences(expected, watched(case)) == []


def test_the_short_list_covers_what_it_should() -> None:
    cases = covered_cases()
    assert len({case.family for case in cases}) >= 10
    seen = {(case.family, case.level) for case in cases}
    assert len(seen) == 2 * len(MANY_FAMILIES)
    assert {(case.level, case.every) for case in cases} == {
        (level, every) for level in ("module", "tensor") for every in (1, 7)
    }
    assert {case.style for case in cases} == set(COVERED)
    assert {case.dtype for case in cases} == {"float32", "float64"}


@pytest.mark.parametrize("what", ["weight 2.weight", "output 3.0.0", "ORT's generator"])
def test_one_bit_is_noticed(what: str) -> None:
    """Equality above means something."""
    noted = plain("mlp", Style(), "float32")
    changed = dict(noted.tensors)
    tensor = changed[what]
    assert tensor is not None
    tensor = tensor.clone()
    if tensor.dtype == torch.bool:
        tensor.view(-1)[0] = ~tensor.view(-1)[0]
    else:
        tensor.view(torch.int32).view(-1)[0] ^= 1
    changed[what] = tensor
    assert differences(noted, Outcome(changed, noted.facts)) == [what]


def test_one_more_hook_is_noticed() -> None:
    noted = plain("mlp", Style(), "float32")
    tables = dict(noted.facts["hook tables"])  # type: ignore[call-overload]
    tables["_global_forward_hooks"] += 1
    (found,) = differences(noted, Outcome(noted.tensors, {**noted.facts, "hook tables": tables}))
    assert found.startswith("hook tables")
