"""A recorded run, being recorded or loaded: what ``dbg.ortviz`` and ``ortviz.load`` give."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, TypeVar

from ortviz.errors import OrtvizError, StoreError
from ortviz.protocol.messages import ControlView, ProblemRow
from ortviz.record import Problem, RunEvent, RunInfo, RunStatus
from ortviz.record.node_times import DEFAULT_REPEATS
from ortviz.record.store import RunReader, RunState
from ortviz.session.contents import Graphs, Reading, Steps
from ortviz.session.finding_list import Findings
from ortviz.session.live import LiveFeed, Send
from ortviz.session.losses import Losses
from ortviz.session.node_times import NodeTimeTable, node_time_table
from ortviz.session.ranks import Ranks, findings_of
from ortviz.session.storage import SUFFIX
from ortviz.session.timing import NodeTiming

if TYPE_CHECKING:
    from ortviz.session.figures import Figures
    from ortviz.session.recorder import Recorder

T = TypeVar("T")

_READ_FLUSH_SECS = 10.0
_CLOSE_SECS = 60.0


class Presenter(Protocol):
    """What shows a run; above this room, so it is handed in."""

    def show(self, run: Run, height: int | None) -> object:
        """The debugger as something a notebook displays."""

    def write_report(self, run: Run, path: Path) -> Path:
        """One self-contained HTML file."""


class Run:
    """One recorded run.

    Args:
        path: The run's file, to read what was recorded earlier; None with ``recorder``.
        recorder: What is recording it now; None for a file.
        presenter: Shows it.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        recorder: Recorder | None = None,
        presenter: Presenter | None = None,
    ) -> None:
        self._file = path
        self._recorder = recorder
        self._presenter = presenter
        self._reader: RunReader | None = None
        self._lock = threading.RLock()
        self._read = Reading(self._ask_newest)
        self._feed: LiveFeed | None = None
        if recorder is not None:
            if recorder.info is None:
                raise OrtvizError("A recorder that has not been started has no run.")
            self._info = recorder.info
            self._feed = LiveFeed(self.answer, recorder, self._info.name)
        else:
            # Told at once if the file is no run, not when the first question comes.
            self._info = self._ask(lambda reader: reader.info())

    # --- what it is --------------------------------------------------------------------------

    @property
    def info(self) -> RunInfo:
        """Name, versions, modules and parameters, as they were when the run began."""
        return self._info

    @property
    def name(self) -> str:
        """For a person, for example the variable's name."""
        return self._info.name

    @property
    def path(self) -> Path | None:
        """The run's file; None when nothing could be recorded (see :attr:`problems`)."""
        return self._file if self._recorder is None else self._recorder.path

    @property
    def state(self) -> RunState:
        """Status, latest step, number of steps and speed."""
        if self._recorder is not None:
            return self._recorder.state()
        # Whoever wrote a file that still says live cannot be asked, and may be long gone.
        return replace(self._ask(lambda reader: reader.state()), status=RunStatus.ENDED)

    @property
    def status(self) -> RunStatus:
        """Waiting, live or paused while this kernel records it; else ended."""
        return self.state.status

    @property
    def controllable(self) -> bool:
        """Whether this run is being recorded here, so that it can be paused and sampled.

        A run that was loaded is not, though another process may be recording it.
        """
        return self._recorder is not None and not self._recorder.ended

    # --- what is in it -----------------------------------------------------------------------

    @property
    def steps(self) -> Steps:
        """The sampled steps: ``run.steps[40].compare()``."""
        return Steps(self._read)

    @property
    def graphs(self) -> Graphs:
        """The saved stages: ``run.graphs["execution_model"]``, ``run.graphs["inference", …]``."""
        return Graphs(self._read)

    @property
    def losses(self) -> Losses:
        """The losses: ``run.losses.at(40)``, ``run.losses.arrays()``."""
        return Losses(self._read)

    @property
    def findings(self) -> Findings:
        """What is wrong, where, why and what to do; most severe first."""
        return Findings(self._read(findings_of))

    @property
    def ranks(self) -> Ranks:
        """The runs of all processes of a distributed training: ``run.ranks[1].steps``.

        They are found beside this run's file. Of a training of one process it holds this run.
        """
        return Ranks(self, self._presenter)

    @property
    def events(self) -> tuple[RunEvent, ...]:
        """Exports, fallbacks and skipped samples, oldest first."""
        return self._read(lambda reader: reader.events())

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Troubles of ortviz's own; training went on."""
        stored = () if self.path is None else self._read(lambda reader: reader.problems())
        # Asked after reading, which waits for what is still being written.
        return (*stored, *(() if self._recorder is None else self._recorder.problems))

    @property
    def node_times(self) -> NodeTimeTable:
        """How long each node of ORT's graph takes, slowest first, where that was measured.

        Measured by :meth:`time_nodes`, or with ``ortviz.wrap(node_times=True)``.
        """
        return self._read(node_time_table)

    @property
    def figures(self) -> Figures:
        """Plotly figures for papers and talks: ``run.figures.losses()``."""
        from ortviz.session.figures import Figures

        return Figures(self._read)

    def read(self, question: Callable[[RunReader], T]) -> T:
        """Ask the run's file something, after all seen so far was written.

        Args:
            question: Given a reader, which it must not keep.
        """
        return self._ask_newest(question)

    # --- showing and keeping -------------------------------------------------------------------

    def show(self, height: int | None = None) -> object:
        """The debugger, to be displayed in a notebook.

        Args:
            height: In CSS pixels; None for the usual one.

        Raises:
            OrtvizError: There is nothing to show it with.
        """
        return self._presented().show(self, height)

    def to_html(self, path: str | Path) -> Path:
        """Write one HTML file with all five views that opens anywhere, offline.

        Returns:
            Where it was written.
        """
        self.flush()
        return self._presented().write_report(self, Path(path))

    def save(self, path: str | Path) -> Path:
        """Copy what is recorded so far into one ``.ortviz`` file, for :func:`ortviz.load`.

        Args:
            path: The copy; ``.ortviz`` is added where there is no suffix. A file of that name is
                replaced.

        Returns:
            Where it was written.

        Raises:
            StoreError: It cannot be written there, or nothing of this run is recorded.
        """
        target = Path(path)
        if not target.suffix:
            target = target.with_name(target.name + SUFFIX)
        return self._read(lambda reader: reader.save_copy(target))

    # --- while it is live ------------------------------------------------------------------------

    def pause(self) -> None:
        """Go on training without sampling. Losses are still recorded at every step."""
        self._live_recorder("paused").pause()

    def resume(self) -> None:
        """Sample again."""
        self._live_recorder("resumed").resume()

    def sample_next(self) -> None:
        """Sample the next training step, whatever its number and even while paused."""
        self._live_recorder("sampled").sample_next()

    def verify_next(self) -> None:
        """Sample the next training step and look into it deeply, whatever ``verify`` says.

        Such a step is also run by ONNX Runtime a second time, by PyTorch in float64, and module
        by module on ONNX Runtime's own inputs: that tells rounding from error, and an error
        from one inherited.
        """
        self._live_recorder("verified").verify_next()

    def time_nodes(self, repeats: int = DEFAULT_REPEATS) -> NodeTiming:
        """Sample the next training step and time the nodes of ORT's graph on what it is fed.

        ONNX Runtime runs it again beside the training, in a session of its own with its profiler
        on; nothing of the training changes. A line is printed when that begins and when it has
        ended. Read the result from :attr:`node_times`.

        Args:
            repeats: How many runs to take the median of; fewer for very large graphs.

        Returns:
            What becomes of it: shows how far it is, and then the slowest nodes.

        Raises:
            OrtvizError: The run has ended, ORT does not run this model, or ``repeats`` is no
                whole number from 1 up.
        """
        if not isinstance(repeats, int) or isinstance(repeats, bool) or repeats < 1:
            raise OrtvizError(f"repeats is a whole number from 1 up, and this is {repeats!r}.")
        recorder = self._live_recorder("timed")
        if self._info.engine != "ortmodule":
            raise OrtvizError(
                "There are no nodes of ORT's to time: this model trains in eager PyTorch.",
                self._info.engine_reason,
            )
        timing = NodeTiming(repeats, lambda: self.node_times, lambda: recorder.ended)
        recorder.time_next(repeats, timing)
        return timing

    def flush(self, timeout_secs: float = _READ_FLUSH_SECS) -> bool:
        """Wait until everything seen so far can be read; False when time ran out."""
        return self._recorder is None or self._recorder.flush(timeout_secs)

    def close(self, timeout_secs: float = _CLOSE_SECS) -> None:
        """End the recording; what was recorded can still be looked at. Does no harm twice."""
        if self._feed is not None:
            self._feed.stop()
        with self._lock:
            # The writer makes one file of it only while nobody reads.
            self._close_reader()
            if self._recorder is not None:
                self._recorder.close(timeout_secs)
        if self._feed is not None:
            self._feed.push_last()

    def subscribe(self, send: Send) -> Callable[[], None]:
        """Have what is new sent while the run is live, and once more when it ends.

        Args:
            send: Takes a message and its buffers; called on a thread of its own, and never after
                it raised.

        Returns:
            How to stop.
        """
        return (lambda: None) if self._feed is None else self._feed.subscribe(send)

    def answer(self, command: str, params: Mapping[str, object]) -> tuple[object, list[bytes]]:
        """Answer one command of the browser, ``control`` included.

        Returns:
            The payload as ``ortviz.protocol.messages`` says, and its buffers.

        Raises:
            OrtvizError: With a sentence for a person.
        """
        from ortviz.session.commands import handle

        if command == "control" and self.controllable:
            return self._control(params), []
        payload, buffers = self._ask(lambda reader: handle(reader, command, params))
        if params.get("rank", self._info.rank) != self._info.rank:
            return payload, buffers
        return self._with_unstored_problems(payload), buffers

    # --- inside ----------------------------------------------------------------------------------

    def _ask_newest(self, question: Callable[[RunReader], T]) -> T:
        """For a person at a prompt, who expects the step that has just ended to be there."""
        self.flush()
        return self._ask(question)

    def _ask(self, question: Callable[[RunReader], T]) -> T:
        with self._lock:
            return question(self._open_reader())

    def _open_reader(self) -> RunReader:
        if self._reader is None:
            path = self.path
            if path is None:
                problems = " ".join(problem.what for problem in self.problems)
                raise StoreError(f"There is nothing to read of the run {self.name!r}.", problems)
            self._reader = RunReader.open(path)
        return self._reader

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _presented(self) -> Presenter:
        if self._presenter is None:
            raise OrtvizError("This run has nothing to show it with.", "Use ortviz.load(path).")
        return self._presenter

    def _live_recorder(self, verb: str) -> Recorder:
        if self._recorder is None or self._recorder.ended:
            raise OrtvizError(
                f"The run {self.name!r} has ended; it cannot be {verb}.",
                "Wrap the model again to record more.",
            )
        return self._recorder

    def _control(self, params: Mapping[str, object]) -> ControlView:
        from ortviz.protocol.validate import check_params

        action = check_params("control", params)["action"]
        if action == "pause":
            self.pause()
            message = "Paused: training goes on, nothing is sampled."
        elif action == "resume":
            self.resume()
            message = f"Sampling every {self.info.every} steps."
        else:
            self.sample_next()
            message = "The next step is sampled."
        return {"status": self.status.value, "message": message}

    def _with_unstored_problems(self, payload: object) -> object:
        unstored = () if self._recorder is None else self._recorder.problems
        if unstored and isinstance(payload, dict) and isinstance(payload.get("problems"), list):
            payload["problems"] += [_problem_row(problem) for problem in unstored]
        return payload

    def __repr__(self) -> str:
        state = self.state
        steps = f"{state.step_count} step" + ("" if state.step_count == 1 else "s")
        where = f" in {self.path.name}" if self.path is not None else ", not recorded"
        engine = "" if self.info.engine == "ortmodule" else f", {self.info.engine}"
        return f"<Run {self.name!r}: {self.status.value}{engine}, {steps}{where}>"

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __deepcopy__(self, memo: dict[int, object]) -> Run:
        """A run is a recording, not a value: whatever holds it and is copied holds the same."""
        return self


def _problem_row(problem: Problem) -> ProblemRow:
    return {
        "what": problem.what,
        "remedy": problem.remedy,
        "step": problem.step,
        "detail": problem.detail,
    }
