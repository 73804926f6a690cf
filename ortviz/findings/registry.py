"""Which detectors a run gets."""

from __future__ import annotations

from typing import TypeVar

from ortviz.findings.detector import DetectorFactory
from ortviz.findings.detectors.batchnorm import FrozenBatchNorm
from ortviz.findings.detectors.buffers import BufferDifference
from ortviz.findings.detectors.divergence import FirstDivergence
from ortviz.findings.detectors.engine import EagerEngine
from ortviz.findings.detectors.exports import (
    ModesReset,
    ReExport,
    SamplingSkipped,
    StaleGraph,
)
from ortviz.findings.detectors.fallback import Fallback
from ortviz.findings.detectors.functions import IgnoredBackward
from ortviz.findings.detectors.gradients import NonfiniteGradient
from ortviz.findings.detectors.hooks import SilentHooks
from ortviz.findings.detectors.instrumented import InstrumentedDiffers
from ortviz.findings.detectors.masked import MaskedElements
from ortviz.findings.detectors.missing_gradient import MissingGradient
from ortviz.findings.detectors.origin import NonfiniteInput, NonfiniteOrigin
from ortviz.findings.detectors.weights import NonfinitePredictions, NonfiniteWeights
from ortviz.findings.detectors.zero_loss import ZeroLoss

DEFAULT_DETECTORS: tuple[DetectorFactory, ...] = (
    EagerEngine,
    Fallback,
    SilentHooks,
    IgnoredBackward,
    FrozenBatchNorm,
    BufferDifference,
    FirstDivergence,
    InstrumentedDiffers,
    MissingGradient,
    MaskedElements,
    NonfiniteGradient,
    NonfiniteWeights,
    NonfinitePredictions,
    NonfiniteInput,
    NonfiniteOrigin,
    ZeroLoss,
    ModesReset,
    StaleGraph,
    ReExport,
    SamplingSkipped,
)
"""Every run gets these."""

F = TypeVar("F", bound=DetectorFactory)

_REGISTERED: list[DetectorFactory] = []


def register(detector: F) -> F:
    """Add a detector to every run that starts from now on; works as a class decorator.

    Args:
        detector: A subclass of :class:`~ortviz.findings.Detector`, or anything that makes one
            from a :class:`~ortviz.record.RunInfo`.

    Returns:
        ``detector``.
    """
    if detector not in _REGISTERED:
        _REGISTERED.append(detector)
    return detector


def unregister(detector: DetectorFactory) -> None:
    """Take a registered detector out again; one that is not registered is ignored."""
    if detector in _REGISTERED:
        _REGISTERED.remove(detector)


def registered() -> tuple[DetectorFactory, ...]:
    """Detectors added with :func:`register`."""
    return tuple(_REGISTERED)
