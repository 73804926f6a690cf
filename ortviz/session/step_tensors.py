"""``step.tensor``, ``step.histogram``, ``step.kept``: whole tensors of a recorded step."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Union

from ortviz.errors import UnknownNameError
from ortviz.record import KeptTensor, Side, Site, SiteStatus, StepRecord
from ortviz.record.store import RunReader
from ortviz.session.tables import html_table, text_table

if TYPE_CHECKING:
    import numpy as np

    from ortviz.record import Histogram, RawTensor

SideName = Union[Side, str]
"""``ort`` or ``eager``; ``candidate`` and ``reference`` mean the same."""

_SIDES = {
    "ort": Side.CANDIDATE,
    "candidate": Side.CANDIDATE,
    "eager": Side.REFERENCE,
    "reference": Side.REFERENCE,
}
_COMPARED_LENGTH = 200
"""Looking for similar names takes the square of their length; ONNX names have no limit."""
_HEADINGS = ("site", "side", "dtype", "shape", "bytes")


def side_of(side: SideName) -> Side:
    """The side a person means.

    Raises:
        UnknownNameError: There is no such side.
    """
    found = _SIDES.get(str(side).lower())
    if found is None:
        raise UnknownNameError(f"There is no side {str(side)!r}.", "The sides are ort and eager.")
    return found


class TensorList(tuple[KeptTensor, ...]):
    """Tensors that can be asked for, as a table."""

    __slots__ = ()

    def __repr__(self) -> str:
        return text_table(_HEADINGS, self._rows()) if self else "<no tensor kept>"

    def _repr_html_(self) -> str:
        return html_table(_HEADINGS, self._rows())

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                each.site_id,
                label(each.side),
                each.dtype,
                str(each.shape),
                f"{each.size_bytes:,}",
            )
            for each in self
        ]


def label(side: Side) -> str:
    """``eager`` or ``ORT``."""
    return "ORT" if side is Side.CANDIDATE else "eager"


def kept_tensor(reader: RunReader, step: int, site_id: str, side: Side) -> np.ndarray:
    """A kept tensor's elements.

    Raises:
        UnknownNameError: There is no such site, or it was not kept; says how to get it.
    """
    return kept_raw(reader, step, site_id, side).values


def kept_raw(reader: RunReader, step: int, site_id: str, side: Side) -> RawTensor:
    """A kept tensor.

    Raises:
        UnknownNameError: As for :func:`kept_tensor`.
    """
    kept = reader.kept
    if any(each.site_id == site_id and each.side is side for each in kept.at(step)):
        return kept.tensor(step, site_id, side)
    record = reader.step(step)
    check_site(record, site_id, side)
    remedy = (
        f"Pass keep={site_id!r} to ortviz.wrap to keep it at sampled steps, or rerun=True to be "
        "able to make it anew afterwards."
    )
    if step in kept.rerun_steps():
        again = f"run.steps[{step}].rerun(model).tensor({site_id!r})"
        remedy = f"{again} makes it anew from what was kept."
    elif reader.info().keep.keeps(site_id):
        remedy = "It was asked for; a larger keep_bytes= keeps more of what is (run.problems)."
    raise UnknownNameError(
        f"The tensor {site_id} of step {step} was not kept on {label(side)}'s side.", remedy
    )


def check_site(record: StepRecord, site_id: str, side: Side) -> None:
    """Make sure that a site was seen on a side.

    Raises:
        UnknownNameError: It was not; names similar ones, or says why there is no tensor.
    """
    Site.parse(site_id)
    sites = record.candidate if side is Side.CANDIDATE else record.reference
    known = {seen.site.id: seen for seen in sites}
    seen = known.get(site_id)
    if seen is None:
        asked = site_id[:_COMPARED_LENGTH]
        near = get_close_matches(asked, known, n=3, cutoff=0.5) or list(known)[:3]
        raise UnknownNameError(
            f"There is no site {site_id} on {label(side)}'s side of step {record.step}.",
            f"Similar ones are {', '.join(near)}." if near else "Nothing was seen on that side.",
        )
    if seen.status is not SiteStatus.CAPTURED:
        raise UnknownNameError(
            f"There is no tensor at {site_id} on {label(side)}'s side of step {record.step}: "
            f"{seen.reason or seen.status.value}"
        )


def step_histogram(
    reader: RunReader, step: int, site_id: str, side: Side, bins: int | None
) -> Histogram:
    """The histogram kept at a site, or one of the tensor kept there.

    Args:
        reader: The run.
        step: The step.
        site_id: The site.
        side: The side.
        bins: How many bins; None for as many as were kept, else 64.

    Raises:
        UnknownNameError: Neither was kept (with as many bins); says how to get it.
    """
    from ortviz.record.histograms import DEFAULT_BINS, histogram_of

    recorded = reader.kept.histogram(step, site_id, side)
    if recorded is not None and bins in (None, len(recorded.counts)):
        return recorded
    try:
        values = kept_tensor(reader, step, site_id, side)
    except UnknownNameError as error:
        if recorded is None:
            raise
        raise UnknownNameError(
            f"The histogram of {site_id} at step {step} has {len(recorded.counts)} bins, and the "
            f"tensor to count it anew was not kept.",
            f"Leave bins out, or pass bins={len(recorded.counts)}.",
        ) from error
    return histogram_of(values, DEFAULT_BINS if bins is None else bins)
