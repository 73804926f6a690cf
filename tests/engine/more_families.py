"""Further families, for tests that want many: recurrence, tying, several outputs, randomness."""

from __future__ import annotations

import torch
from torch import nn

from tests.engine.families import FAMILIES, Family

_WIDTH = 8


class Gru(nn.Module):
    """A GRU over time, its last state read out."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(4, _WIDTH, batch_first=True)
        self.head = nn.Linear(_WIDTH, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.gru(x)[0][:, -1])


class Causal(nn.Module):
    """A temporal convolution that sees the past only."""

    def __init__(self, width_in: int, width_out: int, dilation: int) -> None:
        super().__init__()
        self.pad = 2 * dilation
        self.conv = nn.Conv1d(width_in, width_out, 3, dilation=dilation, padding=self.pad)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.conv(x)[..., : -self.pad])


class Residual(nn.Module):
    """LayerNorm, GELU and a way around them."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(_WIDTH)
        self.inner = nn.Sequential(nn.Linear(_WIDTH, 16), nn.GELU(), nn.Linear(16, _WIDTH))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.inner(self.norm(x))


class Tied(nn.Module):
    """A language model whose output layer is its embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, _WIDTH)
        self.hidden = nn.Linear(_WIDTH, _WIDTH)
        self.out = nn.Linear(_WIDTH, 11, bias=False)
        self.out.weight = self.embedding.weight

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.out(torch.tanh(self.hidden(self.embedding(tokens))))


class Several(nn.Module):
    """Nested outputs, of which a loss uses the first, and a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, _WIDTH)
        self.heads = nn.ModuleDict({"a": nn.Linear(_WIDTH, 2), "b": nn.Linear(_WIDTH, 3)})
        self.register_buffer("shift", torch.linspace(0, 1, _WIDTH))

    def forward(self, x: torch.Tensor) -> dict[str, object]:
        hidden = torch.sigmoid(self.first(x)) + self.shift
        return {"a": self.heads["a"](hidden), "rest": [self.heads["b"](hidden), hidden]}


class Noisy(nn.Module):
    """Draws of its own in the forward pass, which ORT makes with its own generator."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, _WIDTH)
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(_WIDTH, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.first(x)
        return self.head(self.drop(hidden + 0.1 * torch.randn_like(hidden)))


def tcn() -> nn.Module:
    """Three dilated causal convolutions."""
    return nn.Sequential(Causal(4, 6, 1), Causal(6, 6, 2), nn.Conv1d(6, 2, 1))


def residual() -> nn.Module:
    """Two residual blocks in a Sequential."""
    return nn.Sequential(nn.Linear(4, _WIDTH), Residual(), Residual(), nn.Linear(_WIDTH, 2))


def autoencoder() -> nn.Module:
    """Encoder with BatchNorm over features, decoder, in two named parts."""
    parts = nn.Sequential()
    parts.add_module(
        "encoder", nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))
    )
    parts.add_module("decoder", nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 6)))
    return parts


def smooth() -> nn.Module:
    """Only what ORT's CPU kernels also have in float64, dropout included."""
    return nn.Sequential(
        nn.Linear(4, _WIDTH), nn.Tanh(), nn.Dropout(0.2), nn.Linear(_WIDTH, 3), nn.Sigmoid()
    )


def frozen() -> nn.Module:
    """Half of it does not train."""
    model = nn.Sequential(nn.Linear(4, _WIDTH), nn.Tanh(), nn.Linear(_WIDTH, 2))
    return model.requires_grad_(False).append(nn.Linear(2, 2))


def _normal(*shape: int):  # type: ignore[no-untyped-def]
    return lambda generator: torch.randn(*shape, generator=generator)


def _tokens(generator: torch.Generator) -> torch.Tensor:
    return torch.randint(0, 11, (4, 5), generator=generator)


MANY_FAMILIES = [
    *FAMILIES,
    Family("gru", Gru, _normal(4, 6, 4)),
    Family("tcn", tcn, _normal(4, 4, 9)),
    Family("residual", residual, _normal(8, 4)),
    Family("tied", Tied, _tokens),
    Family("several_outputs", Several, _normal(8, 4)),
    Family("autoencoder", autoencoder, _normal(8, 6)),
    Family("noisy", Noisy, _normal(8, 4)),
    Family("smooth", smooth, _normal(8, 4)),
    Family("frozen", frozen, _normal(8, 4)),
]

IN_FLOAT64 = {"smooth", "frozen"}
"""Those that ORT's CPU kernels can train in float64."""
