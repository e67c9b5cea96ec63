"""Shares open circuits between processes through Redis. They are hints; each process decides by itself.

One key per host and operation, which expires with the open time. Calls wait for Redis 50 ms at most, without retries;
after an error it is not asked for five seconds. Without Redis every process finds failing hosts on its own.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)
PREFIX = "ragsite:circuit:"
TIMEOUT_SECONDS = 0.05
READ_EVERY_SECONDS = 0.25
SILENCE_SECONDS = 5.0
T = TypeVar("T")


class Hints:
    """The open circuits of other processes."""

    def __init__(self, redis_url: str, keys: Sequence[str]) -> None:
        self._redis_url = redis_url
        self._keys = tuple(keys)
        self._name = uuid.uuid4().hex  # of this process, to know its own hints
        self._redis: redis.Redis | None = None
        self._io_lock = threading.Lock()  # reads are skipped while it is taken
        self._read_at = self._silent_until = float("-inf")
        self._told_of_silence = False
        self._open_until: dict[str, float] = {}

    def open_seconds(self, key: str) -> float:
        """Return for how long another process keeps this circuit open, or 0. Reads at most four times a second."""
        if not self._redis_url:
            return 0.0
        if time.monotonic() - self._read_at >= READ_EVERY_SECONDS:
            self._with_redis(self._read)
        return self.known_open_seconds(key)

    def known_open_seconds(self, key: str) -> float:
        """Return the same from what was read last: no I/O."""
        return max(0.0, self._open_until.get(key, 0.0) - time.monotonic())

    def publish(self, key: str, seconds: float) -> None:
        """Tell the others that this process leaves the host alone for `seconds`."""
        if self._redis_url and seconds > 0:
            milliseconds = max(1, int(seconds * 1000))
            self._with_redis(
                lambda connection: connection.set(PREFIX + key, self._name, px=milliseconds), patience=TIMEOUT_SECONDS
            )

    def withdraw(self, key: str) -> None:
        """Tell the others that the host works again."""
        self._open_until.pop(key, None)
        if self._redis_url:
            self._with_redis(lambda connection: connection.delete(PREFIX + key), patience=TIMEOUT_SECONDS)

    def close(self) -> None:
        """Close the connection."""
        connection, self._redis = self._redis, None
        if connection is not None:
            connection.close()

    def _read(self, connection: Any) -> None:
        self._read_at = time.monotonic()
        pipeline = connection.pipeline(transaction=False)
        for key in self._keys:
            pipeline.get(PREFIX + key).pttl(PREFIX + key)
        replies = pipeline.execute()
        longest = settings.CIRCUIT_RECOVERY_TIMEOUT_MAX_SECONDS
        now = time.monotonic()
        found: dict[str, float] = {}
        for key, name, milliseconds in zip(self._keys, replies[::2], replies[1::2], strict=True):
            if name is not None and name.decode("ascii", "replace") != self._name and milliseconds > 0:
                found[key] = now + min(milliseconds / 1000, longest)
        self._open_until = found

    def _with_redis(self, work: Callable[[Any], T], *, patience: float = 0.0) -> T | None:
        """Return what `work` gives for a connection, or None when Redis is silent or busy with another thread."""
        if time.monotonic() < self._silent_until or not self._io_lock.acquire(timeout=patience):
            return None
        try:
            if self._redis is None:
                self._redis = redis.Redis.from_url(
                    self._redis_url,
                    socket_timeout=TIMEOUT_SECONDS,
                    socket_connect_timeout=TIMEOUT_SECONDS,
                    retry=Retry(NoBackoff(), 0),
                    health_check_interval=0,
                )
            result = work(self._redis)
        except (redis.RedisError, OSError, ValueError) as error:
            self._silent_until = time.monotonic() + SILENCE_SECONDS
            if not self._told_of_silence:
                logger.warning("circuit breakers are not shared between processes: Redis says %s", type(error).__name__)
            self._told_of_silence = True
            return None
        else:
            self._told_of_silence = False
            return result
        finally:
            self._io_lock.release()
