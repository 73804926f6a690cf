"""A run whose records are healthy, to be spoiled one thing at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from ortviz.findings import FindingsEngine
from ortviz.record import (
    Direction,
    Finding,
    GradientArrival,
    LossRecord,
    MaskCounts,
    MaskedElement,
    Mode,
    ModuleRecord,
    ParameterRecord,
    RunInfo,
    Severity,
    Side,
    Site,
    SiteComparison,
    SiteRecord,
    SiteStatus,
    StepComparison,
    StepLosses,
    StepRecord,
    TensorStats,
    Verdict,
)

GOOD = TensorStats((2, 4), "float32", 8, -1.0, 1.0, 0.0, 0.5, 1.4, 0, 0, 0, 0, None)
NAN = TensorStats((2, 4), "float32", 8, -1.0, 1.0, 0.0, 0.5, 1.4, 0, 3, 0, 0, (0, 1))
INF = TensorStats((2, 4), "float32", 8, -1.0, 1.0, 0.0, 0.5, 1.4, 0, 0, 0, 2, (1, 1))
ZERO = TensorStats((2, 4), "float32", 8, 0.0, 0.0, 0.0, 0.0, 0.0, 8, 0, 0, 0, None)

FORWARD, BACKWARD = Direction.FORWARD, Direction.BACKWARD
GRAD, PARAMETER, BUFFER = Direction.PARAMETER_GRAD, Direction.PARAMETER, Direction.BUFFER

MODULES = (
    ModuleRecord("", "Net", 0, True),
    ModuleRecord("fc1", "Linear", 8, True),
    ModuleRecord("bn", "BatchNorm1d", 8, True, buffers=("running_mean", "num_batches_tracked")),
    ModuleRecord("fc2", "Linear", 8, True),
)
SITES = (
    Site(Direction.INPUT, "", "in0"),
    Site(FORWARD, "fc1", "out0"),
    Site(FORWARD, "bn", "out0"),
    Site(FORWARD, "fc2", "out0"),
    Site(FORWARD, "", "out0"),
    Site(BACKWARD, "", "out0"),
    Site(BACKWARD, "fc2", "out0"),
    Site(BACKWARD, "bn", "out0"),
    Site(BACKWARD, "fc1", "out0"),
    Site(GRAD, "fc1", "weight"),
    Site(GRAD, "fc2", "weight"),
    Site(BUFFER, "bn", "running_mean"),
    Site(BUFFER, "bn", "num_batches_tracked"),
)
WEIGHTS = (Site(PARAMETER, "fc1", "weight"), Site(PARAMETER, "fc2", "weight"))

Spoilt = dict[Site, "TensorStats | SiteStatus"]


class Make:
    """Builds records; every argument spoils something."""

    GOOD, NAN, INF, ZERO = GOOD, NAN, INF, ZERO

    def info(self, **changes: object) -> RunInfo:
        healthy = RunInfo(
            "r", "net", 0.0, 1, "ortmodule", "", (), MODULES,
            (ParameterRecord("fc1.weight", (2, 4), "float32", True),),
        )  # fmt: skip
        return replace(healthy, **changes)  # type: ignore[arg-type]

    def step(
        self,
        step: int = 3,
        *,
        reference: Spoilt | None = None,
        candidate: Spoilt | None = None,
        both: Spoilt | None = None,
        fallback: bool = False,
        notes: tuple[str, ...] = (),
    ) -> StepRecord:
        return StepRecord(
            step,
            Mode.TRAINING,
            fallback,
            self._side(SITES, {**(both or {}), **(reference or {})}),
            self._side((*WEIGHTS, *SITES), {**(both or {}), **(candidate or {})}),
            notes=notes,
        )

    def _side(self, sites: Sequence[Site], spoilt: Spoilt) -> tuple[SiteRecord, ...]:
        records = []
        for order, site in enumerate(sites):
            stats = spoilt.get(site, GOOD)
            if isinstance(stats, SiteStatus):
                records.append(SiteRecord(site, order, stats))
            else:
                records.append(SiteRecord(site, order, SiteStatus.CAPTURED, stats))
        return tuple(records)

    def compared(self, *changed: SiteComparison, step: int = 3) -> StepComparison:
        """A comparison; sites not named agree to rounding."""
        by_site = {one.site: one for one in changed}
        sites = tuple(
            by_site.get(site, SiteComparison(site, Verdict.ROUNDING, "", 1e-8, 1e-8))
            for site in SITES[1:]
        )
        first: dict[Direction, Site] = {}
        for one in sites:
            if one.verdict is Verdict.DIVERGENT:
                first.setdefault(one.site.direction, one.site)
        return StepComparison(step, sites, first)

    def divergent(
        self, site: Site, relative: float = 5e-4, mismatches: int = 0, **changes: object
    ) -> SiteComparison:
        one = SiteComparison(
            site, Verdict.DIVERGENT, "Off.", relative * 2, relative, relative / 2, (1, 2), 0.5, 0.6,
            mismatches, 1e-4,
        )  # fmt: skip
        return replace(one, **changes)  # type: ignore[arg-type]

    def loss(self, **changes: object) -> LossRecord:
        healthy = LossRecord(
            Side.CANDIDATE, 0.5, 0.25, 0.2, 0.25, 0.2, MaskCounts(), MaskCounts(), 8, 0.25, "mape",
            0, 0, 0,
        )  # fmt: skip
        return replace(healthy, **changes)  # type: ignore[arg-type]

    def losses(
        self,
        step: int = 3,
        *,
        gradient: GradientArrival | None = GradientArrival(0, 0),  # noqa: B008 - frozen
        masked: tuple[MaskedElement, ...] = (),
        **changes: object,
    ) -> StepLosses:
        return StepLosses(step, self.loss(**changes), None, masked, (2, 4), gradient)

    def zero_target(self, step: int = 3, **changes: object) -> StepLosses:
        """MAPE meets a target of 0."""
        gradient = GradientArrival(1, 0, (0, 5), 0.5, 0.0)
        masked = (MaskedElement("mape", (0, 5), 2, 0.5, 0.0, math.nan),)
        values: dict[str, object] = {
            "mape_mask": MaskCounts(0, 1, 0),
            "target_zero_count": 1,
            "gradient": gradient,
            "masked": masked,
        }
        return self.losses(step, **{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture
def make() -> Make:
    return Make()


@pytest.fixture
def engine(make: Make) -> FindingsEngine:
    return FindingsEngine(make.info())


def only(findings: Sequence[Finding], detector: str) -> Finding:
    """The one finding of a detector."""
    (found,) = [one for one in findings if one.detector == detector]
    assert found.title
    assert found.explanation
    assert found.remedy
    assert found.evidence
    assert found.severity in Severity
    return found


@pytest.fixture(name="only")
def _only():
    return only
