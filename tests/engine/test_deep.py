"""Steps that are looked into deeply: what is seen, and that nobody notices."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import ortviz
from ortviz.capture import finish, wrap_module
from ortviz.errors import OrtvizError, WrapError
from ortviz.record import StepCapture, Verify
from tests.engine.families import BY_NAME, FAMILIES, Family, LinearPlusNoise, mlp, prediction
from tests.engine.sinks import ListSink
from tests.engine.test_undisturbed import outcome, same_as_plain

pytestmark = pytest.mark.engine
GIVEN = ("input/", "parameter/")
NEVER_BY_ORT = ("buffer/", "backward/#")


def train(
    family: Family,
    folder: Path,
    *,
    steps: int = 3,
    verify: Verify = Verify.ALWAYS,
    sink: ListSink | None = None,
    before_step: Callable[[int, nn.Module], None] = lambda step, model: None,
) -> ListSink:
    torch.manual_seed(1)
    sink = sink or ListSink()
    model = family.build()
    wrapped = wrap_module(model, sink, name="m", every=1, save_dir=folder, verify=verify)
    optimizer = torch.optim.SGD(wrapped.parameters(), lr=0.05)
    generator = torch.Generator().manual_seed(2)
    for step in range(steps):
        optimizer.zero_grad()
        before_step(step, model)
        output = prediction(wrapped(family.batch(generator)))
        nn.MSELoss()(output, torch.ones_like(output)).backward()
        optimizer.step()
    finish(wrapped)
    assert not sink.problems, sink.problems
    return sink


def deep_steps(sink: ListSink) -> list[int]:
    return [seen.record.step for seen in sink.captures if seen.repeat_values]


def compared(capture: StepCapture) -> set[str]:
    """Sites with values on both sides that each side computed itself."""
    both = capture.reference_values.keys() & capture.candidate_values.keys()
    return {site for site in both if not site.startswith((*GIVEN, *NEVER_BY_ORT))}


def largest(values: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Largest element by direction: what a gradient that should be 0 is measured against."""
    found: dict[str, float] = {}
    for site, array in values.items():
        way = site.split("/")[0]
        if array.size:
            found[way] = max(found.get(way, 0.0), float(np.abs(array).max()))
    return found


class Shaped(nn.Module):
    """Softmax as a module, operations between modules, odd arguments, a module used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 6)
        self.soft = nn.Softmax(-1)
        self.norm = nn.BatchNorm1d(6)
        self.act = nn.ReLU(inplace=True)
        self.pair = Pair()
        self.offset = nn.Parameter(torch.linspace(-1, 1, 3))
        self.twice = nn.Linear(6, 6)
        self.head = nn.Linear(6, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.act(self.norm(self.first(x)))
        y = self.soft(self.twice(y)) + self.twice(y * 2)
        left, rest = self.pair({"a": y[:, :3], "b": [y[:, 3:]]}, scale=2.0, offset=self.offset)
        return self.head(torch.cat([left, rest["b"]], -1))


class Pair(nn.Module):
    """Takes and gives nested tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(3, 3)

    def forward(
        self, parts: dict[str, object], *, scale: float, offset: torch.Tensor
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        a, (b,) = parts["a"], parts["b"]  # type: ignore[misc]
        return scale * self.inner(a) + offset**2, {"b": torch.tanh(self.inner(b))}


SHAPED = Family("shaped", Shaped, lambda generator: torch.randn(8, 4, generator=generator))
ALL = [*FAMILIES, SHAPED]


@pytest.mark.parametrize("name", ["dropout", "cnn_batchnorm", "transformer", "lstm"])
def test_nothing_is_disturbed(name: str, tmp_path: Path) -> None:
    family = BY_NAME[name]
    plain = outcome(family, None, tmp_path)
    same_as_plain(plain, outcome(family, 1, tmp_path, Verify.ALWAYS))


@pytest.mark.parametrize("family", ALL, ids=lambda family: family.name)
def test_ort_gives_the_same_a_second_time(family: Family, tmp_path: Path) -> None:
    for capture in train(family, tmp_path).captures:
        assert compared(capture) <= capture.repeat_values.keys()
        for site, array in capture.repeat_values.items():
            assert np.array_equal(array, capture.candidate_values[site]), site


@pytest.mark.parametrize("family", ALL, ids=lambda family: family.name)
def test_the_float64_run_is_of_the_same_step(family: Family, tmp_path: Path) -> None:
    for capture in train(family, tmp_path).captures:
        floating = {s for s, v in capture.reference_values.items() if v.dtype.kind == "f"}
        assert capture.wide_values.keys() == floating
        scale = largest(capture.reference_values)
        differs = 0
        for site, wide in capture.wide_values.items():
            narrow = capture.reference_values[site]
            assert wide.dtype == np.float64, site
            assert np.abs(wide - narrow).max() <= 3e-6 * scale[site.split("/")[0]], site
            differs += not np.array_equal(wide, narrow.astype(np.float64))
        assert differs > 3, "it is no copy of the float32 run"


@pytest.mark.parametrize("family", ALL, ids=lambda family: family.name)
def test_of_an_honest_run_every_module_agrees_on_orts_own_input(
    family: Family, tmp_path: Path
) -> None:
    for capture in train(family, tmp_path).captures:
        assert compared(capture) <= capture.local_values.keys()
        scale = largest(capture.candidate_values)
        for site in compared(capture):
            own = np.abs(capture.local_values[site] - capture.candidate_values[site]).max()
            assert own <= 3e-6 * scale[site.split("/")[0]], site
        assert not any("Own errors" in note for note in capture.record.notes)


def test_what_the_backward_overwrites_was_read_before(tmp_path: Path) -> None:
    """ORT's softmax gradient works in the memory of the softmax."""
    capture = train(SHAPED, tmp_path).captures[-1]
    seen = capture.candidate_values["forward/soft#out0"]
    assert np.allclose(seen.sum(-1), 1)
    assert np.allclose(seen, capture.reference_values["forward/soft#out0"], atol=1e-6)


def test_gradients_of_a_module_used_twice_are_summed(tmp_path: Path) -> None:
    capture = train(SHAPED, tmp_path).captures[-1]
    for local in ("weight", "bias"):
        site = f"parameter_grad/twice#{local}"
        assert np.allclose(
            capture.local_values[site], capture.candidate_values[site], rtol=1e-4, atol=1e-7
        )


class Twice(nn.Module):
    """Calls a module on what it has just returned, which ORT's graph shows as one scope."""

    def __init__(self) -> None:
        super().__init__()
        self.step = nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.step(self.step(x))
        return result


def test_a_module_called_on_its_own_output_is_given_no_other_input(tmp_path: Path) -> None:
    sink = train(Family("twice", Twice, lambda generator: torch.randn(4, 8)), tmp_path, steps=1)
    (capture,) = sink.captures
    second = capture.local_values.get("forward/step@1#out0")
    ort = capture.candidate_values["forward/step@1#out0"]
    assert second is None or np.allclose(second, ort, atol=1e-5)
    assert np.allclose(capture.local_values["forward/#out0"], ort, atol=1e-5)


def _bytes(tensor: torch.Tensor) -> int:
    try:
        return tensor.nbytes
    except RuntimeError:
        # Older torch keeps a few tensors without a dtype of its own.
        return 0


def test_the_memory_comes_back(tmp_path: Path) -> None:
    alive: list[tuple[int, int]] = []

    def count(step: int, model: nn.Module) -> None:
        del sink.captures[:], sink.observations[:]
        gc.collect()
        tensors = [each for each in gc.get_objects() if isinstance(each, torch.Tensor)]
        alive.append((len(tensors), sum(map(_bytes, tensors))))

    sink = ListSink()
    train(BY_NAME["transformer"], tmp_path, steps=6, sink=sink, before_step=count)
    assert alive[2] == alive[5]


def test_auto_looks_at_the_first_and_the_tenth_and_on_request(tmp_path: Path) -> None:
    sink = ListSink()
    sink.verify = {5}
    train(BY_NAME["mlp"], tmp_path, steps=12, verify=Verify.AUTO, sink=sink)
    assert deep_steps(sink) == [0, 5, 9]


def test_never_looks_only_on_request(tmp_path: Path) -> None:
    sink = ListSink()
    sink.verify = {2}
    train(BY_NAME["mlp"], tmp_path, steps=4, verify=Verify.NEVER, sink=sink)
    assert deep_steps(sink) == [2]


def test_a_run_is_asked_for_a_deep_look(tmp_path: Path) -> None:
    wrapped = ortviz.wrap(mlp(), verify="never", path=tmp_path / "run.ortviz")
    run = wrapped.ortviz
    for step in range(3):
        if step == 1:
            run.verify_next()
        wrapped(torch.randn(8, 4)).square().mean().backward()
    run.close()
    assert not run.problems, run.problems
    seen = [run.steps[step].compare()["parameter_grad/0#weight"] for step in range(3)]
    assert seen[0].noise_floor is None
    assert seen[1].noise_floor is not None
    assert [each.local_abs_error is not None for each in seen] == [False, True, False]
    with pytest.raises(OrtvizError, match="has ended"):
        run.verify_next()


def test_there_are_three_ways_to_verify() -> None:
    with pytest.raises(WrapError, match="verify='often'"):
        ortviz.wrap(mlp(), verify="often")


def test_a_new_export_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORTMODULE_SKIPCHECK_POLICY", "SKIP_CHECK_DISABLED")
    shapes = iter([(8, 4), (8, 4), (8, 4), (2, 8, 4), (2, 8, 4), (2, 8, 4)])
    family = Family("mlp", mlp, lambda generator: torch.randn(next(shapes), generator=generator))
    sink = train(family, tmp_path, steps=6, verify=Verify.AUTO)
    assert [event.step for event in sink.events] == [0, 3]
    assert deep_steps(sink) == [0, 3]
    last = sink.captures[3]
    assert compared(last) <= last.local_values.keys() & last.repeat_values.keys()


class Fixed(nn.Module):
    """Refuses all but float32."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.head = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.first(x)
        if hidden.dtype is not torch.float32:
            raise TypeError("this model is float32")
        return self.head(hidden)


class Casting(nn.Module):
    """Computes a norm in float32, as many models do, and makes a float32 tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.head = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.first(x)
        norm = hidden.to(torch.float32).pow(2).mean(-1, keepdim=True)
        return self.head(hidden * torch.rsqrt(norm + torch.full((1,), 1e-6)))


def test_a_model_that_is_float32_by_nature_has_no_float64_run(tmp_path: Path) -> None:
    capture = train(Family("fixed", Fixed, BY_NAME["mlp"].batch), tmp_path).captures[-1]
    assert not capture.wide_values
    (note,) = [note for note in capture.record.notes if "float64" in note]
    assert "this model is float32" in note
    assert capture.repeat_values
    assert capture.local_values


def test_casts_of_the_models_own_are_wide_too(tmp_path: Path) -> None:
    capture = train(Family("casting", Casting, BY_NAME["mlp"].batch), tmp_path).captures[-1]
    wide = capture.wide_values["forward/first#out0"]
    norm = (wide**2).mean(-1, keepdims=True) + np.float64(np.float32(1e-6))
    weight = capture.wide_values["parameter_grad/head#weight"]
    arrived = capture.wide_values["backward/head#out0"]
    assert np.abs(arrived.T @ (wide / np.sqrt(norm)) - weight).max() < 1e-13


def test_other_randomness_is_said(tmp_path: Path) -> None:
    capture = train(Family("noisy", LinearPlusNoise, BY_NAME["mlp"].batch), tmp_path).captures[-1]
    assert not capture.repeat_values
    assert not capture.wide_values
    assert not capture.local_values
    assert "draws random numbers" in " ".join(capture.record.notes)


def test_weights_that_changed_before_the_backward_are_noticed(tmp_path: Path) -> None:
    torch.manual_seed(1)
    sink = ListSink()
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    wrapped = wrap_module(model, sink, name="m", every=1, save_dir=tmp_path, verify=Verify.ALWAYS)
    output = wrapped(torch.randn(3, 4))
    with torch.no_grad():
        model[0].bias.add_(1)
    output.sum().backward()
    finish(wrapped)
    assert not sink.problems, sink.problems
    assert not deep_steps(sink)
    assert "weights changed" in " ".join(sink.captures[0].record.notes)
