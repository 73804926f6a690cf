"""Bins, marks and masked elements, against what a plain loop over all steps gives."""

from __future__ import annotations

import itertools
import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ortviz.errors import UnknownNameError
from ortviz.record import GradientArrival, MaskedElement, Side, StepLosses
from ortviz.record.store import LOSS_NAMES, RunReader, RunWriter
from ortviz.record.store.bins import bin_width, cover

VALUES = st.sampled_from([None, math.nan, math.inf, -math.inf, 0.0, -1.0, 1.0, 2.5, 1e300])
STEPS = st.lists(st.tuples(st.integers(0, 700), VALUES, st.integers(0, 3)), min_size=1, max_size=60)


def expected_bins(steps: dict[int, tuple[float | None, int]], first: int, last: int, width: int):
    """(first step, min, max, last, masked) per bin, by a loop."""
    bins: dict[int, list[tuple[int, float | None, int]]] = {}
    for step in sorted(steps):
        if first <= step <= last:
            bins.setdefault(step // width, []).append((step, *steps[step]))
    rows = []
    for key in sorted(bins):
        finite = [v for _, v, _ in bins[key] if v is not None and math.isfinite(v)]
        ends = (min(finite), max(finite), finite[-1]) if finite else (math.nan,) * 3
        rows.append((bins[key][0][0], *ends, sum(count for _, _, count in bins[key])))
    return rows


# The fixture only builds records, so sharing it between examples is right.
@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(puts=STEPS, first=st.integers(0, 700), span=st.integers(0, 700), points=st.integers(2, 300))
def test_bins_equal_a_loop_over_all_steps_in_any_order(make, puts, first, span, points):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.ortviz"
        with RunWriter.create(path, make.info()) as writer, RunReader.open(path) as reader:
            kept: dict[int, tuple[float | None, int]] = {}
            for step, value, masked in puts:
                kept[step] = (value, masked)
                writer.put_losses(make.losses(step, mae=value, masks=(masked, 0, 0)))
            bins = reader.loss_bins(first, first + span, points)
            assert len(bins.steps) <= points
            mae = LOSS_NAMES.index("mae")
            got = list(
                zip(
                    bins.steps.tolist(),
                    bins.minimum[1, mae].tolist(),
                    bins.maximum[1, mae].tolist(),
                    bins.last[1, mae].tolist(),
                    bins.masked[0, 0].tolist(),
                    strict=True,
                )
            )
            low, high = max(first, min(kept)), min(first + span, max(kept))
            want = expected_bins(kept, low, high, bins.steps_per_bin)
            assert repr(got) == repr(want)
            marks = reader.loss_marks(0, 700, 10_000)
            broken = [s for s, (v, _) in kept.items() if v is not None and not math.isfinite(v)]
            assert [mark.step for mark in marks.marks if mark.what == "mae"] == sorted(broken)


@given(first=st.integers(0, 10**7), span=st.integers(0, 10**7), points=st.integers(2, 3000))
def test_width_and_cover(first, span, points):
    last = first + span
    width, level = bin_width(first, last, points)
    assert last // width - first // width + 1 <= points
    assert width % 8**level == 0
    assert width == 1 or span >= points - 1
    pieces = list(cover(first, last, level))
    assert pieces[0][1] == first
    assert pieces[-1][2] == last
    assert all(a[2] + 1 == b[1] for a, b in itertools.pairwise(pieces))
    assert all(p[1] % 8 ** p[0] == 0 and (p[2] + 1) % 8 ** p[0] == 0 for p in pieces)
    # What is read does not grow with the range.
    assert sum((p[2] - p[1] + 1) // 8 ** p[0] for p in pieces) <= 9 * points + 2 * 8 * 8


def test_an_empty_run_has_empty_bins(reader):
    bins = reader.loss_bins()
    assert bins.steps.shape == (0,)
    assert bins.minimum.shape == (2, 6, 0)
    assert bins.masked.shape == (2, 3, 0)
    assert reader.loss_marks().marks == ()
    assert reader.loss_step_range() is None
    assert reader.latest_losses() is None
    with pytest.raises(UnknownNameError, match="No step has losses yet"):
        reader.losses(0)


def test_sides_and_losses_are_where_their_names_say(writer, reader, make):
    writer.put_losses(make.full_losses(0))
    bins = reader.loss_bins()
    mae, smape, effective = (LOSS_NAMES.index(n) for n in ("mae", "smape", "effective_smape"))
    assert math.isnan(bins.last[0, mae, 0])
    assert math.isnan(bins.last[1, mae, 0])
    assert bins.last[0, LOSS_NAMES.index("mape"), 0] == 2.0
    assert bins.last[1, smape, 0] == 0.5
    assert bins.last[1, effective, 0] == 0.25
    assert bins.masked[:, :, 0].tolist() == [[1, 2, 0], [0, 0, 0]]


def test_marks_name_side_loss_and_kind(writer, reader, make):
    writer.put_losses(make.full_losses(4))
    marks = {(mark.side, mark.what): mark.kind for mark in reader.loss_marks().marks}
    assert marks == {
        (Side.CANDIDATE, "mae"): "-inf",
        (Side.CANDIDATE, "mape"): "nan",
        (Side.CANDIDATE, "user"): "nan",
        (Side.CANDIDATE, "gradient"): "nan",
    }
    writer.put_losses(make.losses(4))
    assert reader.loss_marks().marks == ()


def test_many_marks_are_folded_and_counted(writer, reader):
    with writer.batch():
        for step in range(1000):
            arrival = GradientArrival(0, 1, (0,))
            writer.put_losses(StepLosses(step, None, gradient=arrival))
    everything = reader.loss_marks(0, 999, 5000)
    assert len(everything.marks) == 1000
    assert everything.left_out_count == 0
    folded = reader.loss_marks(100, 999, 150)
    assert folded.marks[0].step == 100
    assert folded.marks[-1].step + folded.marks[-1].count - 1 == 999
    assert len(folded.marks) + folded.left_out_count == 900
    assert folded.marks[0].kind == "inf"


def test_marks_that_come_in_backwards_are_counted_alike(writer, reader):
    with writer.batch():
        for step in reversed(range(200)):
            writer.put_losses(StepLosses(step, None, gradient=GradientArrival(1, 0, (0,))))
    folded = reader.loss_marks(0, 199, 10)
    assert [(mark.step, mark.count) for mark in folded.marks] == [
        (0, 64), (64, 64), (128, 64), (192, 8),
    ]  # fmt: skip


def test_a_batch_that_failed_leaves_nothing_in_the_bins(writer, reader, make):
    def fail_inside() -> None:
        with writer.batch():
            for step in range(10, 20):
                writer.put_losses(make.losses(step, mae=-100.0, masks=(1, 0, 0)))
            raise KeyError

    for step in range(10):
        writer.put_losses(make.losses(step, mae=1.0))
    with pytest.raises(KeyError):
        fail_inside()
    for step in range(20, 600):
        writer.put_losses(make.losses(step, mae=float(step)))
    bins = reader.loss_bins(0, 599, 10)
    assert bins.steps_per_bin == 64
    assert bins.minimum[1, 0].tolist() == [1.0, *range(64, 600, 64)]
    assert bins.masked.sum() == 0


def test_masked_elements(writer, reader, make):
    def losses(step: int) -> StepLosses:
        elements = (
            MaskedElement("mape", (0, step), 1, 0.0, 0.0, math.nan),
            MaskedElement("smape", (1, step), 1, 0.0, 0.0),
        )
        return StepLosses(step, make.loss(masks=(3, 0, 0)), masked=elements)

    with writer.batch():
        for step in range(50):
            writer.put_losses(losses(step) if step % 5 == 0 else make.losses(step))
    read = reader.masked_elements("mape", 5, 20)
    assert read.steps == (5, 10, 15, 20)
    assert [element.position for element in read.elements] == [(0, s) for s in (5, 10, 15, 20)]
    assert (read.masked_step_count, read.masked_count, read.left_out_count) == (4, 12, 8)
    assert read.steps_per_read == 1
    assert reader.masked_elements("mape", 0, 49, limit=2).steps == (0, 5)
    at = reader.masked_elements_at("smape", 10)
    assert [(e.loss, e.position, e.gradient) for e in at] == [("smape", (1, 10), None)]
    assert reader.masked_elements_at("mape", 1000) == ()
    with pytest.raises(UnknownNameError, match="mape and smape"):
        reader.masked_elements("mae")


def test_a_long_run_masked_everywhere_is_read_in_part(writer, reader, make):
    element = MaskedElement("mape", (0, 0), 1, 0.0, 0.0)
    with writer.batch():
        for step in range(3000):
            writer.put_losses(StepLosses(step, make.loss(masks=(1, 0, 0)), masked=(element,)))
    read = reader.masked_elements("mape")
    assert read.steps_per_read == 8
    assert read.steps == tuple(range(0, 3000, 8))
    assert (read.masked_step_count, read.left_out_count) == (3000, 2625)


def test_bins_from_coarse_levels_equal_bins_from_the_steps(writer, reader, make):
    values = np.random.default_rng(0).normal(size=5000)
    values[120:128] = math.nan
    with writer.batch():
        for step, value in enumerate(values):
            writer.put_losses(make.losses(step, mae=float(value)))
    bins = reader.loss_bins(3, 4999, 40)
    assert bins.steps_per_bin == 128
    assert bins.steps.tolist() == [3, *range(128, 5000, 128)]
    ends = [*bins.steps[1:].tolist(), 5000]
    for index, (start, end) in enumerate(zip(bins.steps.tolist(), ends, strict=True)):
        finite = values[start:end][np.isfinite(values[start:end])]
        assert bins.minimum[1, 0, index] == finite.min()
        assert bins.maximum[1, 0, index] == finite.max()
        assert bins.last[1, 0, index] == finite[-1]
