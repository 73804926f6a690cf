"""A step's comparison as a person at a prompt sees it: one line, and a table of what differs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from html import escape

from ortviz.record import Direction, ErrorOrigin, SiteComparison, StepComparison, Verdict
from ortviz.session.tables import html_table, text_table

_ROWS_AT_MOST = 12
_WIDTH = 140
_HEADINGS = (
    "site",
    "origin",
    "max abs",
    "max rel",
    "allowed",
    "noise floors",
    "own error",
    "elements off",
    "max ulp",
    "cosine",
)
_ORIGINS = {
    ErrorOrigin.HERE: "born here",
    ErrorOrigin.INHERITED: "came in",
    ErrorOrigin.UNKNOWN: "",
}


class Comparison(StepComparison):
    """A step's comparison that shows itself as a table of the divergent sites.

    ``comparison["forward/fc1#out0"]`` is one site, ``comparison.sites`` are all of them.
    """

    __slots__ = ()

    @classmethod
    def of(cls, found: StepComparison) -> Comparison:
        """The same comparison, showing itself."""
        return cls(found.step, found.sites, found.first_divergence, found.first_own_divergence)

    @property
    def divergent(self) -> tuple[SiteComparison, ...]:
        """The divergent sites: where a difference is born, where one is first seen, all others."""
        named = {
            site: None
            for first in (self.first_own_divergence, self.first_divergence)
            for site in first.values()
        }
        known = {one.site: one for one in self.sites}
        others = {one.site: None for one in self.sites if one.verdict is Verdict.DIVERGENT}
        return tuple(known[site] for site in {**named, **others} if site in known)

    def conclusion(self) -> str:
        """What it comes to, for a person."""
        own, first = self.first_own_divergence, self.first_divergence
        if own:
            places = ", ".join(site.id for site in own.values())
            return f"A difference is born at {places}."
        if first:
            places = ", ".join(site.id for site in first.values())
            return f"ORT and eager PyTorch first part at {places}."
        compared = [one for one in self.sites if one.verdict is not Verdict.NOT_COMPARABLE]
        if not compared:
            return " ".join(("Nothing could be compared.", *_main_reason(self.sites)))
        closest = max(compared, key=_share_of_tolerance)
        if all(one.verdict is Verdict.EQUAL for one in compared):
            agree = "ORT and eager PyTorch agree exactly"
        else:
            agree = (
                "ORT and eager PyTorch agree within rounding; closest to its tolerance, at "
                f"{_percent(_share_of_tolerance(closest))} of it, is {closest.site.id}"
            )
        left_out = [one for one in self.sites if _could_not_be_judged(one)]
        if not left_out:
            return f"{agree}."
        return " ".join((f"Where they can be compared, {agree}.", *_main_reason(left_out)))

    def counts(self) -> str:
        """How many sites came to what: ``3 sites: 1 equal, 2 rounding``."""
        verdicts = [site.verdict for site in self.sites]
        counted = ", ".join(
            f"{verdicts.count(verdict)} {verdict.value.replace('_', ' ')}"
            for verdict in Verdict
            if verdict in verdicts
        )
        apart = [one.site for one in self.sites if one.verdict is Verdict.NOT_COMPARABLE]
        inside = sum(site.is_inner for site in apart)
        if inside:
            # Of which eager PyTorch has no tensor; so many that they would look like trouble.
            counted = f"{counted} ({inside} of them inside modules)"
        sites = f"{len(verdicts)} site" + ("" if len(verdicts) == 1 else "s")
        return f"{sites}: {counted}" if counted else sites

    def _rows(self) -> tuple[tuple[str, ...], list[list[str]]]:
        """Headings and rows; columns in which nothing was measured are left out."""
        rows = [list(_row(one)) for one in self.divergent[:_ROWS_AT_MOST]]
        filled = [any(row[column] for row in rows) for column in range(len(_HEADINGS))]
        headings = tuple(text for text, keep in zip(_HEADINGS, filled, strict=True) if keep)
        kept = [[cell for cell, keep in zip(row, filled, strict=True) if keep] for row in rows]
        return headings, kept

    def _left_out(self) -> str:
        count = len(self.divergent) - _ROWS_AT_MOST
        return f"… and {count} more divergent sites" if count > 0 else ""

    def __repr__(self) -> str:
        lines = [f"Step {self.step}, {self.counts()}.", self.conclusion()]
        headings, rows = self._rows()
        if rows:
            lines += ["", text_table(headings, rows, width=_WIDTH)]
        if self._left_out():
            lines.append(self._left_out())
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        headings, rows = self._rows()
        table = html_table(headings, rows) if rows else ""
        said = (f"Step {self.step}, {self.counts()}.", self.conclusion())
        return _paragraphs(said) + table + _paragraphs([self._left_out()])


def _main_reason(sites: Iterable[SiteComparison]) -> Iterator[str]:
    """The reason that most of them give; nothing where none gives one."""
    reasons = Counter(one.reason for one in sites if one.reason)
    yield from (reason for reason, _ in reasons.most_common(1))


def _could_not_be_judged(one: SiteComparison) -> bool:
    """Whether both sides have values that differ, and that says nothing: they drew differently."""
    return (
        one.verdict is Verdict.NOT_COMPARABLE
        and bool(one.max_abs_error)
        and one.site.direction is not Direction.BUFFER
    )


def _paragraphs(sentences: Iterable[str]) -> str:
    return "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences if sentence)


def _row(one: SiteComparison) -> Iterator[str]:
    yield one.site.id
    yield _ORIGINS[one.origin]
    yield _number(one.max_abs_error)
    yield _number(one.max_rel_error)
    yield _number(one.tolerance)
    yield _floors(one)
    yield _number(one.local_rel_error)
    yield "" if one.mismatched_fraction is None else _percent(one.mismatched_fraction)
    yield "" if one.max_ulp_error is None else _count(one.max_ulp_error)
    yield _cosine(one.cosine)


def _floors(one: SiteComparison) -> str:
    if not one.noise_floor or one.max_abs_error is None:
        return ""
    floors = one.max_abs_error / one.noise_floor
    return f"{_count(floors) if floors >= 100 else f'{floors:.2g}'} ×"


def _count(value: float) -> str:
    return f"{value:,.0f}" if value < 1e6 else f"{value:.2e}"


def _cosine(value: float | None) -> str:
    if value is None:
        return ""
    # Near 1 the distance from it is what tells.
    return f"1 − {1 - value:.1e}" if 0.999 < value < 1.0 else f"{value:.4g}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _percent(share: float) -> str:
    percent = 100 * share
    return f"{percent:.0f} %" if percent >= 10 else f"{percent:.2g} %"


def _share_of_tolerance(one: SiteComparison) -> float:
    """The error as a share of what is allowed; 0 where no element is finite, on both sides."""
    if one.max_rel_error is None or one.tolerance is None:
        return 0.0
    if one.max_rel_error == 0.0 or math.isinf(one.tolerance):
        return 0.0
    return one.max_rel_error / one.tolerance if one.tolerance > 0.0 else math.inf
