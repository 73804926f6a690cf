"""The magics in a real kernel. Here ORTModule is out of reach; tests/engine has it."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest

from ortviz.magic_cell import CellClock
from ortviz.magic_source import transform_cell

SETUP = """
%load_ext ortviz
import threading, time
import torch
import ortviz
import ortviz._compat.ortmodule
from ortviz.errors import EnvironmentProblem

def refuse():
    raise EnvironmentProblem("onnxruntime-training is not installed.", "Run: pip install it.")

ortviz._compat.ortmodule.check_requirements = refuse
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
criterion = torch.nn.L1Loss()

def train(model, steps=3):
    for _ in range(steps):
        loss = criterion(model(torch.ones(2, 4)), torch.ones(2, 2))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
"""


@pytest.fixture(scope="module")
def notebook(kernel: Any) -> Any:
    kernel.run(SETUP, timeout_secs=120)
    return kernel


class TestSource:
    def test_the_header_becomes_a_statement_in_the_same_line(self) -> None:
        lines = ["%%ortviz model --every 10\n", "a = 1\n", "a\n"]
        assert transform_cell(lines) == [
            "get_ipython().run_line_magic('ortviz', 'begin-cell model --every 10')\n",
            "a = 1\n",
            "a\n",
        ]

    @pytest.mark.parametrize(
        "lines",
        [
            [],
            ["a = 1\n"],
            ["%ortviz wrap model\n", "a\n"],
            ["%%ortvizard model\n", "a\n"],
            ["%%ortviz?\n", "\n"],
            ["%%ortviz model\n"],
            ["%%ortviz model\n", "  \n"],
            ["%%time\n", "%%ortviz model\n", "a\n"],
        ],
    )
    def test_other_cells_are_left_as_they_are(self, lines: list[str]) -> None:
        assert transform_cell(list(lines)) == lines

    def test_future_imports_stay_first(self) -> None:
        lines = ["%%ortviz m\n", "# note\n", "from __future__ import annotations\n", "a\n"]
        assert transform_cell(lines)[1] == "from __future__ import annotations\n"
        assert "run_line_magic" in transform_cell(lines)[2]

    def test_quotes_in_the_arguments_survive(self) -> None:
        (begin, _) = transform_cell(['%%ortviz m --name "it\'s"\n', "a\n"])
        seen = []
        shell = SimpleNamespace(run_line_magic=lambda name, line: seen.append(line))
        exec(begin, {"get_ipython": lambda: shell})
        assert seen == ['begin-cell m --name "it\'s"']

    def test_another_cell_magic_below(self) -> None:
        lines = transform_cell(["%%ortviz m\n", "%%time\n", "a\n"])
        assert lines[1].startswith("get_ipython().run_cell_magic('time'")


class TestClock:
    class Cell:
        ended = 0

        error: BaseException | None = None

        def end(self, error: BaseException | None = None) -> None:
            self.ended += 1
            self.error = error

    @staticmethod
    def result(info: Any) -> Any:
        return SimpleNamespace(info=info)

    @pytest.fixture
    def clock(self) -> CellClock:
        return CellClock()

    def test_a_cell_within_a_cell_ends_only_itself(self, clock: CellClock) -> None:
        outer, inner = SimpleNamespace(raw_cell="outer"), SimpleNamespace(raw_cell="inner")
        cell = self.Cell()
        clock.pre_run_cell(outer)
        clock.add(cell)  # type: ignore[arg-type]
        clock.pre_run_cell(inner)
        clock.post_run_cell(self.result(inner))
        assert cell.ended == 0
        clock.post_run_cell(self.result(outer))
        assert cell.ended == 1
        clock.post_run_cell(self.result(outer))
        assert cell.ended == 1

    def test_a_cell_ends_with_what_it_raised(self, clock: CellClock) -> None:
        info, cell, error = SimpleNamespace(raw_cell="a"), self.Cell(), ValueError("no")
        clock.pre_run_cell(info)
        clock.add(cell)  # type: ignore[arg-type]
        clock.post_run_cell(SimpleNamespace(info=info, error_in_exec=error))
        assert (cell.ended, cell.error) == (1, error)

    def test_an_empty_cell_within_it_ends_nothing(self, clock: CellClock) -> None:
        outer, cell = SimpleNamespace(raw_cell="outer"), self.Cell()
        clock.pre_run_cell(outer)
        clock.add(cell)  # type: ignore[arg-type]
        clock.post_run_cell(self.result(SimpleNamespace(raw_cell=" ")))
        assert cell.ended == 0

    @pytest.mark.parametrize(
        "result", [None, SimpleNamespace(info=SimpleNamespace(raw_cell="made anew"))]
    )
    def test_an_interrupted_cell_ends_although_nobody_says_which(
        self, clock: CellClock, result: Any
    ) -> None:
        cell = self.Cell()
        clock.pre_run_cell(SimpleNamespace(raw_cell="outer"))
        clock.add(cell)  # type: ignore[arg-type]
        clock.post_run_cell(result)
        assert cell.ended == 1

    def test_a_cell_whose_beginning_was_not_seen_ends_with_the_next_end(
        self, clock: CellClock
    ) -> None:
        cell = self.Cell()
        clock.add(cell)  # type: ignore[arg-type]
        clock.post_run_cell(self.result(SimpleNamespace(raw_cell="a")))
        assert cell.ended == 1


def test_load_ext_imports_nothing_heavy(kernel: Any) -> None:
    text = kernel.run_text(
        "import sys\nbefore = set(sys.modules)\n%load_ext ortviz\n"
        "heavy = {'torch', 'onnxruntime', 'onnx', 'plotly', 'anywidget', 'ipywidgets', 'sqlite3'}\n"
        "print('heavy:', sorted((set(sys.modules) - before) & heavy))"
    )
    assert "heavy: []" in text
    kernel.run("%unload_ext ortviz")


def test_without_onnx_runtime_the_cell_trains_eagerly_and_says_so(notebook: Any) -> None:
    messages = notebook.run("%%ortviz model --every 2\ntrain(model, 4)\ntype(model).__name__")
    kinds = [m["msg_type"] for m in messages]
    text = "\n".join(m["content"].get("text", "") for m in messages)
    assert "onnxruntime-training is not installed" in text
    assert "trains in eager PyTorch" in text
    assert kinds.index("display_data") < kinds.index("execute_result"), "the debugger comes first"
    result = next(m for m in messages if m["msg_type"] == "execute_result")
    assert result["content"]["data"]["text/plain"] == "'Sequential'"
    text = notebook.run_text(
        "run = ortviz.last_run()\n"
        "print(run, run.info.engine, '|', run.info.engine_reason)\n"
        "print(len(run.steps), run.losses.arrays('reference').mae.shape, run.problems)\n"
        "print('hooks', [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model])"
    )
    assert "'model': ended, eager, 4 steps" in text
    assert "eager | onnxruntime-training is not installed." in text
    assert "2 (4,) ()" in text
    assert "hooks [0, 0, 0]" in text


def test_strict_refuses_and_runs_nothing(notebook: Any) -> None:
    text = notebook.run_text("%%ortviz model --strict\nnever = 1", ok=False)
    assert "UsageError: onnxruntime-training is not installed. Run: pip install it." in text
    assert "ortviz doctor" in text
    assert "Traceback" not in text
    assert "'never' in" in notebook.run_text("print(\"'never' in\", 'never' in globals())")
    assert "False" in notebook.run_text("'never' in globals()")


def test_an_exception_is_that_of_a_plain_cell_and_ends_the_run(notebook: Any) -> None:
    cell = "train(model, 1)\nkept = 5\n1 / 0\nnot_reached = 1"
    plain = notebook.run(cell, ok=False)[-2]["content"]
    recorded = notebook.run(f"%%ortviz model\n{cell}", ok=False)
    error = next(m["content"] for m in recorded if m["msg_type"] == "error")
    assert (error["ename"], error["evalue"]) == (plain["ename"], plain["evalue"])
    assert "----> 4 1 / 0" in re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(error["traceback"]))
    text = notebook.run_text("print(kept, ortviz.last_run().status, type(model).__name__)")
    assert "5 ended Sequential" in text


def test_await_and_line_magics_work_in_the_cell(notebook: Any) -> None:
    text = notebook.run_text(
        "%%ortviz model\nimport asyncio\nawait asyncio.sleep(0.01)\n"
        "%time train(model, 1)\nvalue = await asyncio.sleep(0, 'awaited')\nvalue"
    )
    assert "'awaited'" in text
    assert "Wall time" in text


def test_interrupt_ends_the_run_and_gives_the_model_back(notebook: Any) -> None:
    sent = notebook.start("%%ortviz model\nprint('go')\nwhile True: train(model, 1)")
    notebook.until(lambda m: m["msg_type"] == "stream" and "go" in m["content"]["text"])
    notebook.manager.interrupt_kernel()
    notebook.until(lambda m: m["msg_type"] == "error", 30)
    notebook.until(
        lambda m: (
            m["msg_type"] == "status"
            and m["content"]["execution_state"] == "idle"
            and m["parent_header"].get("msg_id") == sent
        )
    )
    text = notebook.run_text(
        "print(ortviz.last_run().status, type(model).__name__, \n"
        "      [t.name for t in threading.enumerate() if t.name.startswith('ortviz')])"
    )
    assert "ended Sequential []" in text


@pytest.mark.parametrize("order", ["%%time\n%%ortviz model", "%%ortviz model\n%%time"])
def test_together_with_another_cell_magic(notebook: Any, order: str) -> None:
    text = notebook.run_text(f"{order}\ntrain(model, 2)\nprint(ortviz.last_run().status)")
    assert "Wall time" in text
    assert "live" in text or "waiting" in text
    assert "ended" in notebook.run_text("print(ortviz.last_run().status)")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("modle", "There is no variable 'modle' in this notebook. Did you mean model?"),
        ("nothing_like_it", "Models here are model"),
        ("optimizer", "ortviz wraps a torch.nn.Module, and this is"),
        ("", "the following arguments are required: variable"),
        ("model --evry 2", "unrecognized arguments: --evry 2"),
        ("model --every two", "argument --every: 'two' is not a whole number from 1 up"),
        ("model --every 0", "argument --every: '0' is not a whole number from 1 up"),
        ("model --level all", "argument --level: There is no level 'all'"),
        ("model --verify often", "argument --verify: There is no verify='often'"),
        ("model 'open", "cannot read"),
        ("model --keep blocks.0", "keep='blocks.0' matches no site"),
        ("model --keep-bytes none", "'none' is not a whole number from 1 up"),
        ("model --tolerance forward/*", "is no pattern of sites with a number"),
        ("model --tolerance blocks.*=1e-3", "'blocks.*' can never apply"),
        ("model --tolerance forward/*=-1", "The tolerance for 'forward/*' is -1.0"),
    ],
)
def test_what_is_wrong_with_the_header_is_one_sentence(
    notebook: Any, line: str, words: str
) -> None:
    text = notebook.run_text(f"%%ortviz {line}\nprint(6 * 7)", ok=False)
    assert words in text
    assert text.strip().startswith("UsageError: ")
    assert ".. See" not in text
    assert "42" not in text


def test_tolerances_are_passed_on_in_their_order(notebook: Any) -> None:
    notebook.run("%%ortviz model --tolerance *=0.5 --tolerance 'forward/1*=1e-3'\ntrain(model, 2)")
    text = notebook.run_text("print(ortviz.last_run().info.tolerances)")
    assert text.index("'*', relative=0.5") < text.index("'forward/1*', relative=0.001")


def test_what_to_keep_is_passed_on(notebook: Any) -> None:
    notebook.run(
        "%%ortviz model --keep 'forward/0*' --keep */1#out0 --histograms backward/* --rerun "
        "--keep-bytes 123456\ntrain(model, 2)"
    )
    text = notebook.run_text("print(ortviz.last_run().info.keep)")
    assert "patterns=('forward/0*', '*/1#out0'), histogram_patterns=('backward/*',)" in text
    assert "reruns=True, max_bytes=123456" in text
    text = notebook.run_text("print(ortviz.last_run().steps[1].rerun(model).tensors)")
    assert "forward/0#out0" in text


def test_nodes_that_are_to_be_timed_are_none_in_eager_pytorch(notebook: Any) -> None:
    notebook.run("%%ortviz model --node-times\ntrain(model, 2)")
    text = notebook.run_text("print(ortviz.last_run().node_times)")
    assert "trains in eager PyTorch, so there are no nodes" in text


def test_data_parallel_runs_unrecorded_and_says_so(notebook: Any) -> None:
    notebook.run("parallel = torch.nn.DataParallel(torch.nn.Linear(4, 2))")
    text = notebook.run_text("%%ortviz parallel\nprint('ran', parallel(torch.ones(1, 4)).shape[1])")
    assert "Wrap the module inside" in text
    assert "nothing is recorded" in text
    assert "ran 2" in text
    assert "DataParallel" in notebook.run_text("%%ortviz parallel --strict\n1", ok=False)


def test_a_path_that_cannot_be_written_gives_way_to_the_temporary_folder(notebook: Any) -> None:
    notebook.run("open('in_the_way', 'w').close()")
    cell = "%%ortviz model --path in_the_way/run.ortviz{}\ntrain(model, 1)"
    notebook.run(cell.format(""))
    text = notebook.run_text("print(ortviz.last_run().problems[0].what)")
    assert "temporary folder" in text
    text = notebook.run_text(cell.format(" --strict"), ok=False)
    assert "cannot be recorded at" in text


def test_line_commands(notebook: Any) -> None:
    notebook.run("%%ortviz model --name shown --total 2\ntrain(model, 2)")
    assert "%%ortviz NAME" in notebook.run_text("%ortviz")
    assert "%ortviz save NAME FILE" in notebook.run_text("%ortviz help")
    assert "Did you mean %ortviz show?" in notebook.run_text("%ortviz shwo", ok=False)
    kinds = [m["msg_type"] for m in notebook.run("%ortviz show shown --height 500")]
    assert "display_data" in kinds
    assert "display_data" in [m["msg_type"] for m in notebook.run("%ortviz show")]
    assert "named 'nope'" in notebook.run_text("%ortviz show nope", ok=False)
    assert "Saved copy.ortviz" in notebook.run_text("%ortviz save shown copy")
    text = notebook.run_text("ortviz.load('copy.ortviz').state")
    assert "total_steps=2" in text
    assert "not wrapped by ortviz" in notebook.run_text("%ortviz unwrap model", ok=False)


def test_unload_takes_everything_away(notebook: Any) -> None:
    notebook.run("%unload_ext ortviz")
    assert "not found" in notebook.run_text("%%ortviz model\n1", ok=False)
    text = notebook.run_text(
        "ip = get_ipython()\n"
        "names = [f.__qualname__ for e in ip.events.callbacks.values() for f in e]\n"
        "print([n for n in names if 'CellClock' in n], \n"
        "      [t for t in ip.input_transformers_cleanup if 'ortviz' in t.__module__])"
    )
    assert "[] []" in text
    notebook.run("%load_ext ortviz")
    notebook.run("%%ortviz model\nget_ipython().run_cell('')\ntrain(model, 1)")
    assert "ended, eager, 1 step " in notebook.run_text("ortviz.last_run()")


def test_graphs_of_files_and_variables(notebook: Any) -> None:
    notebook.run("""
from onnx import TensorProto, helper
ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in "xy"]
graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "tiny", ends[:1], ends[1:])
proto = helper.make_model(graph)
open("a tiny.onnx", "wb").write(proto.SerializeToString())
""")
    for line in ('"a tiny.onnx" --height 500', "proto --stage model"):
        kinds = [m["msg_type"] for m in notebook.run(f"%ortviz graph {line}")]
        assert "display_data" in kinds
    assert "are required: what." in notebook.run_text("%ortviz graph", ok=False)
    assert "There is no file" in notebook.run_text("%ortviz graph no.onnx", ok=False)
    assert "no variable 'protto'" in notebook.run_text("%ortviz graph protto", ok=False)
    notebook.run("fresh = torch.nn.Linear(2, 2)")
    notebook.run("%%ortviz fresh --name kept\n1")
    assert "graphs of 'kept'" in notebook.run_text("%ortviz graph kept")
    assert "without inputs" in notebook.run_text("%ortviz graph fresh", ok=False)
    assert "no stage 'x'" in notebook.run_text("%ortviz graph proto --stage x", ok=False)
