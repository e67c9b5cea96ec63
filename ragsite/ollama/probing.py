"""Probes one unhealthy host in a background thread, which ends when the host is healthy again.

It asks /api/tags only: a call that costs the host nothing, loads no model, and touches no counter.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import TypeVar

logger = logging.getLogger(__name__)
PROBE_EVERY_SECONDS = 1.0
T = TypeVar("T")


class Watch:
    """At most one thread; started when first needed, so never before a fork, and again when it has died."""

    def __init__(self, name: str, probe: Callable[[], bool]) -> None:
        self._name = name
        self._probe = probe  # True: all is well, nothing to look after
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._chores: deque[tuple[Callable[[], None], threading.Event]] = deque()
        self._wake = threading.Event()
        self._stopped = False
        self._again = False  # somebody worried since the last look

    @property
    def running(self) -> bool:
        """Return whether the thread is there."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """See to it that the thread runs."""
        with self._lock:
            self._again = True
            if not self._stopped and not self.running:
                self._thread = threading.Thread(target=self._run, name=f"ollama-watch {self._name}", daemon=True)
                self._thread.start()

    def do(self, chore: Callable[[], None]) -> threading.Event:
        """Run `chore` in the thread soon; the event is set when it is done, well or not."""
        done = threading.Event()
        self._chores.append((chore, done))
        self._wake.set()
        self.start()
        return done

    def stop(self) -> None:
        """Let the thread end; it isn't started again."""
        self._stopped = True
        self._wake.set()

    def _run(self) -> None:
        while not self._stopped:
            self._wake.clear()
            self._again = False
            while self._chores:
                chore, done = self._chores.popleft()
                self._safely(chore)
                done.set()
            if self._wake.wait(PROBE_EVERY_SECONDS):
                continue
            well = self._safely(self._probe)
            with self._lock:
                if well and not self._chores and not self._again:
                    self._thread = None  # from here on `start` makes a new one
                    return

    def _safely(self, work: Callable[[], T]) -> T | None:
        try:
            return work()
        except Exception:
            logger.exception("looking after the model server %s failed", self._name)
            return None
