"""Values that a process makes on first use, such as a thread pool whose size is a setting."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

S = TypeVar("S")
T = TypeVar("T")


class PerProcess(Generic[S, T]):
    """The one value of its kind in this process; made again when the size that the settings give it has changed.

    `discard` gets the value that was replaced. Safe to call from many threads.
    """

    def __init__(
        self, make: Callable[[S], T], size: Callable[[], S], discard: Callable[[T], object] = lambda value: None
    ) -> None:
        self._make = make
        self._size = size
        self._discard = discard
        self._lock = threading.Lock()
        self._made: tuple[S, T] | None = None

    def __call__(self) -> T:
        """Return the value."""
        size = self._size()
        with self._lock:
            if self._made is None or self._made[0] != size:
                if self._made is not None:
                    self._discard(self._made[1])
                self._made = size, self._make(size)
            return self._made[1]
