"""The model that steps are timed with."""

from __future__ import annotations

import torch
from torch import nn

BATCH, LENGTH, WIDTH, BLOCKS = 16, 32, 64, 4


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
        scores = self.query(x) @ self.key(x).transpose(1, 2) / x.shape[-1] ** 0.5
        x = x + scores.softmax(-1) @ self.value(x)
        return x + self.feed_forward(self.norm(x))


def model() -> nn.Module:
    """Always with the same weights."""
    torch.manual_seed(0)
    return nn.Sequential(*(Block(WIDTH) for _ in range(BLOCKS)), nn.Linear(WIDTH, 1))


class Training:
    """One model, its optimiser, and a batch that stays the same."""

    def __init__(self, module: nn.Module) -> None:
        torch.manual_seed(1)
        self.module = module
        self._inputs = torch.randn(BATCH, LENGTH, WIDTH)
        self._targets = torch.randn(BATCH, LENGTH, 1)
        self._optimizer = torch.optim.SGD(module.parameters(), lr=0.01)
        self._criterion = nn.L1Loss()

    def step(self) -> None:
        """Forward, loss, backward, update."""
        self._criterion(self.module(self._inputs), self._targets).backward()
        self._optimizer.step()
        self._optimizer.zero_grad()
