"""``%load_ext ortviz``, then ``%%ortviz`` above a training cell and ``%ortviz`` for the rest."""

from __future__ import annotations

import argparse
import shlex
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class

from ortviz.errors import OrtvizError, UnknownNameError
from ortviz.magic_source import BEGIN, MAGIC, transform_cell

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ortviz.api import Settings
    from ortviz.magic_cell import CellClock
    from ortviz.session.run import Run

HELP = """\
%%ortviz NAME [options]        above a training cell: while it runs, the model in the variable
                               NAME trains through ONNX Runtime and is recorded; the debugger
                               appears below. Afterwards NAME is the original model, trained.

  --every N        sample each N-th training step (1); losses are recorded at every step
  --level L        of ORT's tensors read those that leave a module (module), or every one (tensor)
  --verify WHEN    look into sampled steps deeply: auto, always or never (auto)
  --keep SITES     keep whole tensors of sites that match, such as 'forward/blocks.0*'; repeatable
  --histograms SITES   likewise their histograms
  --rerun          keep what re-running sampled steps takes: run.steps[40].rerun(NAME)
  --node-times     time the nodes of ORT's graph once an export, beside the training
  --keep-bytes N   room for kept tensors, and as much again for re-runnable steps (268435456)
  --tolerance SITES=X  the relative error that counts as rounding at sites that match; repeatable
  --name S         name of the run (NAME)
  --total STEPS    how many training steps there will be, for the progress
  --height PX      height of the debugger
  --path FILE      the run's file (a new one in ./ortviz_runs, or in $ORTVIZ_RUNS)
  --strict         raise where ONNX Runtime cannot be used, instead of training in eager PyTorch

%ortviz wrap NAME [options]    the same beyond one cell; NAME stays wrapped
%ortviz unwrap NAME            end that, and give the original model back
%ortviz show [NAME]            show the debugger again: of the newest run, or of the run NAME
%ortviz graph WHAT [INPUT …]   graphs: of an .onnx or .ortviz file, of the variable WHAT (a wrapped
                               model, a run, an onnx.ModelProto), or of a module called with the
                               variables INPUT; with --mode, --stage and --height
%ortviz save NAME FILE         copy the run NAME into one .ortviz file, for ortviz.load(FILE)
%ortviz report NAME FILE       write one HTML file with everything, which opens offline
%ortviz doctor [--fix]         what is installed, what it means, and the command that mends it
%ortviz help                   this text

In Python: ortviz.runs["NAME"], ortviz.last_run()."""


@magics_class
class OrtvizMagics(Magics):
    """The magics; the work is done in other rooms.

    Args:
        shell: The notebook's shell.
        clock: Knows when cells end.
    """

    def __init__(self, shell: InteractiveShell, clock: CellClock) -> None:
        super().__init__(shell)
        self._shell = shell
        self.clock = clock
        self._commands = {
            BEGIN: self._begin_cell,
            "wrap": self._wrap,
            "unwrap": self._unwrap,
            "show": self._show,
            "graph": self._graph,
            "save": self._save,
            "report": self._report,
            "doctor": self._doctor,
            "help": self._help,
        }

    @line_cell_magic
    def ortviz(self, line: str, cell: str | None = None) -> None:
        """Debug a model that trains through ONNX Runtime; ``%ortviz help`` says how."""
        if cell is not None:
            self._run_cell(line, cell)
            return
        words = _words(line)
        command = words[0] if words else "help"
        if command not in self._commands:
            shown = [name for name in self._commands if name != BEGIN]
            near = get_close_matches(command, shown, n=1)
            hint = f"Did you mean %ortviz {near[0]}?" if near else "%ortviz help lists them."
            raise UsageError(f"There is no command %ortviz {command}. {hint}")
        try:
            self._commands[command](words[1:])
        except OrtvizError as error:
            # One sentence; the way through our own code helps nobody.
            raise UsageError(str(error)) from None

    def _run_cell(self, line: str, cell: str) -> None:
        """For callers that give the body as text; a notebook's own cells do not come here."""
        if not cell.strip():
            raise UsageError("%%ortviz needs the training code below it. See %ortviz help.")
        result = self._shell.run_cell(f"%%{MAGIC} {line}\n{cell}")  # type: ignore[no-untyped-call]
        result.raise_error()

    def _begin_cell(self, words: list[str]) -> None:
        from IPython.display import display

        from ortviz.magic_cell import RecordedCell

        options = _recording_options("%%ortviz", words)
        self._variable(options.variable)
        cell = RecordedCell(
            self._shell.user_ns, options.variable, _settings(options), strict=options.strict
        )
        run = cell.begin()
        self.clock.add(cell)
        if run is not None:
            display(run.show(options.height))  # type: ignore[no-untyped-call]

    def _wrap(self, words: list[str]) -> None:
        from IPython.display import display

        from ortviz.api import attach

        options = _recording_options("%ortviz wrap", words)
        model = self._variable(options.variable)
        attached = attach(
            model, _settings(options), on_failure="raise" if options.strict else "eager"
        )
        self._shell.user_ns[options.variable] = attached.module
        display(attached.run.show(options.height))  # type: ignore[no-untyped-call]

    def _unwrap(self, words: list[str]) -> None:
        from ortviz.api import unwrap

        options = _parser("%ortviz unwrap", "variable").parse_args(words)
        original = unwrap(self._variable(options.variable))
        self._shell.user_ns[options.variable] = original

    def _show(self, words: list[str]) -> None:
        from IPython.display import display

        parser = _parser("%ortviz show")
        parser.add_argument("run", nargs="?")
        parser.add_argument("--height", type=_count)
        options = parser.parse_args(words)
        display(self._run(options.run).show(options.height))  # type: ignore[no-untyped-call]

    def _graph(self, words: list[str]) -> None:
        from IPython.display import display

        from ortviz.inspector import GraphInspector

        parser = _parser("%ortviz graph", "what")
        parser.add_argument("inputs", nargs="*", default=[])
        parser.add_argument("--mode")
        parser.add_argument("--stage")
        parser.add_argument("--height", type=_count)
        options = parser.parse_args(words)
        shown = GraphInspector(
            self._graph_source(options.what, called=bool(options.inputs)),
            *(self._variable(name) for name in options.inputs),
            mode=options.mode,
            stage=options.stage,
            height=options.height,
        )
        display(shown)  # type: ignore[no-untyped-call]

    def _graph_source(self, what: str, *, called: bool) -> Any:
        """A file, a variable, or the run of that name, which ``%%ortviz NAME`` leaves behind."""
        from ortviz.session.registry import runs

        names = self._shell.user_ns
        if what not in names and Path(what).suffix in (".onnx", ".ortviz"):
            return what
        wrapped = "ortviz" in getattr(names.get(what), "__dict__", {})
        return runs[what] if what in runs and not (called or wrapped) else self._variable(what)

    def _save(self, words: list[str]) -> None:
        options = _parser("%ortviz save", "run", "file").parse_args(words)
        print(f"Saved {self._run(options.run).save(options.file)}")  # noqa: T201

    def _report(self, words: list[str]) -> None:
        options = _parser("%ortviz report", "run", "file").parse_args(words)
        print(f"Wrote {self._run(options.run).to_html(options.file)}")  # noqa: T201

    def _doctor(self, words: list[str]) -> None:
        from ortviz.cli import main

        parser = _parser("%ortviz doctor")
        parser.add_argument("--fix", action="store_true")
        parser.add_argument("--json", action="store_true")
        parser.parse_args(words)
        main(["doctor", *words])

    def _help(self, words: list[str]) -> None:
        print(HELP)  # noqa: T201

    def _run(self, name: str | None) -> Run:
        """A run by its own name or by the variable of a wrapped model; the newest without."""
        from ortviz.session.registry import runs
        from ortviz.session.run import Run

        if name is None:
            return runs.last()
        value = self._shell.user_ns.get(name)
        found = value if isinstance(value, Run) else getattr(value, "__dict__", {}).get("ortviz")
        return found if isinstance(found, Run) else runs[name]

    def _variable(self, name: str) -> Any:
        names = self._shell.user_ns
        if name in names:
            return names[name]
        models = _models(names)
        hint = f"Models here are {', '.join(models)}." if models else "Run the cell that makes it."
        near = get_close_matches(name, models, n=1)
        if near:
            hint = f"Did you mean {near[0]}?"
        raise UnknownNameError(f"There is no variable {name!r} in this notebook.", hint)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """``%load_ext ortviz``: make the magics known."""
    from ortviz.magic_cell import CellClock

    unload_ipython_extension(shell)
    clock = CellClock()
    magics = OrtvizMagics(shell, clock)
    shell.register_magics(magics)
    shell.input_transformers_cleanup.append(transform_cell)
    shell.events.register("pre_run_cell", clock.pre_run_cell)
    shell.events.register("post_run_cell", clock.post_run_cell)
    from ortviz.widgets.target import register_target

    register_target()


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """``%unload_ext ortviz``: end what is being recorded by cells, and take the magics away."""
    magics = shell.magics_manager.registry.pop(OrtvizMagics.__name__, None)
    if not isinstance(magics, OrtvizMagics):
        return
    clock = magics.clock
    clock.end_all()
    shell.events.unregister("pre_run_cell", clock.pre_run_cell)
    shell.events.unregister("post_run_cell", clock.post_run_cell)
    shell.input_transformers_cleanup.remove(transform_cell)
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop(MAGIC, None)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with the line instead of ending the process."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message.removesuffix('.')}. See %ortviz help.")


def _parser(prog: str, *positional: str) -> _Parser:
    parser = _Parser(prog=prog, add_help=False)
    for name in positional:
        parser.add_argument(name)
    return parser


def _recording_options(prog: str, words: list[str]) -> argparse.Namespace:
    parser = _parser(prog, "variable")
    parser.add_argument("--every", type=_count, default=1)
    parser.add_argument("--level", type=partial(_choice, "level"), default="module")
    parser.add_argument("--verify", type=partial(_choice, "verify"), default="auto")
    parser.add_argument("--keep", action="append", default=[])
    parser.add_argument("--histograms", action="append", default=[])
    parser.add_argument("--rerun", action="store_true")
    parser.add_argument("--node-times", action="store_true")
    parser.add_argument("--keep-bytes", type=_count)
    parser.add_argument("--tolerance", action="append", type=_tolerance, default=[])
    parser.add_argument("--name")
    parser.add_argument("--total", type=_count)
    parser.add_argument("--height", type=_count)
    parser.add_argument("--path")
    parser.add_argument("--strict", action="store_true")
    return parser.parse_args(words)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


def _choice(option: str, text: str) -> str:
    from ortviz.api import check_choice

    try:
        check_choice(option, text)
    except OrtvizError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _tolerance(text: str) -> tuple[str, float]:
    pattern, _, number = text.rpartition("=")
    try:
        return pattern, float(number)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no pattern of sites with a number, such as 'forward/blocks.*=1e-3'"
        ) from None


def _settings(options: argparse.Namespace) -> Settings:
    from ortviz.api import Settings
    from ortviz.compare import tolerance_rules
    from ortviz.record.keeping import DEFAULT_KEEP_BYTES
    from ortviz.record.node_times import DEFAULT_REPEATS
    from ortviz.session.keep_options import keep_rules

    return Settings(
        every=options.every,
        name=options.name or options.variable,
        path=options.path,
        total_steps=options.total,
        level=options.level,
        keep=keep_rules(
            options.keep,
            options.histograms,
            rerun=options.rerun,
            keep_bytes=options.keep_bytes or DEFAULT_KEEP_BYTES,
        ),
        verify=options.verify,
        node_times=DEFAULT_REPEATS if options.node_times else 0,
        tolerances=tolerance_rules(dict(options.tolerance)),
    )


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise UsageError(f"%ortviz cannot read {line!r}: {error}.") from None


def _models(names: dict[str, Any]) -> list[str]:
    from ortviz.magic_cell import is_module

    return [name for name, value in names.items() if not name.startswith("_") and is_module(value)]
