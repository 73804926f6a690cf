"""A report that shows graphs and nothing else."""

from __future__ import annotations

from pathlib import Path

from ortviz.record.store import RunReader
from ortviz.report.contents import Contents, add_graphs, collect
from ortviz.report.write import DEFAULT_MAX_STEPS, write_contents
from ortviz.session.graph_files import GraphFiles


def write_graph_report(source: RunReader | GraphFiles, path: Path) -> Path:
    """Write one HTML file with the Graph view alone, which opens offline.

    Args:
        source: A run, whose recorded steps colour the graphs, or ONNX files.
        path: Where to; a file that is there is replaced once the new one is complete.

    Raises:
        EnvironmentProblem: The browser side was not built.
        OrtvizError: The graphs cannot be read, or the report cannot be written there.
    """
    if isinstance(source, RunReader):
        contents = collect(source, DEFAULT_MAX_STEPS)
    else:
        contents = Contents()
        for command in ("run", "summary", "findings", "graphs"):
            contents.add(source, command, {})
        add_graphs(source, contents)
    return write_contents(source.info().name, contents, path, views=("graph",))
