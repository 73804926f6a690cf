"""What both sides left in a step -> StepCapture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch

from ortviz.capture.matching import Match, OutputKey
from ortviz.capture.shadow import ShadowRun
from ortviz.capture.stats import host_values, tensor_stats
from ortviz.capture.trace import ModuleCall
from ortviz.record import Direction, Site, SiteRecord, SiteStatus, TensorStats

if TYPE_CHECKING:
    import numpy as np

NO_BACKWARD = "No backward pass reached this tensor in this step."


@dataclass(slots=True)
class SideBuilder:
    """Collects one side's sites in execution order, and their values."""

    records: list[SiteRecord] = field(default_factory=list)
    values: dict[str, np.ndarray] = field(default_factory=dict)
    _reduced: dict[int, tuple[torch.Tensor, TensorStats]] = field(default_factory=dict)

    def _stats(self, tensor: torch.Tensor) -> TensorStats:
        """Reduce a tensor once, though a container gives its last child's output again."""
        if id(tensor) not in self._reduced:
            # Kept with the result: an id names a tensor only while that lives.
            self._reduced[id(tensor)] = (tensor, tensor_stats(tensor))
        return self._reduced[id(tensor)][1]

    def captured(
        self,
        site: Site,
        tensor: torch.Tensor,
        *,
        keep_values: bool = True,
        value_name: str = "",
        module_type: str = "",
    ) -> None:
        """Add a site that was seen."""
        self.reduced(site, self._stats(tensor), value_name=value_name, module_type=module_type)
        if keep_values:
            self.values[site.id] = host_values(tensor)

    def reduced(
        self, site: Site, stats: TensorStats, *, value_name: str, module_type: str = ""
    ) -> None:
        """Add a site of which only the statistics were read."""
        self.records.append(
            SiteRecord(
                site=site,
                order=len(self.records),
                status=SiteStatus.CAPTURED,
                stats=stats,
                value_name=value_name,
                module_type=module_type,
            )
        )

    def missing(
        self,
        site: Site,
        status: SiteStatus,
        reason: str,
        *,
        value_name: str = "",
        module_type: str = "",
    ) -> None:
        """Add a site that was not seen, and why."""
        self.records.append(
            SiteRecord(
                site=site,
                order=len(self.records),
                status=status,
                reason=reason,
                value_name=value_name,
                module_type=module_type,
            )
        )

    def ordered_by(self, order: Mapping[str, int]) -> tuple[SiteRecord, ...]:
        """The records with those that have a known place in the graph sorted by it.

        What arrives at the model's own outputs comes before all other gradients.
        """

        def place(record: SiteRecord) -> tuple[int, int]:
            site = record.site
            arrives = site.direction is Direction.BACKWARD and not site.module
            unknown = -1 if arrives and not site.is_inner else 1 << 30
            known = order.get(record.value_name, unknown)
            return _RANKS[site.direction], known

        placed = sorted(self.records, key=place)
        return tuple(
            record if record.order == index else replace(record, order=index)
            for index, record in enumerate(placed)
        )


_RANKS = {direction: rank for rank, direction in enumerate(Direction)}


def parameter_site(direction: Direction, name: str) -> Site:
    """``a.b.weight`` -> the site of that parameter or buffer."""
    module, _, local = name.rpartition(".")
    return Site(direction, module, local)


def add_inputs(side: SideBuilder, inputs: Sequence[torch.Tensor]) -> None:
    """What the user passed to the model."""
    for index, tensor in enumerate(inputs):
        side.captured(Site(Direction.INPUT, "", f"in{index}"), tensor, keep_values=False)


def add_forward(side: SideBuilder, calls: Sequence[ModuleCall]) -> None:
    """The eager side's module outputs."""
    for call in calls:
        for slot, tensor in enumerate(call.outputs):
            site = Site(Direction.FORWARD, call.module, f"out{slot}", call.call)
            side.captured(site, tensor, module_type=call.type_name)


def add_gradients(side: SideBuilder, run: ShadowRun) -> None:
    """The eager side's gradients of module outputs, in the order they arrived; not the root's."""
    calls = run.trace.calls
    for index, slot in run.trace.gradient_order:
        call = calls[index]
        gradient = call.gradients[slot]
        if gradient is None or not call.module:
            continue
        side.captured(
            Site(Direction.BACKWARD, call.module, f"out{slot}", call.call),
            gradient,
            module_type=call.type_name,
        )
    for call in calls:
        for slot, gradient in enumerate(call.gradients):
            if gradient is None and call.module:
                side.missing(
                    Site(Direction.BACKWARD, call.module, f"out{slot}", call.call),
                    SiteStatus.NO_GRADIENT,
                    NO_BACKWARD if call.needs_grad[slot] else "It needs no gradient.",
                    module_type=call.type_name,
                )


def add_never_called(
    side: SideBuilder, called: set[str], callable_modules: Mapping[str, str]
) -> None:
    """Modules that did not run in this step; the same on both sides."""
    for name, type_name in callable_modules.items():
        if name not in called:
            side.missing(
                Site(Direction.FORWARD, name, "out0"),
                SiteStatus.NEVER_CALLED,
                "The module was not called in this step.",
                module_type=type_name,
            )


def add_parameter_grads(
    side: SideBuilder, gradients: Mapping[str, torch.Tensor | None], value_names: Mapping[str, str]
) -> None:
    """Parameter gradients by fully qualified name."""
    for name, gradient in gradients.items():
        site = parameter_site(Direction.PARAMETER_GRAD, name)
        if gradient is None:
            side.missing(
                site,
                SiteStatus.NO_GRADIENT,
                "The gradient is None: the loss does not depend on this parameter, or it is "
                "frozen, or no backward ran.",
                value_name=value_names.get(name, ""),
            )
        else:
            side.captured(site, gradient, value_name=value_names.get(name, ""))


def add_named(
    side: SideBuilder,
    direction: Direction,
    tensors: Mapping[str, torch.Tensor],
    *,
    keep_values: bool,
) -> None:
    """Buffers or parameters by fully qualified name."""
    for name, tensor in tensors.items():
        side.captured(parameter_site(direction, name), tensor, keep_values=keep_values)


def add_matched(
    side: SideBuilder,
    direction: Direction,
    calls: Sequence[ModuleCall],
    matches: Mapping[OutputKey, Match],
    values: Mapping[str, torch.Tensor],
    name_of: Mapping[str, str] | None = None,
    unread: Mapping[str, str] | None = None,
) -> None:
    """ORT's module outputs, or (with ``name_of``) their gradients.

    Args:
        side: ORT's side.
        direction: FORWARD or BACKWARD.
        calls: The eager calls that say which outputs there are.
        matches: The value of each output, or why there is none.
        values: What was read from ORT's run, by value name.
        name_of: Value name -> name of its gradient where one was read; None for FORWARD.
        unread: Values that were left out on purpose -> why.
    """
    for call in calls:
        for slot in range(len(call.outputs)):
            match = matches[call.module, call.call, slot]
            site = Site(direction, call.module, f"out{slot}", call.call)
            name = match.value_name if name_of is None else name_of.get(match.value_name, "")
            kind = call.type_name
            tensor = values.get(name) if match.status is SiteStatus.CAPTURED else None
            if tensor is not None:
                side.captured(site, tensor, value_name=name, module_type=kind)
            elif unread and name in unread:
                side.missing(
                    site,
                    SiteStatus.NOT_CAPTURED,
                    unread[name],
                    value_name=name,
                    module_type=kind,
                )
            elif name_of is not None and not call.needs_grad[slot]:
                side.missing(
                    site, SiteStatus.NO_GRADIENT, "It needs no gradient.", module_type=kind
                )
            elif match.status is not SiteStatus.CAPTURED:
                side.missing(site, match.status, match.reason, value_name=name, module_type=kind)
            else:
                side.missing(
                    site,
                    SiteStatus.FUSED_AWAY,
                    "ORT's graph has no single value for this gradient: it was merged into the "
                    "gradient of another operation, or nothing needs it.",
                    module_type=kind,
                )
