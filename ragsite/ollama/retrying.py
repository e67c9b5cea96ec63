"""Retry budget and back-off: a failed call is repeated at most once, and only for a small share of all calls."""

from __future__ import annotations

import random
import threading
import time

SHARE = 0.1  # of all requests may be retries
BURST = 10.0  # retries that may be saved up
DEBT = 5.0  # ... or be taken in advance, by a process with little traffic
LONE_SECONDS = 10.0  # every so often a retry is allowed whatever the balance, up to the debt
BACKOFF_SECONDS = 0.5


class RetryBudget:
    """A token bucket for the whole process: retries must not double the load on hosts that fail under load."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._balance = 1.0
        self._last_retry = float("-inf")

    def note_request(self) -> None:
        """Count a request, which pays for a tenth of a retry."""
        with self._lock:
            self._balance = min(BURST, self._balance + SHARE)

    def take(self) -> bool:
        """Return whether a retry is allowed now, and pay for it."""
        with self._lock:
            now = time.monotonic()
            lone = now - self._last_retry >= LONE_SECONDS and self._balance > -DEBT
            if self._balance < 1.0 and not lone:
                return False
            self._balance -= 1.0
            self._last_retry = now
            return True


def backoff_seconds() -> float:
    """Return how long to wait before asking the same host again: full jitter, so that retries don't march in step."""
    return random.uniform(0.0, BACKOFF_SECONDS)  # noqa: S311  (no secret)
