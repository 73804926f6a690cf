"""Losses of a step as fixed-size rows, so that many can be read as one array."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ortviz.record.steps import (
    GradientArrival,
    LossRecord,
    MaskCounts,
    MaskedElement,
    Side,
    StepLosses,
)
from ortviz.record.store.packing import as_array, pack, unpack

ROW_DTYPE = np.dtype([("values", "<f8", (6,)), ("present", "<u1"), ("counts", "<i8", (10,))])
"""One side of one step: six losses in the order of LOSS_NAMES, a bit for each that is not None,
and MAPE's three masks, sMAPE's three, elements, non-finite inputs, zero and non-finite targets."""

EMPTY_ROW: bytes = np.zeros((), ROW_DTYPE).tobytes()
"""A side that was not seen: no loss present."""


class _Rest(msgspec.Struct, array_like=True):
    """What does not fit into a fixed-size row."""

    candidate_loss: str
    reference_loss: str
    loss_shape: tuple[int, ...]
    gradient: GradientArrival | None
    masked: tuple[MaskedElement, ...]
    note: str


def row_of(record: LossRecord | None) -> bytes | None:
    """The fixed-size row of one side; None when the side was not seen."""
    if record is None:
        return None
    row = np.zeros((), ROW_DTYPE)
    values = (
        record.mae,
        record.mape,
        record.smape,
        record.user_value,
        record.effective_mape,
        record.effective_smape,
    )
    row["values"] = [0.0 if value is None else value for value in values]
    row["present"] = sum(1 << bit for bit, value in enumerate(values) if value is not None)
    mape, smape = record.mape_mask, record.smape_mask
    row["counts"] = (
        *(mape.nan_count, mape.posinf_count, mape.neginf_count),
        *(smape.nan_count, smape.posinf_count, smape.neginf_count),
        *(record.element_count, record.input_nonfinite_count),
        *(record.target_zero_count, record.target_nonfinite_count),
    )
    return row.tobytes()


def rows_of(rows: list[bytes | None]) -> NDArray[Any]:
    """Rows of one side over several steps as a structured array (step) of ROW_DTYPE."""
    return as_array([EMPTY_ROW if row is None else row for row in rows], ROW_DTYPE, "losses")


def finite_values(rows: NDArray[Any]) -> NDArray[np.float64]:
    """The six losses, float64 (step, loss), NaN where absent or not finite."""
    bits = np.arange(6, dtype=np.uint8)
    present = ((rows["present"][:, None] >> bits) & 1).astype(bool)
    values: NDArray[np.float64] = rows["values"]
    return np.where(present & np.isfinite(values), values, np.nan)


def rest_of(losses: StepLosses) -> bytes:
    """Everything else of a step's losses."""
    return pack(
        _Rest(
            losses.candidate.user_loss if losses.candidate else "",
            losses.reference.user_loss if losses.reference else "",
            losses.loss_shape,
            losses.gradient,
            losses.masked,
            losses.note,
        )
    )


def masked_of(rest: bytes) -> tuple[MaskedElement, ...]:
    """The masked elements of a step."""
    return unpack(_Rest, rest).masked


def losses_of(
    step: int, candidate: bytes | None, reference: bytes | None, rest: bytes
) -> StepLosses:
    """A step's losses as they were written."""
    others = unpack(_Rest, rest)
    return StepLosses(
        step,
        _record_of(Side.CANDIDATE, candidate, others.candidate_loss),
        _record_of(Side.REFERENCE, reference, others.reference_loss),
        others.masked,
        others.loss_shape,
        others.gradient,
        others.note,
    )


def _record_of(side: Side, content: bytes | None, user_loss: str) -> LossRecord | None:
    if content is None:
        return None
    row = as_array([content], ROW_DTYPE, "losses")[0]
    values = [
        float(value) if int(row["present"]) >> bit & 1 else None
        for bit, value in enumerate(row["values"])
    ]
    counts = [int(count) for count in row["counts"]]
    return LossRecord(
        side,
        mae=values[0],
        mape=values[1],
        smape=values[2],
        effective_mape=values[4],
        effective_smape=values[5],
        mape_mask=MaskCounts(*counts[0:3]),
        smape_mask=MaskCounts(*counts[3:6]),
        element_count=counts[6],
        user_value=values[3],
        user_loss=user_loss,
        input_nonfinite_count=counts[7],
        target_zero_count=counts[8],
        target_nonfinite_count=counts[9],
    )
