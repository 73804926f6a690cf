"""BatchNorm's running statistics: whether ORT keeps them as eager PyTorch would.

Judged by the recorded buffers alone, because it depends on versions and on the graph. Measured with
onnxruntime-training 1.19.2: where BatchNorm is the model's last operation its statistics stand
still; elsewhere they are updated, with the biased variance (divided by n, where PyTorch divides by
n − 1), the first batch counts twice, and num_batches_tracked stays 1.
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
_VARIANCE = STATISTICS[2]
_ALWAYS_BIAS = 0.01
_LARGEST_BIAS = 0.05
"""A relative error above this matters after model.eval(), whatever it comes from."""
_RECOMPUTE = (
    "Before you evaluate or save, compute them in eager PyTorch: set momentum = None and call "
    "reset_running_stats() on every BatchNorm, then model.module.train(), `with torch.no_grad():` "
    "and `for x, _ in loader: model.module(x)` (after a %%ortviz cell: model in place of "
    "model.module). Or keep the layers with BatchNorm in eager "
    "PyTorch, outside of the wrapped model, or use GroupNorm or LayerNorm."
)


@dataclass(slots=True)
class _Kinds:
    """Divergent buffers of a step by what is the matter with their module."""

    frozen: list[SiteComparison] = field(default_factory=list)
    different: list[SiteComparison] = field(default_factory=list)
    twice: list[SiteComparison] = field(default_factory=list)
    biased: list[SiteComparison] = field(default_factory=list)
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
        kinds = self._sort(comparison, before, _values_per_channel(record))
        if kinds.frozen:
            yield self._frozen(record.step, kinds.frozen)
        if kinds.different:
            yield self._different(record.step, kinds.different)
        if kinds.twice:
            yield self._twice(record.step, kinds.twice)
        if kinds.biased:
            yield self._biased(record.step, kinds.biased)
        if kinds.uncounted:
            yield self._uncounted(record.step, kinds.uncounted)

    def _sort(
        self,
        comparison: StepComparison,
        before: dict[Site, TensorStats],
        values_per_channel: dict[str, int],
    ) -> _Kinds:
        modules: dict[str, dict[str, SiteComparison]] = {}
        for found in comparison.sites:
            site = found.site
            if site.direction is Direction.BUFFER and site.slot in STATISTICS:
                modules.setdefault(site.module, {})[site.slot] = found
        kinds = _Kinds()
        for module, slots in modules.items():
            off = [one for one in slots.values() if _is_off(one)]
            moments = [one for one in off if one.site.slot != _COUNT]
            counts = [one for one in off if one.site.slot == _COUNT]
            if not moments:
                kinds.uncounted += counts
            elif all(self._stood_still(one.site, before) for one in moments):
                kinds.frozen += off
            elif _only_biased(moments, values_per_channel.get(module)):
                kinds.biased += moments
                kinds.uncounted += counts
            elif not counts and _COUNT in slots:
                kinds.twice += off
            else:
                kinds.different += off
        return kinds

    def _stood_still(self, site: Site, before: dict[Site, TensorStats]) -> bool:
        return site in before and before[site] == self._before.get(site)

    def _frozen(self, step: int, found: list[SiteComparison]) -> Finding:
        return self._about(
            Severity.WARNING,
            f"The running statistics of {self._modules(found)} stand still",
            found,
            explanation=(
                "ORTModule normalises with the batch's own statistics but does not write "
                "running_mean and running_var; they stay as its export left them. It does so where "
                "BatchNorm is the model's last operation. Training is right. After model.eval() "
                "these layers use statistics of hardly any data, and the model's results are wrong."
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

    def _biased(self, step: int, found: list[SiteComparison]) -> Finding:
        return self._about(
            Severity.INFO,
            f"running_var of {self._modules(found)} is updated with the biased variance",
            found,
            explanation=(
                "ORTModule divides the batch's sum of squares by n, PyTorch by n − 1, where n "
                "counts the values of a channel in the batch. The difference is a factor of "
                "n/(n − 1) in what a batch adds to running_var; running_mean agrees."
            ),
            remedy=f"Nothing, unless batches are tiny. Then: {_RECOMPUTE}",
            place="biased",
            step=step,
        )

    def _uncounted(self, step: int, found: list[SiteComparison]) -> Finding:
        return self._about(
            Severity.INFO,
            f"num_batches_tracked of {self._modules(found)} stays at "
            f"{number(found[0].worst_candidate or 0)}; eager PyTorch adds 1 a step",
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


def _is_off(one: SiteComparison) -> bool:
    if one.site.slot == _COUNT:
        # Not called divergent, since hardly anything reads it.
        return one.worst_reference is not None and one.worst_reference != one.worst_candidate
    return one.verdict is Verdict.DIVERGENT


def _only_biased(moments: list[SiteComparison], count: int | None) -> bool:
    """Whether a division by n in place of n − 1 explains all there is.

    Eager's new value is at least momentum · v · n/(n − 1) and the difference momentum · v/(n − 1),
    so the relative error is at most 1/n whatever the momentum, and ORT's value the smaller one.

    Args:
        moments: The module's running_mean and running_var, if they are off.
        count: Values of one channel in the batch, n; None when unknown.
    """
    (first, *others) = moments
    if others or first.site.slot != _VARIANCE or first.max_rel_error is None:
        return False
    expected, seen = first.worst_reference, first.worst_candidate
    if expected is None or seen is None or seen >= expected or first.nonfinite_mismatch_count:
        return False
    return first.max_rel_error <= (min(1 / count, _LARGEST_BIAS) if count else _ALWAYS_BIAS)


def _values_per_channel(record: StepRecord) -> dict[str, int]:
    """Of each module's output: how many values each of its channels (axis 1) has."""
    return {
        site.module: stats.element_count // stats.shape[1]
        for site, stats in stats_by_site(record.reference, Direction.FORWARD).items()
        if len(stats.shape) > 1 and stats.shape[1]
    }


def _percent(share: float) -> str:
    shown = "<0.1 %" if 0 < share < 0.001 else f"{100 * share:.1f} %"
    return f"{shown} of the largest"


def _evidence(found: list[SiteComparison]) -> str:
    module = found[0].site.module
    parts = []
    for one in (one for one in found if one.site.module == module):
        expected, seen = one.worst_reference, one.worst_candidate
        if one.site.slot == _COUNT and expected is not None and seen is not None:
            parts.append(f"{_COUNT} stays at {seen:.0f}; eager PyTorch adds 1 a step")
        elif one.max_abs_error is not None:
            relative = "" if one.max_rel_error is None else f" ({_percent(one.max_rel_error)})"
            parts.append(f"{one.site.slot} is off by up to {number(one.max_abs_error)}{relative}")
        else:
            parts.append(one.reason)
    count = len({one.site.module for one in found})
    return f"{many(count, 'layer')}; in {module or 'the model itself'} {'; '.join(parts)}."
