"""ORTModule on the installed torch: it computes what eager computes and leaves the rest alone."""

from __future__ import annotations

import contextlib
import copy
import io
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable

import pytest
import torch
from torch import nn

from ortviz._compat import OrtModuleApi, ensure_ortmodule, ort_agents, ort_private
from ortviz._compat.ort_private import InputKind

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def api() -> OrtModuleApi:
    return ensure_ortmodule()


def run_fresh(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process in which nothing was imported yet."""
    search = os.pathsep.join(path for path in sys.path if path)
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": search, **environment},
        timeout=300,
        check=False,
    )


class EmbeddingMaxPool(nn.Module):
    """Goes through both kinds of ATen fallback of ORT."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 16)
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Linear(8, 3)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        pooled: torch.Tensor = self.head(self.pool(self.embedding(tokens).unsqueeze(1)))
        return pooled


class LastOfLstm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 8, num_layers=2, batch_first=True)
        self.head = nn.Linear(8, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        last: torch.Tensor = self.head(self.lstm(x)[0][:, -1])
        return last


def floats(*shape: int) -> Callable[[], torch.Tensor]:
    return lambda: torch.randn(*shape)


MODELS: dict[str, tuple[Callable[[], nn.Module], Callable[[], torch.Tensor]]] = {
    "linear": (lambda: nn.Linear(5, 3), floats(7, 5)),
    "conv2d": (lambda: nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU()), floats(2, 3, 8, 8)),
    "embedding, max pool": (EmbeddingMaxPool, lambda: torch.randint(0, 11, (2, 6))),
    "lstm": (LastOfLstm, floats(3, 5, 4)),
    "layer norm": (lambda: nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8)), floats(4, 6)),
    "gelu": (lambda: nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.Linear(8, 1)), floats(4, 6)),
}


@pytest.mark.parametrize("name", MODELS)
def test_forward_and_backward_agree_with_eager(name: str, api: OrtModuleApi) -> None:
    make_model, make_input = MODELS[name]
    torch.manual_seed(0)
    eager = make_model()
    ort = api.ORTModule(copy.deepcopy(eager))
    x = make_input()
    expected, got = eager(x), ort(x)
    weight = torch.randn_like(expected)
    (expected * weight).sum().backward()
    (got * weight).sum().backward()

    assert ort_private.is_fallback(ort) == (False, None)
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)
    pairs = zip(ort.named_parameters(), eager.named_parameters(), strict=True)
    for (ort_name, ort_parameter), (eager_name, eager_parameter) in pairs:
        assert ort_name == eager_name
        assert eager_parameter.grad is not None
        assert eager_parameter.grad.abs().max() > 0
        torch.testing.assert_close(ort_parameter.grad, eager_parameter.grad, rtol=1e-4, atol=2e-5)


def test_the_same_names_every_time(api: OrtModuleApi) -> None:
    assert ensure_ortmodule() is api


def test_importing_ortviz_imports_neither_torch_nor_ort() -> None:
    done = run_fresh(
        """
        import sys
        import ortviz, ortviz._compat, ortviz._compat.doctor, ortviz.cli
        heavy = {"torch", "onnxruntime", "onnx", "numpy", "IPython", "plotly"} & set(sys.modules)
        assert not heavy, heavy
        """
    )
    assert done.returncode == 0, done.stderr


def test_nothing_of_the_users_changes_but_what_ort_itself_documents() -> None:
    done = run_fresh(
        """
        import inspect, logging, os, random, sys, warnings
        import torch, torch.cuda.nvtx, torch.onnx
        def state():
            return {
                "export": torch.onnx.export,
                "export default": inspect.signature(torch.onnx.export).parameters.get("dynamo"),
                "nvtx": (torch.cuda.nvtx.range_push, torch.cuda.nvtx.range_pop),
                "logging": (list(logging.getLogger().handlers), logging.getLogger().level),
                # sympy, which ORT imports, adds one for a warning of its own
                "warnings": [f for f in warnings.filters if f[2].__module__ == "builtins"],
                "environment": dict(os.environ),
                "random": random.getstate(),
                "torch random": torch.get_rng_state().tolist(),
                "dtype": torch.get_default_dtype(),
                "excepthook": sys.excepthook,
                "streams": (sys.stdout, sys.stderr),
            }
        model, x = torch.nn.Sequential(torch.nn.Linear(2, 2)), torch.ones(1, 2)
        before = state()
        from ortviz._compat import ensure_ortmodule
        api = ensure_ortmodule()
        after = state()
        changed = [name for name in before if before[name] != after[name]]
        assert not changed, changed
        # ORT's own, so that it can seed ONNX Runtime too
        assert torch.manual_seed.__module__ == "onnxruntime.training.ortmodule"
        api.ORTModule(model)(x).sum().backward()
        after = state()
        changed = [name for name in before if before[name] != after[name]]
        assert not changed, changed
        """
    )
    assert done.returncode == 0, done.stderr


def test_the_users_own_export_is_the_same_after_training_through_ort() -> None:
    """Embedding is among those that ORT exports as an operator of its own."""
    done = run_fresh(
        """
        import io, warnings, onnx, torch
        warnings.simplefilter("ignore")
        model = torch.nn.Sequential(torch.nn.Embedding(9, 8), torch.nn.LayerNorm(8)).eval()
        x = torch.ones(2, 3, dtype=torch.int64)
        def export():
            file = io.BytesIO()
            legacy = {"dynamo": False} if torch.__version__ >= "2.5" else {}
            torch.onnx.export(model, (x,), file, opset_version=17, **legacy)
            return onnx.load_from_string(file.getvalue()).graph
        before = [(node.domain, node.op_type) for node in export().node]
        from ortviz._compat import ensure_ortmodule, ort_private
        trained = ensure_ortmodule().ORTModule(torch.nn.Sequential(*model).train())
        trained(x).sum().backward()
        graph = ort_private.optimized_model(ort_private.training_manager(trained)).graph
        assert "ATen" in {node.op_type for node in graph.node}
        after = [(node.domain, node.op_type) for node in export().node]
        assert before == after, (before, after)
        """
    )
    assert done.returncode == 0, done.stderr


def test_the_users_symbolic_function_survives(api: OrtModuleApi) -> None:
    def embedding(g, weight, indices, *_others):  # type: ignore[no-untyped-def]
        return g.op("users.domain::Embedding", weight, indices)

    from ortviz._compat.symbolics import kept_symbolics, register_ort_symbolics

    registration = sys.modules["torch.onnx._internal.registration"]
    torch.onnx.register_custom_op_symbolic("aten::embedding", embedding, 17)
    try:
        with kept_symbolics():
            register_ort_symbolics(17)
            inside = registration.registry.get_function_group("aten::embedding").get(17)
        after = registration.registry.get_function_group("aten::embedding").get(17)
    finally:
        torch.onnx.unregister_custom_op_symbolic("aten::embedding", 17)
    assert inside is not embedding
    assert after is embedding


def test_the_dynamo_exporter_is_still_the_users_default(api: OrtModuleApi) -> None:
    if not api.plan.legacy_export:
        pytest.skip("this torch defaults to the TorchScript exporter")
    done = run_fresh(
        """
        import sys, types, torch, torch.onnx._internal.exporter as exporter
        from ortviz._compat import ensure_ortmodule
        model = torch.nn.Sequential(torch.nn.Linear(2, 2))
        ensure_ortmodule().ORTModule(model)(torch.ones(1, 2)).sum().backward()
        called = []
        # The real one needs onnxscript, which nothing else here does.
        dynamo = types.ModuleType("torch.onnx._internal.exporter._compat")
        dynamo.export_compat = lambda *args, **kwargs: called.append(True)
        sys.modules[dynamo.__name__] = exporter._compat = dynamo
        torch.onnx.export(torch.nn.Linear(2, 2), (torch.ones(1, 2),), "nothing.onnx")
        assert called == [True], called
        """
    )
    assert done.returncode == 0, done.stderr


def test_site_packages_is_not_written_and_a_second_process_compiles_nothing(
    api: OrtModuleApi,
) -> None:
    from ortviz._compat.versions import ort_extension_folder

    folder = ort_extension_folder()
    assert folder is not None
    assert not list(folder.glob("*.so"))
    done = run_fresh(
        "from ortviz._compat import ensure_ortmodule; ensure_ortmodule()", PATH="/nowhere"
    )
    assert done.returncode == 0, done.stderr
    assert "Compiling" not in done.stderr + done.stdout


def test_imported_by_the_user_before(api: OrtModuleApi) -> None:
    """The user's own import fails or falls back without extensions; ours then mends it."""
    done = run_fresh(
        """
        import onnxruntime.training
        try:
            from onnxruntime.training import ORTModule
        except ImportError:
            pass
        import torch
        from ortviz._compat import ensure_ortmodule, ort_private
        model = ensure_ortmodule().ORTModule(torch.nn.Conv1d(2, 2, 1))
        model(torch.ones(1, 2, 3)).sum().backward()
        assert ort_private.is_fallback(model) == (False, None), ort_private.is_fallback(model)
        """
    )
    assert done.returncode == 0, done.stderr


def test_custom_autograd_asked_for_where_it_cannot_be(api: OrtModuleApi) -> None:
    if api.plan.custom_autograd:
        pytest.skip("this torch can")
    done = run_fresh(
        """
        from ortviz._compat import ensure_ortmodule
        from ortviz.errors import EnvironmentProblem
        try:
            ensure_ortmodule()
        except EnvironmentProblem as problem:
            assert "Unset ORTMODULE_ENABLE_CUSTOM_AUTOGRAD" in problem.remedy
        else:
            raise SystemExit("no error")
        """,
        ORTMODULE_ENABLE_CUSTOM_AUTOGRAD="1",
    )
    assert done.returncode == 0, done.stderr


def test_a_training_step_prints_nothing() -> None:
    done = run_fresh(
        """
        import torch
        from ortviz._compat import ensure_ortmodule
        api = ensure_ortmodule()
        model = api.ORTModule(
            torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.GELU()),
            api.DebugOptions(log_level=api.LogLevel.WARNING),
        )
        model(torch.ones(1, 2)).sum().backward()
        model.eval()(torch.ones(1, 2))
        """
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_tracer_warnings_still_reach_the_user() -> None:
    done = run_fresh(
        """
        import torch
        from ortviz._compat import ensure_ortmodule
        class Branches(torch.nn.Linear):
            def forward(self, x):
                return super().forward(x) if x.sum() > 0 else x
        model = ensure_ortmodule().ORTModule(Branches(2, 2))
        model(torch.ones(1, 2)).sum().backward()
        """
    )
    assert done.returncode == 0, done.stderr
    assert "TracerWarning" in done.stderr


@pytest.mark.parametrize(
    "layer",
    [nn.MaxPool1d(2), nn.MaxPool3d(2), nn.AvgPool1d(2), nn.AvgPool3d(2)],
    ids=lambda layer: type(layer).__name__,
)
def test_pooling_that_would_end_the_process_falls_back(layer: nn.Module, api: OrtModuleApi) -> None:
    one_d = type(layer).__name__.endswith("1d")
    conv: nn.Module = nn.Conv1d(2, 3, 1) if one_d else nn.Conv3d(2, 3, 1)
    model = api.ORTModule(nn.Sequential(conv, layer))
    model(torch.randn(1, 2, *([4] if one_d else [4, 4, 4]))).sum().backward()
    fell_back, reason = ort_private.is_fallback(model)
    assert fell_back
    assert "ends the process" in str(reason)
    assert "PoolGrad" in str(reason)


def small_classifier() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.BatchNorm1d(8), nn.Linear(8, 3))


def test_graph_inputs_and_gradient_names_follow_the_module(api: OrtModuleApi) -> None:
    model = api.ORTModule(small_classifier())
    manager = ort_private.training_manager(model)
    assert manager is not None
    assert ort_private.optimized_model(manager) is None
    assert ort_private.graph_inputs(manager) == ()
    assert ort_private.parameter_gradient_names(manager) == {}
    model(torch.randn(4, 6)).sum().backward()

    parameters = [name for name, _ in model.named_parameters()]
    inputs = ort_private.graph_inputs(manager)
    assert [i.qualified_name for i in inputs if i.kind is InputKind.PARAMETER] == parameters
    assert [i.gradient_index for i in inputs if i.gradient_index is not None] == [*range(6)]
    assert {i.qualified_name for i in inputs if i.kind is InputKind.BUFFER} == {
        "2.running_mean",
        "2.running_var",
    }
    assert [i.name for i in inputs if i.kind is InputKind.USER] == ["input"]
    gradients = ort_private.parameter_gradient_names(manager)
    assert list(gradients) == parameters
    assert gradients["0.weight"].startswith("_original_module.0.weight_grad")
    assert len(ort_private.user_output_names(manager)) == 1


def tapped(api: OrtModuleApi, seen: dict[str, torch.Tensor]) -> nn.Module:
    """Wrap a classifier so that the first Linear's output and its gradient are read."""
    forward = "/_original_module/_original_module.0/Gemm_output_0"
    model = api.ORTModule(small_classifier())
    manager = ort_private.training_manager(model)
    assert manager is not None

    def install(created: ort_private.ExecutionManager) -> None:
        agent = ort_agents.tap_agent(
            created,
            [forward],
            [f"{forward}_grad"],
            lambda tensors: seen.update(forward=tensors[0].clone()),
            lambda tensors: seen.update(backward=tensors[0].clone()),
        )
        ort_agents.set_execution_agent(created, agent)

    ort_agents.on_agent_created(manager, install)
    return model


def test_tapped_agent_returns_what_eager_computes_from_the_first_step_on(
    api: OrtModuleApi,
) -> None:
    seen: dict[str, torch.Tensor] = {}
    torch.manual_seed(3)
    model = tapped(api, seen)
    eager = copy.deepcopy(ort_private.original_module(model))
    x, weight = torch.randn(4, 6), torch.randn(4, 3)
    recorded: dict[str, torch.Tensor] = {}
    eager[0].register_forward_hook(lambda _m, _i, out: recorded.update(forward=out))
    eager[0].register_full_backward_hook(lambda _m, _i, out: recorded.update(backward=out[0]))
    (eager(x) * weight).sum().backward()
    (model(x) * weight).sum().backward()
    torch.testing.assert_close(seen["forward"], recorded["forward"], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(seen["backward"], recorded["backward"], rtol=1e-4, atol=1e-5)


def test_tapped_and_plain_agent_give_bit_identical_gradients(api: OrtModuleApi) -> None:
    seen: dict[str, torch.Tensor] = {}
    torch.manual_seed(3)
    model = tapped(api, seen)
    torch.manual_seed(3)
    plain = api.ORTModule(small_classifier())
    plain.load_state_dict(model.state_dict())
    x, weight = torch.randn(4, 6), torch.randn(4, 3)
    for each in (model, plain):
        (each(x) * weight).sum().backward()
    assert seen
    for ours, theirs in zip(model.parameters(), plain.parameters(), strict=True):
        assert ours.grad is not None
        assert theirs.grad is not None
        assert torch.equal(ours.grad, theirs.grad)


def test_a_re_export_is_noticed(api: OrtModuleApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """An input that now needs a gradient makes ORT export anew: a tap must not get lost."""
    # As it comes ORT checks nothing after the first step and never exports again.
    monkeypatch.setenv("ORTMODULE_SKIPCHECK_POLICY", "SKIP_CHECK_DISABLED")
    # Without buffers: with one, ORT's check ends in an assertion.
    model = api.ORTModule(nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)))
    manager = ort_private.training_manager(model)
    assert manager is not None
    created: list[object] = []
    stop = ort_agents.on_agent_created(
        manager, lambda each: created.append(ort_private.optimized_model(each))
    )
    x = torch.randn(4, 6)
    model(x).sum().backward()
    model(x).sum().backward()
    assert len(created) == 1
    model(x.clone().requires_grad_()).sum().backward()
    assert len(created) == 2
    assert created[0] is not created[1]
    stop()
    model(x).sum().backward()
    assert len(created) == 2


def test_tapping_before_the_first_step_is_refused(api: OrtModuleApi) -> None:
    manager = ort_private.training_manager(api.ORTModule(small_classifier()))
    assert manager is not None
    with pytest.raises(LookupError, match="no training graph yet"):
        ort_agents.tap_agent(manager, [], [], print, print)


def test_what_ort_refuses_to_export_is_told_with_its_exception(api: OrtModuleApi) -> None:
    model = api.ORTModule(nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveMaxPool2d(2)))
    model(torch.randn(1, 1, 8, 8)).sum().backward()
    fell_back, reason = ort_private.is_fallback(model)
    assert fell_back
    assert "exporting the PyTorch model to ONNX" in str(reason)


def test_is_ort_module(api: OrtModuleApi) -> None:
    inner = nn.Linear(1, 1)
    wrapped = api.ORTModule(inner)
    assert ort_private.is_ort_module(wrapped)
    assert not ort_private.is_ort_module(inner)
    assert ort_private.original_module(wrapped) is inner


def test_it_works_where_the_streams_are_captured() -> None:
    """As under ``%%capture``: ORT asks the streams for a descriptor they do not have."""
    api = ensure_ortmodule()
    model = api.ORTModule(torch.nn.Linear(4, 2))
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        assert not hasattr(sys.stdout, "name")
        model(torch.randn(3, 4)).sum().backward()
    assert not ort_private.is_fallback(model)[0]
    assert model.weight.grad is not None
