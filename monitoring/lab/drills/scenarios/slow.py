"""Slow clients without an account, which open connections and send or read next to nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

from monitoring.lab.testbed.client import Asking
from monitoring.lab.testbed.corpus import CORPUS, QUESTIONS
from monitoring.lab.testbed.invariants import Invariant, at_least, at_most, holds, none_of, of_replies, percentile
from monitoring.lab.testbed.observer import everything_returned, wait_for
from monitoring.lab.testbed.serving import ServerProcess
from monitoring.lab.testbed.slow_clients import SlowClients
from monitoring.lab.testbed.stage import Stage

OF_EACH = 200
HEALTH_SECONDS = 0.1
LOOKS_PER_SECOND = 20
LARGE_FILE, LARGE_BYTES = "large.js", 8 * 1024 * 1024  # more than the system keeps for a client, and the server
FILE_REQUEST = f"GET /static/{LARGE_FILE} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
QUERY, STREAM, SEARCH = Asking(), Asking(stream=True), Asking(path="/api/v1/search")


def slow_clients(stage: Stage, *, full: bool) -> Iterator[Invariant]:
    """A thousand connections that send or take next to nothing; health and questions must not notice."""
    seconds = 60.0 if full else 20.0
    (stage.folder / "static" / LARGE_FILE).write_bytes(bytes(LARGE_BYTES))
    with (
        stage.standin() as standin,
        stage.serving(standin) as (server, clients),
        SlowClients(server.url, OF_EACH, [_stream_request(), FILE_REQUEST]) as slow,
    ):
        wait_for(lambda: sum(slow.open.values()) >= len(slow.kinds) * OF_EACH, 20)
        run = clients.steady(5, QUERY, STREAM, SEARCH)
        looks, failed, usual = _watch_health(server, slow, seconds)
        replies = run.finish()
        yield at_least("slow connections open, the median", usual, 0.8 * len(slow.kinds) * OF_EACH)
        yield at_least("looks at /health/live", len(looks), seconds)
        yield none_of("... that failed", failed)
        yield at_most("... p99", percentile(looks, 0.99), HEALTH_SECONDS, "s")
        yield from of_replies(replies, all_good=True)
        for kind in slow.kinds:
            yield at_least(f"connections ended: {kind}", slow.ended[kind], 1)
        yield holds("/health", server.get("/health")[0] == 200)
        yield from everything_returned(server, standin)


def _watch_health(
    server: ServerProcess, slow: SlowClients, seconds: float
) -> tuple[list[float], list[str], float | None]:
    """Return how long looks at the server's health took, what became of those that failed, and how many were slow."""
    looks, failed, slow_ones = list[float](), list[str](), list[int]()
    until = time.monotonic() + seconds
    while (started := time.monotonic()) < until:
        try:
            status, _ = server.get("/health/live", timeout_seconds=5)
        except OSError as error:
            failed.append(type(error).__name__)
        else:
            if status != 200:
                failed.append(str(status))
        looks.append(time.monotonic() - started)
        slow_ones.append(sum(slow.open.values()))
        time.sleep(max(0.0, started + 1 / LOOKS_PER_SECOND - time.monotonic()))
    return looks, failed, percentile(slow_ones, 0.5)


def _stream_request() -> bytes:
    body = json.dumps({"query": QUESTIONS[0], "corpora": [CORPUS], "stream": True}).encode()
    head = (
        "POST /api/v1/query HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
