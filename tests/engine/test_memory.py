"""Memory is returned after the step: nothing live grows with the number of sampled steps."""

from __future__ import annotations

import ctypes
import gc
import os
import time
import weakref
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import nn

import ortviz
from ortviz.capture import taps
from ortviz.capture.pending import PendingStep
from ortviz.capture.shadow import ShadowRun
from ortviz.capture.trace import ModuleCall

pytestmark = pytest.mark.engine

WARM_STEPS = 9
"""More than are kept open while they wait for a backward."""
STEPS = 16
WIDTH = 256
_LET_GO_SECS = 5.0
STEP_BYTES = 6 * WIDTH * WIDTH * 4
"""Less than the activations of one step; all that one step leaves is several times that."""


@dataclass
class Live:
    """What is there right after a step.

    Attributes:
        tensor_count: torch tensors that Python knows.
        tensor_bytes: Of their storages, each counted once.
        own: Live objects of capture's own types.
        resident_bytes: Memory of the process.
    """

    tensor_count: int
    tensor_bytes: int
    own: Counter[str]
    resident_bytes: int

    @classmethod
    def now(cls) -> Live:
        gc.collect()
        # What the allocator keeps for later is no leak, and more than a step's tensors.
        ctypes.CDLL(None).malloc_trim(0)
        objects = gc.get_objects()
        tensors = [each for each in objects if type(each) in (torch.Tensor, nn.Parameter)]
        storages = dict(map(_storage, tensors))
        kinds = (PendingStep, ShadowRun, ModuleCall)
        own = Counter(type(each).__name__ for each in objects if type(each) in kinds)
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return cls(len(tensors), sum(storages.values()), own, pages * os.sysconf("SC_PAGE_SIZE"))


def _storage(tensor: torch.Tensor) -> tuple[int, int]:
    """Where a tensor's data lie, and how many bytes."""
    try:
        return tensor.data_ptr(), tensor.untyped_storage().nbytes()
    except RuntimeError:
        # Older torch keeps a few tensors of its own without any.
        return 0, 0


def model() -> nn.Module:
    return nn.Sequential(
        nn.Linear(WIDTH, WIDTH),
        nn.Tanh(),
        nn.Dropout(0.1),
        nn.Linear(WIDTH, WIDTH),
        nn.ReLU(),
        nn.Linear(WIDTH, WIDTH),
    )


def plain_step(wrapped: nn.Module) -> None:
    nn.L1Loss()(wrapped(torch.randn(WIDTH, WIDTH)), torch.zeros(WIDTH, WIDTH)).backward()


def without_backward(wrapped: nn.Module) -> None:
    wrapped(torch.randn(WIDTH, WIDTH))


def accumulated(wrapped: nn.Module) -> None:
    (wrapped(torch.randn(WIDTH, WIDTH)) + wrapped(torch.randn(WIDTH, WIDTH))).sum().backward()


def failing_loss(wrapped: nn.Module) -> None:
    output = wrapped(torch.randn(WIDTH, WIDTH))
    output.register_hook(lambda grad: grad.reshape(-1, 7))
    with pytest.raises(RuntimeError, match="shape"):
        output.sum().backward()


def refused_batch(wrapped: nn.Module) -> None:
    with pytest.raises(RuntimeError):
        wrapped(torch.randn(WIDTH, WIDTH + 1))
    plain_step(wrapped)


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> list[weakref.ref[object]]:
    """The states of ORT's runs that ortviz made; each holds what its forward left behind."""
    made: list[weakref.ref[object]] = []
    original = taps.new_state

    def new_state() -> object:
        state = original()
        made.append(weakref.ref(state))
        return state

    monkeypatch.setattr(taps, "new_state", new_state)
    return made


@pytest.mark.parametrize(
    ("step", "level", "verify"),
    [
        (plain_step, "module", "never"),
        (plain_step, "tensor", "always"),
        (without_backward, "module", "auto"),
        (accumulated, "tensor", "never"),
        (failing_loss, "module", "never"),
        (refused_batch, "module", "auto"),
    ],
)
def test_nothing_grows_with_the_steps(
    tmp_path: Path,
    states: list[weakref.ref[object]],
    step: Callable[[nn.Module], None],
    level: str,
    verify: str,
) -> None:
    torch.manual_seed(1)
    wrapped = ortviz.wrap(model(), path=tmp_path / "run.ortviz", level=level, verify=verify)
    run = wrapped.ortviz

    def after(count: int) -> Live:
        for _ in range(count):
            step(wrapped)
            wrapped.zero_grad()
            # What waits for the recorder's thread is no leak; the inbox is bounded elsewhere.
            run.flush()
        return Live.now()

    before, later = after(WARM_STEPS), after(STEPS)
    deadline = time.monotonic() + _LET_GO_SECS
    while later.tensor_count > before.tensor_count and time.monotonic() < deadline:
        # The recorder's thread has written the step and is about to let it go.
        time.sleep(0.05)
        later = Live.now()
    assert later.tensor_count <= before.tensor_count
    assert later.tensor_bytes <= before.tensor_bytes
    assert later.own <= before.own
    # The allocator keeps some; steps that stayed would be twice this at the end.
    assert later.resident_bytes - before.resident_bytes < STEPS * STEP_BYTES / 2
    assert not run.problems
    ortviz.unwrap(wrapped)
    gc.collect()
    assert not [each for each in states if each() is not None]


def test_a_tensor_that_stays_is_noticed() -> None:
    before = Live.now()
    kept = torch.ones(WIDTH, WIDTH)
    later = Live.now()
    assert later.tensor_count == before.tensor_count + 1
    assert later.tensor_bytes == before.tensor_bytes + kept.nbytes


def test_after_unwrap_nothing_of_the_run_holds_the_model(tmp_path: Path) -> None:
    inner = model()
    wrapped = ortviz.wrap(inner, path=tmp_path / "run.ortviz")
    plain_step(wrapped)
    run = wrapped.ortviz
    ortviz.unwrap(wrapped)
    reference = weakref.ref(inner)
    del inner, wrapped
    gc.collect()
    assert reference() is None
    assert len(run.steps) == 1
