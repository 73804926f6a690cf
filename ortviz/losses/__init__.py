"""MAE, MAPE and sMAPE as darts defines them, and what their division hides.

:class:`MAELoss`, :class:`MapeLoss` and :class:`SmapeLoss` stand in for the classes of the same
names in ``darts.utils.losses`` (0.48.1): same arguments, same values, same gradients, the NaN ones
included. On top of that they know which elements they set to 0 (:class:`LossMask`), and with
``safe_grad=True`` their gradients stay finite.

:func:`three_losses` and :func:`three_losses_numpy` compute all three of them at once for the
recorder. Names are loaded on first use, so that the NumPy side works without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ortviz.losses.mask import LossMask
    from ortviz.losses.modules import MAELoss, MapeLoss, SmapeLoss
    from ortviz.losses.numpy_gradients import poisoned_elements_numpy
    from ortviz.losses.numpy_losses import mask_codes_numpy, three_losses_numpy
    from ortviz.losses.recognise import loss_name
    from ortviz.losses.triple import mask_codes, three_losses
    from ortviz.losses.values import LossName, MaskCode, MaskCounts, ThreeLosses

__all__ = [
    "LossMask",
    "LossName",
    "MAELoss",
    "MapeLoss",
    "MaskCode",
    "MaskCounts",
    "SmapeLoss",
    "ThreeLosses",
    "loss_name",
    "mask_codes",
    "mask_codes_numpy",
    "poisoned_elements_numpy",
    "three_losses",
    "three_losses_numpy",
]

_HOME = {
    "LossMask": "mask",
    "LossName": "values",
    "MAELoss": "modules",
    "MapeLoss": "modules",
    "MaskCode": "values",
    "MaskCounts": "values",
    "SmapeLoss": "modules",
    "ThreeLosses": "values",
    "loss_name": "recognise",
    "mask_codes": "triple",
    "mask_codes_numpy": "numpy_losses",
    "poisoned_elements_numpy": "numpy_gradients",
    "three_losses": "triple",
    "three_losses_numpy": "numpy_losses",
}


def __getattr__(name: str) -> object:
    """Load a public name from the file it lives in, the first time it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted(__all__)
