"""Load from another process: what is asked arrives, and every reply is seen for what it is."""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from monitoring.lab.benchmarks.load.runner import GeneratorFailed, Load, post, run_load

HEAD = b"HTTP/1.1 200 OK\r\n"
Serve = Callable[["Connection", bytes], None]


class Connection(socketserver.StreamRequestHandler):
    """One connection; `server.serve` answers each request on it."""

    def handle(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        server.connections += 1
        while line := self.rfile.readline():
            length = 0
            while (header := self.rfile.readline()) not in {b"\r\n", b""}:
                name, _, value = header.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            body = self.rfile.read(length)
            server.requests.append((line.split(b" ")[1].decode(), body))
            server.serve(self, body)
            if self.wfile.closed:
                return


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 200
    serve: Serve
    connections = 0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.requests: list[tuple[str, bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def serving(serve: Serve) -> Iterator[Server]:
    with Server() as server:
        server.serve = serve
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def ok(connection: Connection, body: bytes) -> None:
    connection.wfile.write(HEAD + b"Content-Length: 2\r\n\r\nok")


def streamed(*chunks: bytes, pause: float = 0.0) -> Serve:
    def serve(connection: Connection, body: bytes) -> None:
        connection.wfile.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        for chunk in chunks:
            time.sleep(pause)
            connection.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        connection.wfile.write(b"0\r\n\r\n")

    return serve


def load(**options: object) -> Load:
    return Load(**{"requests": [[post("/a", query="q")]], "count": 1, **options})  # type: ignore[arg-type]


def test_requests_arrive_as_they_were_meant_and_in_turn() -> None:
    requests = [[post("/a", number=number)] for number in range(3)]
    with serving(ok) as server:
        loaded = run_load(server.url, load(requests=requests, count=7))
    assert [body for _, body in server.requests] == [b'{"number": %d}' % (number % 3) for number in range(7)]
    assert [request.number for request in loaded.requests] == [0, 1, 2, 0, 1, 2, 0]
    assert loaded.failures == 0
    assert loaded.error_rate == 0
    assert loaded.cpu_seconds > 0
    assert loaded.usage.private_bytes > 1_000_000
    assert loaded.failed_statuses == {}


def test_connections_are_kept_alive_if_wished() -> None:
    with serving(ok) as server:
        assert run_load(server.url, load(clients=2, count=20)).failures == 0
    assert server.connections == 2
    with serving(ok) as server:
        assert run_load(server.url, load(clients=2, count=20, keep_alive=False)).failures == 0
    assert server.connections == 20


def test_so_many_clients_ask_at_once_and_no_more() -> None:
    at_once, most = 0, 0
    lock = threading.Lock()

    def serve(connection: Connection, body: bytes) -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.1)
        with lock:
            at_once -= 1
        ok(connection, body)

    with serving(serve) as server:
        loaded = run_load(server.url, load(clients=8, count=32))
    assert most == 8
    assert len(loaded.good) == 32


def test_a_load_of_some_seconds_begins_no_request_after_them() -> None:
    with serving(ok) as server:
        loaded = run_load(server.url, load(count=None, seconds=1.5))
    assert len(loaded.requests) > 10
    assert max(request.started for request in loaded.requests) < 1.5
    assert loaded.per_second() == pytest.approx(len(loaded.good) / 1.5, rel=0.2)


def test_clients_of_a_ramp_begin_one_after_the_other() -> None:
    with serving(streamed(b"x", pause=4.0)) as server:
        loaded = run_load(server.url, load(clients=4, count=4, ramp_seconds=3.2))
    starts = sorted(request.started for request in loaded.requests)
    assert [start >= 0.8 * number for number, start in enumerate(starts)] == [True] * 4
    assert len(loaded.settled(skip_seconds=1.55)) == 2  # each may begin late, but not as late as the next one


def test_the_first_token_is_not_the_first_byte() -> None:
    def serve(connection: Connection, body: bytes) -> None:
        write = connection.wfile.write
        write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n14\r\nevent: meta\ndata: 1\n\n\r\n15\r\nevent: to")
        time.sleep(0.2)
        write(b"ken\ndata: 2\n\n\r\n")  # in two pieces
        time.sleep(0.2)
        write(b"14\r\nevent: done\ndata: 3\n\n\r\n0\r\n\r\n")

    with serving(serve) as server:
        (request,) = run_load(server.url, load(first_token="event: token", good=("event: done",))).requests
    assert request.is_good
    assert request.first_token is not None
    assert request.started + 0.2 <= request.first_token < request.ended


def test_a_good_reply_has_everything_in_its_order() -> None:
    with serving(streamed(b"mode generated, event: done, mode quoted")) as server:
        assert run_load(server.url, load(good=("event: done", "quoted"))).failures == 0
        assert run_load(server.url, load(good=("event: done", "generated"))).failures == 1


@pytest.mark.parametrize("serve", [streamed(b"x" * 100_000, b"y"), ok])
def test_steps_of_a_request_follow_each_other_and_the_last_one_counts(serve: Serve) -> None:
    steps = [post("/embed", input="q"), post("/chat", messages=[])]
    with serving(serve) as server:
        loaded = run_load(server.url, load(requests=[steps], count=2))
    assert [path for path, _ in server.requests] == ["/embed", "/chat"] * 2
    assert loaded.failures == 0
    assert len(loaded.requests) == 2


def test_a_step_that_fails_ends_the_request() -> None:
    def serve(connection: Connection, body: bytes) -> None:
        connection.wfile.write(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")

    with serving(serve) as server:
        loaded = run_load(server.url, load(requests=[[post("/embed"), post("/chat")]], count=1))
    assert [path for path, _ in server.requests] == ["/embed"]
    assert [request.status for request in loaded.requests] == [503]
    assert loaded.error_rate == 1
    assert loaded.failed_statuses == {503: 1}


def test_a_reply_that_is_cut_is_a_failure() -> None:
    def serve(connection: Connection, body: bytes) -> None:
        connection.wfile.write(HEAD + b"Content-Length: 100\r\n\r\nhalf")
        connection.wfile.close()
        connection.connection.close()

    with serving(serve) as server:
        loaded = run_load(server.url, load(clients=2, count=4))
    assert len(loaded.requests) == 4
    assert loaded.failures == 4
    assert loaded.reconnected == 0


def test_a_kept_connection_that_the_server_closes_is_no_failure() -> None:
    def serve(connection: Connection, body: bytes) -> None:
        ok(connection, body)
        connection.wfile.close()  # without a word, as after an idle time

    with serving(serve) as server:
        loaded = run_load(server.url, load(count=5))
    assert loaded.failures == 0
    assert loaded.reconnected == 4


def test_a_server_that_is_not_there_fails_every_request() -> None:
    with serving(ok) as server:
        url = server.url
    loaded = run_load(url, load(clients=2, count=6))
    assert [request.status for request in loaded.requests] == [0] * 6


def test_a_generator_that_breaks_down_says_why() -> None:
    with pytest.raises(GeneratorFailed, match=r"ValueError|TypeError"):
        run_load("http://127.0.0.1:1", load(clients="many"))
