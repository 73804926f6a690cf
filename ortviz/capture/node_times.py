"""Times the nodes of ORT's training graph on a sampled step's own inputs, beside the training."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import onnx
import torch

from ortviz._compat import ort_private
from ortviz._compat.ort_private import ExecutionManager
from ortviz._compat.ort_profile import KernelEvent, kernel_events, profiled_agent
from ortviz._compat.ort_repeat import MaskedModel, NotRepeatableError, masked_model
from ortviz.capture.pending import PendingStep
from ortviz.record import NodeTime, NodeTimes

_WARM_UP_COUNT = 3
_MOST_EVENTS = 60_000
"""Kernel calls of a profile: each is about a kilobyte of text that has to be read."""
_FEWEST_REPEATS = 3
_NO_BACKWARD = "No backward pass ran in this step, so its nodes could not be timed."
_NOT_READ = "What ORT was fed in this step was not kept, so its nodes could not be timed."


_FELL_BACK = "ORTModule ran this step in eager PyTorch, so there are no nodes of ORT's to time."


class CannotTimeError(Exception):
    """Why a step's nodes cannot be timed; one sentence for a person."""


@dataclass(slots=True)
class NodeTimer:
    """Measures when it is asked to, and where wanted at the first sampled step of every export.

    Nothing of the user's is touched: the graph runs in a session of its own, on copies of what
    the step was fed, with the masks it drew; nothing is drawn and nothing written.

    Attributes:
        manager: ORTModule's training manager.
        every_export: Runs to time at the first sampled step of every export; 0 for none.
    """

    manager: ExecutionManager
    every_export: int = 0
    _timed: object = None

    def repeats(self, pending: PendingStep) -> int:
        """How many runs are to be timed in this step; 0 for none."""
        exported = ort_private.optimized_model(self.manager)
        due = exported is not self._timed and exported is not None
        # Without a backward another step of this export will do.
        whole = pending.feeds is None or pending.feeds.gradients is not None
        return pending.times_asked or (self.every_export if due and whole else 0)

    def measure(self, pending: PendingStep, repeat_count: int) -> NodeTimes:
        """Time a step's nodes, while its weights are still those of the step.

        Args:
            pending: The step, its backward done.
            repeat_count: Runs to time.

        Returns:
            Times, or the reason why there are none.
        """
        model = ort_private.optimized_model(self.manager)
        if pending.fallback or model is None:
            return NodeTimes(pending.step, 0, reason=_FELL_BACK)
        self._timed = model
        try:
            return self._measure(pending, model, repeat_count)
        except (CannotTimeError, NotRepeatableError) as error:
            return NodeTimes(pending.step, 0, reason=_as_reason(error))

    def _measure(
        self, pending: PendingStep, model: onnx.ModelProto, repeat_count: int
    ) -> NodeTimes:
        masked, feeds = masked_model(model), pending.feeds
        if feeds is None:
            raise CannotTimeError(_NOT_READ)
        if feeds.gradients is None:
            raise CannotTimeError(_NO_BACKWARD)
        inputs = [*feeds.inputs, *_masks(masked, pending.values)]
        count = len(model.graph.node)
        repeat_count = max(min(repeat_count, _MOST_EVENTS // max(count, 1)), _FEWEST_REPEATS)
        with tempfile.TemporaryDirectory(prefix="ortviz-times-") as folder:
            agent = profiled_agent(
                self.manager, bytes(masked.model.SerializeToString()), Path(folder)
            )
            walls = [
                agent.run(inputs, feeds.gradients) for _ in range(_WARM_UP_COUNT + repeat_count)
            ][_WARM_UP_COUNT:]
            profile = agent.stop()
            outputs = _outputs(agent.graph_file)
            try:
                nodes = node_times(kernel_events(profile), outputs, repeat_count)
            except ValueError as error:
                raise CannotTimeError(
                    f"ONNX Runtime's profile cannot be read, so there are no times: {error}."
                ) from error
        device = ort_private.device(self.manager)
        return NodeTimes(
            step=pending.step,
            repeat_count=repeat_count,
            nodes=nodes,
            forward_secs=median(forward for forward, _ in walls),
            backward_secs=median(backward for _, backward in walls),
            masks_given=bool(masked.mask_names),
            device="" if device is None else device.type,
        )


def node_times(
    events: Iterable[KernelEvent], outputs: Mapping[str, str], repeat_count: int
) -> tuple[NodeTime, ...]:
    """The kernels' calls of several runs -> a time for each node.

    Args:
        events: In the order in which they ran; the warm-up first.
        outputs: Node name -> its first output.
        repeat_count: Runs that count.
    """
    calls: dict[str, list[KernelEvent]] = {}
    for event in events:
        calls.setdefault(event.node, []).append(event)
    run_count = _WARM_UP_COUNT + repeat_count
    found = []
    for name, seen in calls.items():
        output = outputs.get(name)
        # What runs differently often in each run cannot be told apart by run.
        per_run, rest = divmod(len(seen), run_count)
        if output is None or rest or not per_run:
            continue
        runs = [seen[start : start + per_run] for start in range(0, len(seen), per_run)]
        secs = median(sum(event.secs for event in run) for run in runs[_WARM_UP_COUNT:])
        found.append(NodeTime(output, seen[0].op_type, secs, per_run))
    return tuple(found)


def _as_reason(error: Exception) -> str:
    return str(error).replace("ORT did not run a second time", "Nodes were not timed")


def _masks(masked: MaskedModel, values: Mapping[str, torch.Tensor]) -> Sequence[torch.Tensor]:
    missing = [name for name in masked.mask_names if name not in values]
    if missing:
        raise CannotTimeError(
            f"The dropout mask {missing[0]} was not read in this step, so its nodes could not be "
            "timed."
        )
    return [values[name] for name in masked.mask_names]


def _outputs(graph_file: Path) -> dict[str, str]:
    """Node name -> first output, in the session's own graph; the first of equal names counts."""
    graph = onnx.load(str(graph_file), load_external_data=False).graph
    found: dict[str, str] = {}
    for node in graph.node:
        output = next(filter(None, node.output), "")
        if node.name and output:
            found.setdefault(node.name, output)
    return found
