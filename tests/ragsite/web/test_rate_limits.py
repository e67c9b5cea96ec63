"""A limit holds exactly over all processes, with Redis and with Postgres alone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from django.contrib.auth.models import AnonymousUser, User
from django.test import RequestFactory
from pytest_django import Settings
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from documents.models import ApiKey
from monitoring.lab.testbed.redis_server import RedisProcess
from monitoring.models import RateWindow
from ragsite.paths import PROJECT
from ragsite.redis import guard as redis_guard
from ragsite.web import rate_limits, rate_windows
from ragsite.web.rate_limits import Windows, take
from ragsite.web.rate_windows import SharedWindows, forget_ended_windows
from ragsite.web.rates import Rate, parse_rate
from ragsite.web.throttling import ScopedThrottle
from tests.redis import patient, redis_server
from tests.server import database_url

__all__ = ["redis_server"]
FIFTY = Rate(50, 3600)
# Another process that makes 100 requests in 16 threads, and prints how many were allowed.
OTHER = """
import django, sys
django.setup()
from concurrent.futures import ThreadPoolExecutor
from ragsite.web.rate_limits import take
from ragsite.web.rates import Rate
input()
with ThreadPoolExecutor(16) as threads:
    print(sum(not got.wait_seconds for got in threads.map(lambda _: take("query", "me", Rate(50, 3600)), range(100))))
"""


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("120/m", Rate(120, 60)),
        ("120/minute", Rate(120, 60)),
        (" 10 / 30 s ", Rate(10, 30)),
        ("5000/day", Rate(5000, 86_400)),
        ("1/2h", Rate(1, 7200)),
        ("0", None),
        ("0/m", None),
    ],
)
def test_rates_as_people_write_them(text: str, rate: Rate | None) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "many", "10", "10/x", "-1/m", "1.5/m", "m/10", "10/m/m", "٣/m"])
def test_what_is_no_rate_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(ValueError, match="/m"):
        parse_rate(text)


def allowed(count: int, threads: int = 16, rate: Rate = FIFTY) -> int:
    with ThreadPoolExecutor(threads) as executor:
        return sum(not got.wait_seconds for got in executor.map(lambda _: take("query", "me", rate), range(count)))


@pytest.mark.redis
def test_with_redis_two_processes_allow_exactly_the_limit(redis_server: RedisProcess, settings: Settings) -> None:
    settings.REDIS_URL = redis_server.url
    others = [
        subprocess.Popen(
            [sys.executable, "-c", OTHER],
            cwd=PROJECT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "ragsite.settings", "REDIS_URL": patient(redis_server.url)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    replies = [other.communicate("\n")[0] for other in others]
    assert sum(int(reply) for reply in replies) == 50
    assert allowed(100) == 0


@pytest.mark.redis
def test_with_redis_threads_allow_exactly_the_limit(redis_server: RedisProcess, settings: Settings) -> None:
    settings.REDIS_URL = redis_server.url
    assert allowed(200) == 50


@pytest.mark.django_db(transaction=True)
def test_without_redis_two_processes_allow_exactly_the_limit() -> None:
    others = [
        subprocess.Popen(
            [sys.executable, "-c", OTHER],
            cwd=PROJECT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "ragsite.settings", "DATABASE_URL": database_url()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    replies = [int(other.communicate("\n")[0]) for other in others]
    assert sum(replies) == 50
    assert allowed(100) == 0


@pytest.mark.django_db(transaction=True)
def test_one_statement_counts_for_all_threads_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[int] = []
    count = SharedWindows._count

    def slowly(windows: SharedWindows, batch: Sequence[Any]) -> None:
        batches.append(len(batch))
        time.sleep(0.05)
        count(windows, batch)

    monkeypatch.setattr(SharedWindows, "_count", slowly)
    assert allowed(64, threads=16, rate=Rate(60, 3600)) == 60
    assert sum(batches) >= 60
    assert len(batches) < 32, "each thread made a statement of its own"


@pytest.mark.django_db(transaction=True)
def test_without_redis_a_window_ends_and_what_is_over_is_deleted() -> None:
    rate = Rate(2, 1)
    assert [take("query", "me", rate).wait_seconds > 0 for _ in range(3)] == [False, False, True]
    time.sleep(1.05)
    assert take("query", "me", rate).remaining == 1
    time.sleep(1.05)
    take("query", "you", Rate(2, 3600))
    forget_ended_windows()
    assert RateWindow.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_does_not_fit_takes_nothing() -> None:
    rate = Rate(10, 3600)
    assert take("query", "a", rate, cost=6).remaining == 4
    refused = take("query", "a", rate, cost=6)
    assert (refused.wait_seconds > 0, refused.remaining) == (True, 4)
    assert take("query", "a", rate, cost=4).remaining == 0
    assert take("query", "a", rate).wait_seconds > 0
    assert take("query", "b", rate, cost=500).wait_seconds == 0


@pytest.mark.django_db(transaction=True)
def test_when_postgres_fails_a_process_allows_its_share(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WEB_WORKERS = 4
    assert allowed(10) == 10
    monkeypatch.setattr(rate_windows, "TAKE", "SELECT nonsense")
    assert allowed(200) == 3  # a quarter of 50, rounded up, of which this process has had ten


@pytest.mark.redis
def test_when_redis_dies_nobody_starts_anew(redis_server: RedisProcess, settings: Settings) -> None:
    settings.REDIS_URL = redis_server.url
    settings.WEB_WORKERS = 2
    assert allowed(40) == 40
    redis_server.kill()
    assert allowed(100) == 0, "this process has had more than its share"


@pytest.mark.redis
def test_a_frozen_redis_costs_one_time_out(
    redis_server: RedisProcess, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_guard, "TIMEOUT_SECONDS", 0.1)
    settings.REDIS_URL = redis_server.url
    settings.WEB_WORKERS = 1
    redis_server.freeze()
    started = time.monotonic()
    assert allowed(200, threads=1) == 50
    assert time.monotonic() - started < 10.0  # 200 time-outs would be 20 s


@pytest.mark.redis
def test_a_flushed_redis_or_a_value_that_is_not_ours_is_no_error(
    redis_server: RedisProcess, settings: Settings
) -> None:
    settings.REDIS_URL = redis_server.url
    assert allowed(60) == 50
    client = redis.Redis.from_url(redis_server.url)
    client.flushall()
    assert allowed(60) == 50
    client.flushall()
    client.lpush(rate_limits.KEY_PREFIX + "query:3600:me", 1)
    assert allowed(1) == 0  # counted here, where the limit was reached
    assert redis_guard.connect(redis_server.url).ping(), "Redis is left alone, although it answers"


@pytest.mark.redis
def test_a_window_ends_in_redis_too(redis_server: RedisProcess, settings: Settings) -> None:
    settings.REDIS_URL = redis_server.url
    rate = Rate(3, 3)
    taken = [take("query", "me", rate) for _ in range(4)]
    assert [quota.wait_seconds > 0 for quota in taken] == [False, False, False, True]
    assert [quota.remaining for quota in taken] == [2, 1, 0, 0]
    assert 0 < taken[3].wait_seconds <= 3
    time.sleep(taken[3].wait_seconds + 0.05)
    assert take("query", "me", rate).wait_seconds == 0


def test_a_window_ends() -> None:
    windows = Windows()
    assert [windows.take("me", 1, 2, 1.0).wait_seconds > 0 for _ in range(3)] == [False, False, True]
    assert windows.take("you", 1, 2, 1.0).remaining == 1
    time.sleep(1.05)
    assert windows.take("me", 1, 2, 1.0).wait_seconds == 0


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "MOST_COUNTED", 100)
    windows = Windows()
    for number in range(1000):
        windows.take(str(number), 1, 1, 3600)
    assert len(windows._windows) <= 100
    assert windows.take("999", 1, 1, 3600).wait_seconds > 0, "the youngest are kept"


class Limited(APIView):
    throttle_scope = "query"


def passes(settings: Settings, *, user: User | None = None, auth: ApiKey | None = None, **environ: Any) -> bool:
    settings.RATE_LIMIT_QUERY = "1/h"
    request = Request(RequestFactory().generic("POST", "/x", **environ))
    request.user, request.auth = user or AnonymousUser(), auth
    return ScopedThrottle().allow_request(request, Limited())


@pytest.mark.django_db
def test_identities_are_key_then_user_then_address(settings: Settings) -> None:
    me, you = User(pk=1, username="me"), User(pk=2, username="you")
    keys = [ApiKey(pk=1, user=me), ApiKey(pk=2, user=me)]
    assert [passes(settings, user=me, auth=key) for key in [*keys, *keys]] == [True, True, False, False]
    assert [passes(settings, user=user) for user in [me, you, me, you]] == [True, True, False, False]
    assert [passes(settings), passes(settings)] == [True, False]
    assert passes(settings, REMOTE_ADDR="10.0.0.9")


@pytest.mark.django_db
def test_a_forged_header_makes_nobody_somebody_else(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    forged = Counter(passes(settings, HTTP_X_FORWARDED_FOR=f"1.2.3.{number}") for number in range(50))
    assert forged == {True: 1, False: 49}
    monkeypatch.setattr(api_settings, "NUM_PROXIES", 1, raising=False)
    forged = Counter(passes(settings, HTTP_X_FORWARDED_FOR=f"1.2.3.{number}, 9.9.9.9") for number in range(50))
    assert forged == {True: 1, False: 49}
    assert passes(settings, HTTP_X_FORWARDED_FOR="9.9.9.9, 9.9.9.8")


@pytest.mark.django_db
def test_a_household_of_ipv6_addresses_is_one(settings: Settings) -> None:
    assert passes(settings, REMOTE_ADDR="2001:db8:1:2::1")
    assert not passes(settings, REMOTE_ADDR="2001:db8:1:2:ffff::7")
    assert passes(settings, REMOTE_ADDR="2001:db8:1:3::1")
    assert passes(settings, REMOTE_ADDR="::ffff:10.1.1.1")
    assert not passes(settings, REMOTE_ADDR="10.1.1.1")


def test_reading_is_not_limited(settings: Settings) -> None:
    settings.RATE_LIMIT_QUERY = "1/h"
    request = Request(RequestFactory().get("/x"))
    assert all(ScopedThrottle().allow_request(request, Limited()) for _ in range(5))
