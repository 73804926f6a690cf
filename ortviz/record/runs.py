"""What is known of a run as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field

from ortviz.record._enum import StrEnum
from ortviz.record.keeping import KeepRules


class RunStatus(StrEnum):
    """Where a run stands."""

    WAITING = "waiting"
    """No step yet."""
    LIVE = "live"
    PAUSED = "paused"
    """Training goes on; nothing is sampled."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class ModuleRecord:
    """One module of the user's model.

    Attributes:
        name: Fully qualified name; ``""`` is the root.
        type_name: Class name.
        parameter_count: Elements of its own parameters, children not included.
        training: ``module.training`` when wrapped.
        source: ``file:line`` of the class, empty where unknown. The file's base name only.
        hooks: Kinds of hooks the user had registered on it when wrapped.
        buffers: Local names of its own buffers.
        hook_sources: ``kind name (file:line)`` of each hook, for a person.
    """

    name: str
    type_name: str
    parameter_count: int
    training: bool
    source: str = ""
    hooks: tuple[str, ...] = ()
    buffers: tuple[str, ...] = ()
    hook_sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ParameterRecord:
    """One parameter, as ``named_parameters()`` names it, in depth order.

    Attributes:
        name: Fully qualified name.
        shape: Sizes of the axes.
        dtype: PyTorch's name without ``torch.``.
        requires_grad: Whether it is trained.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    requires_grad: bool


class Level(StrEnum):
    """Which of ORT's tensors a sampled step reads."""

    MODULE = "module"
    """Those that leave a module, and their gradients."""
    TENSOR = "tensor"
    """Every floating-point tensor of the optimised training graph, forward and backward."""


@dataclass(frozen=True, slots=True)
class ToleranceRule:
    """What counts as rounding at the sites that a pattern matches, in place of the table.

    Attributes:
        pattern: Of site ids, as :func:`fnmatch.fnmatchcase` reads it.
        relative: Largest error allowed, divided by the tensor's largest |reference|.
        zero_gradient: Likewise, divided by the size of the terms a gradient is a sum of; None
            for what the table says.
        absolute: Error that is always allowed, in the tensor's own unit; None for what the table
            says.
    """

    pattern: str
    relative: float
    zero_gradient: float | None = None
    absolute: float | None = None


@dataclass(frozen=True, slots=True)
class RunInfo:
    """Written once when a run begins.

    Attributes:
        run_id: Random identifier.
        name: For a person, for example the variable's name.
        created_unix_secs: When, in seconds since the epoch.
        every: A step is sampled when its number divides by this.
        engine: ``ortmodule``, or ``eager`` when ORTModule could not be used; ``file`` where
            nothing ran and only ONNX files are there.
        engine_reason: Why it is eager; empty otherwise.
        versions: (package, version) of torch, onnxruntime-training, Python, ortviz.
        modules: In the order of ``named_modules()``.
        parameters: In the order of ``named_parameters()``.
        level: Which of ORT's tensors are read.
        rank: This process's place in a distributed training, from 0.
        world_size: How many processes train together; 1 when it is not distributed.
        group_id: The same in the runs of those processes; empty when it is not distributed, or
            they could not agree.
        keep: Which raw tensors and histograms were asked for.
        tolerances: What the user allows at some sites; where several match, the last one counts.
    """

    run_id: str
    name: str
    created_unix_secs: float
    every: int
    engine: str
    engine_reason: str
    versions: tuple[tuple[str, str], ...]
    modules: tuple[ModuleRecord, ...]
    parameters: tuple[ParameterRecord, ...]
    level: Level = Level.MODULE
    rank: int = 0
    world_size: int = 1
    group_id: str = ""
    keep: KeepRules = field(default_factory=KeepRules)
    tolerances: tuple[ToleranceRule, ...] = ()


class EventKind(StrEnum):
    """Things that happen to a run outside the numbers of a step."""

    FALLBACK = "fallback"
    """ORTModule gave up on ORT and runs eager PyTorch from here on."""
    EXPORT = "export"
    """ORTModule exported the model, for the first time or again."""
    SAMPLING_SKIPPED = "sampling_skipped"
    """A step that was due was not recorded."""


@dataclass(frozen=True, slots=True)
class RunEvent:
    """One such thing.

    Attributes:
        kind: What happened.
        step: At which step.
        message: One sentence for a person.
        detail: The cause's own message, for example ORT's exception; may be empty.
        module: Fully qualified module name it could be traced to; None otherwise.
    """

    kind: EventKind
    step: int
    message: str
    detail: str = ""
    module: str | None = None
