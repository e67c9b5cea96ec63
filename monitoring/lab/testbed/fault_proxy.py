"""TCP proxy that breaks connections on purpose, between ragsite and a service that it depends on.

It works for any protocol (Postgres, Redis, HTTP), because it knows none. Faults change while it runs and hold for
connections that are open as well as for new ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

READ_BYTES = 65_536
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER of 0 seconds: close sends RST instead of FIN


@dataclass(frozen=True)
class Faults:
    """What the proxy does to connections."""

    refuse: bool = False  # new connections are closed at once
    freeze: bool = False  # bytes are accepted and go nowhere, as from a stopped process
    delay_seconds: float = 0.0  # before each piece in either direction
    cut_after_bytes: int | None = None  # of the replies of one connection; then RST


class FaultProxy:
    """Forwards 127.0.0.1:port to a target, with faults.

    `with FaultProxy("127.0.0.1", 5432) as proxy:` runs it in a thread of its own; `proxy.port` is where to connect,
    `proxy.set(freeze=True)` changes the faults, `proxy.cut()` resets what is open.
    """

    def __init__(self, target_host: str, target_port: int, *, port: int = 0) -> None:
        self.target = (target_host, target_port)
        self.port = port
        self.accepted = 0  # connections so far
        self.open_connections = 0
        self._faults = Faults()
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._serve_in_thread, name="fault-proxy", daemon=True)

    def __enter__(self) -> FaultProxy:
        self._thread.start()
        if not self._ready.wait(timeout=10):
            raise RuntimeError("The fault proxy did not start.")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=10)

    def set(self, **faults: Any) -> None:
        """Change some faults; the others stay. `set(refuse=False, freeze=False, ...)` heals."""
        self._faults = replace(self._faults, **faults)

    def heal(self) -> None:
        """Forward everything again; connections that were frozen go on."""
        self._faults = Faults()

    def cut(self) -> None:
        """Reset every open connection."""
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result(timeout=5)

    def _serve_in_thread(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._forward, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        async with server:
            await self._stop.wait()
        await self._cut()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self._faults.refuse:
            _reset(writer)
            return
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection(*self.target)
        except OSError:
            _reset(writer)
            return
        self.open_connections += 1
        self._writers |= {writer, upstream_writer}
        try:
            await _first_ended(
                self._pump(reader, upstream_writer, counted=False), self._pump(upstream_reader, writer, counted=True)
            )
        finally:
            self.open_connections -= 1
            self._writers -= {writer, upstream_writer}
            for end in (writer, upstream_writer):
                end.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: bool) -> None:
        sent = 0
        with contextlib.suppress(OSError):
            while data := await reader.read(READ_BYTES):
                if self._faults.delay_seconds:
                    await asyncio.sleep(self._faults.delay_seconds)
                while self._faults.freeze:
                    await asyncio.sleep(0.02)
                limit = self._faults.cut_after_bytes
                if counted and limit is not None and sent + len(data) > limit:
                    writer.write(data[: max(0, limit - sent)])
                    await writer.drain()
                    _reset(writer)
                    return
                writer.write(data)
                await writer.drain()
                sent += len(data)

    async def _cut(self) -> None:
        for writer in list(self._writers):
            _reset(writer)


async def _first_ended(*pumps: Coroutine[Any, Any, None]) -> None:
    """Run both directions until one ends; a half-open connection is of no use to anybody here."""
    tasks = [asyncio.ensure_future(pump) for pump in pumps]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _reset(writer: asyncio.StreamWriter) -> None:
    connection: socket.socket | None = writer.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    writer.transport.abort()
