"""Under load, streams that have not sent their first token run before streams that only lack the final event.

The reader of a stream that lacks only its last event, with the sources and figures, has the whole text already. So
while searches wait for a slot, such streams finish only as far as no other one is kept from searching. The number of
answers per second stays the same.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from querying.concurrency.search_queue import search_queue
from ragsite.per_process import PerProcess

STREAMS_PER_SEARCH = 2  # new streams per search slot: those that search, and as many about to


class StreamScheduler:
    """Starts new streams at once, and lets written ones finish in their order while fewer than `size` are active."""

    def __init__(self, size: int, is_crowded: Callable[[], bool] = lambda: search_queue().is_crowded) -> None:
        self.size = size
        self.is_crowded = is_crowded
        self._lock = threading.Lock()
        self._active = 0
        self._queue: deque[ScheduledStream] = deque()

    @property
    def active(self) -> int:
        """Return how many streams search or finish now."""
        return self._active

    @property
    def waiting(self) -> int:
        """Return how many streams wait to finish."""
        return len(self._queue)

    def start(self) -> ScheduledStream:
        """Return a new stream, which is active."""
        stream = ScheduledStream(self)
        with self._lock:
            self._activate(stream)
        return stream

    def pause(self, stream: ScheduledStream) -> None:
        """Count the stream as active no longer, and let the next ones finish in its place."""
        with self._lock:
            if stream.is_waiting:
                stream.is_waiting = False
                self._queue.remove(stream)
            if stream.is_active:
                stream.is_active = False
                self._active -= 1
            while self._queue and self._active < self.size:
                following = self._queue.popleft()
                following.is_waiting = False
                self._activate(following)
                following.granted.set()

    def request_finish(self, stream: ScheduledStream) -> bool:
        """Return whether the stream may finish now; if not, it is queued."""
        with self._lock:
            if self._active < self.size or not self.is_crowded():
                self._activate(stream)
                return True
            stream.is_waiting = True
            self._queue.append(stream)
            return False

    def _activate(self, stream: ScheduledStream) -> None:
        stream.is_active = True
        self._active += 1


class ScheduledStream:
    """One stream: active until its passages are found, paused while the model writes, active again to finish."""

    def __init__(self, scheduler: StreamScheduler) -> None:
        self._scheduler = scheduler
        self.is_active = False
        self.is_waiting = False
        self.granted = threading.Event()

    def pause(self) -> None:
        """Be active no longer: the reader has something to read, or has left. Idempotent."""
        self._scheduler.pause(self)

    def may_finish(self) -> bool:
        """Return whether the stream may finish at once; otherwise `wait` for it."""
        return self._scheduler.request_finish(self)

    def wait(self, seconds: float) -> bool:
        """Return whether the stream may finish: as soon as it is granted, or after `seconds` if the load is over."""
        return self.granted.wait(seconds) or not self._scheduler.is_crowded()


stream_scheduler = PerProcess(StreamScheduler, lambda: STREAMS_PER_SEARCH * search_queue().size)
