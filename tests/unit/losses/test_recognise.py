"""Losses are recognised by where they come from, not by being imported."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from ortviz.losses import MAELoss, MapeLoss, SmapeLoss, loss_name


def _class(module: str, name: str, bases: tuple[type, ...] = (nn.Module,)) -> type:
    def forward(self, inpt, tgt):
        return inpt

    return type(name, bases, {"__module__": module, "forward": forward})


@pytest.mark.parametrize(
    ("module", "name", "expected"),
    [
        ("darts.utils.losses", "MAELoss", "mae"),
        ("darts.utils.losses", "MapeLoss", "mape"),
        ("darts.utils.losses", "SmapeLoss", "smape"),
        ("darts.elsewhere.later", "MapeLoss", "mape"),
        ("darts", "MapeLoss", "mape"),
        ("dartsboard.losses", "MapeLoss", None),
        ("my.darts.losses", "MapeLoss", None),
        ("__main__", "MapeLoss", None),
        ("darts.utils.losses", "MAPELoss", None),
        ("darts.utils.losses", "L1Loss", None),
    ],
)
def test_darts_by_class_name_and_package(module, name, expected) -> None:
    assert loss_name(_class(module, name)()) == expected


def test_torch_and_ours() -> None:
    assert loss_name(nn.L1Loss()) == "mae"
    assert loss_name(nn.L1Loss(reduction="sum")) is None
    assert loss_name(nn.L1Loss(reduction="none")) is None
    assert loss_name(MAELoss()) == "mae"
    assert loss_name(MapeLoss(safe_grad=True)) == "mape"
    assert loss_name(SmapeLoss(block_denom_grad=False)) == "smape"


def test_subclasses_count_while_they_keep_forward() -> None:
    darts = _class("darts.utils.losses", "MapeLoss")
    kept = type("Mine", (darts,), {"__module__": "__main__"})
    changed = _class("__main__", "Mine", (darts,))
    assert loss_name(kept()) == "mape"
    assert loss_name(changed()) is None


@pytest.mark.parametrize(
    "other", [nn.MSELoss(), nn.SmoothL1Loss(), MapeLoss, None, "mape", torch.nn.functional.l1_loss]
)
def test_everything_else_is_none(other) -> None:
    assert loss_name(other) is None


def test_neither_torch_nor_darts_is_imported() -> None:
    code = (
        "import sys; from ortviz.losses import loss_name, three_losses_numpy, mask_codes_numpy;"
        "import numpy as np; three_losses_numpy(np.ones(3), np.ones(3)); loss_name(object());"
        "print([m for m in ('torch', 'darts', 'onnxruntime') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
