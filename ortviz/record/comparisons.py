"""The result of holding eager PyTorch (reference) against ONNX Runtime (candidate)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ortviz.record._enum import StrEnum
from ortviz.record.sites import Direction, Site


class Verdict(StrEnum):
    """What a comparison of two tensors came to."""

    EQUAL = "equal"
    """Every element is the same, NaN at the same places included."""
    ROUNDING = "rounding"
    """Within the tolerance of the dtype or the one the user gave, or within the noise floor."""
    DIVERGENT = "divergent"
    NOT_COMPARABLE = "not_comparable"
    """One side is missing or of another shape; ``reason`` says which."""


class ErrorOrigin(StrEnum):
    """Where the difference at a site comes from."""

    HERE = "here"
    """Given ORT's own input, eager PyTorch's module still gives something else: born here."""
    INHERITED = "inherited"
    """Given ORT's own input, eager PyTorch's module gives what ORT gave: it came in."""
    UNKNOWN = "unknown"
    """The module was not run on ORT's own input in this step."""


@dataclass(frozen=True, slots=True)
class SiteComparison:
    """One site, eager against ORT; errors in float64 over the elements finite on both sides.

    Attributes:
        site: The address.
        verdict: Equal, rounding, divergent or not comparable.
        reason: One sentence: why not comparable or divergent; empty for equal.
        max_abs_error: Largest |candidate − reference|, in the tensor's own unit.
        max_rel_error: ``max_abs_error`` divided by the largest |reference|.
        mean_abs_error: Mean of |candidate − reference|.
        worst_index: Where ``max_abs_error`` is, or the first place where only one side is
            finite or the non-finite values differ.
        worst_reference: The eager value there.
        worst_candidate: ORT's value there.
        nonfinite_mismatch_count: Elements non-finite on one side only, or differently so.
        tolerance: The ``max_rel_error`` up to which it counts as rounding.
        max_ulp_error: Largest distance in units in the last place of the site's own dtype, counted
            as the numbers of that dtype between the two; None for integers and booleans.
        cosine: Cosine of the angle between the two tensors, flattened; None when one of them is
            0 or not finite.
        mismatched_fraction: Share of elements whose own error is above what is allowed, 0 to 1.
        noise_floor: Largest honest error seen at this site so far, in the tensor's own unit:
            between two runs of ORT, and between eager PyTorch in the model's dtype and in
            float64; never more, beside the tensor's size, than was seen. None where it was never
            measured.
        origin: Whether the difference was born here or came in.
        local_abs_error: ``max_abs_error`` between ORT and eager PyTorch's module fed ORT's own
            input; None where that was not run.
        local_rel_error: Likewise ``max_rel_error``.
        tolerance_reason: What set ``tolerance``, a phrase for a person, for example ``the table
            for float32``; empty where nothing was compared, and in older runs.
    """

    site: Site
    verdict: Verdict
    reason: str = ""
    max_abs_error: float | None = None
    max_rel_error: float | None = None
    mean_abs_error: float | None = None
    worst_index: tuple[int, ...] | None = None
    worst_reference: float | None = None
    worst_candidate: float | None = None
    nonfinite_mismatch_count: int = 0
    tolerance: float | None = None
    max_ulp_error: float | None = None
    cosine: float | None = None
    mismatched_fraction: float | None = None
    noise_floor: float | None = None
    origin: ErrorOrigin = ErrorOrigin.UNKNOWN
    local_abs_error: float | None = None
    local_rel_error: float | None = None
    tolerance_reason: str = ""


@dataclass(frozen=True, slots=True)
class StepComparison:
    """All sites of a step.

    Attributes:
        step: The step.
        sites: In the eager side's execution order; ORT-only sites at the end.
        first_divergence: Per direction the first divergent site in that direction's own
            execution order (backward runs from the loss to the inputs); a direction without
            divergence is absent.
        first_own_divergence: Likewise the first site whose difference was born there
            (:attr:`ErrorOrigin.HERE`); empty where no module was run on ORT's own input.
    """

    step: int
    sites: tuple[SiteComparison, ...]
    first_divergence: Mapping[Direction, Site]
    first_own_divergence: Mapping[Direction, Site] = field(default_factory=dict)

    def __getitem__(self, site_id: str) -> SiteComparison:
        """The comparison at one site, by its id.

        Raises:
            UnknownNameError: No such site in this step.
        """
        from ortviz.errors import UnknownNameError

        for comparison in self.sites:
            if comparison.site.id == site_id:
                return comparison
        known = ", ".join(sorted(c.site.id for c in self.sites)[:8])
        raise UnknownNameError(
            f"Step {self.step} has no site {site_id!r}.", f"The first known ones are {known}."
        )
