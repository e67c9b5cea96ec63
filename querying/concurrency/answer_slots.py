"""How many answers may be in the making at once in this process; what is beyond waits a moment, then is refused.

gunicorn's threads queue what they can't serve without a word: with every thread in a stream, even /health would wait.
So answers get MAX_OPEN_STREAMS of them, and the rest stay free for what is quick.
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
    """The right to make one answer. Give it back once; more often does no harm."""

    def __init__(self) -> None:
        self._held = True

    def release(self) -> None:
        """Give it back."""
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
    """Return how many answers are in the making."""
    return _taken


def take_slot(deadline: Deadline) -> Slot:
    """Return a slot, after a second's wait at most. Raises Overloaded when none gets free."""
    global _taken
    with _free:
        if not _free.wait_for(lambda: _taken < settings.MAX_OPEN_STREAMS, timeout=deadline.cap(WAIT_SECONDS)):
            raise Overloaded(retry_after_seconds=RETRY_AFTER_SECONDS)
        _taken += 1
    return Slot()
