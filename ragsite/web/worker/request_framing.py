"""Tells when all bytes of an HTTP/1.1 request have arrived, without any I/O.

gunicorn's own parser judges the request afterwards. Here only its length matters: what is malformed counts as complete,
so that the parser refuses it, and what can't be measured counts as long.
"""

from __future__ import annotations

import re
from enum import Enum, auto

HEAD_MAX_BYTES = 64 * 1024
BODY_MAX_BYTES = 1024 * 1024  # as much of a body as Django keeps in memory
_CHUNK_LINE_MAX_BYTES = 4096
_END = b"\r\n\r\n"
# The three headers that say how long a body is, or that it waits for permission.
_LENGTH_HEADERS = re.compile(rb"\r\n(content-length|transfer-encoding|expect)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)


class State(Enum):
    """What is there of a request."""

    EMPTY = auto()  # nothing
    HEAD = auto()  # a part of its headers
    BODY = auto()  # all headers, and a part of its body
    COMPLETE = auto()  # all of it, or enough to see that it is malformed
    LONG = auto()  # all headers, and a body that is too long to be held in memory, or of unknown length
    HEAD_TOO_LONG = auto()


class Framing:
    """The bytes of one request, as they come in, and perhaps the beginning of the next one."""

    __slots__ = ("_body_at", "_body_ends", "_chunk_at", "_in_trailers", "data", "state")

    def __init__(self) -> None:
        self._begin(b"")

    def add(self, piece: bytes) -> State:
        """Take what came in, and return what is there now."""
        self.data += piece
        if self.state in {State.EMPTY, State.HEAD}:
            self._look_for_head(len(self.data) - len(piece))
        if self.state is State.BODY:
            self._look_for_end()
        return self.state

    def take(self) -> bytes:
        """Return all that is there, and begin with the next request."""
        taken = bytes(self.data)
        self._begin(b"")
        return taken

    def _begin(self, data: bytes) -> None:
        self.data = bytearray(data)
        self.state = State.EMPTY
        self._body_at = self._chunk_at = 0
        self._body_ends: int | None = None  # None: the body is chunked
        self._in_trailers = False

    def _look_for_head(self, seen: int) -> None:
        data = self.data
        while data.startswith(b"\r\n"):  # empty lines before a request mean nothing
            del data[:2]
            seen = 0
        end = data.find(_END, max(0, seen - 3))
        if max(end, len(data) if end < 0 else 0) > HEAD_MAX_BYTES:
            self.state = State.HEAD_TOO_LONG
        elif end >= 0:
            self._body_at = end + 4
            self._measure(bytes(data[:end]))
        elif data:
            # After a line that ends with a bare LF there may never come what ends the headers: it is refused at once.
            is_malformed = data.count(b"\n") != data.count(b"\r\n")
            self.state = State.COMPLETE if is_malformed else State.HEAD

    def _measure(self, head: bytes) -> None:
        found = [(match[1].lower(), match[2].strip()) for match in _LENGTH_HEADERS.finditer(head)]
        if not found:
            self.state = State.COMPLETE
        elif len(found) > 1:
            self.state = State.LONG
        elif found[0][0] == b"content-length" and found[0][1].isdigit() and len(found[0][1]) < 19:
            length = int(found[0][1])
            self._body_ends = self._body_at + length
            self.state = State.BODY if length <= BODY_MAX_BYTES else State.LONG
        elif (found[0][0], found[0][1].lower()) == (b"transfer-encoding", b"chunked"):
            self._chunk_at = self._body_at
            self.state = State.BODY
        else:
            self.state = State.LONG

    def _look_for_end(self) -> None:
        if self._body_ends is None:
            self._follow_chunks()
            if self.state is State.BODY and len(self.data) - self._body_at > BODY_MAX_BYTES:
                self.state = State.LONG
        elif len(self.data) >= self._body_ends:
            self.state = State.COMPLETE

    def _follow_chunks(self) -> None:
        """Go from chunk to chunk as far as they are there."""
        data = self.data
        while not self._in_trailers:
            if self._chunk_at > len(data):
                return  # it ends in what has not come yet
            line_end = data.find(b"\r\n", self._chunk_at, self._chunk_at + _CHUNK_LINE_MAX_BYTES)
            if line_end < 0:
                if len(data) - self._chunk_at >= _CHUNK_LINE_MAX_BYTES:
                    self.state = State.LONG
                return
            try:
                size = int(bytes(data[self._chunk_at : line_end]).split(b";")[0], 16)
            except ValueError:
                size = -1
            if size < 0:
                self.state = State.COMPLETE  # malformed
                return
            self._in_trailers = size == 0
            self._chunk_at = line_end + 2 + (size + 2 if size else 0)
        if data.startswith(b"\r\n", self._chunk_at) or data.find(_END, self._chunk_at) >= 0:
            self.state = State.COMPLETE
