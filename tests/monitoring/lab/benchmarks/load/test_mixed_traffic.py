"""Whatever comes that should not is counted: here from a server that answers everything with `{}`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from monitoring.lab.benchmarks.load.mixed_traffic import MixedTraffic, Tally


class Agreeable(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_DELETE = do_POST

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Agreeable) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def send(url: str, count: int, **options: object) -> Tally:
    return MixedTraffic(url, "corpus", "uploads", "key", ["a?", "b?"]).send(count, clients=3, **options)  # type: ignore[arg-type]


def test_every_kind_of_request_is_sent_and_what_is_wrong_is_named(url: str) -> None:
    heard: list[int] = []
    tally = send(url, 40, on_done=heard.append)
    assert sorted(heard) == list(range(1, 41))
    assert tally.done == sum(tally.kinds.values()) == 40
    assert tally.unexpected["upload: 200 and not 202"] == tally.kinds["upload"] == 4
    assert tally.unexpected["stream: the answer lacks what it should have"] == tally.kinds["stream"]
    assert sum(count for what, count in tally.unexpected.items() if "bad request" in what) == 4
    assert not any("leaves" in what for what in tally.unexpected), "who leaves has seen nothing wrong"


def test_a_server_that_is_not_there_fails_every_request(url: str) -> None:
    tally = send("http://127.0.0.1:1", 10)
    assert sum(tally.unexpected.values()) == 10
    assert all("ConnectionRefusedError" in what for what in tally.unexpected)
