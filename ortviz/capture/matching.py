"""Which value of ORT's graph is which output of a module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from ortviz.capture.trace import ModuleCall
from ortviz.record import SiteStatus

OutputKey = tuple[str, int, int]
"""(module, call, output index)."""


@dataclass(frozen=True, slots=True)
class Match:
    """What became of one module output in ORT's graph.

    Attributes:
        status: CAPTURED, or why not.
        value_name: The ONNX value; empty when there is none.
        reason: A sentence when not captured.
    """

    status: SiteStatus
    value_name: str = ""
    reason: str = ""


def match_outputs(
    calls: Sequence[ModuleCall],
    leaving: Sequence[str],
    values: Mapping[str, torch.Tensor],
) -> dict[OutputKey, Match]:
    """Pair the outputs of one module's calls with the values that leave it in the graph.

    When both are equally many they pair in order. When eager code returned more than the graph
    kept (an LSTM's unused states), a value goes to the output of its shape and dtype, and among
    several such to the nearest in value.

    Args:
        calls: All calls of one module in the step, in order.
        leaving: Values leaving that module in the exported graph, in graph order.
        values: Those of them that were read from ORT's run.
    """
    outputs = [
        ((call.module, call.call, slot), tensor)
        for call in calls
        for slot, tensor in enumerate(call.outputs)
    ]
    if len(outputs) == len(leaving):
        return {
            key: _judge(tensor, name, values)
            for (key, tensor), name in zip(outputs, leaving, strict=True)
        }
    found: dict[OutputKey, Match] = {}
    for name in leaving:
        key = _nearest(values.get(name), [o for o in outputs if o[0] not in found])
        if key is not None:
            found[key] = Match(SiteStatus.CAPTURED, name)
    used = {match.value_name for match in found.values()}
    missing = _missing([name for name in leaving if name not in used], bool(leaving), values)
    return {key: found.get(key, missing) for key, _ in outputs}


def _judge(tensor: torch.Tensor, name: str, values: Mapping[str, torch.Tensor]) -> Match:
    value = values.get(name)
    if value is None:
        return Match(
            SiteStatus.FUSED_AWAY,
            name,
            f"ORT merged the operation that made {name} into another one.",
        )
    if value.shape != tensor.shape or value.dtype != tensor.dtype:
        return Match(
            SiteStatus.FUSED_AWAY,
            name,
            f"ORT's optimiser moved another operation before this output: its {name} is "
            f"{value.dtype} {tuple(value.shape)}, the module's is "
            f"{tensor.dtype} {tuple(tensor.shape)}.".replace("torch.", ""),
        )
    return Match(SiteStatus.CAPTURED, name)


def _nearest(
    value: torch.Tensor | None, outputs: Sequence[tuple[OutputKey, torch.Tensor]]
) -> OutputKey | None:
    if value is None:
        return None
    fitting = [
        (key, tensor)
        for key, tensor in outputs
        if tensor.shape == value.shape and tensor.dtype == value.dtype
    ]
    if not fitting:
        return None
    return min(fitting, key=lambda each: _distance(each[1], value))[0]


def _distance(tensor: torch.Tensor, value: torch.Tensor) -> float:
    if tensor.numel() == 0:
        return 0.0
    difference = torch.nan_to_num((tensor.double() - value.to(tensor.device).double()).abs())
    return float(difference.max())


def _missing(
    unpaired: Sequence[str], any_leaving: bool, values: Mapping[str, torch.Tensor]
) -> Match:
    """Why an output has no value, judged by the values that found no output."""
    if not any_leaving:
        return Match(
            SiteStatus.NOT_CAPTURED,
            reason="The module added no operation to ORT's graph: its output is its input, or "
            "nothing used it.",
        )
    for name in unpaired:
        value = values.get(name)
        return Match(
            SiteStatus.FUSED_AWAY,
            reason="ORT merged the module's last operation into another."
            if value is None
            else f"ORT's optimiser moved another operation before this output: its {name} has "
            f"shape {tuple(value.shape)}.",
        )
    return Match(
        SiteStatus.NOT_CAPTURED,
        reason="Nothing in ORT's graph uses this output, so it is not computed there.",
    )
