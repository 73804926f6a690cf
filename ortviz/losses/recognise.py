"""Tell which of the three losses an object is, without importing where it comes from."""

from __future__ import annotations

from ortviz.losses.values import LossName

_OURS = "ortviz.losses"

# Class name and the package it must come from. darts is known by name only: it is no dependency,
# and importing it takes seconds.
_KNOWN: dict[tuple[str, str], LossName] = {
    ("torch.nn", "L1Loss"): "mae",
    ("darts", "MAELoss"): "mae",
    ("darts", "MapeLoss"): "mape",
    ("darts", "SmapeLoss"): "smape",
    (_OURS, "MAELoss"): "mae",
    (_OURS, "MapeLoss"): "mape",
    (_OURS, "SmapeLoss"): "smape",
}


def loss_name(obj: object) -> LossName | None:
    """Name the loss an object computes, if it is one of the three.

    Recognised are objects (not classes) of ``torch.nn.L1Loss`` with ``reduction="mean"``, of
    darts' ``MAELoss``, ``MapeLoss`` and ``SmapeLoss``, of ours, and of subclasses of these that
    keep their ``forward``. A class of your own that only bears such a name is not.

    Args:
        obj: Anything, typically what the user calls ``criterion``.

    Returns:
        ``"mae"``, ``"mape"``, ``"smape"``, or None for everything else.
    """
    kind = type(obj)
    for base in kind.__mro__:
        name = _name_of_class(base)
        if name is None:
            continue
        same_forward = getattr(kind, "forward", None) is getattr(base, "forward", None)
        # L1Loss with "sum" or "none" is another number than the mean we would record beside it.
        is_mean = getattr(obj, "reduction", "mean") == "mean"
        return name if same_forward and is_mean else None
    return None


def _name_of_class(kind: type) -> LossName | None:
    for (package, class_name), name in _KNOWN.items():
        inside = kind.__module__ == package or kind.__module__.startswith(f"{package}.")
        if inside and kind.__name__ == class_name:
            return name
    return None
