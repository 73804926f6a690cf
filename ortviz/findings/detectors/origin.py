"""The place inside the model where NaN or infinity first appears."""

from __future__ import annotations

from collections.abc import Iterable

from ortviz.findings.detector import Detector
from ortviz.findings.detectors.growth import FIRST_REMEDY, Growth
from ortviz.findings.detectors.sites import broken, full_name, has_broken_parameters, seen
from ortviz.findings.detectors.users import ValueUsers, enclosing
from ortviz.findings.words import kind_of_nonfinite, listed, module_label, nonfinite, number
from ortviz.record import (
    Direction,
    Finding,
    GraphRecord,
    RunInfo,
    Severity,
    SiteRecord,
    StepComparison,
    StepLosses,
    StepRecord,
    View,
)


class NonfiniteInput(Detector):
    """The user's data holds NaN or ±inf."""

    name = "nonfinite_input"

    def on_step(self, record: StepRecord, comparison: StepComparison | None) -> Iterable[Finding]:
        """Looks at the model's inputs."""
        hit = broken(record.candidate, Direction.INPUT) or broken(record.reference, Direction.INPUT)
        # An input that is −inf on purpose (a mask) does no harm while the output is finite.
        if not hit or hit[0].stats is None or not (_has_nan(hit) or _output_is_broken(record)):
            return
        first = hit[0]
        yield self.finding(
            Severity.ERROR,
            f"The model's input {first.site.slot} holds values that are not finite",
            evidence=f"{nonfinite(first.stats)}." if first.stats else "",
            explanation="Every output that depends on them becomes NaN, and so does every "
            "gradient.",
            remedy="Fill or drop the missing values of the data before training.",
            place=first.site.slot,
            step=record.step,
            site_id=first.site.id,
            view=View.TRACES,
            origin=True,
        )


class NonfiniteOrigin(Detector):
    """The first module whose output is NaN though inputs and weights are finite; and backward."""

    name = "nonfinite_origin"

    def __init__(self, info: RunInfo) -> None:
        super().__init__(info)
        self._growth = Growth()
        self._grew = ""
        self._users = ValueUsers()

    def on_graph(self, graph: GraphRecord) -> Iterable[Finding]:
        """Remembers which module takes which output."""
        self._users.note(graph)
        return ()

    def on_losses(self, losses: StepLosses) -> Iterable[Finding]:
        """Remembers whether the loss grows."""
        self._growth.add_losses(losses)
        return ()

    def on_step(self, record: StepRecord, comparison: StepComparison | None) -> Iterable[Finding]:
        """Looks along the execution order of the eager side, else of ORT's."""
        self._grew = self._growth.words()
        self._growth.add_step(record)
        given = broken(record.candidate, Direction.INPUT) or broken(
            record.reference, Direction.INPUT
        )
        if given or has_broken_parameters(record):
            return
        forward = _first(record, Direction.FORWARD)
        if forward is not None:
            if _has_nan([forward]) or _output_is_broken(record):
                yield self._forward(record, forward)
            return
        arrived = [
            one
            for one in broken(record.candidate, Direction.BACKWARD)
            + broken(record.reference, Direction.BACKWARD)
            if _is_model_output(one)
        ]
        backward = _first(record, Direction.BACKWARD) or _first(record, Direction.PARAMETER_GRAD)
        if backward is not None and not arrived:
            yield self._backward(record, backward)

    def _forward(self, record: StepRecord, first: SiteRecord) -> Finding:
        label = self._label(first)
        kind = kind_of_nonfinite(first.stats.nan_count if first.stats else 0)
        growth = self._grew
        outside = _before_module(record, first)
        shown = outside or first
        title = f"{label} is the first to give {kind} values"
        made = "in it, or by functional code right before it"
        if outside is not None:
            kind = kind_of_nonfinite(outside.stats.nan_count if outside.stats else 0)
            value = outside.site.slot
            title = f"Before {label}, {value} in ORT's graph is the first value that is {kind}"
            made = f"by functional code before {label}"
        return self.finding(
            Severity.ERROR,
            title,
            evidence=" ".join(
                filter(
                    None,
                    (
                        _measured(shown),
                        _sides(record, first),
                        _inside(record, first),
                        _before(record, first),
                    ),
                )
            ),
            explanation=(
                f"{growth} "
                "The model's inputs and weights are finite and everything read before it is too, "
                f"so the values are made {made}: a division by 0, a log or root of something "
                "not positive, exp of something large, or an overflow."
            ).strip(),
            remedy=(
                f"{FIRST_REMEDY if growth else ''} "
                "Look at the values that enter it in the Traces view. Add a small constant under "
                "divisions, logs and roots, clamp what goes into exp, or compute it in float32."
            ).strip(),
            place=first.site.id,
            step=record.step,
            module=shown.site.module,
            site_id=shown.site.id,
            view=View.TRACES,
            origin=True,
        )

    def _backward(self, record: StepRecord, first: SiteRecord) -> Finding:
        is_parameter = first.site.direction is Direction.PARAMETER_GRAD
        label = full_name(first.site) if is_parameter else self._label(first)
        kind = kind_of_nonfinite(first.stats.nan_count if first.stats else 0)
        growth = self._grew
        what = "its gradient" if is_parameter else "the gradient of its output"
        makers = self._users.of(record, first.site)
        made_by = listed([self.label(module) for module in makers])
        title = f"The backward pass turns {kind} at {label}: {what} is the first that is not finite"
        if makers:
            title = (
                f"The backward pass of {made_by} gives {label} {kind} gradients, the first that "
                "are not finite"
            )
        return self.finding(
            Severity.ERROR,
            title,
            evidence=f"{_measured(first)} {_sides(record, first)} {_inside(record, first)}".strip(),
            explanation=(
                f"{growth} "
                "The forward pass and the gradient that came from the loss are finite, so it is "
                f"made in the backward pass of {made_by or 'what takes this output'}: a root or a "
                "norm at 0, a division by something tiny, torch.where over a branch that divides "
                "by 0, or an overflow."
            ).strip(),
            remedy=(
                f"{FIRST_REMEDY if growth else ''} "
                "Add a small constant inside the root, norm or division; with torch.where make "
                "the unused branch finite as well."
            ).strip(),
            place=first.site.id,
            step=record.step,
            module=enclosing(makers) if makers else first.site.module,
            site_id=first.site.id,
            view=View.GRADIENTS,
            origin=True,
        )

    def _label(self, record: SiteRecord) -> str:
        types = {known.name: known.type_name for known in self.info.modules}
        module = record.site.module
        return module_label(module, record.module_type or types.get(module, ""))


def _first(record: StepRecord, direction: Direction) -> SiteRecord | None:
    """The first broken site: in eager's order where eager saw it, else in ORT's."""
    reference, candidate = broken(record.reference, direction), broken(record.candidate, direction)
    if not reference:
        return candidate[0] if candidate else None
    order = {one.site: one.order for one in record.reference}
    known = [one for one in candidate if one.site in order]
    return min((*reference, *known), key=lambda one: order[one.site])


def _has_nan(records: list[SiteRecord]) -> bool:
    return any(one.stats is not None and one.stats.nan_count for one in records)


def _output_is_broken(record: StepRecord) -> bool:
    return any(
        _is_model_output(one)
        for side in (record.reference, record.candidate)
        for one in broken(side, Direction.FORWARD)
    )


def _is_model_output(one: SiteRecord) -> bool:
    """Whether this is an output of the whole model, or the gradient that arrived at it."""
    return not one.site.module and not one.site.is_inner


def _inside(record: StepRecord, first: SiteRecord) -> str:
    """Which value inside of the module is the first, where such values were read."""
    if first.site.is_inner:
        return f"It is {first.site.slot} in ORT's graph."
    own = next((one for one in record.candidate if one.site == first.site), None)
    within = (first.site.module, f"{first.site.module}.")
    for one in broken(record.candidate, first.site.direction):
        module = one.site.module
        inside = module == within[0] or module.startswith(within[1])
        if one.site.is_inner and inside and own is not None and one.order < own.order:
            return f"Inside, the first is {one.site.slot} in ORT's graph."
    return ""


def _before_module(record: StepRecord, first: SiteRecord) -> SiteRecord | None:
    """The first broken value that ORT made outside of the module, before the module's output."""
    own = next((one for one in record.candidate if one.site == first.site), None)
    hit = broken(record.candidate, first.site.direction)
    if own is None or first.site.is_inner or not hit or not hit[0].site.is_inner:
        return None
    module = first.site.module
    within = not module or f"{hit[0].site.module}.".startswith(f"{module}.")
    return hit[0] if not within and hit[0].order < own.order else None


def _measured(first: SiteRecord) -> str:
    return f"{nonfinite(first.stats)}." if first.stats else ""


def _sides(record: StepRecord, first: SiteRecord) -> str:
    eager = any(one.site == first.site for one in broken(record.reference, first.site.direction))
    ort = any(one.site == first.site for one in broken(record.candidate, first.site.direction))
    if eager and ort:
        return "The same on both sides, so it is the model and not ONNX Runtime."
    return "Only in eager PyTorch." if eager else "Only in ONNX Runtime's run."


def _before(record: StepRecord, first: SiteRecord) -> str:
    """How large the last finite values before it were, where they are known."""
    side = record.reference if first in record.reference else record.candidate
    earlier = [one for one in seen(side, Direction.FORWARD) if one.order < first.order]
    if not earlier:
        return ""
    last = max(earlier, key=lambda one: one.order)
    if last.stats is None or last.stats.minimum is None or last.stats.maximum is None:
        return ""
    return (
        f"Just before, {module_label(last.site.module)} gave values from "
        f"{number(last.stats.minimum)} to {number(last.stats.maximum)}."
    )
