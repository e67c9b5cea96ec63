"""Slow clients against real gunicorn: more of each kind than there are threads, and everybody else is answered."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
import requests

from tests.ragsite.web.worker.slow_client_app import BIG
from tests.server import Server, running_server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("slow clients")]

THREADS = 6
CROWD = 3 * THREADS
ROOM = 60  # connections that the worker takes
CONFIGURATION = """
from ragsite.web.worker import buffering_worker, connection, paced_socket
from monitoring.serving.gunicorn_conf import *
worker_connections = 60
connection.HEAD_SECONDS = 2.5
connection.QUEUE_SECONDS = 1.0
paced_socket.GRACE_SECONDS = 2.5
paced_socket.UNSENT_MAX_BYTES = 8_000_000
"""
HALF_HEADERS = b"GET / HTTP/1.1\r\nHost: loc"
HALF_BODY = (
    b"POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
)
HALF_UPLOAD = b"POST /test/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\nabc"
BIG_PLEASE = b"GET /test/big HTTP/1.1\r\nHost: localhost\r\n\r\n"
BIG_PLEASE_SLOWLY = BIG_PLEASE.replace(b"localhost", b"127.0.0.1")
STAYS = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: object
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("slow")
    configuration = folder / "conf.py"
    configuration.write_text(CONFIGURATION)
    with running_server(
        folder,
        configuration=configuration,
        application="tests.ragsite.web.worker.slow_client_app:application",
        WEB_THREADS=str(THREADS),
    ) as running:
        yield running


@pytest.fixture
def knock(server: Server) -> Iterator[Callable[[bytes], socket.socket]]:
    with ExitStack() as stack:

        def opened(first: bytes) -> socket.socket:
            parts = urlsplit(server.url)
            client = stack.enter_context(socket.socket())
            if first == BIG_PLEASE_SLOWLY:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(20)
            client.connect((parts.hostname, parts.port))
            client.sendall(first)
            return client

        yield opened


def reply(client: socket.socket) -> tuple[int, bytes]:
    """Return status and body of the next reply on a connection."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):  # byte by byte: the next reply may come with it
        piece = client.recv(1)
        assert piece, f"the connection ended after {head!r}"
        head += piece
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    assert length is not None
    body = b""
    while len(body) < int(length[1]):
        piece = client.recv(int(length[1]) - len(body))
        assert piece, f"the connection ended after {len(body)} bytes of {int(length[1])}"
        body += piece
    return int(head.split()[1]), body


@pytest.mark.parametrize(
    "first", [b"", HALF_HEADERS, HALF_BODY, HALF_UPLOAD, BIG_PLEASE_SLOWLY, STAYS], ids=lambda first: str(first[:30])
)
def test_a_crowd_of_slow_clients_keeps_no_thread(
    server: Server, knock: Callable[[bytes], socket.socket], first: bytes
) -> None:
    crowd = [knock(first) for _ in range(CROWD)]
    # More than there are threads, one after the other, in less time than the crowd is waited for.
    for number in range(2 * THREADS):
        assert requests.get(f"{server.url}/health/live", timeout=2.4).status_code == 200
        assert requests.post(f"{server.url}/test/echo", data=f"{number}", timeout=2.4).content == str(number).encode()
    assert len(crowd) == CROWD


@pytest.mark.parametrize("first", [HALF_HEADERS, HALF_BODY])
def test_unfinished_requests_are_ended_with_a_reply(knock: Callable[[bytes], socket.socket], first: bytes) -> None:
    status, body = reply(knock(first))
    assert (status, b'"code": "request_too_slow"' in body) == (408, True)


def test_sending_byte_by_byte_gains_no_time(knock: Callable[[bytes], socket.socket]) -> None:
    client = knock(HALF_HEADERS)
    started = time.monotonic()
    with pytest.raises(OSError):
        while time.monotonic() - started < 15:
            client.sendall(b"a")
            time.sleep(0.1)


def test_a_body_that_keeps_its_pace_is_waited_for(knock: Callable[[bytes], socket.socket]) -> None:
    body = b"x" * 6000
    client = knock(b"POST /test/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6000\r\n\r\n")
    for at in range(0, 6000, 500):  # 3 s in all, which is above the grace
        time.sleep(0.25)
        client.sendall(body[at : at + 500])
    assert reply(client) == (200, body)


def test_a_slow_upload_is_ended_and_the_next_one_read(knock: Callable[[bytes], socket.socket]) -> None:
    slow = [knock(HALF_UPLOAD) for _ in range(3)]
    assert all(client.recv(1000)[:15] in {b"", b"HTTP/1.1 503 Se"} for client in slow)
    body = b"x" * 3_000_000
    client = knock(b"POST /test/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000\r\n\r\n" + body)
    assert reply(client) == (200, body)


def test_a_slow_reader_gets_all_if_it_takes_it_in_time(knock: Callable[[bytes], socket.socket]) -> None:
    client = knock(BIG_PLEASE)
    time.sleep(0.5)
    assert reply(client) == (200, BIG)
    client.sendall(STAYS)
    assert reply(client)[0] == 200


def test_one_that_takes_nothing_is_ended(knock: Callable[[bytes], socket.socket]) -> None:
    client = knock(BIG_PLEASE_SLOWLY)
    time.sleep(4.5)
    with pytest.raises((AssertionError, OSError)):
        reply(client)


@pytest.mark.parametrize(
    ("sent", "status", "body"),
    [
        (
            b"POST /test/echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            200,
            b"abc",
        ),
        (b"\r\n\r\nGET /test/echo HTTP/1.1\r\nHost: localhost\r\n\r\n", 200, b"nothing"),
        (b"GET /test/echo HTTP/1.1\nHost: localhost\n\n", 400, None),
        (b"GET /test/echo HTTP/1.1\r\nHost: localhost\r\n" + b"A: " + b"x" * 70_000 + b"\r\n\r\n", 431, None),
        (b"POST /test/echo HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400, None),
    ],
    ids=["chunked", "empty lines first", "bare LF", "long headers", "two lengths"],
)
def test_other_shapes(knock: Callable[[bytes], socket.socket], sent: bytes, status: int, body: bytes | None) -> None:
    found = reply(knock(sent))
    assert found[0] == status
    assert body is None or found[1] == body


def test_permission_to_go_on_is_given(knock: Callable[[bytes], socket.socket]) -> None:
    client = knock(b"POST /test/echo HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
    assert client.recv(1000).startswith(b"HTTP/1.1 100 Continue")
    client.sendall(b"abc")
    assert reply(client) == (200, b"abc")


def test_requests_that_are_sent_together_are_answered_in_their_order(knock: Callable[[bytes], socket.socket]) -> None:
    one = b"POST /test/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n"
    client = knock(one + b"1" + one + b"2" + one)
    assert [reply(client), reply(client)] == [(200, b"1"), (200, b"2")]
    client.sendall(b"3")
    assert reply(client) == (200, b"3")


def test_when_there_is_no_more_room_the_one_that_has_waited_longest_goes(
    server: Server, knock: Callable[[bytes], socket.socket]
) -> None:
    first, *_ = [knock(HALF_BODY) for _ in range(ROOM + 10)]
    started = time.monotonic()
    assert requests.get(f"{server.url}/health/live", timeout=2.4).status_code == 200
    assert first.recv(10) == b"" or time.monotonic() - started > 2.0


def test_slow_clients_are_counted_by_what_they_did(server: Server, knock: Callable[[bytes], socket.socket]) -> None:
    before = ended(server)
    long_headers = b"GET /test/echo HTTP/1.1\r\nHost: localhost\r\nA: " + b"x" * 70_000 + b"\r\n\r\n"
    clients = [knock(first) for first in (HALF_HEADERS, HALF_BODY, long_headers)]
    assert [reply(client)[0] for client in clients] == [408, 408, 431]
    after = ended(server)
    for reason in ("slow_headers", "slow_body", "headers_too_long"):
        assert after.get(reason, 0) == before.get(reason, 0) + 1, reason


def ended(server: Server) -> dict[str, float]:
    """Return how many connections the server has ended, by reason."""
    text = requests.get(f"{server.url}/metrics", timeout=5).text
    return {
        match[1]: float(match[2]) for match in re.finditer(r'connections_ended_total\{reason="(\w+)"\} (\S+)', text)
    }


def test_a_worker_that_is_to_stop_waits_for_no_half_request(
    server: Server, knock: Callable[[bytes], socket.socket]
) -> None:
    """Stands last: the server is gone then."""
    for first in (b"", HALF_HEADERS, HALF_BODY):
        knock(first)
    answered = knock(b"GET /test/slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
    time.sleep(0.3)
    server.terminate()
    assert reply(answered) == (200, b"nothing")
    assert server.wait(timeout_seconds=20) == 0
