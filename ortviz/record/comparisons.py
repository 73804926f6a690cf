"""The result of holding eager PyTorch (reference) against ONNX Runtime (candidate)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ortviz.record._enum import StrEnum
from ortviz.record.sites import Direction, Site


class Verdict(StrEnum):
    """What a comparison of two tensors came to."""

    EQUAL = "equal"
    """Every element is the same, NaN at the same places included."""
    ROUNDING = "rounding"
    """Within the tolerance of the dtype."""
    DIVERGENT = "divergent"
    NOT_COMPARABLE = "not_comparable"
    """One side is missing or of another shape; ``reason`` says which."""


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


@dataclass(frozen=True, slots=True)
class StepComparison:
    """All sites of a step.

    Attributes:
        step: The step.
        sites: In the eager side's execution order; ORT-only sites at the end.
        first_divergence: Per direction the first divergent site in that direction's own
            execution order (backward runs from the loss to the inputs); a direction without
            divergence is absent.
    """

    step: int
    sites: tuple[SiteComparison, ...]
    first_divergence: Mapping[Direction, Site]

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
