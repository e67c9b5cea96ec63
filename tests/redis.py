"""A real Redis for tests, and what they need to know of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from monitoring.lab.testbed.redis_server import RedisProcess
from ragsite.redis import guard as redis_guard

PATIENT_SECONDS = 10.0  # a busy machine is no dead Redis
QUICK = {"SOCKET_CONNECT_TIMEOUT": 0.1, "SOCKET_TIMEOUT": 0.1}  # as the settings have it, for a Redis that is silent


@pytest.fixture
def redis_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisProcess]:
    """A redis-server of this test's own, which this process waits for."""
    if RedisProcess.why_not():
        pytest.skip(RedisProcess.why_not())
    monkeypatch.setattr(redis_guard, "TIMEOUT_SECONDS", PATIENT_SECONDS)
    with RedisProcess(tmp_path) as server:
        yield server


@pytest.fixture
def with_redis(settings: Settings, redis_server: RedisProcess) -> RedisProcess:
    """The same, and what is cached is cached there."""
    settings.REDIS_URL = redis_server.url
    settings.CACHES = {"default": cache_settings(redis_server.url)}
    return redis_server


def patient(url: str) -> str:
    """Return the address with which another process waits for Redis as long as this one does."""
    return f"{url}?socket_timeout={PATIENT_SECONDS}&socket_connect_timeout={PATIENT_SECONDS}"


def cache_settings(url: str, **options: Any) -> dict[str, Any]:
    """Return the cache as the settings have it, but with time for a busy machine."""
    return {
        "BACKEND": "ragsite.redis.cache_backend.GuardedCache",
        "LOCATION": url,
        "OPTIONS": {
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
            "SOCKET_CONNECT_TIMEOUT": PATIENT_SECONDS,
            "SOCKET_TIMEOUT": PATIENT_SECONDS,
            **options,
        },
    }
