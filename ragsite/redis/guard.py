"""Circuit breaker for Redis: after an error, no command is sent for a few seconds.

ragsite works without Redis, so a dead or frozen one must cost nothing. All commands go through GuardedRedis: one caller
waits a tenth of a second for its failure, and the others get an error at once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.client import Pipeline
from redis.connection import ConnectionPool
from redis.retry import Retry

from ragsite.metrics import REDIS_SILENCES
from ragsite.process_memory import on_reset

logger = logging.getLogger(__name__)
SILENCE_SECONDS = 5.0
TIMEOUT_SECONDS = 0.1  # to connect, and of every answer
Result = TypeVar("Result")


class LeftAlone(redis.ConnectionError):
    """Redis failed a moment ago and was not asked."""


class Guard:
    """Decides whether commands may be sent to one Redis. Shared by all threads of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failed = False
        self._silent_until = 0.0

    def admits(self) -> bool:
        """Return whether to send a command. When the silence is over, one caller tries whether Redis is back."""
        if not self._failed:
            return True
        with self._lock:
            now = time.monotonic()
            if now < self._silent_until:
                return False
            self._silent_until = now + SILENCE_SECONDS
            return True

    def note_success(self) -> None:
        """Admit all commands again."""
        if self._failed:
            with self._lock:
                came_back, self._failed = self._failed, False
            if came_back:
                logger.warning("Redis answers again")

    def note_failure(self, error: Exception) -> None:
        """Refuse commands from now on, for SILENCE_SECONDS."""
        with self._lock:
            went, self._failed = not self._failed, True
            self._silent_until = time.monotonic() + SILENCE_SECONDS
        REDIS_SILENCES.inc()
        if went:
            logger.warning("Redis is left alone for %s s: %s", SILENCE_SECONDS, type(error).__name__)

    def run(self, ask: Callable[[], Result]) -> Result:
        """Return what `ask` returns. Raises redis.ConnectionError, at once while Redis is left alone."""
        if not self.admits():
            raise LeftAlone("Redis is left alone for a moment")
        try:
            result = ask()
        except redis.ResponseError:
            self.note_success()  # it refused, but it answers
            raise
        except (redis.ConnectionError, redis.TimeoutError, redis.InvalidResponse, OSError) as exc:
            self.note_failure(exc)
            raise redis.ConnectionError(type(exc).__name__) from exc
        self.note_success()
        return result


_guards: dict[tuple[Any, ...], Guard] = {}
on_reset(_guards.clear)


class GuardedRedis(redis.Redis):
    """A client whose every command asks the guard of its server first."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Return the reply of one command."""
        unguarded: Callable[..., Any] = super().execute_command
        return guard_of(self.connection_pool).run(lambda: unguarded(*args, **options))

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> GuardedPipeline:
        """Return a pipeline that asks the guard as well."""
        return GuardedPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


class GuardedPipeline(Pipeline):
    """Several commands in one exchange."""

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Return the replies of all commands."""
        unguarded = super().execute
        return guard_of(self.connection_pool).run(lambda: unguarded(raise_on_error))


def guard_of(pool: ConnectionPool) -> Guard:
    """Return the guard of the server that a pool connects to; pools with other time-outs or databases share it."""
    where = pool.connection_kwargs
    return _guards.setdefault((where.get("host"), where.get("port"), where.get("path")), Guard())


def pool_options() -> dict[str, Any]:
    """Return what every pool of connections to Redis needs: no second attempt, and a connection for each thread."""
    return {"retry": Retry(NoBackoff(), 0), "max_connections": 2 * settings.WEB_THREADS + 32}


@lru_cache(maxsize=4)
def client_of(url: str) -> GuardedRedis:
    """Return this process's client of that server."""
    return connect(url)


on_reset(client_of.cache_clear)


def connect(url: str) -> GuardedRedis:
    """Return a client with a pool of its own. Nothing is opened before the first command."""
    pool = ConnectionPool.from_url(
        url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, **pool_options()
    )
    return GuardedRedis(connection_pool=pool)
