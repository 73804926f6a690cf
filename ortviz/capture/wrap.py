"""A user's module -> an ORTModule that is watched."""

from __future__ import annotations

import functools
import re
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from torch import nn

from ortviz._compat import ProgressSink, ensure_ortmodule, ort_private
from ortviz._compat.ort_agents import execution_agent, on_agent_created, set_execution_agent
from ortviz._compat.ort_private import ExecutionManager
from ortviz.capture.agent_switch import AgentSwitch
from ortviz.capture.call_state import evaluating
from ortviz.capture.copies import make_copyable
from ortviz.capture.deep import DeepSteps
from ortviz.capture.exports import ExportWatch
from ortviz.capture.model_info import describe_run, module_aliases
from ortviz.capture.node_times import NodeTimer
from ortviz.capture.observer import StepObserver
from ortviz.capture.pending import PendingStep
from ortviz.capture.stages import StageCollector
from ortviz.capture.tapped_build import TappedBuilder
from ortviz.capture.taps import Taps
from ortviz.errors import EnvironmentProblem, WrapError
from ortviz.graphs import ModuleScopes
from ortviz.record import EventKind, Keeping, KeepRules, Level, Mode, RunEvent, Sink, Verify

OnFailure = Literal["raise", "eager"]
_PREFIX = "model"
_QUOTES = re.compile(r"[\s'\"]+")
_KEY = "_ortviz_watched"


def wrap_module(
    model: nn.Module,
    sink: Sink,
    *,
    name: str,
    every: int,
    save_dir: Path,
    level: Level = Level.MODULE,
    verify: Verify = Verify.AUTO,
    compare: bool = True,
    debug_options: Any = None,
    on_failure: OnFailure = "raise",
    progress: ProgressSink | None = None,
    explain: Callable[[BaseException], None] | None = None,
    keep: KeepRules | None = None,
    keeping: Keeping | None = None,
    node_times: int = 0,
) -> nn.Module:
    """Build an ORTModule with DebugOptions around ``model`` and watch it.

    Args:
        model: The user's own module.
        sink: Gets everything that is seen.
        name: Of the run, for a person.
        every: Recorded in the run; the sink decides which steps are sampled.
        save_dir: Existing folder for the five stages of each mode.
        level: Which of ORT's tensors sampled steps read.
        verify: Which sampled steps are looked into deeply.
        compare: Whether eager PyTorch runs beside sampled steps.
        debug_options: The user's DebugOptions; their log level is kept.
        on_failure: What to do when ORT raises in a forward: ``raise`` as ORTModule does, or
            train on in eager PyTorch, saying so.
        progress: Told while extensions compile.
        explain: Given what a forward raises before it is raised on, to add what it means.
        keep: What is kept of sampled steps beside statistics; recorded in the run.
        keeping: Asked at sampled steps which tensors are wanted; None when none is.
        node_times: How often the first sampled step of every export is run again, in a session of
            its own, to time its nodes; 0 for not at all.

    Returns:
        A real ORTModule.

    Raises:
        WrapError: ``model`` cannot be wrapped.
        EnvironmentProblem: ORTModule cannot be used here.
    """
    check_wrappable(model)
    api = ensure_ortmodule(progress) if progress is not None else ensure_ortmodule()
    options = _options(api, save_dir, debug_options)
    evaluating_before = evaluating(model) if model.training else frozenset()
    ort_module: nn.Module = api.ORTModule(model, options)
    make_copyable(ort_module, options.logging.log_level.name)
    watched = WrappedModule(
        ort_module, model, sink, save_dir, on_failure, explain, level, keeping, verify
    )
    watched.observer.compares = compare
    if watched.observer.timer is not None:
        watched.observer.timer.every_export = node_times
    info = describe_run(model, name, every)
    sink.started(replace(info, level=level, keep=keep or KeepRules()))
    watched.exports.tell_modes(evaluating_before, 0)
    return ort_module


def check_wrappable(model: object) -> None:
    """Refuse what ORTModule cannot take.

    Raises:
        WrapError: Says what it is and what to pass instead.
    """
    if not isinstance(model, nn.Module):
        what = f"the class {model.__name__}" if isinstance(model, type) else repr(type(model))
        raise WrapError(
            f"ortviz wraps a torch.nn.Module, and this is {what}.",
            "Pass the model itself, not its output, its class or its name.",
        )
    if isinstance(model, nn.DataParallel):
        raise WrapError(
            "ORTModule does not work with torch.nn.DataParallel.",
            "Wrap the module inside: ortviz.wrap(model.module), or use DistributedDataParallel "
            "around the wrapped module.",
        )
    if isinstance(model, nn.parallel.DistributedDataParallel):
        raise WrapError(
            "ORTModule around DistributedDataParallel trains each process on its own.",
            "Wrap first: DistributedDataParallel(ortviz.wrap(model)), in every process.",
        )
    if ort_private.is_ort_module(model):
        again = " by ortviz" if is_wrapped(model) else ""
        raise WrapError(
            f"This model is already an ORTModule{again}.",
            "Its run is model.ortviz." if again else "Pass the original: model.module.",
        )


def is_wrapped(module: object) -> bool:
    """Whether ``module`` is an ORTModule made by :func:`wrap_module` and still watched."""
    return isinstance(module, nn.Module) and _KEY in vars(module)


def finish(wrapped: nn.Module) -> None:
    """Hand steps that still wait for a backward to the sink."""
    watched: WrappedModule | None = vars(wrapped).get(_KEY)
    if watched is not None:
        watched.observer.finish()


def detach(wrapped: nn.Module) -> nn.Module:
    """Stop watching and give the original module back; the ORTModule goes on working.

    Raises:
        WrapError: ``wrapped`` is not watched.
    """
    watched: WrappedModule | None = vars(wrapped).pop(_KEY, None)
    if watched is None:
        raise WrapError("This module is not watched by ortviz.", "There is nothing to undo.")
    return watched.release()


class WrappedModule:
    """Holds what belongs to one watched ORTModule and undoes it."""

    def __init__(
        self,
        ort_module: nn.Module,
        model: nn.Module,
        sink: Sink,
        save_dir: Path,
        on_failure: OnFailure,
        explain: Callable[[BaseException], None] | None = None,
        level: Level = Level.MODULE,
        keeping: Keeping | None = None,
        verify: Verify = Verify.AUTO,
    ) -> None:
        self._explain = explain
        self._ort_module = weakref.ref(ort_module)
        self._model = model
        self._sink = sink
        self._on_failure = on_failure
        self._gave_up = False
        names = tuple(name for name, _ in model.named_modules())
        self._scopes = scopes = ModuleScopes(names, module_aliases(model))
        self._stages = StageCollector(save_dir, _PREFIX, scopes, sink)
        self.exports = ExportWatch(model, self._stages, sink)
        self._undo: list[Any] = []
        self.observer = StepObserver(model, sink, None, keeping)
        manager = ort_private.training_manager(ort_module)
        if manager is not None:
            self.observer.fallback = False
            self.observer.taps = Taps(
                manager,
                TappedBuilder(manager, self._stages, scopes, names),
                level,
                sink,
                self.observer.backward_done,
                self.observer.guarded,
            )
            self.observer.deep = DeepSteps(manager, verify, self.observer.guarded)
            self.observer.timer = NodeTimer(manager)
            self._undo.append(on_agent_created(manager, self._training_agent_created))
        inference = ort_private.inference_manager(ort_module)
        if inference is not None:
            self._undo.append(on_agent_created(inference, self._inference_agent_created))
        self._forward = ort_module.forward

        @functools.wraps(self._forward)
        def forward(*args: Any, **kwargs: Any) -> Any:
            return self._observed_forward(args, kwargs)

        # Through __dict__: ORTModule's __setattr__ would write to the user's own module.
        ort_module.__dict__["forward"] = forward
        ort_module.__dict__[_KEY] = self

    def release(self) -> nn.Module:
        """Put everything back as ORTModule made it."""
        self.observer.finish()
        for undo in self._undo:
            undo()
        ort_module = self._ort_module()
        if ort_module is not None:
            ort_module.__dict__["forward"] = self._forward
            manager = ort_private.training_manager(ort_module)
            agent = execution_agent(manager) if manager is not None else None
            taps = self.observer.taps
            # A backward that is still to come must find the agent that ran its forward.
            waiting = taps is not None and taps.outstanding
            if manager is not None and isinstance(agent, AgentSwitch) and not waiting:
                set_execution_agent(manager, agent.plain)
        return self._model

    def _observed_forward(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        ort_module = self._ort_module()
        assert ort_module is not None
        if self._gave_up:
            return self._eager_forward(args, kwargs)
        if not ort_private.is_training_step(ort_module):
            with self.exports.calling((args, kwargs)):
                return self._guard_failure(self._forward, args, kwargs)
        taps = self.observer.taps
        pending = self.observer.begin(args, kwargs)
        if taps is not None:
            taps.current = pending
        try:
            with self.exports.calling((args, kwargs)):
                result = self._guard_failure(self._forward, args, kwargs)
        except BaseException:
            self.observer.abandoned(pending)
            raise
        finally:
            if taps is not None:
                taps.current = None
        self._look_for_fallback(ort_module, pending.step)
        if pending.sampled and not self.observer.fallback:
            self.observer.guarded(pending, lambda: self._note_unseen(pending, args, kwargs))
        self.observer.returned(pending, args, kwargs, result)
        return result

    def _eager_forward(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        training = self._model.training and ort_private.is_training_step(self._model)
        if not training:
            return self._model(*args, **kwargs)
        pending = self.observer.begin(args, kwargs)
        try:
            result = self._model(*args, **kwargs)
        except BaseException:
            self.observer.abandoned(pending)
            raise
        self.observer.returned(pending, args, kwargs, result)
        return result

    def _guard_failure(self, forward: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            return forward(*args, **kwargs)
        except Exception as error:
            if self._on_failure == "raise" or self.observer.next_step > 1:
                if self._explain is not None:
                    self._explain(error)
                raise
            failure = error
        # Outside of the except clause: what eager PyTorch raises too is the user's own mistake,
        # and is told as PyTorch tells it.
        result = self._model(*args, **kwargs)
        self._gave_up = True
        self.observer.fallback = True
        self._fallback_event(failure, 0)
        return result

    def _look_for_fallback(self, ort_module: nn.Module, step: int) -> None:
        pending, error = ort_private.is_fallback(ort_module)
        if pending and not self.observer.fallback:
            self.observer.fallback = True
            self._fallback_event(error, step)

    def _fallback_event(self, error: BaseException | None, step: int) -> None:
        cause = _root_cause(error)
        self._sink.event(
            RunEvent(
                EventKind.FALLBACK,
                step,
                "ORTModule gave up and the model runs in eager PyTorch from here on.",
                detail=f"{type(cause).__name__}: {cause}" if cause is not None else "",
                module=self._module_named_in(str(cause)),
            )
        )

    def _module_named_in(self, message: str) -> str | None:
        names = tuple(name for name, _ in self._model.named_modules())
        return ModuleScopes(names, module_aliases(self._model)).module_of(
            message.split("'")[0]
        ) or (
            next(
                (
                    found
                    for part in message.replace('"', "'").split()
                    if (found := ModuleScopes(names).module_of(part.strip("'().")))
                ),
                None,
            )
        )

    def _training_agent_created(self, manager: ExecutionManager) -> None:
        taps = self.observer.taps
        agent = execution_agent(manager)
        if taps is None or agent is None or isinstance(agent, AgentSwitch):
            return
        taps.reset()
        set_execution_agent(manager, AgentSwitch(agent, taps))
        self.exports.agent_created(manager, Mode.TRAINING, max(self.observer.next_step - 1, 0))

    def _inference_agent_created(self, manager: ExecutionManager) -> None:
        self.exports.agent_created(manager, Mode.INFERENCE, max(self.observer.next_step - 1, 0))

    def _note_unseen(
        self, pending: PendingStep, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        pending.unseen_changes = self.exports.unseen_changes((args, kwargs))


def _root_cause(error: BaseException | None) -> BaseException | None:
    while error is not None and (error.__cause__ or error.__context__) is not None:
        error = error.__cause__ or error.__context__
    return error


def _options(api: Any, save_dir: Path, given: Any) -> Any:
    """DebugOptions that save every stage; ORTModule's banner is kept out of the notebook."""
    level = api.LogLevel.ERROR if given is None else given.logging.log_level
    # ORTModule's FATAL is no severity ONNX Runtime knows: creating the session would fail.
    if level == api.LogLevel.FATAL:
        level = api.LogLevel.ERROR
    try:
        return api.DebugOptions(
            log_level=level, save_onnx=True, onnx_prefix=_PREFIX, save_path=str(save_dir)
        )
    except Exception as error:
        raise EnvironmentProblem(
            f"ORTModule cannot save its graphs into {save_dir}: {error}",
            "Choose another folder: ortviz.wrap(model, path=…).",
        ) from error
