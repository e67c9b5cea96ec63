"""Connections of `requests` and urllib3 to one model server, on which every wait ends at an absolute time.

urllib3 bounds each single read. A server that sends one byte now and then outlasts any such timeout, and urllib3 waits
for a reply's head inside a call that gives no heartbeat: Ollama sends the head of a stream with its first token. So the
connections here hand urllib3 a socket whose timeout covers the whole reply, and which can be waited on in between.
Name resolution is bounded too, see `resolving`.
"""

from __future__ import annotations

import io
import queue
import socket
import ssl
import time
from contextlib import suppress
from typing import Any

from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from ragsite.errors import OllamaMisconfigured, OllamaTimeout, OllamaUnavailable
from ragsite.ollama.addresses import Address
from ragsite.ollama.resolving import Resolver

BUFFER_BYTES = 32 * 1024
IDLE_MAX_SECONDS = 60.0  # proxies close idle connections after about that time


class Unreachable(OllamaUnavailable):
    """The model server can't be reached; start it, or check OLLAMA_BASE_URL."""


class ReplyBytes(io.RawIOBase):
    """The bytes of one reply. Reading raises TimeoutError when the socket's deadline passes."""

    def __init__(self, owner: BoundedSocket) -> None:
        self._owner = owner
        self._reference = owner.plain.makefile("rb", buffering=0)  # keeps the socket open until this is closed

    def readable(self) -> bool:
        """Return True, for io.BufferedReader."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Return how many bytes were written to `buffer`: 0 at the end, None while only what was read counts."""
        if self._owner.asks_buffer:
            return None
        self._owner.spend_timeout()
        return self._owner.plain.recv_into(buffer)

    def readall(self) -> bytes:
        """Refuse: a reply without end would fill the memory. urllib3 would read so for a chunk of size -1."""
        raise ValueError("a read without a limit")

    def close(self) -> None:
        """Give up the reference to the socket."""
        self._reference.close()
        super().close()


class BoundedSocket:
    """A socket, plain or TLS, whose timeout counts from when it was set and not from each read or write."""

    def __init__(self, plain: socket.socket) -> None:
        self.plain = plain
        self.used_at = time.monotonic()
        self.asks_buffer = False
        self._until = 0.0
        self._reader: io.BufferedReader | None = None

    def settimeout(self, seconds: float | None) -> None:
        """Let everything that follows end within `seconds`."""
        self.used_at = time.monotonic()
        self._until = self.used_at + (0.0 if seconds is None else seconds)

    def spend_timeout(self) -> None:
        """Set the remaining time as the timeout of the next operation. Raises TimeoutError when none is left."""
        seconds = self._until - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        self.plain.settimeout(seconds)

    def sendall(self, data: Any) -> None:
        """Send all of `data`, or raise TimeoutError."""
        self.spend_timeout()
        self.plain.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return the reader of the next reply: one for each, made early when `wait` came first."""
        if self._reader is None or self._reader.closed:
            self._reader = io.BufferedReader(ReplyBytes(self), BUFFER_BYTES)
        return self._reader

    def wait(self, until: float) -> bool:
        """Return whether bytes of the reply, or its end, have come by the time `until`.

        Raises OSError when the connection breaks.
        """
        whole, self._until = self._until, until
        try:
            self.makefile("rb").peek(1)
        except TimeoutError:
            return False
        else:
            return True
        finally:
            self._until = whole

    def has_buffered(self) -> bool:
        """Return whether bytes of the reply have been received that were not read yet. No system call."""
        assert self._reader is not None
        if self._reader.closed:
            return False
        self.asks_buffer = True
        try:
            return bool(self._reader.peek(1))
        finally:
            self.asks_buffer = False

    def fileno(self) -> int:
        """Return the descriptor, for polling."""
        return self.plain.fileno()

    def shutdown(self, how: int) -> None:
        """Shut the connection down."""
        self.plain.shutdown(how)

    def close(self) -> None:
        """Close, once the reply that is being read is closed too (its head may have said `Connection: close`)."""
        self.plain.close()

    def abort(self) -> None:
        """Close at once. The host notices, and stops working on what nobody reads any more."""
        if self._reader is not None:
            self._reader.close()
        self.plain.close()


class BoundedConnection(HTTPConnection):
    """A connection that is opened within OLLAMA_CONNECT_TIMEOUT_SECONDS, or less where its timeout says so."""

    def __init__(self, *positional: Any, address: Address, resolver: Resolver, **named: Any) -> None:
        super().__init__(*positional, **named)
        self._address, self._resolver = address, resolver

    @property
    def is_connected(self) -> bool:
        """Return whether an idle connection can be used: open, with nothing to read, and not idle for too long."""
        bounded: Any = self.sock
        return super().is_connected and time.monotonic() - bounded.used_at < IDLE_MAX_SECONDS

    def connect(self) -> None:
        """Open the connection.

        Raises Unreachable when the host can't be reached, OllamaTimeout when too little time was given to know, and
        OllamaMisconfigured when it can never be reached that way.
        """
        began = time.monotonic()
        whole = float(self.timeout or 0.0)
        seconds = min(whole, settings.OLLAMA_CONNECT_TIMEOUT_SECONDS)
        address = self._address
        try:
            super().connect()
        except (ssl.SSLError, ValueError) as error:  # ValueError: a host name that TLS can't take
            raise OllamaMisconfigured(
                f"The TLS connection to {address.url} fails ({error}); check the certificate, or whether it is http."
            ) from error
        except OSError as error:
            self._resolver.doubt(address.host, address.port)
            if isinstance(error, TimeoutError) and seconds < settings.OLLAMA_CONNECT_TIMEOUT_SECONDS:
                message = f"No connection to the model server at {address.url} in the time left."
                raise OllamaTimeout(message) from error
            reason = "it does not answer" if isinstance(error, TimeoutError) else error.strerror or str(error)
            raise Unreachable(f"The model server is not reachable at {address.url}: {reason}.") from error
        bounded: Any = BoundedSocket(self.sock)
        bounded.settimeout(whole - (time.monotonic() - began))
        self.sock = bounded

    def _new_conn(self) -> socket.socket:
        """Return a socket that is connected to the first IP address that takes it, with what is left as its timeout."""
        seconds = min(float(self.timeout or 0.0), settings.OLLAMA_CONNECT_TIMEOUT_SECONDS)
        until = time.monotonic() + seconds
        error: OSError = TimeoutError()
        ips = self._resolver.resolve(self._address.host, self._address.port, seconds)
        for number, ip in enumerate(ips):
            left = until - time.monotonic()
            if left <= 0:
                break
            try:
                opened = socket.create_connection((ip, self._address.port), timeout=left / (len(ips) - number))
            except OSError as problem:
                error = problem
                continue
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            opened.settimeout(max(0.001, until - time.monotonic()))  # of the TLS handshake
            return opened
        raise error


class BoundedTlsConnection(BoundedConnection, HTTPSConnection):
    """The same with TLS."""


class HostPool(HTTPConnectionPool):
    """The connections to one host, kept for the next call."""

    ConnectionCls = BoundedConnection

    def take(self) -> BoundedConnection:
        """Return an idle connection, or one that is still to be opened."""
        connection = self._get_conn()
        assert isinstance(connection, BoundedConnection)
        return connection

    def give_back(self, connection: BoundedConnection) -> None:
        """Keep a connection whose reply was read to its end."""
        self._put_conn(connection)

    def close_idle(self) -> None:
        """Close what is not in use: after a failure the others are likely to be dead, too."""
        with suppress(queue.Empty, AttributeError):  # AttributeError: the pool is closed
            while True:
                connection = self.pool.get_nowait()  # type: ignore[union-attr]
                if connection is not None:
                    connection.close()


class TlsHostPool(HostPool, HTTPSConnectionPool):
    """The same with TLS."""

    ConnectionCls = BoundedTlsConnection


def pool_of(address: Address, resolver: Resolver) -> HostPool:
    """Return the connections to `address`: none yet.

    TLS trusts what the system trusts (or SSL_CERT_FILE), not the list of certificates that comes with `requests`.
    """
    options: dict[str, Any] = {
        "maxsize": settings.OLLAMA_MAX_CONCURRENCY + 1,  # one for probes
        "address": address,
        "resolver": resolver,
    }
    if address.scheme == "https":
        return TlsHostPool(address.host, address.port, ssl_context=ssl.create_default_context(), **options)
    return HostPool(address.host, address.port, **options)


class HostAdapter(HTTPAdapter):
    """Sends every request of a session through the pool of its host: no proxies, no other hosts, no retries."""

    def __init__(self, pool: HostPool) -> None:
        super().__init__(max_retries=0)
        self._pool = pool

    def get_connection_with_tls_context(self, *arguments: Any, **options: Any) -> HostPool:
        """Return the pool, whatever the request says."""
        return self._pool

    def cert_verify(self, *arguments: Any, **options: Any) -> None:
        """Leave the pool's TLS context as it is."""
