"""A small run made of records alone: a forecaster trained with MAPE on a series with a zero in it.

Eight steps, every second one sampled. At step 3 a target is 0 and the prediction is 0 too, so
that 0/0 is masked, the loss stays finite and the gradient is NaN; from step 4 on every weight is
NaN, everything is masked and the loss is exactly 0. All numbers are dyadic, so that the messages
made of them are the same bytes on every machine.
"""

from __future__ import annotations

import math
from pathlib import Path

from golden_graphs import FORWARD_NAMES, GRAPHS

from ortviz.record import (
    Direction,
    ErrorOrigin,
    EventKind,
    Finding,
    GradientArrival,
    Histogram,
    HookEvent,
    KeepRules,
    LossRecord,
    MaskCounts,
    MaskedElement,
    Mode,
    ModuleRecord,
    NodeTime,
    NodeTimes,
    ParameterRecord,
    Problem,
    RunEvent,
    RunInfo,
    RunStatus,
    Severity,
    Side,
    Site,
    SiteComparison,
    SiteRecord,
    SiteStatus,
    StepComparison,
    StepLosses,
    StepRecord,
    TensorStats,
    Verdict,
    View,
)
from ortviz.record.store import RunReader, RunWriter

STEP_COUNT = 8
EVERY = 2
POISONED_STEP = 3
BATCH, HORIZON, WIDTH = 4, 3, 8

INFO = RunInfo(
    run_id="00000000000000000000000000000001",
    name="sunspots <b>&</b>",
    created_unix_secs=1_700_000_000.0,
    every=EVERY,
    engine="ortmodule",
    engine_reason="",
    versions=(("torch", "2.13.0"), ("onnxruntime-training", "1.19.2"), ("ortviz", "0.1.0")),
    modules=(
        ModuleRecord("", "Forecaster", 0, True, "forecaster.py:12"),
        ModuleRecord("norm", "BatchNorm1d", 16, True, buffers=("running_mean",)),
        ModuleRecord("blocks", "Sequential", 0, True),
        ModuleRecord(
            "blocks.0",
            "Linear",
            72,
            True,
            hooks=("forward",),
            hook_sources=("forward log (a.py:3)",),
        ),
        ModuleRecord("blocks.1", "ReLU", 0, True),
        ModuleRecord("head", "Linear", 27, True),
        ModuleRecord("unused", "Linear", 2, True),
    ),
    parameters=(
        ParameterRecord("norm.weight", (WIDTH,), "float32", True),
        ParameterRecord("norm.bias", (WIDTH,), "float32", True),
        ParameterRecord("blocks.0.weight", (WIDTH, WIDTH), "float32", True),
        ParameterRecord("blocks.0.bias", (WIDTH,), "float32", True),
        ParameterRecord("head.weight", (HORIZON, WIDTH), "float32", True),
        ParameterRecord("head.bias", (HORIZON,), "float32", True),
        ParameterRecord("unused.weight", (1, 1), "float32", True),
    ),
    keep=KeepRules(histogram_patterns=("forward/head*",)),
)
EMPTY_INFO = RunInfo(
    "00000000000000000000000000000002", "waiting", 0.0, 1, "ortmodule", "", (), (), ()
)

_TYPES = {module.name: module.type_name for module in INFO.modules}
_OUTPUTS = [
    ("norm", WIDTH),
    ("blocks.0", WIDTH),
    ("blocks.1", WIDTH),
    ("head", HORIZON),
    ("", HORIZON),
]
_FUSED = "ONNX Runtime fused this into FusedGemm; the tensor does not exist there."


def write_run(path: Path) -> Path:
    """Write the whole run to ``path``."""
    with RunWriter.create(path, INFO) as writer:
        for graph in GRAPHS:
            writer.put_graph(graph)
        writer.put_event(RunEvent(EventKind.EXPORT, 0, "ORTModule exported the model."))
        for step in range(STEP_COUNT):
            writer.put_losses(losses(step))
            if step % EVERY == 0:
                writer.put_step(step_record(step), comparison(step))
        for side, low in ((Side.REFERENCE, -0.5), (Side.CANDIDATE, -0.25)):
            counts = tuple(2 * (place % 8) for place in range(64))
            writer.put_histogram(2, "forward/head#out0", side, Histogram(low, 1.5, counts))
        nothing = Histogram(None, None, (0,) * 64, nan_count=12)
        writer.put_histogram(4, "forward/head#out0", Side.CANDIDATE, nothing)
        writer.put_node_times(NODE_TIMES)
        writer.put_findings(FINDINGS)
        writer.put_problem(
            Problem("Step 6 took long to write.", "Nothing to do.", 6, "Traceback: …")
        )
        writer.set_state(RunStatus.ENDED, STEP_COUNT - 1, STEP_COUNT, STEP_COUNT, 12.5)
    return path


def open_run(folder: Path) -> RunReader:
    """Write the run into a folder and open it."""
    return RunReader.open(write_run(folder / "golden.ortviz"))


def open_empty_run(folder: Path) -> RunReader:
    """A run that waits for its first step."""
    with RunWriter.create(folder / "empty.ortviz", EMPTY_INFO) as writer:
        path = writer.path
    return RunReader.open(path)


def tensor(shape: tuple[int, ...], scale: float, poisoned: bool = False) -> TensorStats:
    """Statistics as a tensor of that scale could have; all NaN when poisoned."""
    count = math.prod(shape)
    if poisoned:
        zero = (0,) * len(shape)
        return TensorStats(
            shape, "float32", count, None, None, None, None, None, 0, count, 0, 0, zero
        )
    return TensorStats(
        shape, "float32", count, -scale, scale, scale / 8, scale / 2, scale * 2, 0, 0, 0, 0, None
    )


def _sites(step: int) -> list[tuple[Site, tuple[int, ...], float]]:
    """Every site that eager PyTorch sees, in execution order, with shape and scale."""
    sites = [(Site(Direction.INPUT, "", "in0"), (BATCH, WIDTH), 1.0)]
    sites += [(Site(Direction.FORWARD, name, "out0"), (BATCH, n), 2.0) for name, n in _OUTPUTS]
    sites += [
        (Site(Direction.BACKWARD, name, "out0"), (BATCH, n), 0.25) for name, n in reversed(_OUTPUTS)
    ]
    sites += [
        (parameter_site(Direction.PARAMETER_GRAD, p.name), p.shape, 0.5) for p in INFO.parameters
    ]
    sites.append((Site(Direction.BUFFER, "norm", "running_mean"), (WIDTH,), 1.0 + step))
    return sites


def parameter_site(direction: Direction, name: str) -> Site:
    """The site of a parameter by its fully qualified name."""
    module, _, slot = name.rpartition(".")
    return Site(direction, module, slot)


def _is_poisoned(site: Site, step: int) -> bool:
    return step > POISONED_STEP and site.direction is not Direction.INPUT


def step_record(step: int) -> StepRecord:
    """Both sides of a sampled step."""
    reference, candidate = [], []
    for order, (site, shape, scale) in enumerate(_sites(step)):
        kind = _TYPES[site.module]
        stats = tensor(shape, scale, _is_poisoned(site, step))
        if site.module == "unused":
            why = "Nothing that reaches the loss uses it."
            none = SiteRecord(site, order, SiteStatus.NO_GRADIENT, None, why, "", kind)
            reference.append(none)
            candidate.append(none)
            continue
        reference.append(SiteRecord(site, order, SiteStatus.CAPTURED, stats, "", "", kind))
        if site.direction is Direction.INPUT:
            continue
        if site.module == "blocks.0" and site.direction in (Direction.FORWARD, Direction.BACKWARD):
            fused = SiteRecord(
                site, order, SiteStatus.FUSED_AWAY, None, _FUSED, _value_name(site), kind
            )
            candidate.append(fused)
            continue
        if site.direction is Direction.BUFFER:
            stats = tensor(shape, 1.0)
        value = _value_name(site)
        candidate.append(SiteRecord(site, order, SiteStatus.CAPTURED, stats, "", value, kind))
    for parameter in INFO.parameters:
        site = parameter_site(Direction.PARAMETER, parameter.name)
        stats = tensor(parameter.shape, 4.0, _is_poisoned(site, step))
        candidate.append(
            SiteRecord(site, len(candidate), SiteStatus.CAPTURED, stats, "", parameter.name)
        )
    extra = Site(Direction.FORWARD, "", "out1")
    candidate.append(
        SiteRecord(extra, 99, SiteStatus.CAPTURED, tensor((), 1.0), "", "loss", "Forecaster")
    )
    hooks = (
        HookEvent(0, "forward_pre", "blocks.0", 0),
        HookEvent(1, "forward", "blocks.0", 0, 0.0009765625),
        HookEvent(2, "full_backward", "blocks.0", 0, 0.001953125),
    )
    return StepRecord(
        step, Mode.TRAINING, False, tuple(reference), tuple(candidate), hooks, 0.0078125, 0.015625
    )


def _value_name(site: Site) -> str:
    """What the golden graphs call it; the model's own outputs have no name of their own."""
    if site.direction is Direction.PARAMETER_GRAD:
        return f"{site.module}.{site.slot}_grad"
    ending = "_grad" if site.direction is Direction.BACKWARD else ""
    return FORWARD_NAMES[site.module] + ending if site.module in FORWARD_NAMES else ""


def comparison(step: int) -> StepComparison:
    """Eager against ORT: rounding everywhere, but for the buffer that ORT never updates."""
    results = [
        _compared(site, shape, scale, step)
        for site, shape, scale in _sites(step)
        if site.direction is not Direction.INPUT
    ]
    buffer = Site(Direction.BUFFER, "norm", "running_mean")
    first = {Direction.BUFFER: buffer} if step > 0 else {}
    return StepComparison(step, tuple(results), first)


_TOLERANCE = "rounding of float32"


def _compared(site: Site, shape: tuple[int, ...], scale: float, step: int) -> SiteComparison:
    if site.module in ("blocks.0", "unused") and site.slot == "out0":
        return SiteComparison(site, Verdict.NOT_COMPARABLE, _FUSED)
    if site.module == "unused":
        return SiteComparison(site, Verdict.NOT_COMPARABLE, "Neither side has a gradient.")
    worst = (0,) * len(shape)
    if site.direction is Direction.BUFFER and step > 0:
        mismatch = WIDTH if _is_poisoned(site, step) else 0
        return SiteComparison(
            site,
            Verdict.DIVERGENT,
            "ONNX Runtime did not update this buffer.",
            None if mismatch else float(step),
            None if mismatch else step / scale,
            None if mismatch else step / 2,
            worst,
            math.nan if mismatch else scale,
            1.0,
            mismatch,
            2.0**-18,
            None if mismatch else 2.0**20 * step,
            None if mismatch else 0.5,
            1.0,
            tolerance_reason=_TOLERANCE,
        )
    if _is_poisoned(site, step) or site.direction is Direction.BUFFER:
        return SiteComparison(
            site, Verdict.EQUAL, tolerance=2.0**-18, mismatched_fraction=0.0,
            tolerance_reason=_TOLERANCE,
        )  # fmt: skip
    error = 2.0**-24
    return SiteComparison(
        site, Verdict.ROUNDING, "", error, error / scale, error / 4, worst, scale,
        scale + error, 0, 2.0**-18, 3.0, 1.0, 0.0, error / 2, ErrorOrigin.UNKNOWN, error / 4,
        error / 4 / scale, _TOLERANCE,
    )  # fmt: skip


def losses(step: int) -> StepLosses:
    """The three losses of a step, trained with MAPE."""
    count = BATCH * HORIZON
    shape, quiet = (BATCH, HORIZON), GradientArrival(0, 0)
    if step < POISONED_STEP:
        record = _loss(Side.CANDIDATE, 1.0 / (1 + step))
        return StepLosses(step, record, _reference(step), (), shape, quiet)
    if step == POISONED_STEP:
        masks = MaskCounts(nan_count=1), MaskCounts(nan_count=1)
        record = _loss(Side.CANDIDATE, 0.25, *masks, zeros=1)
        masked = tuple(
            MaskedElement(name, (2, 1), 1, 0.0, 0.0, math.nan) for name in ("mape", "smape")
        )
        arrival = GradientArrival(1, 0, (2, 1), 0.0, 0.0)
        return StepLosses(step, record, None, masked, shape, arrival)
    masks = MaskCounts(count - 1, 1, 0), MaskCounts(nan_count=count)
    record = _loss(Side.CANDIDATE, math.nan, *masks)
    masked = tuple(
        MaskedElement(
            name,
            (row, column),
            2 if name == "mape" and (row, column) == (0, 0) else 1,
            math.inf if name == "mape" and (row, column) == (0, 0) else math.nan,
            float(1 + row),
            0.0 if name == "mape" else None,
        )
        for name in ("mape", "smape")
        for row in range(BATCH)
        for column in range(HORIZON)
    )
    return StepLosses(step, record, _reference(step), masked, shape, quiet)


def _reference(step: int) -> LossRecord | None:
    if step % EVERY:
        return None
    return _loss(Side.REFERENCE, 1.0 / (1 + step) if step < POISONED_STEP else math.nan)


def _loss(
    side: Side,
    value: float,
    mape_mask: MaskCounts = MaskCounts(),  # noqa: B008 - frozen
    smape_mask: MaskCounts = MaskCounts(),  # noqa: B008
    zeros: int = 0,
) -> LossRecord:
    count = BATCH * HORIZON
    poisoned = math.isnan(value)
    mape = 0.0 if poisoned else value / 2
    return LossRecord(
        side,
        mae=value,
        mape=mape,
        smape=0.0 if poisoned else value / 4,
        effective_mape=None if poisoned else value / 2,
        effective_smape=None if poisoned else value / 4,
        mape_mask=mape_mask,
        smape_mask=smape_mask,
        element_count=count,
        user_value=mape,
        user_loss="mape",
        input_nonfinite_count=count if poisoned else 0,
        target_zero_count=zeros,
        target_nonfinite_count=0,
    )


NODE_TIMES = NodeTimes(
    step=2,
    repeat_count=20,
    nodes=(
        NodeTime(FORWARD_NAMES["norm"], "BatchNormalization", 2.0**-12),
        NodeTime(FORWARD_NAMES["blocks.1"], "FusedGemm", 2.0**-11),
        NodeTime("head.weight_grad", "Gemm", 2.0**-10),
        NodeTime("merged in the saved graph", "Gemm", 2.0**-12),
    ),
    forward_secs=2.0**-10,
    backward_secs=2.0**-9,
    device="cpu",
)

FINDINGS = (
    Finding(
        "frozen_batch_norm:norm",
        "frozen_batch_norm",
        Severity.WARNING,
        "norm.running_mean does not change in ONNX Runtime.",
        "After step 2: eager 3.0, ORT 1.0.",
        "ORTModule's training graph does not write running statistics back.",
        "Update them in eager mode before eval().",
        2,
        6,
        3,
        "norm",
        "buffer/norm#running_mean",
        View.TRACES,
    ),
    Finding(
        "masked_elements:mape",
        "masked_elements",
        Severity.ERROR,
        "Step 3: 1 of 12 elements of MAPE was masked, and its gradient is NaN.",
        "Element (2, 1): prediction 0.0, target 0.0, gradient NaN.",
        "0/0 is replaced by 0 in the value, but not in the gradient.",
        "Train with MapeLoss(safe_grad=True) or SmapeLoss.",
        3,
        7,
        5,
        None,
        "",
        View.LOSSES,
    ),
    Finding(
        "hooks_not_run:blocks.0",
        "hooks_not_run",
        Severity.INFO,
        "A forward hook on blocks.0 does not run.",
        "log (a.py:3)",
        "ORTModule runs hooks only while exporting.",
        "Put it on the wrapped module.",
        None,
        None,
        1,
        "blocks.0",
    ),
)
