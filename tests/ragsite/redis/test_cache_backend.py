"""A Redis that is down, frozen, flushed or full of somebody else's data is an empty cache, and costs nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from django.core.cache.backends.base import BaseCache

from monitoring.lab.testbed.redis_server import RedisProcess
from ragsite.process_memory import reset
from ragsite.redis import guard as redis_guard
from ragsite.redis.cache_backend import GuardedCache
from tests.redis import QUICK, cache_settings, redis_server
from tests.timing import stays_below

__all__ = ["redis_server"]
pytestmark = pytest.mark.redis


def make_cache(url: str, **options: object) -> GuardedCache:
    params = cache_settings(url, **options)
    return GuardedCache(params["LOCATION"], params)


@pytest.fixture
def cache(redis_server: RedisProcess) -> GuardedCache:
    return make_cache(redis_server.url)


@pytest.fixture
def quick_cache(redis_server: RedisProcess) -> GuardedCache:
    return make_cache(redis_server.url, **QUICK)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Commands that really went to Redis."""
    commands: list[str] = []
    original: Callable[..., object] = redis.Redis._execute_command

    def counting(self: redis.Redis, *args: object, **options: object) -> object:
        commands.append(str(args[0]))
        return original(self, *args, **options)

    monkeypatch.setattr(redis.Redis, "_execute_command", counting)
    return commands


def seconds_of(act: Callable[[], object]) -> float:
    started = time.monotonic()
    act()
    return time.monotonic() - started


def everything_a_cache_can_be_asked(cache: BaseCache) -> None:
    assert cache.get("a", "nothing") == "nothing"
    cache.set("a", 1)
    assert cache.add("lock", 1) is False, "somebody believes to have the lock"
    assert cache.get_or_set("b", lambda: 7) == 7
    assert cache.get_many(["a", "b"]) == {}
    cache.set_many({"a": 1})
    cache.delete("a")
    for change in (cache.incr, cache.decr):
        with pytest.raises(ValueError, match="no counter"):
            change("counter")


def test_it_is_a_cache(cache: GuardedCache) -> None:
    cache.set("a", {"deep": ["values", 1, None]})
    assert cache.get("a") == {"deep": ["values", 1, None]}
    assert cache.add("lock", 1) is True
    assert cache.add("lock", 1) is False
    cache.set_many({"b": 2, "c": "3"})
    assert cache.get_many(["b", "c", "d"]) == {"b": 2, "c": "3"}
    assert cache.incr("b") == 3
    with pytest.raises(ValueError, match="d"):
        cache.incr("d")


def test_a_refused_redis_is_an_empty_cache(cache: GuardedCache, redis_server: RedisProcess) -> None:
    redis_server.kill()
    everything_a_cache_can_be_asked(cache)


def test_a_frozen_redis_is_an_empty_cache_and_costs_one_time_out(
    quick_cache: GuardedCache, redis_server: RedisProcess, asked: list[str]
) -> None:
    redis_server.freeze()
    everything_a_cache_can_be_asked(quick_cache)
    assert len(asked) == 1, "Redis was asked again, although it is frozen"


def test_threads_do_not_wait_one_after_the_other(redis_server: RedisProcess) -> None:
    def slowest_seconds() -> float:
        reset()  # ... and is not left alone
        with ThreadPoolExecutor(32) as threads:
            return max(
                threads.map(lambda _: seconds_of(lambda: make_cache(redis_server.url, **QUICK).get("a")), range(64))
            )

    redis_server.freeze()
    assert stays_below(2.0, slowest_seconds)  # each waits 0.1 s, side by side; 64 of them in turn would take 6 s


def test_no_command_is_sent_twice(redis_server: RedisProcess) -> None:
    redis_server.freeze()
    cache = make_cache(redis_server.url, SOCKET_TIMEOUT=1.0, SOCKET_CONNECT_TIMEOUT=1.0)

    def seconds_of_one() -> float:
        reset()  # ... and is not left alone
        seconds = seconds_of(lambda: cache.get("a"))
        assert seconds > 0.9, "it was not asked"
        return seconds

    assert stays_below(1.9, seconds_of_one), "redis-py tried again"


def test_it_is_used_again_after_the_silence_and_one_caller_finds_out(
    cache: GuardedCache,
    quick_cache: GuardedCache,
    redis_server: RedisProcess,
    asked: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache.set("a", 1)
    redis_server.freeze()
    assert quick_cache.get("a") is None
    end_the_silence()
    asked.clear()
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: make_cache(redis_server.url, **QUICK).get("a"), range(16)))
    assert len(asked) == 1, "every thread found out for itself"
    redis_server.thaw()
    monkeypatch.setattr(redis_guard, "SILENCE_SECONDS", 0.5)
    assert quick_cache.get("a") is None, "Redis was asked again during the silence"
    end_the_silence()
    assert cache.get("a") == 1


def end_the_silence() -> None:
    """Let its time be over, for everybody, without waiting for it."""
    for guard in redis_guard._guards.values():
        guard._silent_until = 0.0


def test_an_answer_that_came_too_late_is_not_taken_for_the_next_one(
    cache: GuardedCache, redis_server: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_guard, "SILENCE_SECONDS", 0.0)
    cache.set_many({"a": "of a", "b": "of b"})
    hurried = make_cache(redis_server.url, SOCKET_TIMEOUT=1.0)
    redis_server.freeze()
    assert hurried.get("a") is None
    redis_server.thaw()
    assert hurried.get("b") == "of b"


def test_a_flushed_redis_is_an_empty_cache(cache: GuardedCache, redis_server: RedisProcess) -> None:
    cache.set("a", 1)
    redis.Redis.from_url(redis_server.url).flushall()
    assert cache.get("a") is None
    cache.set("a", 2)
    assert cache.get("a") == 2


@pytest.mark.parametrize("foreign", [b"\x80\x04K\x01.", b"no json", b"\xff\xfe", b"{"])
def test_a_value_that_is_not_ours_is_none(cache: GuardedCache, redis_server: RedisProcess, foreign: bytes) -> None:
    redis.Redis.from_url(redis_server.url).set(cache.make_key("a"), foreign)
    assert cache.get("a") is None
    assert cache.get_many(["a"]) == {}
    cache.set("a", 1)
    assert cache.get("a") == 1


def test_a_refusal_of_redis_is_no_reason_to_leave_it_alone(cache: GuardedCache, redis_server: RedisProcess) -> None:
    redis.Redis.from_url(redis_server.url).lpush(cache.make_key("list"), 1)
    assert cache.get("list") is None
    cache.set("a", 1)
    assert cache.get("a") == 1


def test_each_alias_has_its_own_time_outs(redis_server: RedisProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_guard, "SILENCE_SECONDS", 0.0)
    patient = make_cache(redis_server.url, SOCKET_TIMEOUT=1.0, SOCKET_CONNECT_TIMEOUT=1.0)
    quick = make_cache(redis_server.url, **QUICK)
    redis_server.freeze()
    assert seconds_of(lambda: patient.get("a")) >= 0.9
    assert stays_below(0.8, lambda: seconds_of(lambda: quick.get("a")))


def test_nothing_is_pickled(cache: GuardedCache, redis_server: RedisProcess) -> None:
    cache.set("a", ["text"])
    assert redis.Redis.from_url(redis_server.url).get(cache.make_key("a")) == b'["text"]'
    with pytest.raises(TypeError):
        cache.set("a", object())


def test_more_threads_than_connections_of_a_usual_pool(cache: GuardedCache) -> None:
    cache.set("a", 1)
    with ThreadPoolExecutor(150) as threads:
        assert set(threads.map(lambda _: cache.get("a"), range(600))) == {1}
