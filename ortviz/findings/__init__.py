"""Detectors: each looks at what was recorded and says what is wrong, why, and what to do."""

from ortviz.findings.detector import Detector, DetectorFactory
from ortviz.findings.engine import FindingsEngine
from ortviz.findings.registry import DEFAULT_DETECTORS, register, registered, unregister

__all__ = [
    "DEFAULT_DETECTORS",
    "Detector",
    "DetectorFactory",
    "FindingsEngine",
    "register",
    "registered",
    "unregister",
]
