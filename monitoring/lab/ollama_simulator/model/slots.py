"""Slots for running requests, given in order of arrival."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable


class Slots:
    """Places at work, given out in order of arrival; their number may change while others wait."""

    def __init__(self, capacity: Callable[[], int]) -> None:
        self._capacity = capacity
        self._busy = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._waiting)

    async def take(self) -> None:
        """Wait for a place."""
        if not self._waiting and self._busy < self._capacity():
            self._busy += 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.give_back()
            elif place in self._waiting:
                self._waiting.remove(place)
            raise

    def give_back(self) -> None:
        """Free a place for the next."""
        self._busy -= 1
        self.wake()

    def wake(self) -> None:
        """Let in as many as there is room for."""
        while self._waiting and self._busy < self._capacity():
            place = self._waiting.popleft()
            if not place.done():  # a request that was cancelled in this round no longer waits
                self._busy += 1
                place.set_result(None)
