"""Reads HTTP/1.x requests out of a stream of bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MAX_HEAD_BYTES = 2**20


class BadRequest(Exception):
    """What came is no HTTP; the text is the whole reply."""

    def __init__(self, status: str = "400 Bad Request") -> None:
        super().__init__(
            f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n{status}"
        )


@dataclass(frozen=True, slots=True)
class Request:
    """One request, with its whole body."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    is_http_10: bool

    @property
    def keeps_alive(self) -> bool:
        """True when the client will send more on this connection."""
        wish = self.headers.get("connection", "").lower()
        return "keep-alive" in wish if self.is_http_10 else "close" not in wish


class RequestReader:
    """Collects bytes and gives out whole requests."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: tuple[str, str, bool, dict[str, str]] | None = None
        self.wants_continue = False

    @property
    def waiting_bytes(self) -> int:
        """How much has come and was not given out."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Append received bytes to the buffer."""
        self._buffer += data

    def next(self) -> Request | None:
        """Return the next whole request, or None while it is incomplete. Raises BadRequest."""
        if self._head is None and not self._read_head():
            return None
        assert self._head is not None
        method, target, is_http_10, headers = self._head
        if "chunked" in headers.get("transfer-encoding", "").lower():
            body = self._chunked_body()
        else:
            body = self._sized_body(headers.get("content-length", "0"))
        if body is None:
            return None
        self._head = None
        self.wants_continue = False
        path, _, query = target.partition("?")
        return Request(method, path, query, headers, body, is_http_10)

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise BadRequest("431 Request Header Fields Too Large")
            return False
        first, *lines = self._buffer[:end].decode("latin-1").lstrip("\r\n").split("\r\n")
        del self._buffer[: end + 4]
        words = first.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise BadRequest
        headers: dict[str, str] = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip():
                raise BadRequest
            headers[name.lower()] = value.strip()
        self._head = (words[0], words[1], words[2] == "HTTP/1.0", headers)
        self.wants_continue = headers.get("expect", "").lower() == "100-continue"
        return True

    def _sized_body(self, length_text: str) -> bytes | None:
        if not length_text.isascii() or not length_text.isdigit():
            raise BadRequest
        length = int(length_text)
        if len(self._buffer) < length:
            return None
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        return body

    def _chunked_body(self) -> bytes | None:
        parts: list[bytes] = []
        at = 0
        while True:
            line_end = self._buffer.find(b"\r\n", at)
            if line_end < 0:
                return None
            try:
                length = int(self._buffer[at:line_end].partition(b";")[0], 16)
            except ValueError:
                raise BadRequest from None
            start, end = line_end + 2, line_end + 2 + length
            if len(self._buffer) < end + 2:
                return None
            if self._buffer[end : end + 2] != b"\r\n":
                raise BadRequest
            at = end + 2
            if length == 0:
                del self._buffer[:at]
                return b"".join(parts)
            parts.append(bytes(self._buffer[start:end]))
