"""What a report's graphs can be coloured by, step by step, and values of kept tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ortviz.record import Mode, Stage
from ortviz.record.store import RunReader
from ortviz.report.steps import Steps

if TYPE_CHECKING:
    from ortviz.report.contents import Contents

MAX_OVERLAYS_BYTES = 12 * 2**20
"""Budget of what steps recorded of graphs, compressed."""
MAX_TENSORS_BYTES = 8 * 2**20
"""Budget of the elements of kept tensors, compressed."""

_STAGES = (
    Stage.EXECUTION_MODEL,
    Stage.TORCH_EXPORTED,
    Stage.OPTIMIZED,
    Stage.OPTIMIZED_PRE_GRAD,
    Stage.POST_PROCESSED,
)
"""The most telling ones first: they get the room there is."""


def add_overlays(reader: RunReader, contents: Contents, steps: Steps) -> None:
    """What the report's steps recorded of each stage of the training graph.

    Args:
        reader: The run.
        contents: Takes them.
        steps: The report's.
    """
    saved = {stored.graph.stage for stored in reader.graphs() if stored.graph.mode is Mode.TRAINING}
    room_bytes = MAX_OVERLAYS_BYTES // contents.share
    left_out: list[str] = []
    for stage in _STAGES:
        if stage not in saved:
            continue
        for step in steps:
            params = {"mode": "training", "stage": stage.value, "step": int(step)}
            if room_bytes > 0:
                room_bytes -= contents.add(reader, "graph_overlay", params)
            elif stage.value not in left_out:
                left_out.append(stage.value)
    contents.missing["graph_overlay"] = (
        "What this step recorded of this graph is not in the report. Open the run itself."
    )
    if left_out:
        stages = ", ".join(left_out)
        contents.notes.append(
            f"What steps recorded of the graphs is not in it for all steps of {stages}."
        )


def add_tensors(reader: RunReader, contents: Contents, steps: Steps) -> None:
    """The first elements of the tensors that were kept of the report's steps.

    Args:
        reader: The run.
        contents: Takes them.
        steps: The report's.
    """
    room_bytes = MAX_TENSORS_BYTES // contents.share
    left_out_count = 0
    for step in steps:
        for kept in reader.kept.at(int(step)):
            params = {"step": int(step), "site_id": kept.site_id, "side": kept.side.value}
            if room_bytes > 0:
                room_bytes -= contents.add(reader, "tensor_values", params)
            else:
                left_out_count += 1
    contents.missing["tensor_values"] = (
        "The elements of this tensor are not in the report: it was not kept (keep= of "
        "ortviz.wrap), or there was no room for it. Open the run itself."
    )
    if left_out_count:
        contents.notes.append(f"Elements of {left_out_count} kept tensors had no room in it.")
