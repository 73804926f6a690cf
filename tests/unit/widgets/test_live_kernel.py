"""The widget in a real kernel: what a browser would receive, while a cell runs and afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

SESSION_TESTS = Path(__file__).resolve().parents[1] / "session"

SETUP = f"""
import sys, time, threading
sys.path.insert(0, {str(SESSION_TESTS)!r})
from pathlib import Path
from conftest import Make, QuietEngine
import ortviz
from ortviz.api import Presenter, _announce
from ortviz.session.recorder import Recorder
from ortviz.session.run import Run
make = Make()

def begin(name="model"):
    recorder = Recorder(Path(f"{{name}}.ortviz"), engine=QuietEngine())
    recorder.started(make.info(name=name, run_id=name))
    run = Run(recorder=recorder, presenter=Presenter())
    _announce(run)
    return recorder, run

def train(recorder, steps, first=0, wait=0.005):
    for step in range(first, first + steps):
        recorder.stepped(step)
        if recorder.wants(step):
            recorder.captured(make.capture(step))
        recorder.observed(make.observation(step))
        time.sleep(wait)
"""


@pytest.fixture(scope="module")
def ready(kernel: Any) -> Any:
    kernel.run(SETUP)
    return kernel


def pushes(messages: list[Any], comm_id: str | None = None) -> list[Any]:
    """Pushes of one widget, or of all."""
    found = []
    for message in messages:
        if message["msg_type"] != "comm_msg":
            continue
        data = message["content"]["data"]
        content = data.get("content", data)
        if content.get("type") == "push" and comm_id in (None, message["content"]["comm_id"]):
            found.append((message, content))
    return found


def widget_comm(messages: list[Any]) -> str:
    """The comm of the debugger that was made in these messages."""
    for message in messages:
        if message["msg_type"] == "comm_open":
            state = message["content"]["data"].get("state", {})
            if "run_path" in state:
                return str(message["content"]["comm_id"])
    raise AssertionError("no debugger was made")


def test_pushes_reach_the_widget_while_the_cell_runs(ready: Any) -> None:
    code = """
recorder, run = begin("busy")
display(run.show())
train(recorder, 400)
print("trained")
time.sleep(0.5)
run.close()
"""
    messages = ready.run(code)
    comm_id = widget_comm(messages)
    displayed = next(i for i, m in enumerate(messages) if m["msg_type"] == "display_data")
    trained = next(i for i, m in enumerate(messages) if m["msg_type"] == "stream")
    early = pushes(messages[displayed:trained], comm_id)
    summaries = [content for _, content in early if content["command"] == "summary"]
    latest = [summary["payload"]["latest_step"] or 0 for summary in summaries]
    assert len(latest) >= 2, "nothing was pushed while the cell was running"
    assert latest == sorted(latest)
    assert latest[-1] > 0

    rounds = [m["at"] for m, c in pushes(messages, comm_id) if c["command"] == "summary"]
    # All but the last, which comes when the run ends: at most five a second.
    assert len(rounds) - 2 <= (rounds[-2] - rounds[0]) / 0.18

    by_command = {content["command"]: content for _, content in pushes(messages, comm_id)}
    assert set(by_command) == {
        "summary",
        "losses",
        "traces",
        "gradients",
        "findings",
        "graphs",
    }
    assert by_command["summary"]["payload"]["status"] == "ended"
    assert by_command["summary"]["payload"]["latest_step"] == 399
    assert by_command["traces"]["params"] == {"step": 399}


def test_no_thread_is_left_when_the_run_is_over(ready: Any) -> None:
    text = ready.run_text(
        "recorder, run = begin('threads'); widget = run.show(); train(recorder, 3); run.close()\n"
        "print([t.name for t in threading.enumerate() if t.name.startswith('ortviz')])"
    )
    assert "[]" in text


def test_commands_are_answered_with_buffers_and_errors_with_a_sentence(ready: Any) -> None:
    messages = ready.run(
        "recorder, run = begin('asked')\ntrain(recorder, 5, wait=0)\nrun.flush()\nrun.show()"
    )
    comm_id = widget_comm(messages)
    reply = ready.ask(comm_id, {"type": "command", "id": 7, "command": "losses", "params": {}})
    content = reply["content"]["data"]["content"]
    assert (content["type"], content["id"]) == ("reply", 7)
    column = content["payload"]["steps"]
    assert column["shape"] == [5]
    assert bytes(reply["buffers"][column["buffer"]]) == b"".join(
        step.to_bytes(4, "little") for step in range(5)
    )
    reply = ready.ask(comm_id, {"type": "command", "id": 8, "command": "nope", "params": {}})
    content = reply["content"]["data"]["content"]
    assert (content["type"], content["id"]) == ("error", 8)
    assert "no command 'nope'" in content["message"]
    reply = ready.ask(
        comm_id, {"type": "command", "id": 9, "command": "control", "params": {"action": "pause"}}
    )
    assert reply["content"]["data"]["content"]["payload"]["status"] == "paused"
    ready.run("run.close()")


def test_two_views_of_a_run_are_of_one_widget(ready: Any) -> None:
    messages = ready.run("display(run.show()); display(run.show(height=900)); run.show().height")
    models = [
        message["content"]["data"]["application/vnd.jupyter.widget-view+json"]["model_id"]
        for message in messages
        if message["msg_type"] == "display_data"
    ]
    assert len(models) == 2
    assert len(set(models)) == 1
    assert [m["content"]["data"]["text/plain"] for m in messages if "result" in m["msg_type"]] == [
        "900"
    ]


def test_where_widgets_are_not_drawn_it_says_how_to_see_it(ready: Any) -> None:
    text = ready.run_text("display(run.show())")
    assert "ortviz debugger of the run 'asked'" in text
    assert "ortviz.load(" in text


def test_the_bundle_is_sent_to_a_page_that_no_server_gives_it(ready: Any, tmp_path: Path) -> None:
    (tmp_path / "widget.js").write_bytes(b"export default {}")
    (tmp_path / "widget.css").write_bytes(b".ortviz {}")
    (tmp_path / "manifest.json").write_text('{"widget.js": "abc"}')
    folder = f"pathlib.Path({str(tmp_path)!r})"
    ready.run(f"""
import pathlib
from ortviz.widgets import bundle, shown
was = bundle.read_bundle, bundle.bundle_hash
shown.read_bundle = lambda: was[0]({folder})
shown.bundle_hash = lambda: was[1]({folder})
recorder, run = begin("bundle")
""")
    messages = ready.run("display(run.show())")
    comm_id = widget_comm(messages)
    (opened,) = [
        m["content"]["data"]["state"]
        for m in messages
        if m["msg_type"] == "comm_open" and m["content"]["comm_id"] == comm_id
    ]
    assert opened["bundle_hash"] == "abc"
    assert opened["_files"] == []
    assert len(opened["_esm"]) < 5000
    reply = ready.ask(comm_id, {"type": "bundle_request"})
    assert reply["content"]["data"]["content"] == {"type": "bundle"}
    assert [bytes(part) for part in reply["buffers"]] == [b"export default {}", b".ortviz {}"]

    (tmp_path / "widget.js").unlink()
    reply = ready.ask(comm_id, {"type": "bundle_request"})
    assert "was not built" in reply["content"]["data"]["content"]["error"]
    ready.run("shown.read_bundle, shown.bundle_hash = was; run.close()")


def test_in_vs_code_the_first_widget_brings_the_bundle_along(ready: Any) -> None:
    ready.run("""
__vsc_ipynb_file__ = "/home/me/n.ipynb"
from ortviz.widgets.bundle import Bundle
shown.read_bundle = lambda: Bundle(b"js", b"css")
recorder, run = begin("vscode")
second_recorder, second = begin("vscode2")
""")
    messages = ready.run("display(run.show()); display(second.show())")
    opened = [
        m
        for m in messages
        if m["msg_type"] == "comm_open" and "run_path" in m["content"]["data"]["state"]
    ]
    assert [len(m["buffers"]) for m in opened] == [2, 0]
    assert bytes(opened[0]["buffers"][0]) == b"js"
    ready.run("del __vsc_ipynb_file__; shown.read_bundle = was[0]; run.close(); second.close()")


def subshell(kernel: Any) -> str:
    """A subshell, as JupyterLab makes one for a comm."""
    client = kernel.client
    info = client.kernel_info(reply=True, timeout=30)
    if "kernel subshells" not in info["content"].get("supported_features", []):
        pytest.skip("this ipykernel has no subshells")
    message = client.session.msg("create_subshell_request", {})
    client.control_channel.send(message)
    reply = client.get_control_msg(timeout=30)
    return str(reply["content"]["subshell_id"])


def is_running(kernel: Any, cell: str) -> bool:
    """Whether the end of the cell has not been heard of."""
    return not any(
        message["msg_type"] == "status"
        and message["content"]["execution_state"] == "idle"
        and message["parent_header"].get("msg_id") == cell
        for message in kernel.seen
    )


def interrupt(kernel: Any, cell: str) -> None:
    """End the training of a cell that would go on, and wait for its end."""
    kernel.manager.interrupt_kernel()
    while is_running(kernel, cell):
        kernel.until(lambda message: message["msg_type"] == "status")


def send_on(kernel: Any, subshell_id: str, kind: str, content: Any) -> None:
    message = kernel.client.session.msg(kind, content)
    message["header"]["subshell_id"] = subshell_id
    kernel.client.shell_channel.send(message)


def test_a_comm_opened_by_the_browser_is_answered_while_a_cell_runs(ready: Any) -> None:
    subshell_id = subshell(ready)
    cell = ready.start("recorder, run = begin('plugin')\ntrain(recorder, 10_000, wait=0.01)")
    opening = {"comm_id": "c1", "target_name": "ortviz", "data": {}}
    send_on(ready, subshell_id, "comm_open", opening)

    def of_comm(message: Any) -> bool:
        return message["msg_type"] == "comm_msg" and message["content"]["comm_id"] == "c1"

    def data_of(messages: list[Any]) -> Any:
        return messages[-1]["content"]["data"]

    listed = data_of(ready.until(of_comm))
    assert listed["type"] == "runs"
    while "plugin" not in [row["run_id"] for row in listed["runs"]]:
        listed = data_of(ready.until(of_comm))
    row = listed["runs"][0]
    assert (row["name"], row["status"]) == ("plugin", "live") or row["status"] == "waiting"
    assert row["run_path"].endswith("plugin.ortviz")
    assert row["controls"] is True

    send_on(
        ready,
        subshell_id,
        "comm_msg",
        {"comm_id": "c1", "data": {"type": "select", "run_id": "plugin"}},
    )
    assert data_of(ready.until(of_comm))["type"] == "selected"
    ready.until(lambda m: of_comm(m) and m["content"]["data"].get("command") == "summary")
    # After pushes from another thread the browser's messages must still not wait for the cell.
    for number, action in enumerate(("pause", "resume")):
        send_on(
            ready,
            subshell_id,
            "comm_msg",
            {
                "comm_id": "c1",
                "data": {
                    "type": "command",
                    "id": number,
                    "command": "control",
                    "params": {"action": action},
                },
            },
        )
        answer = ready.until(lambda m: of_comm(m) and m["content"]["data"]["type"] == "reply")
        assert data_of(answer)["id"] == number
    assert is_running(ready, cell), "it was answered only after the cell"
    send_on(ready, subshell_id, "comm_msg", {"comm_id": "c1", "data": {"type": "list"}})
    ready.until(lambda m: of_comm(m) and m["content"]["data"]["type"] == "runs")
    send_on(ready, subshell_id, "comm_close", {"comm_id": "c1", "data": {}})
    interrupt(ready, cell)
    ready.run("run.close()")


def test_the_widget_is_answered_while_a_cell_runs(ready: Any) -> None:
    subshell(ready)  # skips where there is none
    sent = ready.start(
        "recorder, run = begin('reached')\ndisplay(run.show())\ntrain(recorder, 10_000, wait=0.01)"
    )
    messages = ready.until(lambda m: m["msg_type"] == "display_data")
    comm_id = widget_comm(messages)
    ready.until(lambda m: any((c["payload"].get("latest_step") or 0) > 1 for _, c in pushes([m])))
    for number, action in enumerate(("pause", "sample_next", "resume")):
        command = {
            "type": "command",
            "id": number,
            "command": "control",
            "params": {"action": action},
        }
        answer = ready.ask(comm_id, command)["content"]["data"]["content"]
        assert (answer["type"], answer["id"]) == ("reply", number)
    # A change of height echoes from elsewhere; the next message must still get through.
    ready.send_comm(
        "comm_msg",
        {"comm_id": comm_id, "data": {"method": "update", "state": {"height": 700}}},
    )
    ready.until(
        lambda m: (
            m["msg_type"] == "comm_msg" and m["content"]["data"].get("content") == {"type": "ready"}
        )
    )
    command = {"type": "command", "id": 9, "command": "summary", "params": {}}
    assert ready.ask(comm_id, command)["content"]["data"]["content"]["id"] == 9
    assert is_running(ready, sent), "it was answered only after the cell"
    interrupt(ready, sent)
    text = ready.run_text("print(run.show().height, [s for s in run.steps if s < 2]); run.close()")
    assert "700 [0, 1]" in text
    reply = ready.ask(comm_id, {**command, "id": 10})
    assert reply["content"]["data"]["content"]["payload"]["status"] == "ended"


def test_a_comm_is_told_of_new_runs_and_of_unknown_ones(ready: Any) -> None:
    def received(messages: list[Any]) -> list[Any]:
        return [m["content"]["data"] for m in messages if m["msg_type"] == "comm_msg"]

    def idle_after(sent: str) -> list[Any]:
        return ready.until(
            lambda m: (
                m["msg_type"] == "status"
                and m["content"]["execution_state"] == "idle"
                and m["parent_header"].get("msg_id") == sent
            )
        )

    opening = {"comm_id": "c2", "target_name": "ortviz", "data": {"run_id": "nowhere"}}
    first = received(idle_after(ready.send_comm("comm_open", opening)))
    assert [data["type"] for data in first] == ["runs", "error"]
    told = received(ready.run("recorder, run = begin('newest'); run.close()"))
    assert told[0]["runs"][0]["name"] == "newest"
    command = {"type": "command", "id": 3, "command": "run", "params": {}}
    sent = ready.send_comm("comm_msg", {"comm_id": "c2", "data": command})
    assert received(idle_after(sent)) == [
        {"type": "error", "id": 3, "message": "Choose a run first."}
    ]
    idle_after(ready.send_comm("comm_close", {"comm_id": "c2", "data": {}}))
    assert received(ready.run("recorder, run = begin('unheard'); run.close()")) == []


def test_the_graph_inspector_answers_about_a_file(ready: Any) -> None:
    messages = ready.run("""
from onnx import TensorProto, helper
ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in "xy"]
node = helper.make_node("Relu", ["x"], ["y"])
proto = helper.make_model(helper.make_graph([node], "tiny", ends[:1], ends[1:]))
Path("tiny.onnx").write_bytes(proto.SerializeToString())
inspector = ortviz.GraphInspector("tiny.onnx", height=400)
display(inspector)
""")
    comm_id = widget_comm(messages)
    (state,) = [
        m["content"]["data"]["state"]
        for m in messages
        if m["msg_type"] == "comm_open" and m["content"]["comm_id"] == comm_id
    ]
    assert state["views"] == ["graph"]
    assert state["graph"] == ["inference", "model"]
    assert state["onnx_path"].endswith("tiny.onnx")
    assert (state["run_path"], state["height"]) == ("", 400)
    stage = {"mode": "inference", "stage": "model"}
    asked = {"type": "command", "id": 3, "command": "graph_model", "params": stage}
    reply = ready.ask(comm_id, asked)
    content = reply["content"]["data"]["content"]
    assert (content["type"], content["payload"]["file_name"]) == (
        "reply",
        "tiny.onnx_model_inference.onnx",
    )
    assert len(bytes(reply["buffers"][0])) > 50
    asked = {"type": "command", "id": 4, "command": "control", "params": {"action": "pause"}}
    content = ready.ask(comm_id, asked)["content"]["data"]["content"]
    assert content["type"] == "error"
    assert "there are no steps" in content["message"]
    ready.run("inspector.close()")
