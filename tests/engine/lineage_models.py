"""Models whose graphs ORT rewrites in many ways, with the names that people give."""

from __future__ import annotations

import torch
from torch import nn

from tests.engine.families import Attention, Family

_WIDTH = 16


class _Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(_WIDTH)
        self.attn = Attention(_WIDTH, 2)
        self.norm2 = nn.LayerNorm(_WIDTH)
        self.mlp = nn.Sequential(
            nn.Linear(_WIDTH, 4 * _WIDTH),
            nn.GELU(),
            nn.Dropout(0.1),
            nn.Linear(4 * _WIDTH, _WIDTH),
        )
        self.drop = nn.Dropout(0.1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.drop(self.attn(self.norm1(x)))
        return x + self.mlp(self.norm2(x))


class Language(nn.Module):
    """A decoder without its mask: embeddings, blocks, a head."""

    def __init__(self, depth: int = 2) -> None:
        super().__init__()
        self.tokens = nn.Embedding(20, _WIDTH)
        self.places = nn.Embedding(8, _WIDTH)
        self.drop = nn.Dropout(0.1)
        self.blocks = nn.ModuleList([_Block() for _ in range(depth)])
        self.norm = nn.LayerNorm(_WIDTH)
        self.head = nn.Linear(_WIDTH, 20, bias=False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        places = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.drop(self.tokens(tokens) + self.places(places))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


class _Basic(nn.Module):
    def __init__(self, width_in: int, width_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width_in, width_out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width_out)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width_out, width_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width_out)
        self.downsample = nn.Identity()
        if stride != 1:
            self.downsample = nn.Sequential(
                nn.Conv2d(width_in, width_out, 1, stride, bias=False), nn.BatchNorm2d(width_out)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(y + self.downsample(x))


class ResNet(nn.Module):
    """A ResNet with one block a stage."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = nn.Sequential(_Basic(8, 8, 1), _Basic(8, 8, 1))
        self.layer2 = nn.Sequential(_Basic(8, 16, 2))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(16, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer2(self.layer1(x))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class Recurrent(nn.Module):
    """Two layers of LSTM of which one state is read out, which ORT moves into the LSTM."""

    def __init__(self, cell: type[nn.LSTM] | type[nn.GRU] = nn.LSTM) -> None:
        super().__init__()
        self.rnn = cell(4, 8, 2, batch_first=True)
        self.head = nn.Linear(8, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        states, _ = self.rnn(x)
        return self.head(states[:, 2])


class Named(nn.Module):
    """A ModuleDict, a module used twice, one registered twice, tied weights, names like ORT's."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.ModuleDict(
            {
                "left": nn.Linear(8, 8),
                "right": nn.Sequential(nn.Linear(8, 8), nn.GELU()),
                "x_1": nn.Linear(8, 8),
                "a_Grad": nn.Linear(8, 8),
                "w_grad": nn.Tanh(),
            }
        )
        self.shared = nn.Sequential(nn.LayerNorm(8), nn.Linear(8, 8))
        self.again = self.shared
        self.embedding = nn.Embedding(11, 8)
        self.out = nn.Linear(8, 11, bias=False)
        self.out.weight = self.embedding.weight
        self.groups = nn.ModuleList([nn.ModuleList([nn.Linear(8, 8)]) for _ in range(2)])
        self.x = nn.Linear(8, 8)
        self.scale = nn.Parameter(torch.linspace(0.5, 1.5, 8))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.embedding(tokens) * self.scale
        x = self.shared(x) + self.parts["left"](x)
        x = self.again(torch.relu(x))
        x = self.parts["right"](x) + self.parts["x_1"](x)
        x = self.parts["w_grad"](self.parts["a_Grad"](x))
        for group in self.groups:
            x = torch.tanh(group[0](x))
        return self.out(self.x(self.x(x)))


class Convolutions(nn.Module):
    """What ORT merges with its activation, and an activation called twice.

    Args:
        second: Name of the second one; ``relu_1`` is what the exporter calls the first one's
            second call.
    """

    def __init__(self, second: str = "after") -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.relu = nn.ReLU()
        self.conv_1 = nn.Conv2d(8, 8, 3)
        self.second = second
        self.add_module(second, nn.ReLU())
        self.silu = nn.SiLU()
        self.fc = nn.Linear(8, 4)
        self.sigmoid = nn.Sigmoid()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.get_submodule(self.second)(self.conv_1(self.relu(self.conv(x))))
        x = self.silu(self.relu(x - 0.1)).mean((2, 3))
        return self.sigmoid(self.fc(x))


class Gated(nn.Module):
    """RMS norm and a gated unit in plain operations."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(8, 16)
        self.up = nn.Linear(8, 16)
        self.down = nn.Linear(16, 8)
        self.weight = nn.Parameter(torch.linspace(0.5, 1.5, 8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight
        return x + self.down(nn.functional.silu(self.gate(y)) * self.up(y))


class Containers(nn.Module):
    """Containers that are not called, with names inside that are the model's own names too."""

    def __init__(self) -> None:
        super().__init__()
        self.transformer = nn.ModuleDict(
            {
                "wte": nn.Embedding(11, _WIDTH),
                "drop": nn.Dropout(0.1),
                "h": nn.ModuleList([_Block()]),
                "ln_f": nn.LayerNorm(_WIDTH),
            }
        )
        self.norm = nn.LayerNorm(_WIDTH)
        self.act = nn.Tanh()
        self.rows = nn.ModuleList(
            [
                nn.ModuleDict(
                    {
                        "act": nn.Sigmoid(),
                        "attn": Attention(_WIDTH, 2),
                        "fc": nn.Linear(_WIDTH, _WIDTH),
                        "norm": nn.LayerNorm(_WIDTH),
                    }
                )
                for _ in range(3)
            ]
        )
        self.towers = nn.ModuleDict(
            {
                side: nn.ModuleDict(
                    {
                        "pre": nn.Linear(_WIDTH, 8),
                        "post": nn.Sequential(nn.ReLU(), nn.Linear(8, 4)),
                    }
                )
                for side in ("left", "right")
            }
        )

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.transformer["drop"](self.transformer["wte"](tokens))
        x = self.transformer["ln_f"](self.transformer["h"][0](x))
        for row in reversed(self.rows):
            x = row["fc"](row["act"](x + row["attn"](row["norm"](x))))
        x = self.act(self.norm(x))
        return torch.cat([each["post"](each["pre"](x)) for each in self.towers.values()], -1)


def _normal(*shape: int):  # type: ignore[no-untyped-def]
    return lambda generator: torch.randn(*shape, generator=generator)


def _tokens(high: int, *shape: int):  # type: ignore[no-untyped-def]
    return lambda generator: torch.randint(0, high, shape, generator=generator)


LINEAGE_FAMILIES = [
    Family("transformer", Language, _tokens(20, 3, 6)),
    Family("resnet", ResNet, _normal(2, 3, 32, 32)),
    Family("convolutions", Convolutions, _normal(2, 3, 10, 10)),
    Family("gated", lambda: nn.Sequential(Gated(), Gated(), nn.Linear(8, 2)), _normal(3, 5, 8)),
    Family("lstm", Recurrent, _normal(5, 6, 4)),
    Family("gru", lambda: Recurrent(nn.GRU), _normal(5, 6, 4)),
    Family("named", Named, _tokens(11, 3, 5)),
    Family("containers", Containers, _tokens(11, 3, 5)),
]
