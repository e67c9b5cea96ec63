"""Times that are part of a contract, on machines that stand still now and then."""

from __future__ import annotations

from collections.abc import Callable

ATTEMPTS = 3


def stays_below(limit_seconds: float, seconds_of: Callable[[], float]) -> bool:
    """Return whether one of three attempts took less: what is always too slow is too slow each time."""
    return any(seconds_of() < limit_seconds for _ in range(ATTEMPTS))
