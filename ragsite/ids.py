"""Random ids for what there is a lot of."""

from __future__ import annotations

import os
import threading
from uuid import UUID

ID_BYTES, DRAWN_AT_ONCE = 16, 256


class _Drawn:
    """Random bytes in stock. A call of the system lets other threads in, and on a busy server costs two changes."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Start afresh: a forked child with its parent's stock would give the same ids, and its lock may be held."""
        self._lock = threading.Lock()
        self._left = memoryview(b"")

    def take(self) -> bytes:
        """Return bytes that nobody else gets."""
        with self._lock:
            if not self._left:
                self._left = memoryview(os.urandom(ID_BYTES * DRAWN_AT_ONCE))
            taken, self._left = self._left[:ID_BYTES], self._left[ID_BYTES:]
        return bytes(taken)


_drawn = _Drawn()
os.register_at_fork(after_in_child=_drawn.forget)


def new_id() -> UUID:
    """Return a random UUID (RFC 9562, version 4), as hard to guess as `uuid.uuid4()`."""
    return UUID(bytes=_drawn.take(), version=4)
