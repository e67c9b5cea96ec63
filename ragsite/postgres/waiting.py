"""Logs that requests wait for a database connection, at most once a second."""

from __future__ import annotations

import logging
import threading
import time

logger = logging.getLogger(__name__)
WORTH_TELLING_SECONDS = 0.1
TELL_EVERY_SECONDS = 1.0


class WaitLog:
    """The waits of one process; those that are not told are counted in the next line."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told_at = -TELL_EVERY_SECONDS
        self._untold = 0

    def note(self, seconds: float, *, refused: bool) -> None:
        """Note a wait; `refused`: in vain."""
        if seconds < WORTH_TELLING_SECONDS and not refused:
            return
        with self._lock:
            now = time.monotonic()
            if now - self._told_at < TELL_EVERY_SECONDS:
                self._untold += 1
                return
            self._told_at, untold, self._untold = now, self._untold, 0
        logger.warning(
            "waiting for connection: %.2f s%s; %d more since the last such line",
            seconds, " in vain" if refused else "", untold,
        )  # fmt: skip


wait_log = WaitLog()
