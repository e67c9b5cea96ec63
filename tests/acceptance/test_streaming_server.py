"""Streams through the real server: what readers and the model server see when all goes well, and when it doesn't."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from pytest_django import Settings

from monitoring.lab.ollama_simulator.running import StandIn
from tests.querying.conftest import QUESTION
from tests.querying.library import make_library
from tests.server import Server, running_server

pytestmark = pytest.mark.django_db(transaction=True)
TERMINAL = {"done", "error"}
WAIT_SECONDS = 30.0


@pytest.fixture
def standin() -> Iterator[StandIn]:
    with StandIn(["llama3.2:1b"], num_parallel=64, tokens_per_second=20, tokens=4000) as server:
        yield server


@pytest.fixture
def server(standin: StandIn, tmp_path: Path, settings: Settings) -> Iterator[Server]:
    make_library(slug="handbook")
    with running_server(tmp_path, OLLAMA_BASE_URL=standin.url, LLM_MODEL="llama3.2:1b") as running:
        yield running


class Reader(threading.Thread):
    """Somebody who reads a stream to its end, or until they leave."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.events: list[tuple[str, Any]] = []
        self.beats = 0
        self.ended_cleanly = False
        self._url = url
        self._response: requests.Response | None = None
        self.start()

    def run(self) -> None:
        body = {"query": QUESTION, "stream": True, "use_cache": False, "deadline_ms": 100_000}
        try:
            with requests.post(f"{self._url}/api/v1/query", json=body, stream=True, timeout=30) as self._response:
                name = ""
                for line in self._response.iter_lines(chunk_size=1, decode_unicode=True):
                    self.beats += line.startswith(":")
                    if line.startswith("event: "):
                        name = line.removeprefix("event: ")
                    elif line.startswith("data: "):
                        self.events.append((name, json.loads(line.removeprefix("data: "))))
            self.ended_cleanly = True
        except (requests.RequestException, AttributeError, OSError, ValueError):
            pass  # they left, or the connection was cut: the events tell

    def leave(self) -> None:
        """Close the connection."""
        assert self._response is not None
        connection: Any = self._response.raw.connection or self._response.raw._connection
        connection.sock.shutdown(socket.SHUT_RDWR)

    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    @property
    def terminal_events(self) -> list[str]:
        return [name for name in self.names() if name in TERMINAL]


def active(standin: StandIn) -> int:
    """Return how many generations the model server is busy with."""
    state = standin.state()
    return int(sum(runner["users"] for runner in state["loaded"].values()) + state["waiting_for_slot"])


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at, what
        time.sleep(0.02)


def test_the_first_words_arrive_while_the_model_still_writes(server: Server, standin: StandIn) -> None:
    reader = Reader(server.url)
    wait_until(lambda: "token" in reader.names(), WAIT_SECONDS, "no token came")
    assert active(standin) == 1
    assert reader.names()[:2] == ["meta", "passages"]
    wait_until(lambda: reader.names().count("token") >= 5, WAIT_SECONDS, "the words don't come one after the other")
    assert not reader.terminal_events
    reader.leave()


def test_more_open_streams_than_database_connections_leave_the_rest_at_work(server: Server, standin: StandIn) -> None:
    readers = [Reader(server.url) for _ in range(12)]
    wait_until(lambda: all("token" in reader.names() for reader in readers), WAIT_SECONDS, "not every stream has begun")
    assert active(standin) == 12
    assert requests.get(f"{server.url}/health/ready", timeout=30).status_code == 200
    found = requests.post(f"{server.url}/api/v1/search", json={"query": QUESTION}, timeout=30)
    assert found.status_code == 200
    assert found.json()["passages"]

    def pool() -> tuple[int, int]:
        stats = requests.get(f"{server.url}/api/pool/stats", timeout=30).json()
        return stats["pool_size"], stats["in_use"]

    # Waited for: what is stored in the background, twice a second, takes a connection for a moment.
    wait_until(lambda: pool() == (2, 0), WAIT_SECONDS, "streams keep connections")
    assert not any(reader.terminal_events for reader in readers)
    for reader in readers:
        reader.leave()


def test_when_readers_leave_the_model_is_stopped(server: Server, standin: StandIn) -> None:
    readers = [Reader(server.url) for _ in range(5)]
    wait_until(lambda: all("token" in reader.names() for reader in readers), WAIT_SECONDS, "not every stream has begun")
    for reader in readers:
        reader.leave()
    wait_until(lambda: active(standin) == 0, WAIT_SECONDS, "the model goes on for nobody")


def test_readers_who_leave_before_the_first_word_stop_the_model_too(server: Server, standin: StandIn) -> None:
    standin.set(first_token_seconds=60)
    reader = Reader(server.url)
    wait_until(lambda: active(standin) == 1 and reader.beats > 0, WAIT_SECONDS, "the model does not even read")
    reader.leave()
    wait_until(lambda: active(standin) == 0, WAIT_SECONDS, "the model goes on for nobody")


def test_when_the_model_server_dies_each_stream_has_one_end(server: Server, standin: StandIn) -> None:
    readers = [Reader(server.url) for _ in range(5)]
    wait_until(lambda: all("token" in reader.names() for reader in readers), WAIT_SECONDS, "not every stream has begun")
    standin.stop()
    for reader in readers:
        reader.join(WAIT_SECONDS)
        assert reader.ended_cleanly
        assert reader.terminal_events == ["done"]
        answer = reader.events[-1][1]
        assert answer["degraded"]
        assert "answer_cut" in [reason["code"] for reason in answer["degraded_reasons"]]
        assert answer["answer"]


def test_at_shutdown_each_open_stream_has_one_end(server: Server, standin: StandIn) -> None:
    readers = [Reader(server.url) for _ in range(8)]
    wait_until(lambda: all("token" in reader.names() for reader in readers), WAIT_SECONDS, "not every stream has begun")
    standin.set(first_token_seconds=60)
    waiting = Reader(server.url)
    wait_until(lambda: waiting.beats > 0, WAIT_SECONDS, "the ninth stream has not begun")
    server.terminate()
    for reader in [*readers, waiting]:
        reader.join(WAIT_SECONDS)
        assert reader.ended_cleanly, "cut without a word"
        assert len(reader.terminal_events) == 1
        assert reader.names()[-1] in TERMINAL
    assert server.wait(timeout_seconds=WAIT_SECONDS) == 0
    assert active(standin) == 0


def test_answers_that_are_not_streamed_are_finished_at_shutdown(server: Server, standin: StandIn) -> None:
    standin.set(tokens_per_second=20, tokens=30)
    replies: list[requests.Response] = []
    body = {"query": QUESTION}
    asker = threading.Thread(
        target=lambda: replies.append(requests.post(f"{server.url}/api/v1/query", json=body, timeout=30))
    )
    asker.start()
    wait_until(lambda: active(standin) == 1, WAIT_SECONDS, "the model does not write")
    server.terminate()
    asker.join(WAIT_SECONDS)
    assert replies[0].status_code == 200
    assert replies[0].json()["answer_mode"] == "generated"


def test_the_server_does_not_start_with_a_pool_that_was_opened_before_the_fork(tmp_path: Path) -> None:
    script = tmp_path / "conf.py"
    script.write_text(
        "exec(open('monitoring/serving/gunicorn_conf.py').read())\n"
        "import os\nos.environ['DJANGO_SETTINGS_MODULE'] = 'ragsite.settings'\n"
        "import django\ndjango.setup()\n"
        "from django.db import connection\n"
        "connection.cursor().execute('select 1')\n"
    )
    with (
        pytest.raises(AssertionError, match="pool was opened before the workers were forked"),
        running_server(tmp_path, configuration=script),
    ):
        pass
