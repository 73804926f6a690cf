"""ONNX Runtime's own profiler on a training agent of ours: how long each node takes.

Nothing here touches the agent that trains.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

from ortviz._compat.ort_agents import Agent, new_state, new_training_agent, new_vector
from ortviz._compat.ort_private import ExecutionManager
from ortviz._compat.ort_repeat import ort_values

if TYPE_CHECKING:
    import torch

_KERNEL = "_kernel_time"
_GRAPH_FILE = "timed.onnx"


@dataclass(frozen=True, slots=True)
class KernelEvent:
    """One call of a node's kernel.

    Attributes:
        node: The node's name in the session's own graph; ``Gemm_12`` where it has none.
        op_type: Its operator.
        secs: How long the kernel took; ONNX Runtime counts whole microseconds.
    """

    node: str
    op_type: str
    secs: float


@dataclass(frozen=True, slots=True)
class ProfiledAgent:
    """A training agent that writes down how long its nodes take.

    Attributes:
        agent: It.
        folder: Where its files are.
    """

    agent: Agent
    folder: Path

    def run(
        self, inputs: Sequence[torch.Tensor], gradients: Sequence[torch.Tensor]
    ) -> tuple[float, float]:
        """Run a whole step; what it gives is let go.

        Args:
            inputs: One per graph input, in order; not changed.
            gradients: One per differentiable output.

        Returns:
            Wall time of forward and backward, in seconds.

        Raises:
            RuntimeError: ORT's own error.
        """
        state, feeds, arriving = new_state(), ort_values(inputs), ort_values(gradients)
        outputs, results = new_vector(), new_vector()
        begun = perf_counter()
        self.agent.run_forward(feeds, outputs, state, None)
        middle = perf_counter()
        self.agent.run_backward(arriving, results, state)
        return middle - begun, perf_counter() - middle

    def stop(self) -> Path:
        """End the profile; returns the file that holds it."""
        return Path(cast(Any, self.agent)._inference_session.end_profiling())

    @property
    def graph_file(self) -> Path:
        """The session's own graph, as it is after its optimisation."""
        return self.folder / _GRAPH_FILE


def profiled_agent(manager: ExecutionManager, model_bytes: bytes, folder: Path) -> ProfiledAgent:
    """Build a training agent like the manager's own that times its nodes.

    Args:
        manager: The training manager whose session settings are copied.
        model_bytes: A serialised training graph.
        folder: An empty folder for its files.

    Raises:
        RuntimeError: ORT's own error if it refuses the model.
    """

    def adjust(options: Any) -> None:
        options.enable_profiling = True
        options.profile_file_prefix = str(folder / "profile")
        options.optimized_model_filepath = str(folder / _GRAPH_FILE)

    # Threads spin as those of the plain agent do, so that nodes take as long as in training.
    agent = new_training_agent(manager, model_bytes, {}, keep_memory=True, adjust=adjust)
    return ProfiledAgent(agent, folder)


def kernel_events(profile: Path) -> Iterator[KernelEvent]:
    """The kernels' calls in a profile, in the order in which they ran.

    ONNX Runtime writes an event a line, and does not escape names: what cannot be read of a node
    with quotes or line breaks in its name is left out.

    Raises:
        ValueError: It is no profile of ONNX Runtime's.
    """
    with profile.open(encoding="utf-8", errors="replace") as lines:
        if not next(lines, "").startswith("["):
            raise ValueError(f"{profile.name} is no list of events")
        for line in lines:
            # Other events are most of the file.
            event = _event(line) if _KERNEL in line else None
            if event is not None:
                yield event


def _event(line: str) -> KernelEvent | None:
    try:
        event = json.loads(line.strip().rstrip(","))
        name, op_type = str(event["name"]), str(event["args"]["op_name"])
        secs = float(event["dur"]) * 1e-6
    except (ValueError, KeyError, TypeError):
        return None
    if event.get("cat") != "Node" or not name.endswith(_KERNEL):
        return None
    return KernelEvent(name.removesuffix(_KERNEL), op_type, secs)
