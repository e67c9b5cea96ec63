"""Sends tokens at their pace: one timer for all streams, lines that are encoded ahead of time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from monitoring.lab.ollama_simulator.http.durations import rfc3339
from monitoring.lab.ollama_simulator.http.wire import Reply
from monitoring.lab.ollama_simulator.knobs import KnobBoard

MOST_AT_ONCE = 2000  # lines in one write: a client that does not read must not cost memory
# Stands for `created_at` in a line that was encoded early; as long as a real one, so that chunk sizes hold.
NOW = b"0001-01-01T00:00:00.000000007Z"


class TokenStream:
    """The lines of one answer on their way to one client."""

    def __init__(self, reply: Reply, chunks: Sequence[bytes], *, per_second: float) -> None:
        self._reply = reply
        self._chunks = chunks
        self._per_second = per_second
        self._starts_at = time.monotonic()
        self._ends_at = self._starts_at + (len(chunks) / per_second if per_second > 0 else 0.0)
        self.sent = 0
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def advance(self, now: float, stamp: bytes) -> None:
        """Write what has fallen due, unless the client does not read: then nothing piles up here."""
        if not self._reply.can_write:
            return
        total = len(self._chunks)
        due = total
        if self._per_second > 0:
            due = min(total, int((now - self._starts_at) * self._per_second) + 1)
        due = min(due, self.sent + MOST_AT_ONCE)
        if due > self.sent:
            self._reply.write_raw(b"".join(self._chunks[self.sent : due]).replace(NOW, stamp))
            self.sent = due
        if self.sent == total and now >= self._ends_at and not self.finished.done():
            self.finished.set_result(None)


class Pacemaker:
    """The timer of all streams.

    A token costs a system call here and one in the client. Tokens that fall due within a tick go together, and the
    tick grows with the streams: 500 streams at 100 tokens a second are written 20 times a second each, 5 tokens a time.
    """

    def __init__(self, knobs: KnobBoard) -> None:
        self._knobs = knobs
        self._streams: set[TokenStream] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def send(self, stream: TokenStream) -> None:
        """Send the stream to its end."""
        stream.advance(time.monotonic(), now_stamp())
        if stream.finished.done():
            return
        self._streams.add(stream)
        if self._timer is None:
            self._schedule()
        try:
            await stream.finished
        finally:
            self._streams.discard(stream)

    def _schedule(self) -> None:
        knobs = self._knobs.common
        tick = max(knobs.tick_seconds, len(self._streams) / max(knobs.max_writes_per_second, 1.0))
        self._timer = asyncio.get_running_loop().call_later(tick, self._beat)

    def _beat(self) -> None:
        self._timer = None
        now, stamp = time.monotonic(), now_stamp()
        for stream in tuple(self._streams):
            stream.advance(now, stamp)
        if self._streams:
            self._schedule()


def now_stamp() -> bytes:
    """Return the present time as lines carry it."""
    return rfc3339(time.time()).encode()
