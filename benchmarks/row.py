"""One line of the table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A cost set against a peer's.

    Attributes:
        what: What was measured.
        peer: What it is compared with.
        ratio: The first by the second.
        limit: Above it something is wrong; None where there is no promise.
        detail: The two figures themselves, with units.
    """

    what: str
    peer: str
    ratio: float
    limit: float | None
    detail: str

    @property
    def passed(self) -> bool:
        """Whether the promise is kept."""
        return self.limit is None or self.ratio <= self.limit
