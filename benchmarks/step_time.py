"""A training step with ortviz beside the same step of plain ORTModule, in turns."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.row import Row

BATCH, LENGTH, WIDTH = 16, 32, 64
ROUNDS, STEPS = 12, 20


def measure() -> Iterator[Row]:
    """One row for steps that are not sampled, one for steps that all are."""
    import torch
    from torch import nn

    import ortviz
    from ortviz._compat import ensure_ortmodule

    api = ensure_ortmodule()
    width_root = WIDTH**0.5

    def model() -> nn.Module:
        torch.manual_seed(0)
        blocks = [Block(WIDTH) for _ in range(4)]
        return nn.Sequential(*blocks, nn.Linear(WIDTH, 1))

    class Block(nn.Module):
        """Attention and a feed-forward part, each on a residual; (batch, length, width)."""

        def __init__(self, width: int) -> None:
            super().__init__()
            self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
            self.norm = nn.LayerNorm(width)
            self.feed_forward = nn.Sequential(
                nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
            )

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            """Same shape as ``x``."""
            scores = self.query(x) @ self.key(x).transpose(1, 2) / width_root
            x = x + scores.softmax(-1) @ self.value(x)
            return x + self.feed_forward(self.norm(x))

    with tempfile.TemporaryDirectory() as folder:
        options = api.DebugOptions(log_level=api.LogLevel.ERROR)
        never = ortviz.wrap(model(), every=10**9, path=Path(folder) / "never.ortviz")
        always = ortviz.wrap(model(), every=1, path=Path(folder) / "always.ortviz")
        trained = {"plain": api.ORTModule(model(), options), "never": never, "always": always}
        secs: dict[str, list[float]] = {name: [] for name in trained}
        for round_number in range(ROUNDS + 1):
            names = list(trained)
            # Each after each other one, since ONNX Runtime's threads spin on for a while.
            shift = round_number % len(names)
            for name in (names[shift:] + names[:shift])[:: 1 if round_number % 2 else -1]:
                wrapped = trained[name]
                taken = _train(wrapped)
                if name != "plain":
                    wrapped.ortviz.flush()
                # The first round exports and fills caches.
                secs[name] += taken if round_number else []
        never.ortviz.close()
        always.ortviz.close()
    # What other programs take from the machine only ever adds time: the lower quartile.
    quick = {name: statistics.quantiles(values)[0] for name, values in secs.items()}
    for name, what, limit in (
        ("never", "training step, not sampled", 1.15),
        ("always", "training step, sampled", None),
    ):
        yield Row(
            what=what,
            peer="plain ORTModule",
            ratio=quick[name] / quick["plain"],
            limit=limit,
            detail=f"{quick[name] * 1e3:.2f} ms against {quick['plain'] * 1e3:.2f} ms, "
            f"lower quartiles of {ROUNDS * STEPS} steps; transformer, {BATCH} × {LENGTH} × {WIDTH}",
        )


def _train(model: object) -> list[float]:
    import torch

    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)  # type: ignore[attr-defined]
    criterion = torch.nn.L1Loss()
    inputs = torch.randn(BATCH, LENGTH, WIDTH)
    targets = torch.randn(BATCH, LENGTH, 1)
    secs = []
    for _ in range(STEPS):
        began = time.perf_counter()
        loss = criterion(model(inputs), targets)  # type: ignore[operator]
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        secs.append(time.perf_counter() - began)
    return secs


if __name__ == "__main__":
    for row in measure():
        print(f"{row.what}: {row.ratio:.2f} of {row.peer} ({row.detail})")
