"""``ortviz.GraphInspector``: the graphs of a run, a model or a file, in a notebook's cell."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ortviz.errors import OrtvizError, UnknownNameError
from ortviz.graph_source import Source, open_source
from ortviz.protocol.wire import ModeName, StageName
from ortviz.record import GraphStructure, Mode, Stage
from ortviz.record.store import RunReader
from ortviz.session.contents import Graphs
from ortviz.session.extraction import extract_nodes
from ortviz.session.file_stages import FileStages
from ortviz.session.graph_files import GraphFiles
from ortviz.session.run import Run
from ortviz.session.structures import structure_of
from ortviz.widgets.shown import ShownWidget

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ExtractedGraph:
    """A part of a graph that was written to a file.

    Attributes:
        path: The ONNX file; the object itself stands for it wherever a path is taken.
        node_count: Nodes in it.
        notes: Sentences for a person: what was added, and what became an input.
    """

    path: Path
    node_count: int
    notes: tuple[str, ...]

    def __fspath__(self) -> str:
        return str(self.path)

    def __str__(self) -> str:
        nodes = "1 node" if self.node_count == 1 else f"{self.node_count} nodes"
        return " ".join((f"{nodes} in {self.path}.", *self.notes))


class GraphInspector(ShownWidget):
    """Shows graphs: hierarchy, lineage through the stages, overlays of what was recorded.

    Displayed as it is: ``ortviz.GraphInspector("model.onnx")`` as the last line of a cell.

    Args:
        source: A run; a model that ``ortviz.wrap`` wrapped; the path of an ``.onnx`` file (those
            that ORTModule saved bring the other stages beside them) or of an ``.ortviz`` file; an
            ``onnx.ModelProto`` or its bytes; or an ``nn.Module``, of which a copy is exported
            through ORTModule, in training mode. Nothing of the module is changed.
        *inputs: Of an ``nn.Module``: positional arguments of one forward.
        mode: ``training`` or ``inference``; which graph is shown first.
        stage: One of ORTModule's five, or ``model``; likewise.
        height: In CSS pixels.
        name: For a person.
        **keywords: Of an ``nn.Module``: keyword arguments of one forward.

    Raises:
        SourceError: ``source`` has no graph, or there are inputs where none are taken.
        UnknownNameError: There is no such mode or stage.
        OrtvizError: It cannot be read or exported; says why.
    """

    def __init__(
        self,
        source: Source,
        *inputs: object,
        mode: ModeName | None = None,
        stage: StageName | None = None,
        height: int | None = None,
        name: str | None = None,
        **keywords: object,
    ) -> None:
        # First, since an export may take minutes.
        _check(mode, stage)
        opened = open_source(source, inputs, keywords, name)
        self._opened = opened
        shown = self._first(mode, stage)
        is_run = isinstance(opened, Run)
        path = "" if opened.path is None else str(opened.path.absolute())
        super().__init__(
            opened,
            opened.subscribe if is_run else None,
            height,
            run_id=uuid.uuid4().hex,
            run_path=path if is_run else "",
            onnx_path="" if is_run else path,
            controls=isinstance(opened, Run) and opened.controllable,
            views=["graph"],
            graph=[] if shown is None else [each.value for each in shown],
            name=name or (opened.name if isinstance(opened, Run) else opened.info().name),
        )

    @property
    def stages(self) -> Graphs:
        """The graphs there are: ``inspector.stages["execution_model"].save("graph.onnx")``."""
        opened = self._opened
        return opened.graphs if isinstance(opened, Run) else FileStages(opened)

    @property
    def structure(self) -> GraphStructure:
        """The hierarchy of the graph that was shown first; its numbers are what others take.

        Raises:
            UnknownNameError: There is no graph yet.
        """
        mode, stage = self._shown()
        return self._ask(lambda source: structure_of(source, mode, stage))

    def extract(self, nodes: Iterable[int], path: str | Path) -> ExtractedGraph:
        """Write some nodes of the graph that was shown first as an ONNX file of their own.

        Args:
            nodes: Numbers of nodes, as in :attr:`structure`.
            path: Where to; a file that is there is replaced.

        Returns:
            What was written. Nodes that lie between the given ones are part of it.

        Raises:
            UnknownNameError: There is no such node.
            OrtvizError: They cannot be taken out, or the file cannot be written.
        """
        mode, stage = self._shown()
        wanted = tuple(nodes)
        part = self._ask(lambda source: extract_nodes(source, mode, stage, wanted))
        target = Path(path)
        try:
            target.write_bytes(part.model_bytes)
        except OSError as error:
            raise OrtvizError(f"{target} cannot be written: {error.strerror or error}.") from error
        return ExtractedGraph(target, part.node_count, part.notes)

    def to_html(self, path: str | Path) -> Path:
        """Write one HTML file with the graphs that opens anywhere, offline.

        Returns:
            Where it was written.
        """
        from ortviz.report.graphs import write_graph_report

        if isinstance(self._opened, Run):
            self._opened.flush()
        target = Path(path)
        return self._ask(lambda source: write_graph_report(source, target))

    def __repr__(self) -> str:
        """What a viewer without widgets shows in its place."""
        return f"ortviz graphs of {self.name!r}; shown by ortviz.GraphInspector(…)"

    def _first(self, mode: str | None, stage: str | None) -> tuple[Mode, Stage] | None:
        """The graph to show first; None to leave that to the page."""
        known = self._ask(lambda source: [(g.graph.mode, g.graph.stage) for g in source.graphs()])
        if isinstance(self._opened, GraphFiles) and self._opened.first in known:
            known.remove(self._opened.first)
            known.insert(0, self._opened.first)
        elif known:
            # The training graph that runs, or what comes nearest to it.
            training = [key for key in known if key[0] is Mode.TRAINING]
            known.insert(0, (training or known)[-1])
        fitting = [key for key in known if mode in (None, key[0]) and stage in (None, key[1])]
        if known and not fitting:
            there = ", ".join(dict.fromkeys(f"{m.value}/{s.value}" for m, s in known))
            raise UnknownNameError(
                f"There is no graph of {' in mode '.join(filter(None, (stage, mode)))}.",
                f"There are {there}.",
            )
        return fitting[0] if fitting else None

    def _shown(self) -> tuple[Mode, Stage]:
        if self.graph:
            return Mode(self.graph[0]), Stage(self.graph[1])
        found = self._first(None, None)
        if found is None:
            raise UnknownNameError(
                "There is no graph yet.", "ORTModule saves them in the first training step."
            )
        return found

    def _ask(self, question: Callable[[RunReader | GraphFiles], T]) -> T:
        if isinstance(self._opened, GraphFiles):
            return question(self._opened)
        return self._opened.read(question)


def _check(mode: str | None, stage: str | None) -> None:
    for what, value, known in (("mode", mode, Mode), ("stage", stage, Stage)):
        if value is not None and value not in [each.value for each in known]:
            words = ", ".join(each.value for each in known)
            raise UnknownNameError(f"There is no {what} {value!r}.", f"There are {words}.")
