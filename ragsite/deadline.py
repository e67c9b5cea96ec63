"""One absolute deadline per request, handed to every stage.

A chain of per-call timeouts adds up to a wait that nobody agreed to. A deadline is a point in time: each stage
asks how much is left, and waits no longer than that.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from ragsite.errors import DeadlineExceeded


@dataclass(frozen=True)
class Deadline:
    """A point on the monotonic clock, in seconds; steps of the wall clock don't move it."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Return the deadline that many seconds from now."""
        return cls(time.monotonic() + seconds)

    def remaining(self) -> float:
        """Return the seconds left, never below 0."""
        return max(0.0, self.at - time.monotonic())

    def cap(self, seconds: float) -> float:
        """Return how long a stage may wait that would like `seconds`: never past the deadline."""
        return min(seconds, self.remaining())

    def check(self) -> None:
        """Raise DeadlineExceeded when no time is left."""
        if self.remaining() <= 0:
            raise DeadlineExceeded
