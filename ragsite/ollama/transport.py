"""Sends requests to one model server: returns a JSON reply as a whole, a stream as lines with ticks between them.

`requests` carries what is answered as a whole. A stream is read from the same pool of connections, by urllib3, but
waited for in between, so that the caller gets a tick every second while nothing comes.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from http.client import HTTPException
from http.cookiejar import DefaultCookiePolicy
from itertools import chain
from typing import Any

import requests
from django.conf import settings
from urllib3 import HTTPResponse, Timeout
from urllib3.exceptions import HTTPError

from ragsite.deadline import Deadline
from ragsite.errors import BrokenReply, OllamaTimeout, OllamaUnavailable
from ragsite.ollama.addresses import Address
from ragsite.ollama.connections import HostAdapter, HostPool, pool_of
from ragsite.ollama.failures import check_headers, error_of_reply
from ragsite.ollama.pacing import pace
from ragsite.ollama.resolving import Resolver
from ragsite.ollama.values import TICK, Tick

LINE_MAX_BYTES = 1024 * 1024
STREAM_MAX_BYTES = 32 * 1024 * 1024
ERROR_MAX_BYTES = 64 * 1024
PIECE_BYTES = 32 * 1024
LAST_LINE = b'"done":true'  # only a hint: lines are parsed elsewhere
HEADERS = {
    "Accept": "application/json, application/x-ndjson",
    "Accept-Encoding": "identity",  # compressed, a small reply can be a bomb
    "User-Agent": "ragsite",
}
BROKEN = (OSError, HTTPError, HTTPException, ValueError)  # whatever reading a reply can raise
AT_ONCE_BATCHES = 1  # passed on without waiting for more: the reader waits for the first word
TAIL_SECONDS = 0.05  # for the few bytes of framing after the last line


class LineBuffer:
    """Assembles lines from bytes in any pieces; empty lines are left out."""

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


class Exchange:
    """One request whose reply is read as it comes."""

    def __init__(self, pool: HostPool, request: requests.PreparedRequest, until: float) -> None:
        self.response: HTTPResponse | None = None  # None until its head is complete
        self._pieces: Iterator[bytes] = iter(())
        self._error: Exception | None = None  # found behind bytes that were good
        self._complete = False
        self._pool = pool
        self._connection = pool.take()
        self._connection.timeout = until - time.monotonic()
        try:
            # A host that hangs up while it is being written to may have answered before: its reply is read.
            with suppress(BrokenPipeError, ConnectionResetError):
                self._connection.request(
                    str(request.method),
                    request.path_url,
                    body=request.body,
                    headers=request.headers,
                    preload_content=False,
                    decode_content=False,
                )
        except BaseException:
            self._connection.close()
            raise
        self._socket: Any = self._connection.sock

    def read(self, tick_at: float, until: float) -> bytes | None:
        """Return the next bytes of the body (b"" when it has ended), or None when none came by `tick_at`.

        The rest of a head or of a chunk that has begun is waited for until `until`. Raises TimeoutError after that,
        and the errors of sockets, http.client and urllib3 when the connection or the reply breaks.
        """
        if self._error is not None:
            raise self._error
        if self._complete:
            return b""
        response = self.response
        if not (response is not None and response.length_remaining == 0) and not self._socket.wait(tick_at):
            return None
        seconds = until - time.monotonic()
        self._socket.settimeout(seconds)
        if response is None:
            self._connection.timeout = seconds
            self.response = response = self._connection.getresponse()
            self._pieces = _pieces_of(response)
            if not self._socket.has_buffered():
                return None
        return self._what_has_come()

    def rest(self) -> Iterator[bytes]:
        """Yield the rest of the body, waiting for it as long as the last `read` was allowed to."""
        yield from self._pieces
        self._complete = True

    def close(self) -> None:
        """Give the connection back when the reply was read to its end, else close it."""
        if self.response is not None:
            self.response.close()
        if self._complete and not self._connection.is_closed:
            self._pool.give_back(self._connection)
        else:
            self._socket.abort()
            self._connection.close()

    def _what_has_come(self) -> bytes:
        body: list[bytes] = []
        size = 0
        try:
            for piece in self._pieces:
                body.append(piece)
                size += len(piece)
                if size >= PIECE_BYTES or not self._socket.has_buffered():  # a flood must not hide the deadline
                    break
            else:
                self._complete = True
        except BROKEN as error:
            if not body:
                raise
            self._error = error  # what came before it is handed out first
        return b"".join(body)


def _pieces_of(response: HTTPResponse) -> Iterator[bytes]:
    """Return an iterator over a body, each piece as soon as it has come."""
    if response.chunked:
        return iter(response.read_chunked(PIECE_BYTES, decode_content=False))
    return iter(partial(response.read1, PIECE_BYTES, decode_content=False), b"")


def _is_loss(error: BaseException | None) -> bool:
    """Return whether a broken connection is behind an error; `requests` and urllib3 wrap it."""
    while error is not None:
        if isinstance(error, ConnectionError):
            return True
        error = error.__cause__ or error.__context__
    return False


class Transport:
    """Requests to one host, over pooled connections."""

    def __init__(self, address: Address, resolver: Resolver) -> None:
        self.url = address.url
        self._pool = pool_of(address, resolver)
        self._session = requests.Session()
        self._session.trust_env = False  # no proxies, credentials or certificates from the environment
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.update(HEADERS)
        if address.authorization:
            self._session.headers["Authorization"] = address.authorization
        self._session.mount(self.url, HostAdapter(self._pool))

    def close_idle(self) -> None:
        """Close the connections that are not in use."""
        self._pool.close_idle()

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
    ) -> bytes:
        """Return the body of a reply with status 200 within `seconds`.

        Raises the OllamaError that any other reply means, OllamaTimeout, or BrokenReply beyond `max_bytes`.
        """
        until = min(time.monotonic() + seconds, deadline.at)
        with self._translating_errors(until):
            timeout: Any = Timeout(total=until - time.monotonic())  # `requests` takes it; its types don't say so
            response = self._session.request(
                method, self.url + path, json=payload, timeout=timeout, stream=True, allow_redirects=False
            )
            with response:  # streamed only so that its size is bounded
                pieces = response.iter_content(PIECE_BYTES)
                return self._body_of(response.status_code, response.headers, pieces, max_bytes, model)

    def lines(
        self, path: str, payload: Mapping[str, Any], *, deadline: Deadline, model: str
    ) -> Generator[list[bytes] | Tick, None, None]:
        """Yield the lines of a streamed reply, those together that came together, and ticks while none come.

        The first line must come within OLLAMA_FIRST_TOKEN_TIMEOUT_SECONDS, each next one within
        OLLAMA_TOKEN_TIMEOUT_SECONDS, all before the deadline; else OllamaTimeout. The end of the iteration is
        the end of the reply, which need not be the end of an answer. Closing it closes the connection.
        """
        until = min(time.monotonic() + settings.OLLAMA_FIRST_TOKEN_TIMEOUT_SECONDS, deadline.at)
        with pace.joined(), self._exchange(path, payload, until) as exchange:
            buffer, ticked_at, batches = LineBuffer(), time.monotonic(), 0
            while True:
                data = exchange.read(min(until, time.monotonic() + settings.STREAM_HEARTBEAT_SECONDS), until)
                read_at = time.monotonic()
                if exchange.response is not None and not buffer.total_bytes:
                    self._check_head(exchange, data or b"", model)
                lines = buffer.take(data)
                if lines:
                    if LAST_LINE in lines[-1]:
                        self._read_tail(exchange)
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

    def _check_head(self, exchange: Exchange, begun: bytes, model: str) -> None:
        """Raise the error that a reply means which is not a stream from Ollama."""
        response = exchange.response
        assert response is not None
        if response.status != 200:
            self._body_of(response.status, response.headers, chain([begun], exchange.rest()), ERROR_MAX_BYTES, model)
        check_headers(response.headers, self.url)

    def _read_tail(self, exchange: Exchange) -> None:
        """Read the end of the framing if it is there: a reply read to its end keeps its connection."""
        tail_at = time.monotonic() + TAIL_SECONDS
        with suppress(*BROKEN):
            exchange.read(tail_at, tail_at)

    def _body_of(
        self, status: int, headers: Mapping[str, str], pieces: Iterable[bytes], max_bytes: int, model: str
    ) -> bytes:
        """Return the body of a reply with status 200. Raises the error that any other one means."""
        body = bytearray()
        for piece in pieces:
            body += piece
            if len(body) > max_bytes:
                raise BrokenReply("The model server's reply is longer than any that was asked for.")
        if status != 200:
            raise error_of_reply(status, headers, bytes(body), model=model, url=self.url)
        check_headers(headers, self.url)
        return bytes(body)

    @contextmanager
    def _exchange(self, path: str, payload: Mapping[str, Any], until: float) -> Generator[Exchange, None, None]:
        with self._translating_errors(until):
            request = requests.Request("POST", self.url + path, json=payload)
            exchange = Exchange(self._pool, self._session.prepare_request(request), until)
            try:
                yield exchange
            finally:
                exchange.close()

    @contextmanager
    def _translating_errors(self, until: float) -> Generator[None, None, None]:
        """Translate errors of `requests`, urllib3 and sockets to OllamaError; OllamaTimeout when it is too late."""
        if time.monotonic() >= until:
            raise self._late()
        try:
            yield
        except BROKEN as error:
            if isinstance(error, TimeoutError | requests.Timeout) or time.monotonic() >= until:
                raise self._late() from error
            if _is_loss(error):
                raise OllamaUnavailable("The connection to the model server was lost.") from error
            raise BrokenReply("The model server's reply is not complete, or not HTTP.") from error

    def _late(self) -> OllamaTimeout:
        return OllamaTimeout(f"The model server at {self.url} did not answer in time.")
