"""Fallback, eager engine, hooks, exports, skipped samples."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from ortviz.findings import FindingsEngine
from ortviz.findings.known_failures import add_advice, advice
from ortviz.record import (
    ORTMODULE_STAGES,
    EventKind,
    GraphRecord,
    Mode,
    ModuleRecord,
    RunEvent,
    Severity,
    Stage,
    View,
)


def fallback(detail: str, module: str | None = "fc1") -> RunEvent:
    return RunEvent(EventKind.FALLBACK, 0, "ORTModule gave up.", detail, module)


def test_fallback_names_module_message_and_what_to_try(engine, make, only):
    detail = (
        "RuntimeError: There's no gradient: gradient builder has not been registered for RNN "
        "for node /_original_module/fc1/RNN"
    )
    found = only(engine.on_event(fallback(detail)), "fallback")
    assert (found.severity, found.module, found.first_step) == (Severity.WARNING, "fc1", 0)
    assert "because of fc1 (Linear)" in found.title
    assert detail in found.evidence
    assert "nn.LSTM or nn.GRU" in found.remedy
    assert found.view is View.GRAPH
    later = only(engine.on_step(make.step(10, fallback=True), None), "fallback")
    assert (later.first_step, later.last_step, later.step_count) == (0, 10, 2)
    assert later.evidence == found.evidence


@pytest.mark.parametrize(
    ("detail", "explanation", "remedy"),
    [
        ("RuntimeError: ResizeGrad not implemented for node '/x'", "interpolation", "Transpose2d"),
        ("AssertionError: ", "follow the shapes", "scaled_dot_product_attention"),
        (
            "UnsupportedOperatorError: Exporting the operator 'aten::foo' to ONNX is unsupported",
            "cannot write this operation as ONNX",
            "newer opset",
        ),
        ("RuntimeError: Could not guard on data-dependent expression", "another path", "where"),
        (
            "ORTModuleIOError: ORTModule does not support input type <class 'Batch'> for input x",
            "does not accept",
            "Unpack other objects",
        ),
        ("RuntimeError: custom autograd.Function Swish", "custom autograd.Function", "torch 2.6"),
        (
            "RuntimeError: Expected all tensors to be on the same device",
            "one device",
            "same device",
        ),
        ("RuntimeError: something new", "failed", "ortviz doctor"),
        ("", "failed", "ortviz doctor"),
    ],
)
def test_known_messages(engine, only, detail, explanation, remedy):
    found = only(engine.on_event(fallback(detail, None)), "fallback")
    assert explanation in found.explanation
    assert remedy in found.remedy
    assert found.module is None
    assert "because of" not in found.title


def test_a_long_message_is_cut(engine, only):
    found = only(engine.on_event(fallback("x" * 5000)), "fallback")
    assert len(found.evidence) < 700


def test_the_end_of_a_long_message_is_kept(engine, only):
    signature = "onnxruntime::training::GradientDef onnxruntime::training::GetGradientForOp(" * 12
    detail = (
        "RuntimeError: /onnxruntime_src/orttraining/core/graph/gradient_builder_base.cc:31 "
        f"{signature})\n  IsRegistered(node.OpType()) was false. The gradient builder has not been "
        "registered: RNN for node /encoder/rnn/RNN\n"
    )
    found = only(engine.on_event(fallback(detail)), "fallback")
    assert found.evidence == (
        "Its message: RuntimeError: The gradient builder has not been registered: RNN for node "
        "/encoder/rnn/RNN"
    )
    unknown = only(engine.on_event(fallback("begin " + "x" * 5000 + " the node is y")), "fallback")
    assert "begin" in unknown.evidence
    assert "the node is y" in unknown.evidence


def test_a_condition_with_nothing_behind_it_is_kept(engine, only):
    found = only(engine.on_event(fallback("RuntimeError: a.cc:31 ok() was false.")), "fallback")
    assert "a.cc:31 ok() was false." in found.evidence


def test_fallback_known_from_a_step_only(engine, make, only):
    assert only(engine.on_step(make.step(fallback=True), None), "fallback").first_step == 3


def test_an_eager_run(make, only):
    info = make.info(engine="eager", engine_reason="onnxruntime-training is not installed.")
    engine = FindingsEngine(info)
    found = only(engine.on_started(), "eager_engine")
    assert found.severity is Severity.WARNING
    assert found.evidence == "onnxruntime-training is not installed."
    assert "ortviz doctor" in found.remedy
    assert found.first_step is None


def hooked() -> tuple[ModuleRecord, ...]:
    return (
        ModuleRecord("", "Net", 0, True),
        ModuleRecord(
            "fc1",
            "Linear",
            8,
            True,
            hooks=("forward", "full_backward"),
            hook_sources=("forward save (train.py:12)", "full_backward clip (train.py:20)"),
        ),
    )


def test_hooks_that_will_not_run(make, only):
    engine = FindingsEngine(make.info(modules=hooked()))
    found = only(engine.on_started(), "silent_hooks")
    assert (found.severity, found.module) == (Severity.WARNING, "fc1")
    assert found.title == "2 hooks on fc1 (Linear) will not run"
    assert "forward save (train.py:12) on fc1 (Linear)" in found.evidence
    eager = FindingsEngine(make.info(modules=hooked(), engine="eager", engine_reason="No ORT."))
    assert {one.detector for one in eager.on_started()} == {"eager_engine"}


def graph(mode: Mode, index: int, stage: Stage = Stage.OPTIMIZED) -> GraphRecord:
    return GraphRecord(mode, stage, (), (), b"", index)


def test_exports_after_the_first_are_information(engine, only):
    for stage in ORTMODULE_STAGES:
        assert engine.on_graph(graph(Mode.TRAINING, 0, stage)) == []
        assert engine.on_graph(graph(Mode.INFERENCE, 0, stage)) == []
    found = only(engine.on_graph(graph(Mode.TRAINING, 1)), "re_export")
    assert (found.severity, found.key) == (Severity.INFO, "re_export:training")
    assert found.evidence == "2 exports so far."
    assert engine.on_graph(graph(Mode.TRAINING, 1, Stage.EXECUTION_MODEL)) == []
    assert only(engine.on_graph(graph(Mode.TRAINING, 2)), "re_export").evidence == (
        "3 exports so far."
    )


def test_an_export_says_what_it_was_for(engine, only):
    event = RunEvent(EventKind.EXPORT, 5, "ORTModule exported … again: input other is new.")
    assert engine.on_event(event) == []
    found = only(engine.on_graph(graph(Mode.TRAINING, 1)), "re_export")
    assert found.evidence == f"{event.message} 2 exports so far."


def test_a_graph_that_no_longer_fits_the_calls(engine, make, only):
    step = replace(make.step(), unseen_changes=("input other is new (float32 with 2 axes)",))
    found = only(engine.on_step(step, None), "stale_graph")
    assert found.title == (
        "ORTModule ran the graph it had, though input other is new (float32 with 2 axes)"
    )
    assert "SKIP_CHECK_DISABLED" in found.remedy
    many = replace(make.step(), unseen_changes=tuple(f"input x[{i}] is new" for i in range(50)))
    assert len(engine.on_step(many, None)) == 7, "the list of findings does not grow without end"
    assert engine.on_step(make.step(), None) == []


def test_a_module_that_trains_again(engine, only):
    event = RunEvent(EventKind.EXPORT, 0, "ORTModule put fc1 into training mode.", module="fc1")
    found = only(engine.on_event(event), "modes_reset")
    assert (found.severity, found.module) == (Severity.WARNING, "fc1")


def test_skipped_samples_are_information(engine, only):
    event = RunEvent(EventKind.SAMPLING_SKIPPED, 5, "2 steps that were due were not sampled.")
    found = only(engine.on_event(event), "sampling_skipped")
    assert (found.severity, found.first_step) == (Severity.INFO, 5)
    assert found.evidence == event.message


def raised_in(module_name: str, message: str) -> RuntimeError:
    """An error whose traceback passes through a function of that module."""
    names: dict[str, object] = {"__name__": module_name}
    exec("def fail(message):\n    raise RuntimeError(message)", names)
    with pytest.raises(RuntimeError) as caught:
        names["fail"](message)  # type: ignore[operator]
    return caught.value


UNREGISTERED = "x was false. The gradient builder has not been registered: RNN for node /rnn/RNN"


def test_an_error_of_ort_is_explained_once_below_its_traceback():
    error = raised_in("onnxruntime.training.ortmodule._utils", UNREGISTERED)
    assert "nn.LSTM or nn.GRU" in advice(error)
    add_advice(error)
    add_advice(error)
    expected = [advice(error)] if sys.version_info >= (3, 11) else []
    assert getattr(error, "__notes__", []) == expected


@pytest.mark.parametrize(
    ("module_name", "message"),
    [
        ("train", UNREGISTERED),
        ("onnxruntime.training.ortmodule._utils", "mat1 and mat2 shapes cannot be multiplied"),
    ],
)
def test_errors_that_are_not_known_to_be_of_ort_are_left_alone(module_name, message):
    error = raised_in(module_name, message)
    add_advice(error)
    assert advice(error) == ""
    assert not hasattr(error, "__notes__")
