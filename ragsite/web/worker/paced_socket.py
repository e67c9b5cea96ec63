"""Client socket that blocks no thread: unsent data is buffered, and clients that are too slow are disconnected.

To gunicorn it looks like a blocking socket. What can't be sent at once stays here, for the worker's main loop to send
when the client takes it; only beyond a limit does the thread that writes wait. A client that is waited for must keep a
pace, whatever it does: send its request, or take the reply.
"""

from __future__ import annotations

import errno
import math
import select
import socket
import struct
import threading
import time
from contextlib import suppress
from typing import IO

GRACE_SECONDS = 20.0  # that a client may let us wait at a time, and in all ...
BYTES_PER_SECOND = 1000  # ... but one second more for so many bytes that it has sent or taken
UNSENT_MAX_BYTES = 2 * 1024 * 1024  # of one reply; more than any page or script that we have
UNSENT_TOTAL_BYTES = 64 * 1024 * 1024  # of all replies of a process
FILE_BLOCK_BYTES = 64 * 1024


class SlowClient(ConnectionResetError):
    """The client was too slow, and is treated as one that has gone."""


class Pace:
    """How long a client has been waited for, and for how many bytes."""

    __slots__ = ("moved_bytes", "waited_seconds")

    def __init__(self) -> None:
        self.moved_bytes = 0
        self.waited_seconds = 0.0

    @property
    def left_seconds(self) -> float:
        """Return how long it may be waited for now; 0 or less: no longer."""
        return min(GRACE_SECONDS, GRACE_SECONDS + self.moved_bytes / BYTES_PER_SECOND - self.waited_seconds)


class Unsent:
    """How many bytes the replies of this process have in memory that clients have not taken yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.total_bytes = 0

    def add(self, difference: int) -> None:
        """Note that there are so many more, or fewer."""
        with self._lock:
            self.total_bytes += difference


unsent = Unsent()


class PacedSocket(socket.socket):
    """A connection with a client. One thread at a time uses it."""

    def __init__(self, accepted: socket.socket) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        super().setblocking(False)
        self.unsent = bytearray()
        self.was_slow = False
        self.begin()

    def begin(self) -> None:
        """Begin to measure: another request comes."""
        self.reading, self.writing = Pace(), Pace()
        self._limit_seconds: float | None = None

    def setblocking(self, flag: bool) -> None:
        """Do nothing: it seems to block, and never does."""

    def settimeout(self, value: float | None) -> None:
        """Limit how long one call may wait, besides the pace."""
        self._limit_seconds = value

    def gettimeout(self) -> float | None:
        """Return the limit of `settimeout`."""
        return self._limit_seconds

    def receive_now(self, size: int) -> bytes:
        """Return what has come. Raises BlockingIOError when nothing has."""
        return super().recv(size)

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        """Return what comes next; wait for it as long as the client keeps its pace. Raises SlowClient."""
        while True:
            try:
                data = super().recv(bufsize, flags)
            except BlockingIOError:
                self._wait(select.POLLIN, self.reading)
            else:
                self.reading.moved_bytes += len(data)
                return data

    def sendall(self, data: bytes | bytearray | memoryview, flags: int = 0) -> None:  # type: ignore[override]
        """Send, or keep for later. Waits only while too much is kept already. Raises SlowClient."""
        if not self.unsent:
            try:
                sent = super().send(data, flags)
            except BlockingIOError:
                sent = 0
            view = memoryview(data)
            if sent == view.nbytes:
                return
            view = view[sent:]
        else:
            view = memoryview(data)
        self.unsent += view
        unsent.add(view.nbytes)
        while not self.flush() and self._is_too_much():
            self._wait(select.POLLOUT, self.writing)

    def flush(self) -> bool:
        """Send of what is kept as much as the client takes now; return whether that was all. Raises OSError."""
        while self.unsent:
            try:
                sent = super().send(self.unsent)
            except BlockingIOError:
                return False
            del self.unsent[:sent]
            unsent.add(-sent)
            self.writing.moved_bytes += sent
        return True

    def sendfile(self, file: IO[bytes], offset: int = 0, count: int | None = None) -> int:  # type: ignore[override]
        """Send a file's bytes, and return how many."""
        file.seek(offset)
        sent = 0
        while count is None or sent < count:
            block = file.read(FILE_BLOCK_BYTES if count is None else min(FILE_BLOCK_BYTES, count - sent))
            if not block:
                break
            self.sendall(block)
            sent += len(block)
        return sent

    def close(self) -> None:
        """Close, and forget what was not taken."""
        unsent.add(-len(self.unsent))
        self.unsent = bytearray()
        super().close()

    def reset(self) -> None:
        """Close so that the system keeps nothing for this client either."""
        with suppress(OSError):
            self.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def _is_too_much(self) -> bool:
        return len(self.unsent) > UNSENT_MAX_BYTES or unsent.total_bytes > UNSENT_TOTAL_BYTES

    def _wait(self, event: int, pace: Pace) -> None:
        limit = self._limit_seconds
        is_limited = limit is not None and limit < pace.left_seconds
        seconds = limit if limit is not None and is_limited else pace.left_seconds
        poll = select.poll()
        poll.register(self.fileno(), event)
        started = time.monotonic()
        found = poll.poll(max(0, math.ceil(1000 * seconds)))
        pace.waited_seconds += time.monotonic() - started
        if found:
            return
        if is_limited:
            raise TimeoutError("timed out")
        self.was_slow = True
        raise SlowClient(errno.ECONNRESET, "the client was too slow")
