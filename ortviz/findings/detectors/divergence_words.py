"""What the finding of a divergence says, in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ortviz.findings.words import listed, module_label, number, place
from ortviz.record import Direction, ErrorOrigin, Site, SiteComparison


def evidence(found: SiteComparison) -> str:
    """How far off, where most, and whether it is made there: at most three short sentences.

    Everything else that is known of a site stands in its details in Traces.
    """
    if found.nonfinite_mismatch_count or found.max_abs_error is None:
        return found.reason
    return " ".join((_how_far_off(found), *_where_worst(found), *_whose(found)))


def _how_far_off(found: SiteComparison) -> str:
    parts = []
    if found.max_rel_error is not None and math.isfinite(found.max_rel_error):
        parts.append(f"relative {number(found.max_rel_error)}")
    if found.tolerance is not None:
        parts.append(f"{number(found.tolerance)} is allowed")
    told = f" ({'; '.join(parts)})" if parts else ""
    return f"Off by up to {number(found.max_abs_error or 0.0)}{told}."


def _where_worst(found: SiteComparison) -> Iterator[str]:
    worst, eager, ort = found.worst_index, found.worst_reference, found.worst_candidate
    if worst is not None and eager is not None and ort is not None:
        at = f" at {place(worst)}" if worst else ""
        yield f"Worst{at}: eager {eager:.7g}, ORT {ort:.7g}."


def _whose(found: SiteComparison) -> Iterator[str]:
    if found.local_rel_error is None:
        return
    own = number(found.local_rel_error)
    if found.origin is ErrorOrigin.HERE:
        yield f"Still off on ORT's own input (relative {own}): its own error."
    elif found.origin is ErrorOrigin.INHERITED:
        yield f"On ORT's own input it is rounding (relative {own}): it came in."


def explanation(
    found: SiteComparison,
    cause: Site | None,
    makers: Sequence[str],
    hidden: Sequence[str],
    shaky: Site | None = None,
) -> Iterator[str]:
    """What is known of where a difference comes from.

    Args:
        found: The site.
        cause: The divergence of an earlier direction that it probably follows from.
        makers: Labels of the modules whose backward passes make this gradient.
        hidden: Modules that ran before it and whose output ORT does not show.
        shaky: An ill-conditioned site before it that it probably follows from.
    """
    forward = found.site.direction is Direction.FORWARD
    if found.origin is ErrorOrigin.HERE:
        given = "input" if forward else "input and the very gradient that arrived on ORT's side"
        yield (
            f"Given ORT's own {given}, eager PyTorch still gets another result, so the difference "
            f"is made {_where(makers)} and did not come in from elsewhere."
        )
        if forward and hidden:
            yield f"ORT merged {_outputs(hidden)} into other operations; it may be made there."
    elif cause is not None:
        yield (
            f"The two sides already part at {module_label(cause.module)} "
            f"({cause.direction.value}) in this step; this probably follows from it."
        )
    elif shaky is not None:
        yield (
            f"{module_label(shaky.module)} ({shaky.direction.value}), before it, is "
            "ill-conditioned in this step: honest runs lie nearly as far apart there as the two "
            "sides do. This probably follows from it."
        )
    elif found.origin is ErrorOrigin.INHERITED:
        yield (
            "It came in: given what ORT's side was given, eager PyTorch gets what ORT got, within "
            "rounding. No module that was looked at makes this difference by itself; many small "
            "ones add up, or something between the modules does."
        )
    elif forward:
        if hidden:
            yield (
                "Everything that ran before it in this step and can be compared agrees within "
                f"rounding. ORT merged {_outputs(hidden)} into other operations; it may be made "
                "there."
            )
        else:
            yield "Everything that ran before it in this step agrees within rounding."
    else:
        yield (
            "The forward pass agrees, and both backward passes began with the same gradient, so "
            f"the difference is made {_where(makers)}, or rounding grew on the way there; "
            "run.verify_next() has the next sampled step tell which."
        )


def remedy(found: SiteComparison, cause: Site | None, shaky: Site | None = None) -> str:
    """What to do; the arguments are those of :func:`explanation`."""
    if shaky is not None:
        return (
            "Nothing while the model trains well. Else add a small constant under roots, norms "
            "and divisions near there; their gradients are huge beside 0."
        )
    if cause is not None:
        return f"Begin with {module_label(cause.module)}; this may vanish with it."
    if found.origin is ErrorOrigin.INHERITED:
        pattern = f"{found.site.direction.value}/{found.site.module}*"
        return (
            "Look at the functional code between the modules before it. If the model is simply "
            "this sensitive and trains well, allow more here: "
            f'ortviz.wrap(model, tolerances={{"{pattern}": …}}).'
        )
    inner = (
        "Click it to see the inputs of this module on both sides and its nodes in ORT's graph. "
        "Run the module alone with these inputs; if it still differs, use another operation in its "
        "place or leave it out of the wrapped model."
    )
    if found.site.direction is Direction.FORWARD:
        return f"{inner} In-place changes and randomness of your own are common causes."
    return inner


def _where(makers: Sequence[str]) -> str:
    return f"in the backward pass of {listed(makers)}" if makers else "here"


def _outputs(hidden: Sequence[str]) -> str:
    return f"the output of {listed(hidden)}" if len(hidden) == 1 else f"outputs of {listed(hidden)}"
