"""One small run, kept as SQL in every format there has been.

``python tests/unit/record/golden/golden_run.py`` writes that of the present format, once, when
``SCHEMA_VERSION`` has been raised. A file that is there already is never written again: it is what
users have on their disks.
"""

from __future__ import annotations

import math
import sqlite3
import sys
import tempfile
from pathlib import Path

import numpy as np

from ortviz.record import (
    ArgumentTree,
    Direction,
    ErrorOrigin,
    EventKind,
    Finding,
    GradientArrival,
    GraphRecord,
    Half,
    Histogram,
    HookEvent,
    LossRecord,
    MaskCounts,
    MaskedElement,
    Mode,
    ModuleRecord,
    NodeRecord,
    NodeTime,
    NodeTimes,
    ParameterRecord,
    Problem,
    RawTensor,
    Rerunnable,
    RerunRecord,
    RunEvent,
    RunInfo,
    RunStatus,
    Severity,
    Side,
    Site,
    SiteComparison,
    SiteRecord,
    SiteStatus,
    Stage,
    StepComparison,
    StepLosses,
    StepRecord,
    TensorStats,
    ToleranceRule,
    Verdict,
)
from ortviz.record.reruns import argument_name, parameter_name
from ortviz.record.store import SCHEMA_VERSION, RunWriter

FOLDER = Path(__file__).parent
SITE = Site(Direction.FORWARD, "fc", "out0")


def path_of(version: int) -> Path:
    """Where the run is kept in one format."""
    return FOLDER / f"format_{version}.sql"


def build(version: int, path: Path) -> None:
    """Make the run file of a format from its SQL."""
    connection = sqlite3.connect(path)
    connection.executescript(path_of(version).read_text(encoding="utf-8"))
    connection.close()


def record(path: Path) -> None:
    """Write the run with the present writer."""
    info = RunInfo(
        run_id="golden",
        name="sunspots",
        created_unix_secs=1.75e9,
        every=8,
        engine="ortmodule",
        engine_reason="",
        versions=(("torch", "2.13.0"),),
        modules=(ModuleRecord("fc", "Linear", 6, True, "net.py:3", ("forward",), (), ("f",)),),
        parameters=(ParameterRecord("fc.weight", (2, 3), "float32", True),),
        tolerances=(ToleranceRule("forward/*", 1e-3, absolute=1e-9),),
    )
    with RunWriter.create(path, info) as writer:
        for step in range(40):
            writer.put_losses(_losses(step))
            if step % 8 == 0:
                writer.put_step(_step(step), _comparison(step))
        keep(writer)
        time_nodes(writer)
        node = NodeRecord(0, "n", "Gemm", "", ("x",), ("y",), Half.FORWARD, "fc", "output_name")
        writer.put_graph(
            GraphRecord(Mode.TRAINING, Stage.OPTIMIZED, (node,), (("Gemm", 1),), b"onnx", 0)
        )
        writer.put_findings(
            [Finding("k", "masked_elements", Severity.ERROR, "t", "e", "x", "r", first_step=4)]
        )
        writer.put_event(RunEvent(EventKind.EXPORT, 0, "Exported."))
        writer.put_problem(Problem("Something.", "Do this.", 3, "detail"))
        writer.set_state(RunStatus.ENDED, 39, 40, 40, 12.5)


def keep(writer: RunWriter) -> None:
    """What runs hold since format 2: a tensor, a histogram, a step that can be re-run."""
    tensor = RawTensor(np.array([[0.5, -2.0]], np.float32), "bfloat16")
    writer.put_kept(16, SITE.id, 0, {Side.REFERENCE: tensor, Side.CANDIDATE: tensor})
    writer.put_histogram(16, SITE.id, Side.CANDIDATE, Histogram(-2.0, 0.5, (1, 0, 1), nan_count=1))
    given = ArgumentTree("tensor", argument_name(0), requires_grad=True)
    rerun = RerunRecord(
        16,
        ArgumentTree("tuple", items=(given, ArgumentTree("literal", literal=0.5))),
        ArgumentTree("dict", keys=("mask",), items=(ArgumentTree("literal"),)),
        ("fc.weight",),
        (),
        mask_count=0,
        autocast=(("cpu", "bfloat16"),),
    )
    tensors = {argument_name(0): tensor, parameter_name("fc.weight"): tensor}
    writer.put_rerun(Rerunnable(rerun, tensors), 1 << 20, 0)


def time_nodes(writer: RunWriter) -> None:
    """What runs hold since format 3: how long nodes of ORT's graph take."""
    nodes = (NodeTime("/fc/Gemm_output_0", "Gemm", 0.125, 2),)
    writer.put_node_times(NodeTimes(16, 20, nodes, 0.25, 0.5, device="cpu"))


def _step(step: int) -> StepRecord:
    stats = TensorStats((2, 3), "float32", 6, -1.5, 2.0, 0.1, 0.7, float(step), 1, 0, 0, 0, None)
    seen = SiteRecord(SITE, 0, SiteStatus.CAPTURED, stats, "", "/fc/Gemm", "Linear")
    gone = SiteRecord(SITE, 0, SiteStatus.FUSED_AWAY, None, "Merged into Gelu.")
    hooks = (HookEvent(0, "forward", "fc", 0, 0.25),)
    return StepRecord(step, Mode.TRAINING, False, (seen,), (gone,), hooks, 0.5, None, ("A note.",))


def _comparison(step: int) -> StepComparison:
    numbers = (math.inf, math.nan, None, (1, 2), -math.inf, 0.1, 2, 1e-4)
    measures = (4096.0, -0.5, 0.25, math.inf, ErrorOrigin.HERE, 0.5, math.nan, "the table")
    site = SiteComparison(SITE, Verdict.DIVERGENT, "far", *numbers, *measures)
    first = {Direction.FORWARD: SITE}
    return StepComparison(step, (site,), first, first)


def _losses(step: int) -> StepLosses:
    mape = math.nan if step == 4 else float(step)
    masks = (MaskCounts(1, 0, 0), MaskCounts())
    record = LossRecord(
        Side.CANDIDATE, 0.5 * step, mape, None, None, 0.25, *masks, 8, mape, "mape", 1, 2, 3
    )
    masked = (MaskedElement("mape", (0, 3), 1, 0.0, 0.0, math.nan),)
    arrival = GradientArrival(1, 2, (0, 3), 0.5, 0.0) if step == 4 else None
    return StepLosses(step, record, None, masked, (2, 4), arrival, "A note.")


def main() -> int:
    """Write the SQL of the present format, unless it is there."""
    target = path_of(SCHEMA_VERSION)
    if target.exists():
        sys.stderr.write(f"{target} exists; a format that users have does not change.\n")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.ortviz"
        record(path)
        connection = sqlite3.connect(path)
        pragmas = [
            f"PRAGMA {name} = {connection.execute(f'PRAGMA {name}').fetchone()[0]};"
            for name in ("application_id", "user_version")
        ]
        lines = [*pragmas, *connection.iterdump()]
        connection.close()
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
