"""The five stages of a model that is not to be trained: built by ORTModule, never run by ORT."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ortviz._compat import ensure_ortmodule, ort_private
from ortviz._compat.ort_agents import OrtValues, on_agent_created, set_execution_agent
from ortviz.capture.fallback_off import fallback_off
from ortviz.capture.model_info import describe_run, module_aliases
from ortviz.capture.random_state import preserved_random_state
from ortviz.capture.shadow import copy_sharing_parameters
from ortviz.capture.trees import detached_copy, map_tensors
from ortviz.capture.wrap import check_wrappable
from ortviz.errors import CaptureError
from ortviz.graphs import ModuleScopes, read_graph
from ortviz.graphs.lineage import with_lineage
from ortviz.record import ORTMODULE_STAGES, GraphRecord, Mode, RunInfo

_PREFIX = "model"


@dataclass(frozen=True, slots=True)
class Export:
    """What ORTModule made of a model.

    Attributes:
        info: What is known of the model.
        graphs: The stages that came out, in order.
        failure: What ORTModule raised; None when the training graph was built.
    """

    info: RunInfo
    graphs: tuple[GraphRecord, ...]
    failure: BaseException | None


class _BuiltError(Exception):
    """The forward was stopped once ORT's graph was there."""


class _Stop:
    """Stands in for ORT's agent and runs nothing, so that ORT's generator draws nothing."""

    def __init__(self) -> None:
        self.reached = False

    def run_forward(
        self, feeds: OrtValues, fetches: OrtValues, state: object, cache: object = None
    ) -> None:
        """The graph is built and saved; nothing more is needed."""
        self.reached = True
        raise _BuiltError

    def run_backward(self, feeds: OrtValues, fetches: OrtValues, state: object) -> None:
        """Never comes: no forward returns."""
        raise _BuiltError


def export_stages(
    model: nn.Module,
    args: Sequence[object],
    kwargs: Mapping[str, object],
    folder: Path,
    name: str,
) -> Export:
    """Have ORTModule export a copy of a model in training mode and build its training graph.

    The model, its gradients, buffers and hooks, the inputs, and all random generators stay as
    they are. The model's own forward runs as often as the exporter runs it.

    Args:
        model: The user's own module.
        args: Positional arguments of one forward.
        kwargs: Keyword arguments.
        folder: An empty folder for ORTModule's files.
        name: For a person.

    Raises:
        WrapError: ``model`` is none that ORTModule takes.
        CaptureError: It cannot be copied.
        EnvironmentProblem: ORTModule cannot be used here.
    """
    check_wrappable(model)
    api: Any = ensure_ortmodule()
    options = api.DebugOptions(
        log_level=api.LogLevel.ERROR, save_onnx=True, onnx_prefix=_PREFIX, save_path=str(folder)
    )
    try:
        twin = copy_sharing_parameters(model)
    except CaptureError as error:
        raise CaptureError(
            f"{type(model).__name__} cannot be copied: {error.__cause__}.",
            "Make it work with copy.deepcopy, or pass a run: ortviz.wrap(model) needs no copy.",
        ) from error
    given = map_tensors((tuple(args), dict(kwargs)), detached_copy)
    with preserved_random_state(), torch.enable_grad(), fallback_off():
        failure = _build(api, twin.train(), given, options)
    names = tuple(name for name, _ in model.named_modules())
    scopes = ModuleScopes(names, module_aliases(model))
    graphs = tuple(_saved(folder, scopes))
    return Export(describe_run(model, name, 1), graphs, failure)


def _build(api: Any, twin: nn.Module, given: Any, options: Any) -> BaseException | None:
    stop = _Stop()
    args, kwargs = given
    try:
        ort_module: nn.Module = api.ORTModule(twin, options)
        manager = ort_private.training_manager(ort_module)
        if manager is None:
            return ort_private.is_fallback(ort_module)[1] or CaptureError("ORTModule gave up.")
        unwatch = on_agent_created(manager, lambda made: set_execution_agent(made, stop))
        try:
            ort_module(*args, **kwargs)
        finally:
            unwatch()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told, with what came out
        return None if stop.reached else error
    return None if stop.reached else CaptureError("ORTModule ran the model in eager PyTorch.")


def _saved(folder: Path, scopes: ModuleScopes) -> Iterator[GraphRecord]:
    previous: GraphRecord | None = None
    for stage in ORTMODULE_STAGES:
        path = folder / ort_private.saved_stage_file_name(_PREFIX, stage.value, training=True)
        if path.is_file():
            graph = read_graph(path.read_bytes(), Mode.TRAINING, stage, scopes)
            previous = with_lineage(graph, previous)
            yield previous
