"""How often a sampled step is looked into deeply."""

from __future__ import annotations

from ortviz.record._enum import StrEnum


class Verify(StrEnum):
    """Which sampled steps are looked into deeply.

    Such a step is also run by ORT a second time, by PyTorch in float64, and module by module on
    ORT's own inputs.
    """

    AUTO = "auto"
    """The first sampled step of every export, steps whose results are further from eager
    PyTorch's than any before, and the 10th, 100th, … sampled step."""
    ALWAYS = "always"
    """Every sampled step."""
    NEVER = "never"
    """Only steps that are asked for."""
