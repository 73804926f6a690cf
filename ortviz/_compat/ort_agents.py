"""Build, read and replace the agents that run ORTModule's graphs (private API of ORT 1.19.2).

A training agent is anything with ``run_forward(feeds, fetches, state, cache)`` and
``run_backward(feeds, fetches, state)``, where feeds and fetches are ORT's ``OrtValueVector``.
"""

from __future__ import annotations

import functools
import importlib
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MethodType
from typing import TYPE_CHECKING, Any, NewType, Protocol, cast

from ortviz._compat import ort_private
from ortviz._compat.ort_private import ExecutionManager

if TYPE_CHECKING:
    import onnx
    import torch

YIELD_OP = "YieldOp"
QUIET_THREADS: Mapping[str, str] = {"session.intra_op.allow_spinning": "0"}
"""Session entries that keep ORT's threads from spinning against torch's."""

OrtValues = NewType("OrtValues", object)
"""ORT's ``OrtValueVector``."""


class Agent(Protocol):
    """What a training manager calls; ORT's own agent and :class:`TappedAgent` are such."""

    def run_forward(
        self, feeds: OrtValues, fetches: OrtValues, state: object, cache: object = None
    ) -> None:
        """Run up to the YieldOp and append the user outputs to ``fetches``."""

    def run_backward(self, feeds: OrtValues, fetches: OrtValues, state: object) -> None:
        """Run from the YieldOp on and append the gradients to ``fetches``."""


TensorsSeen = Callable[["tuple[torch.Tensor, ...]"], None]


class ReadingError(Exception):
    """Reading further tensors failed; what ORTModule asked for was handed over all the same."""


@dataclass(slots=True)
class TappedAgent:
    """Runs an agent with more outputs and hides the additional ones from ORTModule.

    The tensors handed over share memory with ORT: reduce or copy them before returning. If that
    fails, :class:`ReadingError` is raised from what was the matter; ORT's own errors come as
    they are.

    Attributes:
        agent: From :func:`new_training_agent`.
        user_output_count: Forward outputs that ORTModule expects.
        gradient_count: Backward outputs that ORTModule expects.
        on_forward: Gets the further forward outputs, in the order they were asked for.
        on_backward: Gets the further backward outputs.
    """

    agent: Agent
    user_output_count: int
    gradient_count: int
    on_forward: TensorsSeen
    on_backward: TensorsSeen

    def run_forward(
        self, feeds: OrtValues, fetches: OrtValues, state: object, cache: object = None
    ) -> None:
        """Run forward, keep the user outputs in ``fetches``, hand over the rest."""
        everything = new_vector()
        self.agent.run_forward(feeds, everything, state, cache)
        _hand_over(everything, self.user_output_count, fetches, self.on_forward)

    def run_backward(self, feeds: OrtValues, fetches: OrtValues, state: object) -> None:
        """Run backward, keep the gradients in ``fetches``, hand over the rest."""
        everything = new_vector()
        self.agent.run_backward(feeds, everything, state)
        _hand_over(everything, self.gradient_count, fetches, self.on_backward)


def execution_agent(manager: ExecutionManager) -> Agent | None:
    """Return the agent that serves the next step; None before the first."""
    return cast("Agent | None", cast(Any, manager)._execution_agent)


def set_execution_agent(manager: ExecutionManager, agent: Agent) -> None:
    """Let ``agent`` serve the next steps, until ORT re-exports and makes its own anew."""
    cast(Any, manager)._execution_agent = agent


def on_agent_created(
    manager: ExecutionManager, callback: Callable[[ExecutionManager], None]
) -> Callable[[], None]:
    """Call back right after ORT made an agent, before that step's forward runs.

    ORT makes one in the first step of a mode and after each re-export.

    Args:
        manager: The one to watch; held weakly.
        callback: Gets the manager; whatever it raises goes through ORTModule's fallback. A bound
            method is held weakly, since its object may hold the manager.

    Returns:
        A function that stops watching.
    """
    _watch_class(type(manager))
    is_method = isinstance(callback, MethodType)
    _watchers[manager] = weakref.WeakMethod(callback) if is_method else lambda: callback
    return lambda: _watchers.pop(manager, None) and None


def new_training_agent(
    manager: ExecutionManager,
    model_bytes: bytes,
    session_entries: Mapping[str, str] = QUIET_THREADS,
    *,
    keep_memory: bool = True,
    adjust: Callable[[Any], None] | None = None,
) -> Agent:
    """Build a second training agent like the manager's own from another model.

    Device lists are taken from the model: every input of the YieldOp is a forward output, every
    graph output a backward output. Nothing is saved to disk.

    Args:
        manager: The training manager whose session settings are copied.
        model_bytes: A serialised ONNX model with a YieldOp, such as from :func:`tapped_model`.
        session_entries: Added to the session's configuration.
        keep_memory: Keep what a run needed for the next one, as ORT does by default.
        adjust: Changes the session's options before it is made.

    Raises:
        RuntimeError: ORT's own error if it refuses the model.
    """
    import onnx

    private = cast(Any, manager)
    module: Any = importlib.import_module("onnxruntime.training.ortmodule._execution_agent")
    utils: Any = importlib.import_module("onnxruntime.training.ortmodule._utils")
    graph = onnx.load_model_from_string(model_bytes).graph
    options, providers, provider_options = private._get_session_config()
    # The manager's own session already saved its execution_model under this path.
    options.optimized_model_filepath = ""
    options.enable_cpu_mem_arena = options.enable_cpu_mem_arena and keep_memory
    for key, value in session_entries.items():
        options.add_session_config_entry(key, value)
    if adjust is not None:
        adjust(options)
    ort_device = _ort_device(private._device)
    info = private._graph_info
    forward_count = len(_yield_node(graph).input) + len(info.frontier_node_arg_map)
    fetches = [output.name for output in graph.output]
    agent = module.TrainingAgent(
        model_bytes,
        [each.name for each in graph.input],
        [ort_device] * forward_count,
        fetches,
        [ort_device] * len(fetches),
        options,
        providers,
        provider_options,
        utils.get_device_index(private._device),
    )
    return cast(Agent, agent)


def tapped_model(
    model: onnx.ModelProto, forward_tensors: Sequence[str], backward_tensors: Sequence[str]
) -> bytes:
    """Copy a training model so that its agent also returns the named tensors.

    Forward tensors become inputs of the YieldOp marked as non-differentiable; backward tensors
    become graph outputs. Both come back after what ORTModule itself asks for, in this order.

    Args:
        model: From :func:`ortviz._compat.ort_private.optimized_model`; not changed.
        forward_tensors: Names of tensors computed before the YieldOp and not yet its inputs.
        backward_tensors: Names of tensors computed after it and not yet graph outputs.

    Returns:
        The copy, serialised.

    Raises:
        LookupError: If the model has no YieldOp.
    """
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    node = _yield_node(copy.graph)
    first = len(node.input)
    node.input.extend(forward_tensors)
    added = range(first, first + len(forward_tensors))
    for attribute in node.attribute:
        if attribute.name == "non_differentiable_outputs":
            attribute.ints.extend(added)
            break
    else:
        attribute = onnx.helper.make_attribute(
            "non_differentiable_outputs", list(added), attr_type=onnx.AttributeProto.INTS
        )
        node.attribute.append(attribute)
    known = {info.name: info for info in copy.graph.value_info}
    for name in backward_tensors:
        copy.graph.output.append(known.get(name) or onnx.ValueInfoProto(name=name))
    return bytes(copy.SerializeToString())


def tap_agent(
    manager: ExecutionManager,
    forward_tensors: Sequence[str],
    backward_tensors: Sequence[str],
    on_forward: TensorsSeen,
    on_backward: TensorsSeen,
    model: onnx.ModelProto | None = None,
) -> TappedAgent:
    """Build the agent that returns further tensors of ORT's own step; not installed yet.

    Args:
        manager: A training manager that has run, or is in :func:`on_agent_created`.
        forward_tensors: See :func:`tapped_model`.
        backward_tensors: See :func:`tapped_model`.
        on_forward: Gets the forward tensors of every run.
        on_backward: Gets the backward tensors of every run.
        model: The training graph; the manager's own optimised model by default.

    Raises:
        LookupError: Before the first training step, or without a YieldOp.
        RuntimeError: ORT's own error if it refuses the model.
    """
    found = model or ort_private.optimized_model(manager)
    if found is None:
        raise LookupError("ORTModule has built no training graph yet: run one step first.")
    return TappedAgent(
        agent=new_training_agent(manager, tapped_model(found, forward_tensors, backward_tensors)),
        user_output_count=len(_yield_node(found.graph).input),
        gradient_count=len(found.graph.output),
        on_forward=on_forward,
        on_backward=on_backward,
    )


def _yield_node(graph: onnx.GraphProto) -> onnx.NodeProto:
    for node in graph.node:
        if node.op_type == YIELD_OP:
            return cast("onnx.NodeProto", node)
    raise LookupError("The graph has no com.microsoft::YieldOp, so it is no training graph.")


def _ort_device(device: torch.device) -> object:
    binding: Any = importlib.import_module("onnxruntime.capi._pybind_state")
    collection: Any = importlib.import_module("onnxruntime.capi.onnxruntime_inference_collection")
    utils: Any = importlib.import_module("onnxruntime.training.ortmodule._utils")
    return binding.OrtDevice(
        collection.get_ort_device_type(device.type, device.index),
        binding.OrtDevice.default_memory(),
        utils.get_device_index(device),
    )


def new_state() -> object:
    """Return what carries one partial run from its forward to its backward."""
    binding: Any = importlib.import_module("onnxruntime.capi._pybind_state")
    return cast(object, binding.PartialGraphExecutionState())


def new_vector() -> OrtValues:
    """Return an empty ``OrtValueVector``, for an agent to fill."""
    binding: Any = importlib.import_module("onnxruntime.capi._pybind_state")
    return cast(OrtValues, binding.OrtValueVector())


def _hand_over(everything: OrtValues, kept_count: int, kept: OrtValues, seen: TensorsSeen) -> None:
    """Append the first values to ``kept`` and show the others as tensors, without a copy."""
    values = cast(Any, everything)
    rest = new_vector()
    for index in range(len(values)):
        cast(Any, kept if index < kept_count else rest).push_back(values[index])
    try:
        seen(as_tensors(rest))
    except Exception as error:
        raise ReadingError(f"{type(error).__name__}: {error}") from error


_watchers: weakref.WeakKeyDictionary[
    ExecutionManager, Callable[[], Callable[[ExecutionManager], None] | None]
] = weakref.WeakKeyDictionary()
_MARK = "_ortviz_watched"


def _watch_class(manager_class: Any) -> None:
    """Wrap the class's method once; an instance attribute would make ORTModule unpicklable."""
    if _MARK in vars(manager_class):
        return
    original = manager_class._create_execution_agent

    @functools.wraps(original)
    def _create_execution_agent(self: Any) -> None:
        original(self)
        reference = _watchers.get(self)
        callback = None if reference is None else reference()
        if callback is not None:
            callback(self)

    manager_class._create_execution_agent = _create_execution_agent
    setattr(manager_class, _MARK, True)


def as_tensors(values: OrtValues) -> tuple[torch.Tensor, ...]:
    """Return an OrtValueVector's values as tensors that share memory with ORT."""
    utils: Any = importlib.import_module("onnxruntime.training.ortmodule._utils")
    return cast("tuple[torch.Tensor, ...]", utils._ortvalues_to_torch_tensor(cast(Any, values)))
