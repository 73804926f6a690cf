"""The losses of a run as records and arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ortviz.record import Side, StepLosses
from ortviz.record.store import LOSS_NAMES, MASKED_LOSSES, SIDES
from ortviz.session.contents import Reading

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class LossArrays:
    """Losses over the steps of one side; axis 0 of every array is the step or bin of steps.

    Attributes:
        steps: int64; the first step of each bin.
        steps_per_bin: 1 when no step was folded.
        mae: float64; the last finite value in each bin, NaN where there is none.
        mape: Likewise; no factor 100.
        smape: Likewise; no factor 200.
        user: Likewise; the loss the model trains with.
        mape_masked: int64; masked elements of MAPE, summed over the bin, of ORT's side.
        smape_masked: Likewise of sMAPE.
    """

    steps: np.ndarray
    steps_per_bin: int
    mae: np.ndarray
    mape: np.ndarray
    smape: np.ndarray
    user: np.ndarray
    mape_masked: np.ndarray
    smape_masked: np.ndarray


class Losses:
    """The losses of a run."""

    def __init__(self, read: Reading) -> None:
        self._read = read

    def at(self, step: int) -> StepLosses:
        """Both sides' losses at a step, sampled or not, non-finite values included.

        Raises:
            UnknownNameError: None were recorded at that step.
        """
        return self._read(lambda reader: reader.losses(step))

    def arrays(
        self,
        side: Literal["candidate", "reference"] = "candidate",
        *,
        first_step: int | None = None,
        last_step: int | None = None,
        max_points: int = 2000,
    ) -> LossArrays:
        """Losses as arrays; folded into bins when there are more than ``max_points`` steps.

        Args:
            side: ``candidate`` for ONNX Runtime, every step; ``reference`` for eager PyTorch,
                sampled steps only.
            first_step: First step; None for the first there is.
            last_step: Last step, included; None for the last there is.
            max_points: At most so many entries.
        """
        bins = self._read(lambda reader: reader.loss_bins(first_step, last_step, max_points))
        last = bins.last[SIDES.index(Side(side))]
        masked = bins.masked.sum(axis=1)
        return LossArrays(
            steps=bins.steps,
            steps_per_bin=bins.steps_per_bin,
            mae=last[LOSS_NAMES.index("mae")],
            mape=last[LOSS_NAMES.index("mape")],
            smape=last[LOSS_NAMES.index("smape")],
            user=last[LOSS_NAMES.index("user")],
            mape_masked=masked[MASKED_LOSSES.index("mape")],
            smape_masked=masked[MASKED_LOSSES.index("smape")],
        )

    def __repr__(self) -> str:
        newest = self._read(lambda reader: reader.latest_losses())
        if newest is None or newest.candidate is None:
            return (
                "<no losses yet>" if newest is None else f"<losses: {newest.note or 'none seen'}>"
            )
        shown = ", ".join(
            f"{name} {value:.4g}"
            for name in ("mae", "mape", "smape")
            if (value := getattr(newest.candidate, name)) is not None
        )
        return f"<losses up to step {newest.step}: {shown or newest.candidate.user_value}>"
