"""Holds a step's eager side (reference) against ONNX Runtime's (candidate); without torch."""

from ortviz.compare.overrides import tolerance_rules
from ortviz.compare.steps import Comparer, compare_step
from ortviz.compare.tolerances import DEFAULT, Tolerance, ToleranceTable
from ortviz.compare.ulp import ulp_distance
from ortviz.compare.values import ValueComparison, compare_values

__all__ = [
    "DEFAULT",
    "Comparer",
    "Tolerance",
    "ToleranceTable",
    "ValueComparison",
    "compare_step",
    "compare_values",
    "tolerance_rules",
    "ulp_distance",
]
