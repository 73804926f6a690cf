"""Models whose training graphs are large: they train nothing, but are real modules."""

from __future__ import annotations

import torch
from torch import Tensor, nn

WIDTH, HEADS, LENGTH, BATCH, VOCABULARY = 16, 2, 8, 2, 32
DROPOUT = 0.1


class Attention(nn.Module):
    """Several heads; the mask is given by the model, one for all layers."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.out = nn.Linear(WIDTH, WIDTH)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, x: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        """``x`` and ``context`` (batch, length, width), ``mask`` (1, 1, length, length)."""
        query, key, value = (
            part.view(BATCH, LENGTH, HEADS, WIDTH // HEADS).transpose(1, 2)
            for part in (self.query(x), self.key(context), self.value(context))
        )
        scores = query @ key.transpose(2, 3) / (WIDTH // HEADS) ** 0.5 + mask
        mixed = self.dropout(scores.softmax(-1)) @ value
        given: Tensor = self.out(mixed.transpose(1, 2).reshape(BATCH, LENGTH, WIDTH))
        return given


class FeedForward(nn.Module):
    """Linear, Gelu, Linear, Dropout; (batch, length, width)."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)
        self.act, self.dropout = nn.GELU(), nn.Dropout(DROPOUT)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape as ``x``."""
        given: Tensor = self.dropout(self.down(self.act(self.up(x))))
        return given


class EncoderLayer(nn.Module):
    """Attention and a feed-forward part on residuals."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attention, self.feed_forward = Attention(), FeedForward()

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Same shape as ``x``."""
        normed = self.norm1(x)
        x = x + self.attention(normed, normed, mask)
        given: Tensor = x + self.feed_forward(self.norm2(x))
        return given


class DecoderLayer(nn.Module):
    """Looks at itself and at what the encoder made of its input."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(WIDTH) for _ in range(3))
        self.attention, self.cross, self.feed_forward = Attention(), Attention(), FeedForward()

    def forward(self, x: Tensor, memory: Tensor, mask: Tensor, memory_mask: Tensor) -> Tensor:
        """Same shape as ``x``."""
        normed = self.norm1(x)
        x = x + self.attention(normed, normed, mask)
        x = x + self.cross(self.norm2(x), memory, memory_mask)
        given: Tensor = x + self.feed_forward(self.norm3(x))
        return given


class Transformer(nn.Module):
    """An encoder and a decoder over token ids (batch, length); logits of the next token."""

    def __init__(self, encoder_layers: int, decoder_layers: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(VOCABULARY, WIDTH)
        self.positions = nn.Embedding(LENGTH, WIDTH)
        self.encoder = nn.ModuleList(EncoderLayer() for _ in range(encoder_layers))
        self.decoder = nn.ModuleList(DecoderLayer() for _ in range(decoder_layers))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, VOCABULARY)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """``source`` and ``target`` are int64 (batch, length); gives (batch, length, words)."""
        place = self.positions(torch.arange(LENGTH))
        padding = (source == 0).view(BATCH, 1, 1, LENGTH).float() * -1e4
        causal = torch.full((1, 1, LENGTH, LENGTH), -1e4).triu(1)
        memory = self.tokens(source) + place
        for layer in self.encoder:
            memory = layer(memory, padding)
        x = self.tokens(target) + place
        for layer in self.decoder:
            x = layer(x, memory, causal, padding)
        logits: Tensor = self.head(self.norm(x))
        return logits


class Residual(nn.Module):
    """Two convolutions on a shortcut; (batch, channels, height, width)."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        stride = 1 if inside == outside else 2
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.bn1, self.bn2, self.relu = nn.BatchNorm2d(outside), nn.BatchNorm2d(outside), nn.ReLU()
        self.downsample = (
            nn.Identity()
            if stride == 1
            else nn.Sequential(
                nn.Conv2d(inside, outside, 1, 2, bias=False), nn.BatchNorm2d(outside)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """Half the height and width where the number of channels changes."""
        inner = self.relu(self.bn1(self.conv1(x)))
        given: Tensor = self.relu(self.bn2(self.conv2(inner)) + self.downsample(x))
        return given


class ResNet(nn.Module):
    """Images (batch, 3, 32, 32); ``2 · sum(blocks) + 4`` convolutions."""

    def __init__(self, blocks: tuple[int, int, int, int]) -> None:
        super().__init__()
        channels = (4, 4, 8, 16, 32)
        self.stem = nn.Sequential(
            nn.Conv2d(3, channels[0], 3, 1, 1, bias=False), nn.BatchNorm2d(channels[0]), nn.ReLU()
        )
        self.layers = nn.ModuleList(
            nn.Sequential(
                Residual(inside, outside), *(Residual(outside, outside) for _ in range(count - 1))
            )
            for inside, outside, count in zip(channels, channels[1:], blocks, strict=False)
        )
        self.pool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(channels[-1], 10)

    def forward(self, image: Tensor) -> Tensor:
        """Logits (batch, 10)."""
        x = self.stem(image)
        for layer in self.layers:
            x = layer(x)
        logits: Tensor = self.fc(self.pool(x).flatten(1))
        return logits


class LSTM(nn.Module):
    """Embedding, several LSTM layers with Linear and LayerNorm between them, a head."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(VOCABULARY, WIDTH)
        self.layers = nn.ModuleList(nn.LSTM(WIDTH, WIDTH, batch_first=True) for _ in range(layers))
        self.mixers = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(layers))
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(layers))
        self.dropout, self.head = nn.Dropout(DROPOUT), nn.Linear(WIDTH, VOCABULARY)

    def forward(self, source: Tensor) -> Tensor:
        """``source`` is int64 (batch, length); gives (batch, length, words)."""
        x = self.tokens(source)
        for layer, mixer, norm in zip(self.layers, self.mixers, self.norms, strict=True):
            x = norm(x + self.dropout(torch.relu(mixer(layer(x)[0]))))
        logits: Tensor = self.head(x)
        return logits
