"""Tells whether a quantity grows during a constant load."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

FIFTHS = 5
GROWTH_SHARE = 0.05


@dataclass(frozen=True)
class Growth:
    """The medians of the second and of the last fifth of the samples. In the first fifth, caches and pools fill."""

    early: float
    late: float

    @property
    def absolute(self) -> float:
        """Return how much more it is at the end."""
        return self.late - self.early

    def allowed(self, constant: float) -> float:
        """Return how much more it may be: 5 %, and `constant` for what is small anyway."""
        return GROWTH_SHARE * self.early + constant

    def is_flat(self, constant: float) -> bool:
        """Return whether it doesn't grow."""
        return self.absolute <= self.allowed(constant)


def growth_of(samples: Sequence[float]) -> Growth:
    """Return the growth over samples in the order in which they were taken. Raises ValueError for fewer than five."""
    fifth = len(samples) // FIFTHS
    if not fifth:
        raise ValueError("five samples at least, one for each fifth")
    return Growth(statistics.median(samples[fifth : 2 * fifth]), statistics.median(samples[-fifth:]))
