"""``ortviz.wrap``, ``load`` and ``unwrap``: where capture, session and widgets are put together."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ortviz.compare import Tolerance, tolerance_rules
from ortviz.errors import EnvironmentProblem, StoreError, WrapError
from ortviz.findings.known_failures import add_advice
from ortviz.record import KeepRules, Level, ToleranceRule, Verify
from ortviz.record.keeping import DEFAULT_KEEP_BYTES
from ortviz.record.node_times import DEFAULT_REPEATS
from ortviz.session.keep_options import keep_rules
from ortviz.session.recorder import Recorder
from ortviz.session.registry import runs
from ortviz.session.run import Run
from ortviz.session.storage import check_writable, default_path, new_stamp, of_rank

if TYPE_CHECKING:
    from torch import nn

_DOCTOR = "`ortviz doctor` says more."
_CHOICES: Mapping[str, tuple[type[Enum], str, str]] = {
    "level": (
        Level,
        "There is no level {!r}.",
        (
            'level="module" reads what leaves a module; level="tensor" reads every '
            "floating-point tensor of ORT's training graph."
        ),
    ),
    "verify": (
        Verify,
        "There is no verify={!r}.",
        (
            'verify="auto" looks into few sampled steps deeply, "always" into all, "never" into '
            "those asked for with run.verify_next()."
        ),
    ),
}
"""Arguments that take one of few words: which, and what is said of another one."""


def wrap(
    model: nn.Module,
    every: int = 1,
    name: str | None = None,
    path: str | Path | None = None,
    debug_options: Any = None,
    *,
    level: str = "module",
    verify: str = "auto",
    compare: bool = True,
    keep: str | Iterable[str] = (),
    histograms: str | Iterable[str] = (),
    rerun: bool = False,
    keep_bytes: int = DEFAULT_KEEP_BYTES,
    tolerances: Mapping[str, float | Tolerance] | None = None,
    node_times: bool | int = False,
    strict: bool = False,
    total_steps: int | None = None,
) -> nn.Module:
    """Make a model train through ONNX Runtime and record what happens.

    Args:
        model: The model, whose parameters the optimiser keeps.
        every: Sample each so-many-th training step; losses are recorded at every step.
        name: Of the run, for a person; the model's class name by default.
        path: Of the run's file. By default a new one below ``ortviz_runs`` in the working
            directory, or in ``$ORTVIZ_RUNS``. When the file exists another free name is taken.
            In a distributed training each process records its own, ``name.rank0.ortviz``.
        debug_options: ORTModule's ``DebugOptions``; its log level is kept.
        level: Which of ORT's tensors sampled steps read: ``module`` for those that leave a module
            and their gradients, ``tensor`` for every floating-point tensor of the optimised
            training graph, forward and backward.
        verify: Which sampled steps are also run by ONNX Runtime a second time, by PyTorch in
            float64, and module by module on ONNX Runtime's own inputs, which tells rounding from
            error and an error from one inherited: ``auto`` for the first step of every export,
            steps whose results leave PyTorch's further behind than before, and now and then;
            ``always`` and ``never``. ``run.verify_next()`` asks for one.
        compare: Run eager PyTorch beside each sampled step and compare. Without it only ORT's
            statistics are recorded, at a fraction of the cost; PyTorch then runs at the first
            sampled step of every export only, which tells what the modules return.
        keep: Patterns of sites whose whole tensors are kept at sampled steps, on both sides, such
            as ``"forward/blocks.0*"`` or ``("*/head#*", "parameter_grad/*")``; read them with
            ``run.steps[40].tensor(…)``.
        histograms: Patterns of sites whose histograms are kept at sampled steps.
        rerun: Keep what re-running a sampled step takes (weights, inputs, dropout masks, arriving
            gradients): ``run.steps[40].rerun(model)`` then has every tensor of that step.
        keep_bytes: Budget of the kept tensors; once used up, no more are kept. The re-runnable
            steps have as much again; of them the oldest give way to the newest.
        tolerances: What counts as rounding at some sites, in place of the table by dtype: patterns
            of site ids with the largest error allowed, divided by the tensor's largest value,
            such as ``{"forward/blocks.*": 1e-3, "parameter_grad/*": 1e-2}``. Of several patterns
            that match a site the last one counts. An :class:`ortviz.Tolerance` in place of the
            number also sets an absolute error. Integers and booleans stay exact.
        node_times: Time the nodes of ORT's graph at the first sampled step of every export: it is
            run again beside the training, by ONNX Runtime's profiler in a session of its own, 20
            times or as often as a number says. ``run.time_nodes()`` does it once; read
            ``run.node_times``.
        strict: Raise whenever ONNX Runtime cannot run the model. By default it is as with
            ORTModule, which in many such cases goes on in eager PyTorch; the run says so.
        total_steps: How many training steps there will be, if known.

    Returns:
        A real ``ORTModule``; the run is its attribute ``ortviz``.

    Raises:
        WrapError: ``model`` is no ``nn.Module``, a ``DataParallel``, or wrapped already, or
            ``every`` is no whole number from 1 up, or there is no such ``level`` or ``verify``, or
            a pattern can match no site, or a tolerance is no finite number from 0 up, or
            ``node_times`` is no number of runs.
        EnvironmentProblem: ORTModule cannot be used here.
        StoreError: No file can be written at ``path``.
    """
    rules = keep_rules(keep, histograms, rerun=rerun, keep_bytes=keep_bytes)
    settings = Settings(every, name, path, debug_options, total_steps, level, rules, verify)
    settings = replace(settings, compare=compare, tolerances=tolerance_rules(tolerances))
    settings = replace(settings, node_times=_repeats(node_times))
    return attach(model, settings, on_failure="raise" if strict else "ortmodule").module


def load(path: str | Path) -> Run:
    """Open a run that was recorded earlier, or is being recorded by another process.

    Raises:
        StoreError: There is no such file, or it is no run of ortviz.
    """
    run = Run(Path(path), presenter=Presenter())
    _announce(run)
    return run


def unwrap(module: nn.Module) -> nn.Module:
    """End the run of a wrapped model and give the original model back.

    Raises:
        WrapError: ``module`` was not made by :func:`wrap`.
    """
    run = getattr(module, "__dict__", {}).get("ortviz")
    if not isinstance(run, Run):
        inside = getattr(getattr(module, "module", None), "__dict__", {})
        raise WrapError(
            f"This {type(module).__name__} was not wrapped by ortviz.",
            "What is inside of it was: pass its attribute `module`."
            if isinstance(inside.get("ortviz"), Run)
            else "The original of another ORTModule is its attribute `module`.",
        )
    run.close()
    original: nn.Module = module.module  # type: ignore[assignment]
    return original


@dataclass(frozen=True, slots=True)
class Settings:
    """What :func:`wrap` was asked for; the fields are its arguments, ``keep`` those of keeping."""

    every: int = 1
    name: str | None = None
    path: str | Path | None = None
    debug_options: Any = None
    total_steps: int | None = None
    level: str = Level.MODULE.value
    keep: KeepRules = field(default_factory=KeepRules)
    verify: str = Verify.AUTO.value
    compare: bool = True
    tolerances: tuple[ToleranceRule, ...] = ()
    node_times: int = 0


@dataclass(frozen=True, slots=True)
class Attached:
    """A model that is being recorded.

    Attributes:
        module: What to train: an ORTModule, or the original where ORTModule cannot be used.
        run: The run.
    """

    module: nn.Module
    run: Run


OnFailure = Literal["ortmodule", "raise", "eager"]


def attach(model: nn.Module, settings: Settings, *, on_failure: OnFailure) -> Attached:
    """Wrap and record, as :func:`wrap` does.

    Args:
        model: The user's own module.
        settings: How.
        on_failure: When ONNX Runtime cannot run the model: ``ortmodule`` does as ORTModule does,
            ``raise`` always raises, ``eager`` trains on in PyTorch and records in the temporary
            folder where the path cannot be written.

    Raises:
        OrtvizError: As :func:`wrap` says.
    """
    capture = capture_room()
    _check(model, settings)
    recorder = _recorder(model, settings, check_path=on_failure != "eager")
    save_dir = Path(tempfile.mkdtemp(prefix="ortviz-onnx-"))
    try:
        with _own_fallback(disabled=on_failure == "raise"):
            wrapped: nn.Module = capture.wrap_module(
                model,
                recorder,
                name=settings.name or type(model).__name__,
                every=settings.every,
                save_dir=save_dir,
                level=Level(settings.level),
                verify=Verify(settings.verify),
                compare=settings.compare,
                debug_options=settings.debug_options,
                on_failure="eager" if on_failure == "eager" else "raise",
                explain=add_advice,
                keep=settings.keep,
                keeping=recorder,
                node_times=settings.node_times,
            )
    except EnvironmentProblem as problem:
        shutil.rmtree(save_dir, ignore_errors=True)
        raise _with_doctor(problem) from problem
    except BaseException:
        shutil.rmtree(save_dir, ignore_errors=True)
        raise
    # ORTModule saves there again whenever it exports, so the folder lives as long as it does.
    weakref.finalize(wrapped, shutil.rmtree, save_dir, ignore_errors=True)
    run = _begin(recorder, _detacher(wrapped, recorder))
    # Through __dict__: ORTModule's __setattr__ would write to the user's own module.
    wrapped.__dict__["ortviz"] = run
    return Attached(wrapped, run)


def attach_eager(model: nn.Module, settings: Settings, reason: str) -> Attached:
    """Record a model that trains in eager PyTorch, because ORTModule cannot be used.

    Args:
        model: The user's own module; two forward hooks stay on it until the run ends.
        settings: How.
        reason: Why, one sentence for a person.

    Raises:
        OrtvizError: As :func:`wrap` says.
    """
    capture = capture_room()
    _check(model, settings)
    recorder = _recorder(model, settings, check_path=False)
    watch = capture.EagerWatch(
        model,
        recorder,
        name=settings.name or type(model).__name__,
        every=settings.every,
        reason=reason,
        keep=settings.keep,
        keeping=recorder,
    )
    return Attached(model, _begin(recorder, watch.close))


def capture_room() -> Any:
    """``ortviz.capture``, imported when it is first needed.

    Raises:
        EnvironmentProblem: PyTorch cannot be imported.
    """
    try:
        import ortviz.capture
    except ImportError as error:
        raise EnvironmentProblem(
            f"PyTorch cannot be imported ({error}).", f"Run: pip install 'ortviz[cpu]'. {_DOCTOR}"
        ) from error
    return ortviz.capture


def _check(model: nn.Module, settings: Settings) -> None:
    capture_room().check_wrappable(model)
    for argument, value in (("every", settings.every), ("total_steps", settings.total_steps)):
        if value is None and argument == "total_steps":
            continue
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise WrapError(
                f"{argument} is a whole number of steps from 1 up, and this is {value!r}.",
                "every=10 samples each tenth training step.",
            )
    check_choice("level", settings.level)
    check_choice("verify", settings.verify)


def _repeats(node_times: object) -> int:
    """How often a step is run again to time its nodes; 0 for not at all."""
    if isinstance(node_times, bool):
        return DEFAULT_REPEATS if node_times else 0
    if not isinstance(node_times, int) or node_times < 0:
        raise WrapError(
            f"node_times is True, False or a number of runs, and this is {node_times!r}.",
            "node_times=True times the nodes in 20 runs.",
        )
    return node_times


def check_choice(option: str, value: object) -> None:
    """Refuse what is none of the values that ``level`` or ``verify`` may have.

    Args:
        option: The name of the argument.
        value: What was given for it.

    Raises:
        WrapError: Says which there are.
    """
    known, what, meanings = _CHOICES[option]
    if value not in [each.value for each in known]:
        raise WrapError(what.format(value), meanings)


def _recorder(model: nn.Module, settings: Settings, *, check_path: bool) -> Recorder:
    place = capture_room().place()
    if settings.path is None:
        name = settings.name or type(model).__name__
        stamp = capture_room().agreed(f"stamp/{name}", new_stamp())
        path = of_rank(default_path(name, stamp), place.rank, place.world_size)
    else:
        path = Path(settings.path).expanduser().absolute()
        if path.is_dir() and check_path:
            raise StoreError(
                f"The run cannot be recorded at {path}: it is a folder.",
                "Pass the path of a file, for example path='runs/first.ortviz'.",
            )
        path = of_rank(path, place.rank, place.world_size)
        if check_path:
            check_writable(path)
    return Recorder(path, total_steps=settings.total_steps, tolerances=settings.tolerances)


@contextmanager
def _own_fallback(*, disabled: bool) -> Iterator[None]:
    """ORTModule reads its documented switch for going on in eager PyTorch when it is made."""
    variable = "ORTMODULE_FALLBACK_POLICY"
    before = os.environ.get(variable)
    if disabled:
        os.environ[variable] = "FALLBACK_DISABLE"
    try:
        yield
    finally:
        if disabled and before is None:
            del os.environ[variable]
        elif disabled and before is not None:
            os.environ[variable] = before


def _begin(recorder: Recorder, finish: Callable[[], None]) -> Run:
    recorder.before_end(finish)
    run = Run(recorder=recorder, presenter=Presenter())
    _announce(run)
    return run


def _announce(run: Run) -> None:
    from ortviz.widgets.target import register_target

    register_target()
    runs.add(run)


def _detacher(wrapped: nn.Module, recorder: Recorder) -> Callable[[], None]:
    """Stops watching when the run ends; holds the model weakly, and ends the run with it."""
    reference = weakref.ref(wrapped)
    weakref.finalize(wrapped, recorder.end).atexit = False

    def finish() -> None:
        module = reference()
        if module is not None and capture_room().is_wrapped(module):
            capture_room().detach(module)

    return finish


def _with_doctor(problem: EnvironmentProblem) -> EnvironmentProblem:
    if "ortviz doctor" in str(problem):
        return problem
    return EnvironmentProblem(problem.what, f"{problem.remedy} {_DOCTOR}".strip())


class Presenter:
    """Shows runs with the rooms above the session."""

    def show(self, run: Run, height: int | None) -> object:
        """The debugger's widget."""
        from ortviz.widgets import widget_for

        return widget_for(run, height)

    def write_report(self, run: Run, path: Path) -> Path:
        """One self-contained HTML file."""
        from ortviz.record.store import RunReader
        from ortviz.report import write_report

        if run.path is None:
            raise StoreError("Nothing of this run is recorded.", "See run.problems for why.")
        with RunReader.open(run.path) as reader:
            return write_report(reader, path)
