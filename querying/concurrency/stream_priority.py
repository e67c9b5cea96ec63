"""What a busy process does first: who has seen nothing yet goes before who has read everything but the end.

When more is asked than can be answered, everybody waits somewhere. Whoever has the text before them and waits for its
last event, with the sources and figures, waits best. So while searches stand in line, finished texts are ended only as
far as nobody is kept from searching; the answers per second stay the same.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from querying.concurrency.search_queue import gate

AHEAD = 2  # newcomers per place at the gate: those who search, and as many on their way to it


class Turns:
    """Who is at work: newcomers at once, ends only while fewer than `most` are, in their order."""

    def __init__(self, most: int, is_crowded: Callable[[], bool]) -> None:
        self.most = most
        self.is_crowded = is_crowded
        self._lock = threading.Lock()
        self._at_work = 0
        self._behind: deque[Turn] = deque()

    @property
    def at_work(self) -> int:
        """Return how many are at work."""
        return self._at_work

    @property
    def behind(self) -> int:
        """Return how many wait for their end."""
        return len(self._behind)

    def begin(self) -> Turn:
        """Return the turn of a newcomer, who is at work from now on."""
        turn = Turn(self)
        with self._lock:
            self._set_to_work(turn)
        return turn

    def rest(self, turn: Turn) -> None:
        """Let it no longer be at work, and the next ones in its place."""
        with self._lock:
            if turn.is_behind:
                turn.is_behind = False
                self._behind.remove(turn)
            if turn.is_at_work:
                turn.is_at_work = False
                self._at_work -= 1
            while self._behind and self._at_work < self.most:
                called = self._behind.popleft()
                called.is_behind = False
                self._set_to_work(called)
                called.called.set()

    def end(self, turn: Turn) -> bool:
        """Return whether it may go on; if not, it stands behind the others now."""
        with self._lock:
            if self._at_work < self.most or not self.is_crowded():
                self._set_to_work(turn)
                return True
            turn.is_behind = True
            self._behind.append(turn)
            return False

    def _set_to_work(self, turn: Turn) -> None:
        turn.is_at_work = True
        self._at_work += 1


class Turn:
    """One stream's: at work until its passages are found, at rest while the model writes, at work again for its end."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self.is_at_work = False
        self.is_behind = False
        self.called = threading.Event()

    def rest(self) -> None:
        """Be no longer at work: the reader has something to read, or is gone. More than once does no harm."""
        self._turns.rest(self)

    def may_end(self) -> bool:
        """Return whether the stream may be ended at once; otherwise `wait` for it."""
        return self._turns.end(self)

    def wait(self, seconds: float) -> bool:
        """Return whether it may be ended now: when it is called, or `seconds` later if nobody is in need any more."""
        return self.called.wait(seconds) or not self._turns.is_crowded()


_making = threading.Lock()
_turns: Turns | None = None


def turns() -> Turns:
    """Return those of this process."""
    global _turns
    most = AHEAD * gate().size
    with _making:
        if _turns is None or _turns.most != most:
            _turns = Turns(most, lambda: gate().is_crowded)
        return _turns
