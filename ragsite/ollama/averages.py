"""Moving average of durations, over about the last dozen values."""

from __future__ import annotations


class Average:
    """A moving average of seconds; None until the first value. Writes race harmlessly."""

    WEIGHT = 0.2  # of the newest value

    def __init__(self) -> None:
        self.seconds: float | None = None

    def add(self, seconds: float) -> None:
        """Add one value."""
        old = self.seconds
        self.seconds = seconds if old is None else old + self.WEIGHT * (seconds - old)

    def or_zero(self) -> float:
        """Return the average, 0 while nothing is known."""
        return self.seconds or 0.0
