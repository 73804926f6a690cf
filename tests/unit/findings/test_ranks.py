from __future__ import annotations

from ortviz.findings.ranks import ranks_disagree
from ortviz.record import (
    Direction,
    Mode,
    Severity,
    Site,
    SiteRecord,
    SiteStatus,
    StepRecord,
    TensorStats,
)


def stats(norm: float | None, nan_count: int = 0) -> TensorStats:
    return TensorStats(
        shape=(2, 2),
        dtype="float32",
        element_count=4,
        minimum=0.0,
        maximum=norm,
        mean=norm,
        std=0.0,
        l2_norm=norm,
        zero_count=0,
        nan_count=nan_count,
        posinf_count=0,
        neginf_count=0,
        first_nonfinite_index=None,
    )


def step(**norms: TensorStats) -> StepRecord:
    sites = tuple(
        SiteRecord(Site(Direction.PARAMETER, name, "weight"), i, SiteStatus.CAPTURED, found)
        for i, (name, found) in enumerate(norms.items())
    )
    gradient = SiteRecord(
        Site(Direction.PARAMETER_GRAD, "a", "weight"), 9, SiteStatus.CAPTURED, stats(len(norms))
    )
    return StepRecord(7, Mode.TRAINING, False, (), (*sites, gradient))


def test_the_same_weights_are_no_finding_whatever_the_gradients() -> None:
    one = step(a=stats(1.0), b=stats(2.0))
    other = step(a=stats(1.0), b=stats(2.0), c=stats(3.0))
    assert ranks_disagree(0, one, 1, other) is None


def test_weights_that_differ_in_the_last_bit_are() -> None:
    one = step(a=stats(1.0), b=stats(2.0))
    other = step(a=stats(1.0), b=stats(2.0000000000000004))
    found = ranks_disagree(0, one, 3, other)
    assert found is not None
    assert (found.severity, found.first_step, found.module) == (Severity.ERROR, 7, "b")
    assert found.title == "Ranks 0 and 3 train other weights: b.weight"
    assert found.evidence == "L2 norm of b.weight: 2.0 on rank 0, 2.0000000000000004 on rank 3."


def test_many_are_counted() -> None:
    one = step(a=stats(1), b=stats(1), c=stats(1), d=stats(1), e=stats(1))
    other = step(a=stats(2), b=stats(2), c=stats(2), d=stats(2), e=stats(2))
    found = ranks_disagree(1, one, 0, other)
    assert found is not None
    assert found.title.endswith("a.weight, b.weight, c.weight and 2 more")


def test_nan_on_both_is_another_fault() -> None:
    one, other = step(a=stats(float("nan"), 2)), step(a=stats(float("nan"), 2))
    assert ranks_disagree(0, one, 1, other) is None
    assert ranks_disagree(0, one, 1, step(a=stats(1.0))) is not None
