"""One line of the table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A cost set against a peer's.

    Attributes:
        what: What was measured.
        peer: What it is compared with.
        ratio: The first by the second; None where it could not be measured here.
        limit: The bar: above it something is wrong; None where there is no promise.
        detail: The two figures themselves, with units; or why there are none.
    """

    what: str
    peer: str
    ratio: float | None
    limit: float | None
    detail: str

    @property
    def passed(self) -> bool:
        """Whether the promise is kept, or there is nothing to hold against it."""
        return self.limit is None or self.ratio is None or self.ratio <= self.limit

    @property
    def verdict(self) -> str:
        """In words: whether the bar was met, and if not, by how much it was missed."""
        if self.ratio is None:
            return "not measured"
        if self.limit is None:
            return ""
        if self.passed:
            return "met"
        return f"missed by {100 * (self.ratio / self.limit - 1):.0f} %"
