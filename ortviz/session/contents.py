"""What is in a run, as a person at a prompt asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar, overload

from ortviz.errors import UnknownNameError
from ortviz.record import (
    Finding,
    GraphRecord,
    Side,
    StepComparison,
    StepLosses,
    StepRecord,
    Verdict,
)
from ortviz.record.store import LOSS_NAMES, MASKED_LOSSES, SIDES, RunReader
from ortviz.session.lookup import Lookup
from ortviz.session.tables import html_table, text_table

if TYPE_CHECKING:
    import numpy as np

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

    def compare(self) -> StepComparison:
        """Eager PyTorch (reference) against ONNX Runtime (candidate), compared when recorded.

        Raises:
            UnknownNameError: Only one side ran at this step.
        """
        return self._read(lambda reader: reader.comparison(self.number))

    def __repr__(self) -> str:
        try:
            comparison = self.compare()
        except UnknownNameError:
            return f"<Step {self.number}: only one side ran>"
        verdicts = [site.verdict for site in comparison.sites]
        counts = ", ".join(
            f"{verdicts.count(verdict)} {verdict.value.replace('_', ' ')}"
            for verdict in Verdict
            if verdict in verdicts
        )
        first = ", ".join(site.id for site in comparison.first_divergence.values())
        where = f"; diverges first at {first}" if first else ""
        return f"<Step {self.number}: {len(verdicts)} sites, {counts or 'none'}{where}>"


class Steps(Lookup[int, Step]):
    """The sampled steps of a run, by their number."""

    def __init__(self, read: Reading) -> None:
        self._read = read

    def __getitem__(self, number: int) -> Step:
        self._read(lambda reader: reader.step(number))
        return Step(number, self._read)

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
        return f"<{len(numbers)} sampled steps: {shown}>" if numbers else "<no sampled step yet>"


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


class Findings(Sequence[Finding]):
    """What is wrong, most severe first; shows itself as a table."""

    _HEADINGS = ("severity", "step", "finding", "evidence", "what to do")

    def __init__(self, findings: Sequence[Finding]) -> None:
        self._findings = tuple(findings)

    @overload
    def __getitem__(self, index: int) -> Finding: ...
    @overload
    def __getitem__(self, index: slice) -> Findings: ...
    def __getitem__(self, index: int | slice) -> Finding | Findings:
        found = self._findings[index]
        return Findings(found) if isinstance(found, tuple) else found

    def __len__(self) -> int:
        return len(self._findings)

    def rows(self) -> list[tuple[str, str, str, str, str]]:
        """Severity, steps, title, evidence and remedy of each, as text."""
        return [
            (found.severity.value, _steps(found), found.title, found.evidence, found.remedy)
            for found in self._findings
        ]

    def __repr__(self) -> str:
        if not self._findings:
            return "No findings."
        rows = [row[:3] for row in self.rows()]
        return text_table(self._HEADINGS[:3], rows, width=160)

    def _repr_html_(self) -> str:
        return html_table(self._HEADINGS, self.rows()) if self._findings else "<p>No findings.</p>"


def _steps(finding: Finding) -> str:
    if finding.first_step is None:
        return "whole run"
    if finding.last_step is None or finding.last_step == finding.first_step:
        return str(finding.first_step)
    return f"{finding.first_step} to {finding.last_step} ({finding.step_count})"


@dataclass(frozen=True, slots=True)
class LossArrays:
    """Losses over the steps of one side; axis 0 of every array is the step or bin of steps.

    Attributes:
        steps: int64; the first step of each bin.
        steps_per_bin: 1 when no step was folded.
        mae: float64; the last finite value in each bin, NaN where there is none.
        mape: Likewise; no factor 100.
        smape: Likewise; no factor 200.
        user: Likewise; the loss the model trains with.
        mape_masked: int64; masked elements of MAPE, summed over the bin, of ORT's side.
        smape_masked: Likewise of sMAPE.
    """

    steps: np.ndarray
    steps_per_bin: int
    mae: np.ndarray
    mape: np.ndarray
    smape: np.ndarray
    user: np.ndarray
    mape_masked: np.ndarray
    smape_masked: np.ndarray


class Losses:
    """The losses of a run."""

    def __init__(self, read: Reading) -> None:
        self._read = read

    def at(self, step: int) -> StepLosses:
        """Both sides' losses at a step, sampled or not, non-finite values included.

        Raises:
            UnknownNameError: None were recorded at that step.
        """
        return self._read(lambda reader: reader.losses(step))

    def arrays(
        self,
        side: Literal["candidate", "reference"] = "candidate",
        *,
        first_step: int | None = None,
        last_step: int | None = None,
        max_points: int = 2000,
    ) -> LossArrays:
        """Losses as arrays; folded into bins when there are more than ``max_points`` steps.

        Args:
            side: ``candidate`` for ONNX Runtime, every step; ``reference`` for eager PyTorch,
                sampled steps only.
            first_step: First step; None for the first there is.
            last_step: Last step, included; None for the last there is.
            max_points: At most so many entries.
        """
        bins = self._read(lambda reader: reader.loss_bins(first_step, last_step, max_points))
        last = bins.last[SIDES.index(Side(side))]
        masked = bins.masked.sum(axis=1)
        return LossArrays(
            steps=bins.steps,
            steps_per_bin=bins.steps_per_bin,
            mae=last[LOSS_NAMES.index("mae")],
            mape=last[LOSS_NAMES.index("mape")],
            smape=last[LOSS_NAMES.index("smape")],
            user=last[LOSS_NAMES.index("user")],
            mape_masked=masked[MASKED_LOSSES.index("mape")],
            smape_masked=masked[MASKED_LOSSES.index("smape")],
        )

    def __repr__(self) -> str:
        newest = self._read(lambda reader: reader.latest_losses())
        if newest is None or newest.candidate is None:
            return (
                "<no losses yet>" if newest is None else f"<losses: {newest.note or 'none seen'}>"
            )
        shown = ", ".join(
            f"{name} {value:.4g}"
            for name in ("mae", "mape", "smape")
            if (value := getattr(newest.candidate, name)) is not None
        )
        return f"<losses up to step {newest.step}: {shown or newest.candidate.user_value}>"
