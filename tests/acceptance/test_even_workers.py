"""Connections that are kept lie with all workers of the web server, also after one of them has died."""

from __future__ import annotations

import socket
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from tests.server import Server, running_server
from tests.workers import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
CLIENTS = 20
TOLERANCE = 6  # a machine with other work wakes somebody too late now and then


def test_connections_that_are_kept_are_shared_out(tmp_path: Path) -> None:
    with running_server(tmp_path, WEB_WORKERS="2") as server, ExitStack() as clients:
        wait_until(lambda: len(_connections(server)) == 2)
        hangs = psutil.Process(server.process.pid).children()[0]
        hangs.suspend()
        for _ in range(CLIENTS):
            _ask_and_stay(server, clients)  # answered all the same
        assert _connections(server)[hangs.pid] == 0
        hangs.resume()
        assert _evens_out(server, clients)
        hangs.kill()
        wait_until(lambda: hangs.pid not in (now := _connections(server)) and len(now) == 2)
        assert _evens_out(server, clients)


def _ask_and_stay(server: Server, clients: ExitStack) -> None:
    """Have a client ask, and keep its connection."""
    client = clients.enter_context(socket.create_connection(("127.0.0.1", urlsplit(server.url).port), 10))
    client.sendall(b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert client.recv(65536).startswith(b"HTTP/1.1 200")


def _evens_out(server: Server, clients: ExitStack) -> bool:
    """Return whether more clients, one after another, leave each worker with as many connections as the other."""
    for _ in range(2 * CLIENTS):
        _ask_and_stay(server, clients)
        if _difference(server) <= TOLERANCE:
            return True
    return False


def _difference(server: Server) -> int:
    counts = _connections(server).values()
    return max(counts) - min(counts)


def _connections(server: Server) -> dict[int, int]:
    """Return how many connections each worker has that listens, by its process ID."""
    port = urlsplit(server.url).port
    found: dict[int, int] = {}
    for worker in psutil.Process(server.process.pid).children():
        with suppress(psutil.NoSuchProcess):
            ours = [each for each in worker.net_connections("tcp") if each.laddr.port == port]
            if worker.num_threads() > 1:  # it has started: its application is loaded
                found[worker.pid] = sum(each.status == psutil.CONN_ESTABLISHED for each in ours)
    return found
