"""The fault proxy: faithful without faults, and each fault looks to a client like the real one."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from monitoring.lab.testbed.fault_proxy import FaultProxy


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while data := self.request.recv(65_536):
            self.request.sendall(data)


class EchoServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    with EchoServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with FaultProxy("127.0.0.1", server.server_address[1]) as running:
            yield running
        server.shutdown()


def connect(proxy: FaultProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=5)


def echo(connection: socket.socket, data: bytes) -> bytes:
    connection.sendall(data)
    received = b""
    while len(received) < len(data):
        piece = connection.recv(65_536)
        if not piece:
            break
        received += piece
    return received


def test_without_faults_every_byte_comes_back(proxy: FaultProxy) -> None:
    data = bytes(range(256)) * 4000
    with connect(proxy) as connection:
        threading.Thread(target=connection.sendall, args=(data,), daemon=True).start()
        received = b""
        while len(received) < len(data):
            received += connection.recv(65_536)
    assert received == data
    assert proxy.accepted == 1


def test_refused_connections_end_at_once_and_healing_helps(proxy: FaultProxy) -> None:
    proxy.set(refuse=True)
    with pytest.raises(ConnectionError), connect(proxy) as connection:
        connection.sendall(b"x")
        if connection.recv(1) == b"":
            raise ConnectionResetError
    proxy.heal()
    with connect(proxy) as connection:
        assert echo(connection, b"again") == b"again"


def test_a_frozen_connection_says_nothing_and_goes_on_later(proxy: FaultProxy) -> None:
    with connect(proxy) as connection:
        assert echo(connection, b"before") == b"before"
        proxy.set(freeze=True)
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            echo(connection, b"frozen")
        proxy.heal()
        connection.settimeout(5)
        assert connection.recv(100) == b"frozen"


def test_a_delay_is_felt(proxy: FaultProxy) -> None:
    proxy.set(delay_seconds=0.1)
    with connect(proxy) as connection:
        started = time.monotonic()
        assert echo(connection, b"slow") == b"slow"
        assert time.monotonic() - started >= 0.2  # there and back


def test_replies_are_cut_after_so_many_bytes(proxy: FaultProxy) -> None:
    proxy.set(cut_after_bytes=5)
    with connect(proxy) as connection:
        connection.sendall(b"0123456789")
        received = b""
        with pytest.raises(ConnectionResetError):
            while piece := connection.recv(100):
                received += piece
            raise ConnectionResetError
    assert received in {b"", b"01234"}  # a reset may overtake the last bytes


def test_open_connections_can_be_reset(proxy: FaultProxy) -> None:
    with connect(proxy) as connection:
        assert echo(connection, b"fine") == b"fine"
        proxy.cut()
        with pytest.raises(ConnectionError):
            connection.recv(1)
            connection.sendall(b"x")
            raise ConnectionResetError
