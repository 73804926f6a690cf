"""What a person asks to be kept -> KeepRules, or a sentence about what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Union

from ortviz.errors import WrapError
from ortviz.record import Direction, KeepRules
from ortviz.record.keeping import DEFAULT_KEEP_BYTES

Patterns = Union[str, Iterable[str]]

_WILDCARD = re.compile(r"[*?\[]")


def keep_rules(
    keep: Patterns = (),
    histograms: Patterns = (),
    *,
    rerun: bool = False,
    keep_bytes: int = DEFAULT_KEEP_BYTES,
) -> KeepRules:
    """Check and gather what is to be kept.

    Args:
        keep: One pattern of site ids, or several.
        histograms: Likewise.
        rerun: Whether sampled steps are to be re-runnable.
        keep_bytes: Budget of the tensors, and once more of the re-runnable steps.

    Raises:
        WrapError: A pattern that can match no site, or a budget that is no number of bytes.
    """
    if not isinstance(keep_bytes, int) or isinstance(keep_bytes, bool) or keep_bytes < 1:
        raise WrapError(
            f"keep_bytes is a whole number of bytes from 1 up, and this is {keep_bytes!r}.",
            "keep_bytes=256 << 20 is 256 MB.",
        )
    return KeepRules(
        _patterns("keep", keep), _patterns("histograms", histograms), bool(rerun), keep_bytes
    )


def _patterns(argument: str, given: Patterns) -> tuple[str, ...]:
    if not isinstance(given, Iterable):
        raise WrapError(
            f"{argument} is a pattern of site ids or several, and this is {given!r}.",
            f"For example {argument}='forward/*' or {argument}=('*/encoder*', 'parameter_grad/*').",
        )
    patterns = (given,) if isinstance(given, str) else tuple(given)
    for pattern in patterns:
        if not isinstance(pattern, str) or not _can_match(pattern):
            hint = pattern.strip("/") if isinstance(pattern, str) and pattern else "encoder.0"
            raise WrapError(
                f"{argument}={pattern!r} matches no site.",
                "Sites look like 'forward/encoder.0#out0'; the directions are "
                f"{', '.join(direction.value for direction in Direction)}. "
                f"Perhaps {f'*/{hint}*'!r} is meant.",
            )
    return patterns


def _can_match(pattern: str) -> bool:
    fixed = _WILDCARD.split(pattern, maxsplit=1)[0]
    whole = fixed == pattern
    starts = [f"{direction.value}/" for direction in Direction]
    return any(
        fixed.startswith(start) or (not whole and start.startswith(fixed)) for start in starts
    )
