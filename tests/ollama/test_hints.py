"""Open circuits told to other processes through Redis: heeded when it works, and never waited for when it doesn't."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from ragsite.errors import CircuitOpen, OllamaUnavailable
from ragsite.ollama import OllamaClient, hints
from ragsite.ollama.hints import Hints

from .conftest import embed
from .scripted import ScriptedOllama, embed_reply, reply, wait_until

pytestmark = pytest.mark.redis
MakeClient = Callable[..., OllamaClient]
KEY = "embed:http://host:1"
USUAL_SECONDS = hints.TIMEOUT_SECONDS


class Redis:
    """A redis-server of this test."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._folder = folder
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)],
            stdout=subprocess.DEVNULL,
        )
        assert wait_until(self._answers)

    def _answers(self) -> bool:
        try:
            with self.connect() as connection:
                return bool(connection.ping())
        except redis.RedisError:
            return False

    def connect(self) -> redis.Redis:
        return redis.Redis(port=self.port, socket_timeout=1)

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def stop(self) -> None:
        self.signal(signal.SIGCONT)
        self._process.kill()
        self._process.wait()


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    """A Redis that is waited for: on a busy machine one that works may need longer than it is usually given."""
    monkeypatch.setattr(hints, "TIMEOUT_SECONDS", 10.0)
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server on this machine")
    server = Redis(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def quick(shared: Redis, monkeypatch: pytest.MonkeyPatch) -> float:
    """The time that is usually given to Redis, for one that is silent."""
    monkeypatch.setattr(hints, "TIMEOUT_SECONDS", USUAL_SECONDS)
    return USUAL_SECONDS


@pytest.fixture
def make_hints() -> Iterator[Callable[[str], Hints]]:
    made: list[Hints] = []

    def make(url: str) -> Hints:
        made.append(Hints(url, [KEY]))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_what_one_process_finds_out_the_other_heeds_until_it_is_taken_back(
    shared: Redis, server: ScriptedOllama, make_client: MakeClient
) -> None:
    one, other = make_client(server, redis_url=shared.url), make_client(server, redis_url=shared.url)
    server.plays["/api/embed"] = lambda request: [reply({"error": "boom"}, 500)]
    for _call in range(5):
        with pytest.raises(OllamaUnavailable):
            embed(one)
    before = server.count("/api/embed")
    with pytest.raises(CircuitOpen):
        embed(other)
    assert server.count("/api/embed") == before
    assert other.get_circuit_state("embed")["state"] == "OPEN"
    server.plays["/api/embed"] = lambda request: [embed_reply(request)]
    one.close_circuit(server.url, "embed")
    time.sleep(hints.READ_EVERY_SECONDS + 0.05)
    assert embed(other)
    assert other.get_circuit_state("embed")["state"] == "CLOSED"


def test_a_hint_lives_as_long_as_the_open_time_and_not_for_ever(
    shared: Redis, make_hints: Callable[[str], Hints]
) -> None:
    one, other = make_hints(shared.url), make_hints(shared.url)
    one.publish(KEY, 2.0)
    assert 0 < other.open_seconds(KEY) <= 2.0
    assert one.open_seconds(KEY) == 0  # its own
    with shared.connect() as connection:
        assert 0 < connection.pttl(hints.PREFIX + KEY) <= 2000
    assert wait_until(lambda: other.open_seconds(KEY) == 0)


def test_redis_is_read_at_most_four_times_a_second(shared: Redis, make_hints: Callable[[str], Hints]) -> None:
    reader = make_hints(shared.url)
    reader.open_seconds(KEY)
    with shared.connect() as connection:
        before, started = connection.info("stats")["total_commands_processed"], time.monotonic()
        for _call in range(1000):
            reader.open_seconds(KEY)
        reads = 1 + int((time.monotonic() - started) / hints.READ_EVERY_SECONDS)
        asked = connection.info("stats")["total_commands_processed"] - before
    assert asked <= 1 + 2 * reads


def test_nonsense_in_redis_is_nothing(shared: Redis, make_hints: Callable[[str], Hints]) -> None:
    reader = make_hints(shared.url)
    with shared.connect() as connection:
        connection.set(hints.PREFIX + KEY, b"\xff\xfe")  # for ever: not ours
        assert reader.open_seconds(KEY) == 0
        connection.delete(hints.PREFIX + KEY)
        connection.lpush(hints.PREFIX + KEY, "a list")
    time.sleep(hints.READ_EVERY_SECONDS)
    assert reader.open_seconds(KEY) == 0


def test_a_hint_of_a_year_is_cut_to_the_longest_open_time(shared: Redis, make_hints: Callable[[str], Hints]) -> None:
    with shared.connect() as connection:
        connection.set(hints.PREFIX + KEY, "somebody", ex=365 * 86400)
    assert 299 < make_hints(shared.url).open_seconds(KEY) <= 300


@pytest.mark.parametrize("fault", ["refused", "frozen"])
def test_without_redis_calls_go_on_and_wait_once_in_five_seconds(
    fault: str,
    shared: Redis,
    server: ScriptedOllama,
    make_client: MakeClient,
    quick: float,
) -> None:
    client = make_client(server, redis_url=shared.url)
    assert embed(client)
    if fault == "frozen":
        shared.signal(signal.SIGSTOP)
    else:
        shared.stop()
    time.sleep(hints.READ_EVERY_SECONDS)
    times = []
    for _call in range(100):
        started = time.monotonic()
        assert embed(client)
        times.append(time.monotonic() - started)
    assert sum(times) < 4.5  # a hundred waits of 50 ms would be 5 s
    assert sorted(times)[50] < quick
    server.plays["/api/embed"] = lambda request: [reply({"error": "boom"}, 500)]
    for _call in range(5):
        with pytest.raises(OllamaUnavailable):
            embed(client)
    assert client.get_circuit_state("embed")["state"] == "OPEN"  # each process for itself


@pytest.mark.usefixtures("quick")
def test_a_frozen_redis_costs_one_short_wait(shared: Redis, make_hints: Callable[[str], Hints]) -> None:
    shared.signal(signal.SIGSTOP)
    reader = make_hints(shared.url)
    started = time.monotonic()
    for _call in range(1000):
        reader.open_seconds(KEY)
    reader.publish(KEY, 30)
    reader.withdraw(KEY)
    assert time.monotonic() - started < 10.0  # a thousand waits would be 50 s


def test_after_an_error_redis_is_left_alone_for_a_while(
    make_hints: Callable[[str], Hints], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hints, "READ_EVERY_SECONDS", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        reader = make_hints(f"redis://127.0.0.1:{silent.getsockname()[1]}")
        for _call in range(20):
            reader.open_seconds(KEY)
        silent.settimeout(0.2)
        connections = 0
        while True:
            try:
                silent.accept()[0].close()
                connections += 1
            except TimeoutError:
                break
    assert connections == 1


def test_redis_is_used_again_when_it_is_back(
    shared: Redis, make_hints: Callable[[str], Hints], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hints, "SILENCE_SECONDS", 0.1)
    reader, writer = make_hints(shared.url), make_hints(shared.url)
    shared.stop()
    assert reader.open_seconds(KEY) == 0
    shared.start()

    def told() -> bool:
        writer.publish(KEY, 30)
        return reader.open_seconds(KEY) > 0

    assert wait_until(told)


def test_a_redis_address_that_is_none_does_no_harm(server: ScriptedOllama, make_client: MakeClient) -> None:
    assert embed(make_client(server, redis_url="nonsense://" + str(os.getpid())))
