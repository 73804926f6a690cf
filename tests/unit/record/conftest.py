"""Records to write and read back."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from ortviz.record import (
    Direction,
    GradientArrival,
    HookEvent,
    LossRecord,
    MaskCounts,
    MaskedElement,
    Mode,
    ModuleRecord,
    ParameterRecord,
    RunInfo,
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
from ortviz.record.store import RunReader, RunWriter


class Make:
    """Builds records that use every field."""

    def info(self) -> RunInfo:
        return RunInfo(
            run_id="r1",
            name="sunspots",
            created_unix_secs=1.75e9,
            every=10,
            engine="ortmodule",
            engine_reason="",
            versions=(("torch", "2.13.0"), ("ortviz", "0.1.0")),
            modules=(
                ModuleRecord("", "Net", 0, True),
                ModuleRecord("fc", "Linear", 6, True, "net.py:3", ("forward",), ("mask",), ("f",)),
            ),
            parameters=(ParameterRecord("fc.weight", (2, 3), "float32", True),),
        )

    def stats(self, **changes: object) -> TensorStats:
        values: dict[str, object] = {
            "shape": (2, 3),
            "dtype": "float32",
            "element_count": 6,
            "minimum": -1.5,
            "maximum": 2.0,
            "mean": 0.1,
            "std": 0.7,
            "l2_norm": 3.0,
            "zero_count": 1,
            "nan_count": 0,
            "posinf_count": 0,
            "neginf_count": 0,
            "first_nonfinite_index": None,
        }
        return TensorStats(**{**values, **changes})  # type: ignore[arg-type]

    def step(self, step: int = 10, l2_norm: float | None = 3.0) -> StepRecord:
        site = Site(Direction.FORWARD, "fc", "out0")
        seen = SiteRecord(
            site, 0, SiteStatus.CAPTURED, self.stats(l2_norm=l2_norm), "", "/fc/Gemm", "Linear"
        )
        broken = SiteRecord(
            Site(Direction.BACKWARD, "", "out0", 1),
            1,
            SiteStatus.CAPTURED,
            self.stats(minimum=None, nan_count=6, first_nonfinite_index=(0, 0)),
        )
        gone = SiteRecord(site, 0, SiteStatus.FUSED_AWAY, None, "Merged into Gelu.")
        return StepRecord(
            step,
            Mode.TRAINING,
            False,
            (seen, broken),
            (gone,),
            (HookEvent(0, "forward", "fc", 0, 0.25), HookEvent(1, "forward_pre", "", 0)),
            0.5,
            None,
            ("No dropout mask.",),
        )

    def comparison(self, step: int = 10) -> StepComparison:
        site = Site(Direction.FORWARD, "fc", "out0")
        one = SiteComparison(
            site,
            Verdict.DIVERGENT,
            "far",
            math.inf,
            math.nan,
            None,
            (1, 2),
            -math.inf,
            0.1,
            2,
            1e-4,
        )
        return StepComparison(step, (one,), {Direction.FORWARD: site})

    def loss(
        self,
        side: Side = Side.CANDIDATE,
        mae: float | None = 1.0,
        mape: float | None = 2.0,
        masks: tuple[int, int, int] = (0, 0, 0),
    ) -> LossRecord:
        return LossRecord(
            side=side,
            mae=mae,
            mape=mape,
            smape=0.5,
            effective_mape=None,
            effective_smape=0.25,
            mape_mask=MaskCounts(*masks),
            smape_mask=MaskCounts(0, 0, 0),
            element_count=8,
            user_value=mape,
            user_loss="mape",
            input_nonfinite_count=1,
            target_zero_count=2,
            target_nonfinite_count=3,
        )

    def losses(self, step: int, **changes: object) -> StepLosses:
        return StepLosses(step, self.loss(**changes))  # type: ignore[arg-type]

    def full_losses(self, step: int) -> StepLosses:
        return StepLosses(
            step,
            self.loss(mape=math.nan, mae=-math.inf, masks=(1, 2, 0)),
            self.loss(Side.REFERENCE, mae=None),
            (
                MaskedElement("mape", (0, 3), 1, 0.0, 0.0, math.nan),
                MaskedElement("smape", (1, 3), 2, math.inf, 1.0),
            ),
            (2, 4),
            GradientArrival(1, 2, (0, 3), 0.5, 0.0),
            "A note.",
        )


@pytest.fixture
def make() -> Make:
    return Make()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.ortviz"


@pytest.fixture
def writer(path: Path, make: Make):
    with RunWriter.create(path, make.info()) as opened:
        yield opened


@pytest.fixture
def reader(writer: RunWriter, path: Path):
    with RunReader.open(path) as opened:
        yield opened
