"""A client's socket: nothing waits for a client that takes too little, and slow ones are ended."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from ragsite.web.worker import paced_socket
from ragsite.web.worker.paced_socket import PacedSocket, SlowClient

BIG = bytes(3 * 1024 * 1024)


@pytest.fixture
def pair() -> Iterator[tuple[PacedSocket, socket.socket]]:
    ours, client = socket.socketpair()
    sock = PacedSocket(ours)
    yield sock, client
    sock.close()
    client.close()
    assert paced_socket.unsent.total_bytes == 0


def taken(client: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        found += client.recv(1 << 20)
    return found


def test_what_a_client_does_not_take_is_kept_and_delivered_later(pair: tuple[PacedSocket, socket.socket]) -> None:
    sock, client = pair
    reply = bytes(range(256)) * 6000  # above what the system keeps
    sock.sendall(reply[:1_000_000])
    sock.sendall(reply[1_000_000:])
    assert sock.unsent
    assert paced_socket.unsent.total_bytes == len(sock.unsent)
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(taken(client, len(reply))))
    reader.start()
    while not sock.flush():
        time.sleep(0.001)
    reader.join()
    assert found == [reply]


@pytest.mark.parametrize("limit", ["UNSENT_MAX_BYTES", "UNSENT_TOTAL_BYTES"])
def test_beyond_a_limit_the_writer_waits_and_a_client_that_takes_nothing_is_ended(
    pair: tuple[PacedSocket, socket.socket], monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(paced_socket, "GRACE_SECONDS", 0.1)
    monkeypatch.setattr(paced_socket, limit, 1000)
    with pytest.raises(SlowClient):
        pair[0].sendall(BIG)
    assert pair[0].was_slow


def test_one_that_takes_it_gets_all(pair: tuple[PacedSocket, socket.socket], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paced_socket, "UNSENT_MAX_BYTES", 1000)
    sock, client = pair
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(taken(client, len(BIG) - 1000)))
    reader.start()
    sock.sendall(BIG)
    sock.flush()
    reader.join()
    assert len(found[0]) + len(sock.unsent) >= len(BIG) - 1000


def test_a_sender_is_waited_for_while_it_keeps_its_pace(
    pair: tuple[PacedSocket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paced_socket, "GRACE_SECONDS", 0.2)
    monkeypatch.setattr(paced_socket, "BYTES_PER_SECOND", 1000)
    sock, client = pair
    client.sendall(bytes(500))
    assert len(sock.recv(8192)) == 500
    sock.reading.waited_seconds = 0.6
    assert sock.reading.left_seconds == pytest.approx(0.1)
    with pytest.raises(SlowClient):
        sock.recv(8192)
    sock.begin()
    assert sock.reading.left_seconds == pytest.approx(0.2)


def test_a_limit_of_one_call_ends_that_call_alone(pair: tuple[PacedSocket, socket.socket]) -> None:
    sock, client = pair
    sock.settimeout(0.01)
    assert sock.gettimeout() == 0.01
    with pytest.raises(TimeoutError):
        sock.recv(10)
    assert not sock.was_slow
    client.sendall(b"later")
    assert sock.recv(10) == b"later"


def test_a_client_that_is_gone_is_noticed_by_who_writes(pair: tuple[PacedSocket, socket.socket]) -> None:
    sock, client = pair
    sock.sendall(bytes(1_000_000))
    client.close()
    with pytest.raises(OSError):
        sock.sendall(b"more")
