"""What a person allows at some sites, in place of the table: ``wrap(model, tolerances=…)``.

A pattern is matched against the whole id of a site (``forward/blocks.0.fc1#out0``) as
:func:`fnmatch.fnmatchcase` does: ``*`` stands for anything, dots and slashes included. Where
several patterns match a site, the last one counts, so the general ones come first. A number
replaces the relative tolerance of floating-point tensors and leaves the rest of the table as it
is; integers and booleans stay exact.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from fnmatch import translate
from itertools import takewhile

from ortviz.compare.tolerances import DEFAULT, EXACT, Tolerance, ToleranceTable
from ortviz.errors import WrapError
from ortviz.record import Direction, Problem, Site, ToleranceRule

NOT_COMPARED = (Direction.PARAMETER, Direction.INPUT)
"""Directions whose tensors both sides share."""
_COMPARED = [direction for direction in Direction if direction not in NOT_COMPARED]
_EXAMPLE = 'tolerances={"parameter_grad/*": 1e-3, "forward/head*": 1e-5}'
_NAMED_AT_MOST = 3


def tolerance_rules(given: object) -> tuple[ToleranceRule, ...]:
    """Check what a person gave as ``tolerances``.

    Args:
        given: None, or a mapping of site patterns to numbers or :class:`Tolerance`.

    Returns:
        The rules in their order.

    Raises:
        WrapError: It is no such mapping, a value is no tolerance, or no site can ever match a
            pattern.
    """
    if given is None:
        return ()
    if not isinstance(given, Mapping):
        raise WrapError(
            f"tolerances is a dict of site patterns to numbers, and this is {given!r}.",
            f"For example {_EXAMPLE}.",
        )
    return tuple(_rule(pattern, value) for pattern, value in given.items())


class RuleBook:
    """The tolerance of each site of a run: the table, and the rules that replace it.

    Args:
        rules: What the user gave.
        table: For all else.
    """

    def __init__(
        self, rules: Sequence[ToleranceRule] = (), table: ToleranceTable = DEFAULT
    ) -> None:
        self.table = table
        self._rules = tuple(rules)
        self._patterns = [re.compile(translate(rule.pattern)) for rule in rules]
        self._chosen: dict[str, int] = {}
        self._matched: set[int] = set()
        self._examples: dict[Direction, str] = {}

    def note(self, site: Site) -> None:
        """Remember that a step has this site."""
        if not self._rules or site.id in self._chosen:
            return
        matching = [index for index, pattern in enumerate(self._patterns) if pattern.match(site.id)]
        self._matched.update(matching)
        self._chosen[site.id] = matching[-1] if matching else -1
        self._examples.setdefault(site.direction, site.id)

    def tolerance(self, site: Site, dtype: str) -> tuple[Tolerance, str]:
        """What is allowed at a site, and a phrase for a person on what says so.

        Args:
            site: The site.
            dtype: PyTorch's name of its dtype.
        """
        plain, name = self.table[dtype], self.table.name(dtype)
        if not self._rules or plain == EXACT:
            return plain, name
        self.note(site)
        index = self._chosen[site.id]
        if index < 0:
            return plain, name
        rule = self._rules[index]
        absolute, zero = rule.absolute, rule.zero_gradient
        return (
            Tolerance(
                rule.relative,
                plain.zero_gradient if zero is None else zero,
                plain.absolute if absolute is None else absolute,
            ),
            f"your tolerance for {rule.pattern!r}",
        )

    def problems(self) -> tuple[Problem, ...]:
        """What is to be said of the rules once the run is over: those that never applied."""
        if not self._chosen:
            return ()
        used = set(self._chosen.values())
        found = []
        for index, rule in enumerate(self._rules):
            if index in used:
                continue
            if index in self._matched:
                found.append(_shadowed(rule))
            else:
                found.append(_unmatched(rule, list(self._examples.values())))
        return tuple(found)


def _shadowed(rule: ToleranceRule) -> Problem:
    return Problem(
        what=f"The tolerance for {rule.pattern!r} was never used: every site it matches is also "
        "matched by a later pattern.",
        remedy="Of several patterns the last one counts; put the general ones first.",
    )


def _unmatched(rule: ToleranceRule, examples: list[str]) -> Problem:
    return Problem(
        what=f"The tolerance for {rule.pattern!r} was never used: this run has no such site.",
        remedy=f"Its sites look like {', '.join(examples[:_NAMED_AT_MOST])}.",
    )


def _rule(pattern: object, value: object) -> ToleranceRule:
    if not isinstance(pattern, str):
        raise WrapError(
            f"tolerances has the key {pattern!r}, which is no pattern of sites.",
            f"For example {_EXAMPLE}.",
        )
    _check_pattern(pattern)
    if isinstance(value, Tolerance):
        numbers = (value.relative, value.zero_gradient, value.absolute)
        rule = ToleranceRule(pattern, *numbers)
    else:
        numbers = (value,)  # type: ignore[assignment]
        rule = ToleranceRule(pattern, value)  # type: ignore[arg-type]
    if not all(_is_size(number) for number in numbers):
        raise WrapError(
            f"The tolerance for {pattern!r} is {value!r}.",
            "It is a finite number from 0 up, the largest error allowed divided by the tensor's "
            "largest value, or an ortviz.Tolerance of such numbers.",
        )
    return rule


def _is_size(value: object) -> bool:
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and math.isfinite(value)
        and value >= 0
    )


def _check_pattern(pattern: str) -> None:
    """Refuse a pattern that no id of a site can match.

    Raises:
        WrapError: Says what ids look like.
    """
    literal = "".join(takewhile(lambda letter: letter not in "*?[", pattern))
    direction, slash, _ = literal.partition("/")
    names = [member.value for member in _COMPARED]
    whole = [f"{name}/" for name in names]
    if slash and direction in [member.value for member in NOT_COMPARED]:
        raise WrapError(
            f"The tolerance for {pattern!r} can never apply: both sides share the tensors of "
            f"{direction}/, so they are not compared.",
            f"The directions that are compared are {', '.join(names)}.",
        )
    known = direction in names if slash else any(name.startswith(literal) for name in whole)
    if not known or (literal == pattern and not slash):
        raise WrapError(
            f"The tolerance for {pattern!r} can never apply: ids of sites begin with one of "
            f"{', '.join(whole)}.",
            f"For example {_EXAMPLE}.",
        )
    if literal == pattern and "#" not in pattern:
        raise WrapError(
            f"The tolerance for {pattern!r} can never apply: ids of sites end in the tensor's "
            "name after a #.",
            f"Write {pattern + '#*'!r} for all of that module, or {pattern + '*'!r} to take in "
            "those below it.",
        )
