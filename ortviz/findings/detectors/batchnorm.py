"""BatchNorm's running statistics: whether ORT keeps them as eager PyTorch would.

Judged by the recorded buffers alone, because it depends on versions and kernels: some builds never
write them, others write mean and variance but not the number of batches.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ortviz.findings.detector import Detector
from ortviz.findings.detectors.sites import has_broken_parameters, stats_by_site
from ortviz.findings.words import listed, many, number
from ortviz.record import (
    Direction,
    Finding,
    RunInfo,
    Severity,
    Site,
    SiteComparison,
    StepComparison,
    StepRecord,
    TensorStats,
    Verdict,
    View,
)

STATISTICS = ("num_batches_tracked", "running_mean", "running_var")
"""Buffers of PyTorch's BatchNorm, and of InstanceNorm with running statistics."""
_COUNT = STATISTICS[0]
_RECOMPUTE = (
    "Before you evaluate or save, compute them in eager PyTorch: set momentum = None and call "
    "reset_running_stats() on every BatchNorm, then model.module.train(), `with torch.no_grad():` "
    "and `for x, _ in loader: model.module(x)`. Or keep the layers with BatchNorm in eager "
    "PyTorch, outside of the wrapped model, or use GroupNorm or LayerNorm."
)


@dataclass(slots=True)
class _Kinds:
    """Divergent buffers of a step by what is the matter with their module."""

    frozen: list[SiteComparison] = field(default_factory=list)
    different: list[SiteComparison] = field(default_factory=list)
    twice: list[SiteComparison] = field(default_factory=list)
    uncounted: list[SiteComparison] = field(default_factory=list)


class FrozenBatchNorm(Detector):
    """One finding for all layers of each kind of trouble."""

    name = "frozen_batchnorm"

    def __init__(self, info: RunInfo) -> None:
        super().__init__(info)
        self._before: dict[Site, TensorStats] = {}

    def on_step(self, record: StepRecord, comparison: StepComparison | None) -> Iterable[Finding]:
        """Looks at the buffers after the step."""
        before = self._before
        buffers = stats_by_site(record.candidate, Direction.BUFFER)
        self._before = {site: buffers[site] for site in buffers if site.slot in STATISTICS}
        if comparison is None or record.fallback or has_broken_parameters(record):
            return
        kinds = self._sort(comparison, before)
        if kinds.frozen:
            yield self._frozen(record.step, kinds.frozen)
        if kinds.different:
            yield self._different(record.step, kinds.different)
        if kinds.twice:
            yield self._twice(record.step, kinds.twice)
        if kinds.uncounted:
            yield self._uncounted(record.step, kinds.uncounted)

    def _sort(self, comparison: StepComparison, before: dict[Site, TensorStats]) -> _Kinds:
        modules: dict[str, dict[str, SiteComparison]] = {}
        for found in comparison.sites:
            site = found.site
            if site.direction is Direction.BUFFER and site.slot in STATISTICS:
                modules.setdefault(site.module, {})[site.slot] = found
        kinds = _Kinds()
        for slots in modules.values():
            off = [one for one in slots.values() if one.verdict is Verdict.DIVERGENT]
            moments = [one for one in off if one.site.slot != _COUNT]
            if not off:
                continue
            if not moments:
                kinds.uncounted += off
            elif len(moments) == len(off) and _COUNT in slots:
                kinds.twice += off
            elif all(before.get(one.site) == self._before.get(one.site) for one in moments):
                kinds.frozen += off
            else:
                kinds.different += off
        return kinds

    def _frozen(self, step: int, found: list[SiteComparison]) -> Finding:
        return self._about(
            Severity.WARNING,
            f"The running statistics of {self._modules(found)} stand still",
            found,
            explanation=(
                "ORTModule normalises with the batch's own statistics but does not write "
                "running_mean, running_var and num_batches_tracked; they stay as its export left "
                "them. Training is right. After model.eval() these layers use statistics of "
                "hardly any data, and the model's results are wrong."
            ),
            remedy=_RECOMPUTE,
            place="",
            step=step,
        )

    def _different(self, step: int, found: list[SiteComparison]) -> Finding:
        return self._about(
            Severity.WARNING,
            f"The running statistics of {self._modules(found)} are not those of eager PyTorch",
            found,
            explanation=(
                "After this step the buffers differ from what eager PyTorch makes of the same "
                "batch. Training is right, because it uses the batch's own statistics; after "
                "model.eval() the results differ."
            ),
            remedy=_RECOMPUTE,
            place="different",
            step=step,
        )

    def _twice(self, step: int, found: list[SiteComparison]) -> Finding:
        return self._about(
            Severity.INFO,
            f"One batch entered the running statistics of {self._modules(found)} twice",
            found,
            explanation=(
                "When ORTModule exports the model it runs it once in eager PyTorch, which updates "
                "the statistics; then ONNX Runtime runs the same batch and updates them again. "
                "With the usual momentum of 0.1 this fades within some 50 steps."
            ),
            remedy=f"Nothing, unless the run is very short. Then: {_RECOMPUTE}",
            place="twice",
            step=step,
        )

    def _uncounted(self, step: int, found: list[SiteComparison]) -> Finding:
        return self._about(
            Severity.INFO,
            f"num_batches_tracked of {self._modules(found)} is not counted on",
            found,
            explanation=(
                "ORTModule updates running_mean and running_var and leaves num_batches_tracked "
                "as its export left it. PyTorch uses it only for BatchNorm with momentum=None."
            ),
            remedy=(
                "Nothing, unless training goes on in eager PyTorch with momentum=None: then set "
                "num_batches_tracked to the number of steps first."
            ),
            place="uncounted",
            step=step,
        )

    def _modules(self, found: list[SiteComparison]) -> str:
        return listed(
            [self.label(name) for name in dict.fromkeys(one.site.module for one in found)], 2
        )

    def _about(
        self,
        severity: Severity,
        title: str,
        found: list[SiteComparison],
        *,
        explanation: str,
        remedy: str,
        place: str,
        step: int,
    ) -> Finding:
        return self.finding(
            severity,
            title,
            evidence=_evidence(found),
            explanation=explanation,
            remedy=remedy,
            place=place,
            step=step,
            module=found[0].site.module,
            site_id=found[0].site.id,
            view=View.TRACES,
        )


def _evidence(found: list[SiteComparison]) -> str:
    module = found[0].site.module
    parts = []
    for one in (one for one in found if one.site.module == module):
        expected, seen = one.worst_reference, one.worst_candidate
        if one.site.slot == _COUNT and expected is not None and seen is not None:
            parts.append(f"{_COUNT} is {seen:.0f} where eager PyTorch has {expected:.0f}")
        elif one.max_abs_error is not None:
            relative = (
                "" if one.max_rel_error is None else f" ({one.max_rel_error:.1%} of the largest)"
            )
            parts.append(f"{one.site.slot} is off by up to {number(one.max_abs_error)}{relative}")
        else:
            parts.append(one.reason)
    count = len({one.site.module for one in found})
    return f"{many(count, 'layer')}; in {module or 'the model itself'} {'; '.join(parts)}."
