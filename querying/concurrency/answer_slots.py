"""Limits how many answers this process computes at once; further requests wait a second, and are then refused.

gunicorn queues requests silently once all of its threads are busy: with every thread in a stream, even /health would
wait. So answers get MAX_OPEN_STREAMS threads, and the rest stay free for quick requests.
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from django.conf import settings

from ragsite.deadline import Deadline
from ragsite.errors import Overloaded

WAIT_SECONDS = 1.0
RETRY_AFTER_SECONDS = 2.0

_free = threading.Condition()
_taken = 0


class Slot:
    """The permission to compute one answer, until it is released."""

    def __init__(self) -> None:
        self._held = True

    def release(self) -> None:
        """Return the slot. Idempotent."""
        global _taken
        with _free:
            if self._held:
                self._held = False
                _taken -= 1
                _free.notify()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def taken() -> int:
    """Return how many slots are taken."""
    return _taken


def take_slot(deadline: Deadline) -> Slot:
    """Return a slot, after at most WAIT_SECONDS. Raises Overloaded when none gets free."""
    global _taken
    with _free:
        if not _free.wait_for(lambda: _taken < settings.MAX_OPEN_STREAMS, timeout=deadline.cap(WAIT_SECONDS)):
            raise Overloaded(retry_after_seconds=RETRY_AFTER_SECONDS)
        _taken += 1
    return Slot()
