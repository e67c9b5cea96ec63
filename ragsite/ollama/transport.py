"""Requests to one host: a JSON reply as a whole, or a stream of lines. Every wait ends in time, and gives ticks."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

import requests
from django.conf import settings

from ragsite.deadline import Deadline
from ragsite.errors import BrokenReply, OllamaTimeout
from ragsite.ollama.addresses import Address
from ragsite.ollama.connections import Connections, Exchange
from ragsite.ollama.failures import check_headers, error_of_reply
from ragsite.ollama.pacing import pace
from ragsite.ollama.resolving import Resolver
from ragsite.ollama.values import TICK, Tick

LINE_MAX_BYTES = 1024 * 1024
STREAM_MAX_BYTES = 32 * 1024 * 1024
ERROR_MAX_BYTES = 64 * 1024
LAST_LINE = b'"done":true'  # only a hint: what a line means is decided by who parses it
FIXED_HEADERS = {"User-Agent": "ragsite", "Accept-Encoding": "identity"}  # compressed, a small reply can be a bomb
AT_ONCE_BATCHES = 1  # the first word is waited for
TAIL_SECONDS = 0.05  # for the few bytes of framing after the last line


class _Lines:
    """Bytes in any pieces -> whole lines; empty ones are left out."""

    def __init__(self) -> None:
        self.total_bytes = 0
        self._partial = b""

    def take(self, data: bytes | None) -> list[bytes]:
        """Return the lines that `data` completes, or what is left at the end (b""). Raises BrokenReply: too long."""
        if data is None:
            return []
        self.total_bytes += len(data)
        *lines, self._partial = (self._partial + data).split(b"\n") if data else [self._partial, b""]
        if len(self._partial) > LINE_MAX_BYTES or self.total_bytes > STREAM_MAX_BYTES:
            raise BrokenReply("The model server's reply has no end.")
        return [line for line in lines if line.strip()]


class Transport:
    """The way to one host."""

    def __init__(self, address: Address, resolver: Resolver) -> None:
        self.url = address.url
        self._address = address
        self._connections = Connections(address, resolver)

    def close_idle(self) -> None:
        """Close the connections that are not in use."""
        self._connections.close_idle()

    def fetch(
        self,
        method: str,
        path: str,
        payload: Mapping[str, Any] | None = None,
        *,
        deadline: Deadline,
        seconds: float,
        max_bytes: int = LINE_MAX_BYTES,
        model: str = "",
    ) -> Generator[Tick, None, bytes]:
        """Return the body of a reply with status 200 within `seconds`, giving ticks meanwhile.

        Raises the OllamaError that any other reply means, OllamaTimeout, or BrokenReply beyond `max_bytes`.
        """
        until = min(time.monotonic() + seconds, deadline.at)
        with self._exchange(method, path, payload, deadline) as exchange:
            return (yield from self._whole_body(exchange, until, max_bytes, model))

    def lines(
        self, path: str, payload: Mapping[str, Any], *, deadline: Deadline, model: str
    ) -> Generator[list[bytes] | Tick, None, None]:
        """Yield the lines of a streamed reply, those together that came together, and ticks while none come.

        The first line must come within OLLAMA_FIRST_TOKEN_TIMEOUT_SECONDS, each next one within
        OLLAMA_TOKEN_TIMEOUT_SECONDS, all before the deadline; else OllamaTimeout. The end of the iteration is
        the end of the reply, which need not be the end of an answer. Closing it closes the connection.
        """
        until = min(time.monotonic() + settings.OLLAMA_FIRST_TOKEN_TIMEOUT_SECONDS, deadline.at)
        with self._exchange("POST", path, payload, deadline) as exchange, pace.joined():
            buffer, ticked_at, batches = _Lines(), time.monotonic(), 0
            while True:
                data = exchange.read(min(until, time.monotonic() + settings.STREAM_HEARTBEAT_SECONDS))
                read_at = time.monotonic()
                if exchange.reply.status not in (None, 200):
                    yield from self._whole_body(exchange, until, ERROR_MAX_BYTES, model, data or b"")
                if exchange.reply.status == 200 and not buffer.total_bytes:
                    check_headers(exchange.reply.headers, self.url)
                lines = buffer.take(data)
                if lines:
                    if LAST_LINE in lines[-1]:
                        exchange.read(time.monotonic() + TAIL_SECONDS)  # a reply read to its end keeps its connection
                    yield lines
                    until = min(time.monotonic() + settings.OLLAMA_TOKEN_TIMEOUT_SECONDS, deadline.at)
                if data == b"":
                    return
                if (not lines and read_at >= until) or deadline.remaining() <= 0:
                    raise self._late()
                if lines:
                    ticked_at = time.monotonic()
                    batches += 1
                    if batches > AT_ONCE_BATCHES:
                        # What comes meanwhile piles up in the kernel: one wake-up for several tokens, not one each.
                        time.sleep(max(0.0, deadline.cap(read_at + pace.flush_seconds() - ticked_at)))
                elif read_at - ticked_at >= settings.STREAM_HEARTBEAT_SECONDS:
                    yield TICK  # also when bytes drip that make no line
                    ticked_at = time.monotonic()

    def _whole_body(
        self, exchange: Exchange, until: float, max_bytes: int, model: str, begun: bytes = b""
    ) -> Generator[Tick, None, bytes]:
        body = bytearray(begun)
        while not exchange.reply.complete:
            data = exchange.read(min(until, time.monotonic() + settings.STREAM_HEARTBEAT_SECONDS))
            body += data or b""
            if len(body) > max_bytes:
                raise BrokenReply("The model server's reply is longer than any that was asked for.")
            if time.monotonic() >= until and not exchange.reply.complete:
                raise self._late()
            if data is None:
                yield TICK
        status, headers = exchange.reply.status or 0, exchange.reply.headers
        if status != 200:
            raise error_of_reply(status, headers, bytes(body), model=model, url=self.url)
        check_headers(headers, self.url)
        return bytes(body)

    @contextmanager
    def _exchange(
        self, method: str, path: str, payload: Mapping[str, Any] | None, deadline: Deadline
    ) -> Generator[Exchange, None, None]:
        seconds = deadline.cap(settings.OLLAMA_CONNECT_TIMEOUT_SECONDS)
        if seconds <= 0:
            raise self._late()
        exchange = Exchange(self._connections, self._request(method, path, payload), seconds)
        try:
            yield exchange
        finally:
            exchange.close()

    def _request(self, method: str, path: str, payload: Mapping[str, Any] | None) -> bytes:
        headers = {"Accept": "application/json, application/x-ndjson", **FIXED_HEADERS}
        if self._address.authorization:
            headers["Authorization"] = self._address.authorization
        url = f"{self._address.scheme}://{self._address.netloc}{self._address.prefix}{path}"
        request = requests.Request(method, url, headers=headers, json=payload).prepare()
        lines = [
            f"{method} {request.path_url} HTTP/1.1",
            f"Host: {self._address.netloc}",
            *(f"{name}: {text}" for name, text in request.headers.items()),
        ]
        body = request.body or b""
        return "\r\n".join([*lines, "", ""]).encode("ascii") + (body.encode() if isinstance(body, str) else body)

    def _late(self) -> OllamaTimeout:
        return OllamaTimeout(f"The model server at {self.url} did not answer in time.")
