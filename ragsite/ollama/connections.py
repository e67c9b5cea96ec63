"""Connections to one model server: opened within a time, polled instead of waited on, and kept for the next call.

Why not an HTTP library: Ollama sends the head of a streamed reply only with its first token, and the libraries wait for
the head inside a call that can't be left. They bound each read, not the reply, so a host that drips one byte now and
then outlasts every deadline. Here every wait has an end, given by the caller, and a stream costs no thread.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from collections import deque

from django.conf import settings

from ragsite.errors import OllamaMisconfigured, OllamaTimeout, OllamaUnavailable
from ragsite.ollama.addresses import Address
from ragsite.ollama.http_reply import HttpReply
from ragsite.ollama.resolving import Resolver

RECEIVE_BYTES = 32 * 1024
IDLE_MAX_SECONDS = 60.0  # proxies close idle connections after about that time


class Unreachable(OllamaUnavailable):
    """The model server can't be reached; start it, or check OLLAMA_BASE_URL."""


class Connection:
    """One open connection whose reads and writes never block."""

    def __init__(self, plain: socket.socket, tls: ssl.SSLContext | None, host: str, until: float) -> None:
        self._socket = plain
        self._tls: ssl.SSLSocket | None = None
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.setblocking(False)
        self._poll = select.poll()
        self._poll.register(plain, select.POLLIN)
        if tls is not None:
            self._socket = self._tls = tls.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
            try:
                self._shake_hands(self._tls, until)
            except BaseException:
                self.close()  # the plain socket has nothing to close any more
                raise

    def _shake_hands(self, tls: ssl.SSLSocket, until: float) -> None:
        while True:
            try:
                tls.do_handshake()
                return
            except ssl.SSLWantReadError:
                writing = False
            except ssl.SSLWantWriteError:
                writing = True
            if time.monotonic() >= until:
                raise TimeoutError
            self.wait(until - time.monotonic(), writing=writing)

    def send(self, data: memoryview) -> int:
        """Return how many bytes of `data` were taken; 0 when there is no room now."""
        try:
            return self._socket.send(data)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0

    def receive(self) -> bytes | None:
        """Return what has come, b"" when the host closed the connection, None when nothing has come."""
        try:
            return self._socket.recv(RECEIVE_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        except ssl.SSLEOFError:
            return b""

    def wait(self, seconds: float, *, writing: bool = False) -> None:
        """Wait until there is something to read (or room to write), or `seconds` have passed."""
        if writing:
            self._poll.modify(self._socket, select.POLLIN | select.POLLOUT)
        try:
            self._poll.poll(max(0.0, seconds) * 1000)
        finally:
            if writing:
                self._poll.modify(self._socket, select.POLLIN)

    def is_quiet(self) -> bool:
        """Return whether nothing has come: an idle connection with news has been closed, or is out of step."""
        return not self._poll.poll(0) and not (self._tls and self._tls.pending())

    def close(self) -> None:
        """Close at once. The host notices, and stops working on what nobody reads any more."""
        self._socket.close()


class Connections:
    """The connections to one address."""

    def __init__(self, address: Address, resolver: Resolver) -> None:
        self.address = address
        self._resolver = resolver
        self._lock = threading.Lock()
        self._idle: deque[tuple[Connection, float]] = deque()  # the latest used last
        self._tls: ssl.SSLContext | None = None

    def take(self, seconds: float) -> Connection:
        """Return an idle connection, or a new one within `seconds`.

        Raises Unreachable when the host can't be reached, OllamaTimeout when too little time was given to know, and
        OllamaMisconfigured when it can never be reached that way.
        """
        while True:
            with self._lock:
                if not self._idle:
                    break
                connection, since = self._idle.pop()
            if time.monotonic() - since < IDLE_MAX_SECONDS and connection.is_quiet():
                return connection
            connection.close()
        return self._open(seconds)

    def give_back(self, connection: Connection) -> None:
        """Keep a connection whose reply was read to its end; the oldest beyond the needed number is closed."""
        surplus = []
        with self._lock:
            self._idle.append((connection, time.monotonic()))
            while self._idle[0][1] < time.monotonic() - IDLE_MAX_SECONDS:
                surplus.append(self._idle.popleft()[0])
        for idle in surplus:
            idle.close()

    def close_idle(self) -> None:
        """Close what is not in use: after a failure the others are likely to be dead, too."""
        with self._lock:
            idle = list(self._idle)
            self._idle.clear()
        for connection, _since in idle:
            connection.close()

    def _open(self, seconds: float) -> Connection:
        until = time.monotonic() + seconds
        address = self.address
        error: Exception = TimeoutError()
        if address.scheme == "https" and self._tls is None:
            self._tls = ssl.create_default_context()
        ips = self._resolver.resolve(address.host, address.port, seconds)
        for number, ip in enumerate(ips):
            left = until - time.monotonic()
            if left <= 0:
                break
            plain = None
            try:
                plain = socket.create_connection((ip, address.port), timeout=left / (len(ips) - number))
                return Connection(plain, self._tls, address.host, until)
            except (OSError, ValueError) as problem:  # ValueError: a host name that TLS can't take
                error = problem
                if plain is not None:
                    plain.close()
        self._resolver.doubt(address.host, address.port)
        if isinstance(error, ssl.SSLError | ValueError):
            raise OllamaMisconfigured(
                f"The TLS connection to {address.url} fails ({error}); check the certificate, or whether it is http."
            ) from error
        if isinstance(error, TimeoutError) and seconds < settings.OLLAMA_CONNECT_TIMEOUT_SECONDS:
            raise OllamaTimeout(f"No connection to the model server at {address.url} in the time left.") from error
        reason = "it does not answer" if isinstance(error, TimeoutError) else _words_of(error)
        raise Unreachable(f"The model server is not reachable at {address.url}: {reason}.") from error


def _words_of(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


class Exchange:
    """One request and its reply."""

    def __init__(self, connections: Connections, request: bytes, connect_seconds: float) -> None:
        self.reply = HttpReply()
        self._connections = connections
        self._connection = connections.take(connect_seconds)
        self._unsent = memoryview(request)
        self._cut = False  # the host stopped reading before it had the whole request
        self._closed = False

    def read(self, until: float) -> bytes | None:
        """Return the next bytes of the body (b"" when it has ended), or None when none came by the time `until`.

        Raises OllamaUnavailable when the connection breaks, BrokenReply when the reply does.
        """
        while not self.reply.complete:
            self.reply.check()
            self._send()
            try:
                data = self._connection.receive()
            except OSError as error:
                raise OllamaUnavailable("The connection to the model server was lost.") from error
            if data is None:
                seconds = until - time.monotonic()
                if seconds <= 0:
                    return None
                self._connection.wait(seconds, writing=bool(self._unsent))
            elif not data:
                self.reply.end()
            else:
                body = self.reply.feed(data)
                if body:
                    return body
                if time.monotonic() >= until:  # framing can come without end, too
                    return None
        return b""

    def _send(self) -> None:
        if not self._unsent:
            return
        try:
            self._unsent = self._unsent[self._connection.send(self._unsent) :]
        except OSError:
            self._unsent, self._cut = memoryview(b""), True  # it may have answered before it hung up: read on

    def close(self) -> None:
        """Give the connection back when the reply was read to its end, else close it."""
        if self._closed:
            return
        self._closed = True
        if self.reply.complete and self.reply.may_reuse and not self._unsent and not self._cut:
            self._connections.give_back(self._connection)
        else:
            self._connection.close()
