"""What a report holds: the answers to everything its reader may ask, made beforehand."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ortviz.errors import OrtvizError
from ortviz.protocol.codec import Buffers, encode_frame
from ortviz.record import Mode, RunStatus, Stage
from ortviz.record.store import MASKED_LOSSES, RunReader, StoredGraph
from ortviz.report.hierarchy import HierarchyBudget
from ortviz.report.overlays import add_overlays, add_tensors
from ortviz.report.steps import Steps, choose_steps
from ortviz.session.commands import handle, summary
from ortviz.session.graph_files import GraphFiles
from ortviz.session.ranks import sibling_paths
from ortviz.views.summary import thinned

LOSS_POINTS = 4000
"""Bins of the loss curves; a report cannot ask for finer ones later."""
MAX_STEPS_BYTES = 24 * 2**20
"""Budget of the traces and gradients, compressed; beyond it fewer steps are taken."""
MAX_MODEL_BYTES = 32 * 2**20
"""Largest single ONNX file that is put in."""
MAX_MODELS_BYTES = 64 * 2**20
"""Budget of all ONNX files together, before compression."""
MAX_RANKS = 8
"""Processes of a distributed training that are put in."""
MAX_MASKED_STEPS = 200
"""Steps per loss whose masked elements are listed one by one."""

_STAGE_PRIORITY = (
    Stage.EXECUTION_MODEL,
    Stage.TORCH_EXPORTED,
    Stage.OPTIMIZED_PRE_GRAD,
    Stage.OPTIMIZED,
    Stage.POST_PROCESSED,
    Stage.MODEL,
)


@dataclass(slots=True)
class Contents:
    """What is embedded; the fields are those of ``StaticReport`` in ``static_transport.ts``.

    Attributes:
        frames: Key (command and parameters) to base64 of the gzipped frame.
        missing: Key or command to a sentence saying why it is not in the file.
        steps: Recorded steps whose traces and gradients are in the file.
        notes: Sentences for a person: what is in the file and what was left out.
        rank: The process of a distributed training that these are of; None for the run's own.
        share: How many processes share the budgets.
    """

    frames: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    steps: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rank: int | None = None
    share: int = 1

    def key(self, command: str, params: Mapping[str, object]) -> str:
        """What the page looks an answer up by."""
        rank = {} if self.rank is None else {"rank": self.rank}
        return request_key(command, {**params, **rank})

    def add(
        self, reader: RunReader | GraphFiles, command: str, params: Mapping[str, object]
    ) -> int:
        """Answer a command and keep it; returns the size of what was kept, in bytes."""
        if isinstance(reader, GraphFiles):
            payload, buffers = reader.answer(command, params)
        else:
            payload, buffers = handle(reader, command, params)
        return self.keep(command, params, payload, buffers)

    def keep(
        self,
        command: str,
        params: Mapping[str, object],
        payload: object,
        buffers: Sequence[bytes],
    ) -> int:
        """Keep an answer; returns the size of what was kept, in bytes."""
        packed = pack(encode_frame(payload, buffers))
        self.frames[self.key(command, params)] = packed
        return len(packed)


def request_key(command: str, params: Mapping[str, object]) -> str:
    """The same text for the same request, here and in ``requestKey`` of ``transport.ts``."""
    return f"{command}?{json.dumps(dict(params), sort_keys=True, separators=(',', ':'))}"


def pack(content: bytes) -> str:
    """Gzip and base64, as the page unpacks it; the same bytes give the same text."""
    return base64.b64encode(gzip.compress(content, 6, mtime=0)).decode("ascii")


def collect(reader: RunReader, max_steps: int) -> Contents:
    """Everything that is to be embedded.

    Args:
        reader: The run.
        max_steps: At most so many recorded steps, at least 2.

    Raises:
        StoreError: The run file cannot be read.
    """
    ranks = list(sibling_paths(reader.path, reader.info()).items())
    shown = ranks[: MAX_RANKS - 1]
    contents = _collect_one(reader, max_steps, Contents(share=1 + len(shown)))
    for rank, path in shown:
        with RunReader.open(path) as other:
            added = _collect_one(other, max_steps, Contents(rank=rank, share=1 + len(shown)))
        contents.frames.update(added.frames)
        contents.steps = sorted({*contents.steps, *added.steps})
        contents.notes += [f"Rank {rank}: {note}" for note in added.notes]
    if len(shown) < len(ranks):
        contents.notes.append(f"Of {len(ranks) + 1} ranks it holds the first {MAX_RANKS}.")
    return contents


def _collect_one(reader: RunReader, max_steps: int, contents: Contents) -> Contents:
    """What is to be embedded of one process."""
    for command in ("run", "findings", "graphs"):
        contents.add(reader, command, {})
    _add_losses(reader, contents)
    steps = _add_steps(reader, contents, max_steps)
    _add_summary(reader, contents, steps)
    _add_masks(reader, contents, steps)
    add_graphs(reader, contents)
    add_overlays(reader, contents, steps)
    add_tensors(reader, contents, steps)
    contents.missing["control"] = "This is a report: there is no training to control."
    return contents


def _add_losses(reader: RunReader, contents: Contents) -> None:
    payload, buffers = handle(reader, "losses", {"max_points": LOSS_POINTS})
    contents.keep("losses", {}, payload, buffers)


def _add_steps(reader: RunReader, contents: Contents, max_steps: int) -> Steps:
    sampled = reader.sampled_steps()
    findings = reader.findings()
    chosen = choose_steps(sampled, findings, max(max_steps, 2))
    if len(chosen):
        size = max(_add_step(reader, contents, int(chosen[-1])), 1)
        affordable = max(MAX_STEPS_BYTES // contents.share // size, 2)
        chosen = choose_steps(sampled, findings, min(affordable, max(max_steps, 2)))
    for step in chosen[:-1]:
        _add_step(reader, contents, int(step))
    contents.steps = [int(step) for step in chosen]
    left_out = _steps_note(len(chosen), len(sampled))
    contents.notes.append(left_out)
    for command in ("traces", "gradients", "histograms"):
        contents.missing[command] = left_out
    return chosen


def _add_step(reader: RunReader, contents: Contents, step: int) -> int:
    commands = ["traces", "gradients"]
    if reader.info().keep.keeps_histograms:
        commands.append("histograms")
    return sum(contents.add(reader, command, {"step": step}) for command in commands)


def _steps_note(chosen_count: int, sampled_count: int) -> str:
    if sampled_count == 0:
        return "No step was recorded before this report was written."
    if chosen_count == sampled_count:
        return f"This report holds all {sampled_count} recorded steps."
    return (
        f"This report holds {chosen_count} of {sampled_count} recorded steps: the first, the last, "
        "those around findings, and others evenly between. Open the run itself for the rest."
    )


def _add_summary(reader: RunReader, contents: Contents, steps: Steps) -> None:
    buffers = Buffers()
    payload = summary(reader, buffers, steps)
    if payload["status"] != RunStatus.ENDED.value:
        payload["status"] = RunStatus.ENDED.value
        contents.notes.append(
            f"It was written while the run was still open, after step {payload['latest_step']}."
            if payload["step_count"]
            else "It was written before the first step."
        )
    contents.keep("summary", {}, payload, buffers.parts())


def _add_masks(reader: RunReader, contents: Contents, steps: Steps) -> None:
    for loss in MASKED_LOSSES:
        contents.add(reader, "mask_map", {"loss": loss})
        masked = np.unique(np.array(reader.masked_elements(loss).steps, dtype=np.int64))
        kept = _listed(masked, np.intersect1d(masked, steps))
        for step in kept:
            contents.add(reader, "masked_elements", {"loss": loss, "step": int(step)})
        if len(kept) < len(masked):
            contents.notes.append(
                f"Masked elements of {loss.upper()} are listed for {len(kept)} of the steps at "
                "which there were any; the map shows the others."
            )
    contents.missing["masked_elements"] = (
        "The masked elements of this step are not listed in this report. Open the run itself."
    )


def _listed(masked: Steps, traced: Steps) -> list[int]:
    """All masked steps, or half evenly spread and half of those whose traces are there too."""
    if len(masked) <= MAX_MASKED_STEPS:
        return [int(step) for step in masked]
    half = MAX_MASKED_STEPS // 2
    chosen = np.union1d(thinned(masked, half), thinned(traced, half))
    return [int(step) for step in chosen]


def add_graphs(reader: RunReader | GraphFiles, contents: Contents) -> None:
    """All that can be asked of graphs, but for what is too large or needs the files themselves.

    Args:
        reader: Where they are.
        contents: Takes them.
    """
    contents.missing["graph_extract"] = (
        "A part of a graph cannot be saved from a report. Open the run or the file itself."
    )
    contents.missing["graph_constant"] = (
        "Values of constants are not in a report. Open the run or the file itself."
    )
    # All processes run the same graph; the page takes the run's own file and hierarchy for every
    # rank.
    hierarchies = HierarchyBudget()
    room_bytes = MAX_MODELS_BYTES if contents.rank is None else 0
    for stored in sorted(reader.graphs(), key=_priority):
        params = {"mode": stored.graph.mode.value, "stage": stored.graph.stage.value}
        contents.add(reader, "graph_nodes", params)
        _add_lineage(reader, contents, params)
        if contents.rank is None:
            hierarchies.add(reader, stored, contents)
        if stored.size_bytes <= min(room_bytes, MAX_MODEL_BYTES):
            contents.add(reader, "graph_model", params)
            room_bytes -= stored.size_bytes
            continue
        if contents.rank is not None:
            continue
        sentence = (
            f"The ONNX file of {params['stage']} ({params['mode']}, "
            f"{stored.size_bytes / 2**20:.0f} MiB) is too large for a report; its nodes are listed."
        )
        contents.missing[request_key("graph_model", params)] = sentence
        contents.notes.append(sentence)


def _add_lineage(
    reader: RunReader | GraphFiles, contents: Contents, params: Mapping[str, object]
) -> None:
    try:
        contents.add(reader, "graph_lineage", params)
    except OrtvizError as error:
        # One file that cannot be read is no reason to have no report.
        contents.missing[request_key("graph_lineage", params)] = str(error)


def _priority(stored: StoredGraph) -> tuple[bool, int]:
    return stored.graph.mode is not Mode.TRAINING, _STAGE_PRIORITY.index(stored.graph.stage)
