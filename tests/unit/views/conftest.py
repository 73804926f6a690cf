"""Small records that the tests of all views are made of."""

from __future__ import annotations

import pytest

from ortviz.record import (
    Direction,
    Mode,
    ModuleRecord,
    ParameterRecord,
    RunInfo,
    Site,
    SiteRecord,
    SiteStatus,
    StepRecord,
    TensorStats,
)


class Make:
    """Builders of records; what a test does not name has a harmless value."""

    @staticmethod
    def stats(norm=1.0, shape=(2,), nan=0, posinf=0, neginf=0, zeros=0):
        count = 1
        for size in shape:
            count *= size
        finite = count - nan - posinf - neginf
        number = norm if finite else None
        return TensorStats(
            shape, "float32", count, number, number, number, number, number,
            zeros, nan, posinf, neginf, (0,) * len(shape) if finite < count else None,
        )  # fmt: skip

    @classmethod
    def site(cls, site_id, order=0, status=SiteStatus.CAPTURED, stats=None, **more):
        if status is SiteStatus.CAPTURED and stats is None:
            stats = cls.stats()
        return SiteRecord(Site.parse(site_id), order, status, stats, **more)

    @staticmethod
    def step(reference=(), candidate=(), **more):
        return StepRecord(4, Mode.TRAINING, False, tuple(reference), tuple(candidate), **more)

    @staticmethod
    def info(modules=("",), parameters=()):
        return RunInfo(
            "id", "name", 0.0, 1, "ortmodule", "", (),
            tuple(ModuleRecord(name, "Linear", 0, True) for name in modules),
            tuple(ParameterRecord(name, (2,), "float32", True) for name in parameters),
        )  # fmt: skip

    forward = staticmethod(lambda module, slot="out0": Site(Direction.FORWARD, module, slot).id)


@pytest.fixture
def make():
    return Make
