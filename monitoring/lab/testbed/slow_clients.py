"""Clients of five kinds that send or read next to nothing, and keep their connections."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from monitoring.lab.testbed.background import BackgroundLoop

BYTE_SECONDS = 1.0  # between two bytes of a slow sender
AGAIN_SECONDS = 0.5  # until a client whose connection was ended opens the next one
ARRIVAL_SECONDS = 8.0  # until all are there
TAKEN_BYTES = 4096  # room that a slow reader has for a reply
HALF_HEAD = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
HALF_BODY = (
    b"POST /api/v1/query HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b'Content-Length: 400\r\n\r\n{"query": "When'
)

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _be_idle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def _send_half_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HALF_HEAD)
    await reader.read()


async def _send_byte_by_byte(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    sent = False
    while not reader.at_eof():
        writer.write(HALF_HEAD if not sent else b"x")
        sent = True
        await writer.drain()
        try:
            async with asyncio.timeout(BYTE_SECONDS):
                await reader.read()
        except TimeoutError:
            continue


async def _send_half_a_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HALF_BODY)
    await reader.read()


class SlowClients(BackgroundLoop):
    """So many of each kind, until the `with` block ends. Who is ended by the server comes again."""

    def __init__(self, url: str, of_each: int, asked_for: Sequence[bytes]) -> None:
        super().__init__("slow-clients")
        parts = urlsplit(url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._of_each = of_each
        self.open: Counter[str] = Counter()  # connections, by kind
        self.ended: Counter[str] = Counter()  # by the server
        self.kinds: Mapping[str, Behaviour] = {
            "idle": _be_idle,
            "half headers": _send_half_headers,
            "headers byte by byte": _send_byte_by_byte,
            "half a body": _send_half_a_body,
            "slow readers": self._read_nothing,
        }
        self._asked_for = itertools.cycle(asked_for)  # by those who don't read the replies

    def first(self) -> Iterable[Coroutine[Any, Any, None]]:
        """Return the clients of the first round."""
        return [self._be_slow(kind, number) for number in range(self._of_each) for kind in self.kinds]

    async def _read_nothing(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's transport has it
        writer.write(next(self._asked_for))
        while not writer.transport.is_closing():
            await asyncio.sleep(AGAIN_SECONDS)
            writer.write(b" ")  # fails once the server has ended the connection

    async def _be_slow(self, kind: str, number: int) -> None:
        await asyncio.sleep(ARRIVAL_SECONDS * number / self._of_each)
        while True:
            sock = socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, TAKEN_BYTES)
            sock.setblocking(False)
            try:
                await self.loop.sock_connect(sock, self._address)
                reader, writer = await asyncio.open_connection(sock=sock)
            except OSError:
                sock.close()
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            self.open[kind] += 1
            try:
                await self.kinds[kind](reader, writer)
            except OSError:
                pass
            finally:
                self.open[kind] -= 1
                writer.close()
            self.ended[kind] += 1
            await asyncio.sleep(AGAIN_SECONDS)
