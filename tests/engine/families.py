"""Small real models, one per family, that ORTModule trains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn


class Attention(nn.Module):
    """Self-attention in plain operations, with dropout on the weights."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        self.drop = nn.Dropout(0.1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, time, width = x.shape

        def split(layer: nn.Module) -> torch.Tensor:
            return layer(x).view(batch, time, self.heads, width // self.heads).transpose(1, 2)

        scores = split(self.query) @ split(self.key).transpose(-1, -2)
        weights = self.drop(torch.softmax(scores / (width // self.heads) ** 0.5, -1))
        return self.out((weights @ split(self.value)).transpose(1, 2).reshape(batch, time, width))


class Block(nn.Module):
    """A pre-norm transformer block."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = Attention(width, 2)
        self.drop = nn.Dropout(0.1)
        self.norm2 = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(0.1), nn.Linear(2 * width, width)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.drop(self.attention(self.norm1(x)))
        return x + self.feed_forward(self.norm2(x))


class LinearPlusNoise(nn.Module):
    """Adds random numbers of its own, which differ on each side."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.linear(x)
        return y + torch.rand_like(y)


class Transformer(nn.Module):
    """Embedding, two blocks, one layer used twice and one never."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 16)
        self.blocks = nn.ModuleList([Block(16), Block(16)])
        self.shared = nn.Linear(16, 16)
        self.head = nn.Linear(16, 3)
        self.unused = nn.Linear(2, 2)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x)
        return self.head(self.shared(torch.relu(self.shared(x))))


class Convolutional(nn.Module):
    """BatchNorm, an in-place ReLU and pooling; returns a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.MaxPool2d(2)
        )
        self.classifier = nn.Linear(8 * 9, 2)

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"scores": self.classifier(self.features(images).flatten(1))}


class Recurrent(nn.Module):
    """A two-layer LSTM of which only the last output is used."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 8, 2, batch_first=True)
        self.head = nn.Linear(8, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        states, _ = self.lstm(x)
        return self.head(states[:, -1])


def mlp() -> nn.Module:
    """Nested Sequentials at the root."""
    return nn.Sequential(
        nn.Linear(4, 8), nn.Sequential(nn.ReLU(), nn.Linear(8, 8), nn.Tanh()), nn.Linear(8, 2)
    )


def dropout() -> nn.Module:
    """Half of everything dropped, so that a wrong mask cannot hide."""
    return nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 2))


def embedding() -> nn.Module:
    """Token embeddings and a linear layer."""
    return nn.Sequential(nn.Embedding(11, 8), nn.Linear(8, 2))


@dataclass(frozen=True, slots=True)
class Family:
    """How to make a model and one batch for it."""

    name: str
    build: Callable[[], nn.Module]
    batch: Callable[[torch.Generator], torch.Tensor]


def _normal(*shape: int) -> Callable[[torch.Generator], torch.Tensor]:
    return lambda generator: torch.randn(*shape, generator=generator)


def _tokens(generator: torch.Generator) -> torch.Tensor:
    return torch.randint(0, 11, (4, 5), generator=generator)


FAMILIES = [
    Family("mlp", mlp, _normal(8, 4)),
    Family("transformer", Transformer, _tokens),
    Family("cnn_batchnorm", Convolutional, _normal(4, 3, 8, 8)),
    Family("lstm", Recurrent, _normal(4, 6, 4)),
    Family("embedding", embedding, _tokens),
    Family("dropout", dropout, _normal(8, 4)),
]

BY_NAME = {family.name: family for family in FAMILIES}


def prediction(result: object) -> torch.Tensor:
    """The tensor a loss is computed from, whatever the family returns."""
    if isinstance(result, dict):
        return next(iter(result.values()))
    assert isinstance(result, torch.Tensor)
    return result
