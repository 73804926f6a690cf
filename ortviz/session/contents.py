"""What is in a run, as a person at a prompt asks for it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ortviz.errors import UnknownNameError
from ortviz.record import (
    GraphRecord,
    GraphStructure,
    StepLosses,
    StepRecord,
)
from ortviz.record.store import RunReader
from ortviz.session.comparison import Comparison
from ortviz.session.lineage import Lineage, lineage_of
from ortviz.session.lookup import Lookup
from ortviz.session.rerun import Rerun, rerun
from ortviz.session.step_tensors import (
    SideName,
    TensorList,
    kept_tensor,
    side_of,
    step_histogram,
)
from ortviz.session.structures import structure_of
from ortviz.session.tables import text_table

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from ortviz.record import Histogram

T = TypeVar("T")


class Reading:
    """How the parts of a run reach its file; the run decides which reader that is."""

    def __init__(self, ask: Callable[[Callable[[RunReader], object]], object]) -> None:
        self._ask = ask

    def __call__(self, question: Callable[[RunReader], T]) -> T:
        """Ask the file something."""
        return self._ask(question)  # type: ignore[return-value]


class Step:
    """One sampled step.

    Attributes:
        number: Number of the training forward pass, from 0.
    """

    def __init__(self, number: int, read: Reading) -> None:
        self.number = number
        self._read = read

    @property
    def record(self) -> StepRecord:
        """Both sides' sites with their statistics, and the hooks that ran."""
        return self._read(lambda reader: reader.step(self.number))

    @property
    def losses(self) -> StepLosses:
        """The three losses of both sides and what they masked.

        Raises:
            UnknownNameError: No loss was recorded at this step.
        """
        return self._read(lambda reader: reader.losses(self.number))

    @property
    def kept(self) -> TensorList:
        """The whole tensors that were kept of this step, as ``ortviz.wrap(keep=…)`` said."""
        return TensorList(self._read(lambda reader: reader.kept.at(self.number)))

    def tensor(self, site: str, side: SideName = "ort") -> np.ndarray:
        """The elements of a tensor that was kept.

        Args:
            site: The site's address, for example ``forward/blocks.0#out0``.
            side: ``ort`` or ``eager``.

        Returns:
            Array in the tensor's shape and dtype; bfloat16 and float8, which numpy does not have,
            widened to float32.

        Raises:
            UnknownNameError: There is no such site or side, or it was not kept; says how to get
                it.
        """
        chosen = side_of(side)
        return self._read(lambda reader: kept_tensor(reader, self.number, site, chosen))

    def histogram(self, site: str, side: SideName = "ort", bins: int | None = None) -> Histogram:
        """How the elements of a tensor are spread, where that or the tensor was kept.

        Args:
            site: The site's address.
            side: ``ort`` or ``eager``.
            bins: How many; None for as many as ``ortviz.wrap(histograms=…)`` kept, else 64.

        Raises:
            UnknownNameError: As :meth:`tensor` says.
        """
        chosen = side_of(side)
        return self._read(lambda reader: step_histogram(reader, self.number, site, chosen, bins))

    @property
    def can_rerun(self) -> bool:
        """Whether what :meth:`rerun` takes was kept, as ``ortviz.wrap(rerun=True)`` does."""
        return self._read(lambda reader: self.number in reader.kept.rerun_steps())

    def rerun(self, model: nn.Module, *, ort: bool = True) -> Rerun:
        """Run this step again on a copy of a model, for tensors that were not kept.

        Weights, buffers, inputs, dropout masks and arriving gradients are those recorded; of
        ``model`` only the architecture counts, and nothing of it is changed.

        Args:
            model: The recorded model, wrapped or not, or a new one built in the same way.
            ort: Also run ORT's side, which exports the model once more.

        Raises:
            UnknownNameError: What it takes was not kept.
            CaptureError: ``model`` is another model than the recorded one.
        """
        return rerun(self._read, self.number, model, ort=ort)

    def compare(self) -> Comparison:
        """Eager PyTorch (reference) against ONNX Runtime (candidate), compared when recorded.

        Raises:
            UnknownNameError: Only one side ran at this step.
        """
        return Comparison.of(self._read(lambda reader: reader.comparison(self.number)))

    def __repr__(self) -> str:
        try:
            comparison = self.compare()
        except UnknownNameError:
            return f"<Step {self.number}: only one side ran>"
        first = ", ".join(site.id for site in comparison.first_divergence.values())
        own = ", ".join(site.id for site in comparison.first_own_divergence.values())
        where = f"; diverges first at {first}" if first else ""
        born = f"; born at {own}" if own else ""
        return f"<Step {self.number}: {comparison.counts()}{where}{born}>"


class Steps(Lookup[int, Step]):
    """The sampled steps of a run, by their number."""

    def __init__(self, read: Reading) -> None:
        self._read = read

    def __getitem__(self, number: int) -> Step:
        try:
            step = operator.index(number)
        except TypeError:
            raise UnknownNameError(
                f"Steps are looked up one by one by their number, and this is {number!r}.",
                "run.steps[40] is step 40, run.steps.latest the newest; iterate for all.",
            ) from None
        self._read(lambda reader: reader.step(step))
        return Step(step, self._read)

    def __iter__(self) -> Iterator[int]:
        return iter(self._numbers())

    def __len__(self) -> int:
        return self._read(lambda reader: reader.sampled_step_count())

    def __contains__(self, number: object) -> bool:
        return number in self._numbers()

    @property
    def latest(self) -> Step:
        """The newest sampled step.

        Raises:
            UnknownNameError: None was sampled yet.
        """
        number = self._read(lambda reader: reader.latest_sampled_step())
        if number is None:
            raise UnknownNameError("No step of this run is recorded yet.", "Train at least one.")
        return Step(number, self._read)

    def _numbers(self) -> list[int]:
        return [int(step) for step in self._read(lambda reader: reader.sampled_steps())]

    def __repr__(self) -> str:
        numbers = self._numbers()
        if len(numbers) > 8:
            shown = ", ".join(map(str, numbers[:4])) + ", …, " + ", ".join(map(str, numbers[-3:]))
        else:
            shown = ", ".join(map(str, numbers))
        noun = "step" if len(numbers) == 1 else "steps"
        return f"<{len(numbers)} sampled {noun}: {shown}>" if numbers else "<no sampled step yet>"


@dataclass(frozen=True, slots=True)
class SavedGraph:
    """One stage as ORTModule saved it.

    Attributes:
        record: Nodes with the modules they came from, operator counts and the ONNX file's bytes.
    """

    record: GraphRecord

    @property
    def model_bytes(self) -> bytes:
        """The ONNX file, serialised; ``onnx.load_from_string`` reads it."""
        return self.record.model_bytes

    def save(self, path: str | Path) -> Path:
        """Write the ONNX file; a folder gets one named after stage and mode.

        Returns:
            Where it was written.
        """
        target = Path(path)
        if target.is_dir():
            target = target / f"{self.record.stage.value}_{self.record.mode.value}.onnx"
        target.write_bytes(self.record.model_bytes)
        return target

    def __repr__(self) -> str:
        record = self.record
        size = f"{len(record.model_bytes) / 1024:.0f} KB"
        stage = f"{record.stage.value} ({record.mode.value})"
        return f"<SavedGraph {stage}: {len(record.nodes)} nodes, {size}>"


class Graphs(Lookup["str | tuple[str, str]", SavedGraph]):
    """The saved stages: ``graphs["execution_model"]``, ``graphs["inference", "optimized"]``."""

    def __init__(self, read: Reading) -> None:
        self._read = read

    def __getitem__(self, key: str | tuple[str, str]) -> SavedGraph:
        mode, stage = ("training", key) if isinstance(key, str) else key
        return SavedGraph(self._read(lambda reader: reader.graph(mode, stage)))

    def structure(self, stage: str = "execution_model", mode: str = "training") -> GraphStructure:
        """A stage as the hierarchy that is drawn: groups, nodes of subgraphs, tensors and edges.

        Args:
            stage: Which stage.
            mode: ``training`` or ``inference``.

        Raises:
            UnknownNameError: It was not saved; names the ones that were.
        """
        return self._read(lambda reader: structure_of(reader, mode, stage))

    def lineage(self, stage: str = "execution_model", mode: str = "training") -> Lineage:
        """What became of each node from the stage before to this one, and through all stages.

        Args:
            stage: Which stage; the last one shows what ONNX Runtime's session did.
            mode: ``training`` or ``inference``.

        Raises:
            UnknownNameError: It was not saved; names the ones that were.
        """
        return self._read(lambda reader: lineage_of(reader, mode, stage))

    def __iter__(self) -> Iterator[str | tuple[str, str]]:
        stored = self._read(lambda reader: reader.graphs())
        return iter([(kept.graph.mode.value, kept.graph.stage.value) for kept in stored])

    def __len__(self) -> int:
        return len(self._read(lambda reader: reader.graphs()))

    def __repr__(self) -> str:
        stored = self._read(lambda reader: reader.graphs())
        if not stored:
            return "<no graph yet: ORTModule saves them in the first step>"
        rows = [
            (kept.graph.mode.value, kept.graph.stage.value, str(len(kept.graph.nodes)))
            for kept in stored
        ]
        return text_table(("mode", "stage", "nodes"), rows)
