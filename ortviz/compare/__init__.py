"""Holds a step's eager side (reference) against ONNX Runtime's (candidate). numpy only."""

from ortviz.compare.steps import compare_step
from ortviz.compare.tolerances import DEFAULT, Tolerance, ToleranceTable
from ortviz.compare.values import ValueComparison, compare_values

__all__ = [
    "DEFAULT",
    "Tolerance",
    "ToleranceTable",
    "ValueComparison",
    "compare_step",
    "compare_values",
]
