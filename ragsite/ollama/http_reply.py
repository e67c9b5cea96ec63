"""Bytes of an HTTP/1.1 reply -> status, headers and body, as they come and in whatever pieces they come.

It does no I/O and never waits, so that a stream can be polled at any point, also in the middle of a head or of a
chunk's length. Everything it keeps is bounded: a host that talks nonsense costs a few kilobytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ragsite.errors import BrokenReply

HEAD_MAX_BYTES = 64 * 1024
SIZE_LINE_MAX_BYTES = 1024
INTERIM_REPLIES_MAX = 10
STATUS_LINE = re.compile(rb"HTTP/1\.([01]) (\d{3})(?: .*)?", re.DOTALL)
CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;.*)?", re.DOTALL)


class HttpReply:
    """One reply, parsed step by step with `feed`; broken HTTP raises BrokenReply."""

    def __init__(self) -> None:
        self.status: int | None = None  # None until the head is complete
        self.headers: dict[str, str] = {}  # names in lower case; the last of several wins
        self.complete = False
        self.may_reuse = False  # whether the connection can carry another request after this reply
        self._broken: BrokenReply | None = None  # found behind bytes that were good
        self._buffer = b""  # what could not be understood yet
        self._left = 0  # bytes that the present chunk or body still has
        self._interim_replies = 0
        self._step: Callable[[bytes, list[bytes]], bytes | None] = self._read_head

    def feed(self, data: bytes) -> bytes:
        """Return the body's bytes in `data`, without framing; empty while there are none yet.

        Nonsense raises BrokenReply, but only when what came before it has been handed out.
        """
        self.check()
        body: list[bytes] = []
        rest: bytes | None = self._buffer + data if self._buffer else data
        self._buffer = b""
        while rest and not self.complete:
            before = rest
            try:
                rest = self._step(before, body)
            except BrokenReply as error:
                self._broken = error
                if not body:
                    raise
                break
            if rest is None:
                self._buffer = before
        if self.complete and rest:
            self.may_reuse = False  # bytes that nobody asked for
        return body[0] if len(body) == 1 else b"".join(body)

    def check(self) -> None:
        """Raise what was found behind the last bytes that were good."""
        if self._broken is not None:
            raise self._broken

    def end(self) -> None:
        """Note that the host closed the connection. Raises BrokenReply when the reply is not complete."""
        self.may_reuse = False
        if self.status is not None and self._step == self._read_until_closed:
            self.complete = True
        if not self.complete:
            raise BrokenReply("The model server closed the connection before its reply was complete.")

    # Each step returns what is left of `data`, or None when it needs more to go on.

    def _read_head(self, data: bytes, body: list[bytes]) -> bytes | None:
        end = data.find(b"\r\n\r\n")
        if end < 0:
            if len(data) > HEAD_MAX_BYTES or data[:7] != b"HTTP/1."[: len(data)]:
                raise BrokenReply("The model server's reply is not HTTP.")
            return None
        first, *lines = data[:end].split(b"\r\n")
        match = STATUS_LINE.fullmatch(first)
        if match is None or end > HEAD_MAX_BYTES:
            raise BrokenReply("The model server's reply is not HTTP.")
        rest = data[end + 4 :]
        status = int(match[2])
        if 100 <= status < 200:
            self._interim_replies += 1
            if self._interim_replies > INTERIM_REPLIES_MAX:
                raise BrokenReply("The model server sends interim replies without end.")
            return rest
        for line in lines:
            name, colon, value = line.partition(b":")
            if not colon:
                raise BrokenReply("The model server sent a header that can't be read.")
            self.headers[name.decode("latin-1").strip().lower()] = value.decode("latin-1").strip()
        self._choose_framing(status, minor_version=int(match[1]))
        self.status = status
        return rest

    def _choose_framing(self, status: int, *, minor_version: int) -> None:
        connection = self.headers.get("connection", "").lower()
        self.may_reuse = "close" not in connection and (minor_version == 1 or "keep-alive" in connection)
        encoding = self.headers.get("transfer-encoding", "").lower()
        length = self.headers.get("content-length")
        if status in (204, 304):
            self.complete = True
        elif encoding and encoding != "identity":
            if encoding != "chunked":
                raise BrokenReply("The model server uses a transfer encoding that nobody asked for.")
            self._step = self._read_chunk_size
        elif length is not None:
            if not (length.isascii() and length.isdigit()) or len(length) > 15:
                raise BrokenReply("The model server sent a length that is no number.")
            self._left = int(length)
            self.complete = self._left == 0
            self._step = self._read_counted
        else:
            self._step = self._read_until_closed

    def _read_counted(self, data: bytes, body: list[bytes]) -> bytes:
        rest = self._take(data, body)
        self.complete = self._left == 0
        return rest

    def _read_until_closed(self, data: bytes, body: list[bytes]) -> bytes:
        body.append(data)
        return b""

    def _read_chunk_size(self, data: bytes, body: list[bytes]) -> bytes | None:
        end = data.find(b"\r\n")
        if end < 0 and len(data) <= SIZE_LINE_MAX_BYTES:
            return None
        match = CHUNK_SIZE.fullmatch(data[:end]) if 0 <= end <= SIZE_LINE_MAX_BYTES else None
        if match is None:
            raise BrokenReply("The model server sent a chunk without a readable size.")
        self._left = int(match[1], 16)
        stop = end + 2 + self._left
        if self._left and data[stop : stop + 2] == b"\r\n":  # a whole chunk, as nearly all are
            body.append(data[end + 2 : stop])
            return data[stop + 2 :]
        self._step = self._read_chunk if self._left else self._read_trailer
        return data[end + 2 :]

    def _read_chunk(self, data: bytes, body: list[bytes]) -> bytes:
        rest = self._take(data, body)
        if self._left == 0:
            self._step = self._read_chunk_end
        return rest

    def _read_chunk_end(self, data: bytes, body: list[bytes]) -> bytes | None:
        if len(data) < 2 and data == b"\r":
            return None
        if data[:2] != b"\r\n":
            raise BrokenReply("The model server sent a chunk that is longer than it said.")
        self._step = self._read_chunk_size
        return data[2:]

    def _read_trailer(self, data: bytes, body: list[bytes]) -> bytes | None:
        end = data.find(b"\r\n")
        if end < 0:
            if len(data) > SIZE_LINE_MAX_BYTES:
                raise BrokenReply("The model server sent a trailer without end.")
            return None
        self._left += end  # of all trailers together: the count of chunk bytes is free by now
        if self._left > HEAD_MAX_BYTES:
            raise BrokenReply("The model server sent a trailer without end.")
        self.complete = end == 0
        return data[end + 2 :]

    def _take(self, data: bytes, body: list[bytes]) -> bytes:
        """Move up to `_left` bytes of `data` to the body, and return the rest."""
        piece = data[: self._left] if len(data) > self._left else data
        body.append(piece)
        self._left -= len(piece)
        return data[len(piece) :]
