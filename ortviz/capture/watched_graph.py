"""The agents of one export that read ORT's tensors without changing what the user is given.

A tensor that is read cannot be merged into another operation by ORT's session, so a graph with
taps may round differently from the one that serves steps nobody watches. At first the watched
graph therefore runs beside: the user's step is served by the plain agent, or, where dropout draws,
by one that reads the masks and nothing else; the watched graph gets the same inputs, masks and
gradients. If both gave the same outputs and parameter gradients, bit for bit, the watched graph
serves sampled steps itself from then on; if not, it goes on running beside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch

from ortviz._compat import ort_private
from ortviz._compat.ort_agents import (
    OrtValues,
    TappedAgent,
    as_tensors,
    new_state,
    new_vector,
)
from ortviz._compat.ort_private import ExecutionManager, InputKind
from ortviz._compat.ort_repeat import ort_values
from ortviz.capture.pending import PendingStep
from ortviz.capture.plan import TapPlan
from ortviz.capture.tap_check import compare_runs, different_names
from ortviz.record import TapCheck


@dataclass(slots=True)
class WatchedGraph:
    """What reads one export's tensors.

    Attributes:
        plan: What is read.
        mask_names: Dropout masks that the graph beside is given, in order.
        server: Serves the user while the watched graph runs beside; None for the plain agent.
        beside: The watched graph, its masks as inputs; None where it cannot run beside.
        direct: The watched graph drawing its own masks; None until it is needed.
        make_direct: Builds that.
        same: Whether it gives bit for bit what the server gives; None before that is known.
        unchecked: Why that cannot be known; None where it can.
    """

    plan: TapPlan
    mask_names: tuple[str, ...] = ()
    server: TappedAgent | None = None
    beside: TappedAgent | None = None
    direct: TappedAgent | None = None
    make_direct: Callable[[], TappedAgent] | None = None
    same: bool | None = None
    unchecked: TapCheck | None = None

    @property
    def served_by_plain(self) -> bool:
        """Whether the plain agent serves sampled steps, for now or for good."""
        return not self.same and self.server is None

    def serving(self) -> TappedAgent | None:
        """The agent that serves a sampled step; None for the plain one.

        Raises:
            RuntimeError: ORT's own error if it refuses the graph.
        """
        if not self.same:
            return self.server
        if self.direct is None and self.make_direct is not None:
            self.direct = self.make_direct()
            self.server = self.beside = None
        return self.direct


@dataclass(slots=True)
class BesideRun:
    """The watched graph's run of one step.

    Attributes:
        watched: Whose.
        agent: Runs it, also when the watched graph has another by the time of the backward.
        state: Carries it from forward to backward.
        served: Outputs the user was given, copied; only while it is not known what they match.
        seen: Outputs of this run; likewise.
        dtypes: Of its outputs. They need not be those of the outputs the user was given: under
            autocast on a CPU, ORT's session leaves float16 out where nobody reads it.
        different: Results that turned out not to be the same: parameters, and outputs by number.
    """

    watched: WatchedGraph
    agent: TappedAgent
    state: object = field(default_factory=new_state)
    served: Mapping[str, torch.Tensor] = field(default_factory=dict)
    seen: Mapping[str, torch.Tensor] = field(default_factory=dict)
    dtypes: tuple[torch.dtype, ...] = ()
    different: tuple[str, ...] = ()

    def forward(self, pending: PendingStep, fetches: OrtValues) -> None:
        """Run the forward of ``pending`` again, with the masks that were drawn.

        Args:
            pending: The step; its feeds are known.
            fetches: The outputs that the user is given.

        Raises:
            RuntimeError: ORT's own error.
            LookupError: What the step was fed is not known.
        """
        if pending.feeds is None:
            raise LookupError("What ORT was fed in this step is not known.")
        masks = [pending.values[name] for name in self.watched.mask_names]
        results = new_vector()
        feeds = ort_values([*pending.feeds.inputs, *masks])
        self.agent.run_forward(feeds, results, self.state)
        outputs = as_tensors(results)
        self.dtypes = tuple(output.dtype for output in outputs)
        if self.watched.same is None:
            # Copied: the user or kernels of the backward half may change them in place.
            self.served = _numbered([output.clone() for output in as_tensors(fetches)])
            self.seen = _numbered([output.clone() for output in outputs])

    def backward(
        self,
        pending: PendingStep,
        manager: ExecutionManager,
        feeds: OrtValues,
        fetches: OrtValues,
    ) -> TapCheck | None:
        """Run the backward again.

        Args:
            pending: The step.
            manager: ORTModule's training manager.
            feeds: The gradients that the outputs received.
            fetches: The parameter gradients that the user is given.

        Returns:
            Whether the run matches what the user is given, when that was not known yet.

        Raises:
            RuntimeError: ORT's own error.
        """
        results = new_vector()
        wanted = [self.dtypes[place] for place in ort_private.differentiable_outputs(manager)]
        gradients = [
            gradient.to(dtype) for gradient, dtype in zip(as_tensors(feeds), wanted, strict=True)
        ]
        self.agent.run_backward(ort_values(gradients), results, self.state)
        if self.watched.same is not None:
            return None
        ours = {**self.seen, **_by_parameter(manager, as_tensors(results))}
        theirs = {**self.served, **_by_parameter(manager, as_tensors(fetches))}
        check = compare_runs(
            ours,
            theirs,
            read=pending.values.values(),
            masks_replayed=bool(self.watched.mask_names),
        )
        self.watched.same = check.different_count == 0
        if not self.watched.same:
            self.different = different_names(ours, theirs)
        return check


def _numbered(outputs: Sequence[torch.Tensor]) -> dict[str, torch.Tensor]:
    return {f"output {index}": output for index, output in enumerate(outputs)}


def _by_parameter(
    manager: ExecutionManager, gradients: Sequence[torch.Tensor]
) -> dict[str, torch.Tensor]:
    return {
        each.qualified_name: gradients[each.gradient_index]
        for each in ort_private.graph_inputs(manager)
        if each.kind is InputKind.PARAMETER
        and each.qualified_name is not None
        and each.gradient_index is not None
    }
