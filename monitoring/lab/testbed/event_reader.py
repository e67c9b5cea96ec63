"""Parses the chunks of a body as they arrive, and the server-sent events in them."""

from __future__ import annotations

from dataclasses import dataclass, field

TERMINAL_EVENTS = frozenset({"done", "error"})


class BadBody(Exception):
    """The body is not what HTTP says it should be."""


class Dechunker:
    """Takes the frames of a chunked body off."""

    def __init__(self) -> None:
        self.ended = False
        self._buffer = b""

    def feed(self, data: bytes) -> bytes:
        """Return the content that is complete with `data`. Raises BadBody."""
        buffer, content, at = self._buffer + data, [], 0
        while not self.ended:
            line_end = buffer.find(b"\r\n", at)
            if line_end < 0:
                break
            try:
                size = int(buffer[at:line_end].split(b";")[0], 16)
            except ValueError:
                raise BadBody(f"no chunk begins with {buffer[at:line_end][:20]!r}") from None
            begin, end = line_end + 2, line_end + 2 + size
            if len(buffer) < end + 2:
                break
            content.append(buffer[begin:end])
            at = end + 2
            self.ended = size == 0
        self._buffer = buffer[at:]
        return b"".join(content)


@dataclass
class Events:
    """The server-sent events of one reply so far. Only the last one's data is kept: a thousand readers are cheap."""

    counts: dict[str, int] = field(default_factory=dict)
    beats: int = 0
    last_name: str = ""
    last_data: bytes = b""
    _buffer: bytes = b""

    def feed(self, content: bytes) -> None:
        """Read what is complete with `content`."""
        *frames, self._buffer = (self._buffer + content).split(b"\n\n")
        for frame in frames:
            if frame.startswith(b":"):
                self.beats += 1
                continue
            head, _, data = frame.partition(b"\ndata: ")
            if not head.startswith(b"event: "):
                raise BadBody(f"no event begins with {frame[:30]!r}")
            self.last_name, self.last_data = head[7:].decode(), data
            self.counts[self.last_name] = self.counts.get(self.last_name, 0) + 1

    @property
    def tokens(self) -> int:
        """Return how many pieces of the answer came."""
        return self.counts.get("token", 0)

    @property
    def ends(self) -> int:
        """Return how many terminal events came; exactly one is right."""
        return sum(self.counts.get(name, 0) for name in TERMINAL_EVENTS)

    @property
    def is_complete(self) -> bool:
        """Return whether the stream ended as it should: one terminal event, and nothing after it."""
        return self.ends == 1 and self.last_name in TERMINAL_EVENTS and not self._buffer
