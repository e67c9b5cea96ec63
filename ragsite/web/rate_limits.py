"""Rate limits by fixed windows, counted in Redis for all processes, or else in Postgres.

A window begins with the first request and ends after its time; then the count starts at 0. One atomic script or
statement counts, so that two requests at the same moment count as two.
"""

from __future__ import annotations

import math
import threading
import time

import redis
from django.conf import settings

from ragsite.metrics import THROTTLED
from ragsite.process_memory import on_reset
from ragsite.redis import guard as redis_guard
from ragsite.web.rate_windows import SharedWindows
from ragsite.web.rates import Quota, Rate

KEY_PREFIX = "ragsite:rate:"
MOST_COUNTED = 100_000  # identities that one process keeps in memory

# A refused request is not counted: a client that keeps asking waits no longer than any other.
TAKE = """
local used = tonumber(redis.call('GET', KEYS[1]) or '0')
if used + tonumber(ARGV[1]) > tonumber(ARGV[2]) then
    local left = redis.call('PTTL', KEYS[1])
    if left < 0 then
        redis.call('PEXPIRE', KEYS[1], ARGV[3])
        left = tonumber(ARGV[3])
    end
    return {0, used, left}
end
used = redis.call('INCRBY', KEYS[1], ARGV[1])
if used == tonumber(ARGV[1]) then
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return {1, used, redis.call('PTTL', KEYS[1])}
"""


class Windows:
    """Windows that are counted in this process alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[float, int]] = {}  # identity -> (end on the monotonic clock, count)

    def take(self, who: str, cost: int, limit: int, window_seconds: float) -> Quota:
        """Count a request unless it is above the limit."""
        with self._lock:
            now = time.monotonic()
            ends_at, used = self._windows.get(who, (0.0, 0))
            if ends_at <= now:
                self._windows.pop(who, None)  # to the end of the order, which is that of beginning
                ends_at, used = now + window_seconds, 0
            if used + cost > limit:
                return Quota(ends_at - now, max(0, limit - used), ends_at - now)
            self._windows[who] = (ends_at, used + cost)
            if len(self._windows) > MOST_COUNTED:
                self._forget_some(now)
            return Quota(0.0, limit - used - cost, ends_at - now)

    def _forget_some(self, now: float) -> None:
        """Drop the windows that have ended, or else the oldest tenth."""
        over = [who for who, (ends_at, _) in self._windows.items() if ends_at <= now]
        for who in over or list(self._windows)[: MOST_COUNTED // 10]:
            del self._windows[who]


_counted_here = Windows()
_shared = SharedWindows()


def take(scope: str, who: str, rate: Rate, *, cost: int = 1) -> Quota:
    """Count a request of somebody, and return whether it may go on and what is left.

    While neither Redis nor Postgres answers, each process allows its share of the limit, so that together they keep
    it, whatever the balance between them. What they allowed is counted here too: should they fail, nobody gets a
    second limit.
    """
    cost = min(cost, rate.limit)  # otherwise it could never be allowed
    key = f"{scope}:{rate.window_seconds}:{who}"
    quota = _take_from_redis(key, cost, rate) if settings.REDIS_URL else _shared.take(key, cost, rate)
    if quota is None:
        share = math.ceil(rate.limit / max(1, settings.WEB_WORKERS))
        quota = _counted_here.take(key, min(cost, share), share, rate.window_seconds)
    elif not quota.wait_seconds:
        _counted_here.take(key, cost, rate.limit, rate.window_seconds)
    if quota.wait_seconds:
        THROTTLED.labels(scope=scope).inc()
    return quota


def forget_all() -> None:
    """Forget all windows of this process, and start with locks that nobody holds."""
    global _counted_here, _shared
    _counted_here, _shared = Windows(), SharedWindows()


on_reset(forget_all, after_fork=True)


def _take_from_redis(key: str, cost: int, rate: Rate) -> Quota | None:
    """Return what became of the request; None when Redis doesn't say."""
    try:
        allowed, used, left_ms = redis_guard.client_of(settings.REDIS_URL).eval(
            TAKE, 1, KEY_PREFIX + key, str(cost), str(rate.limit), str(rate.window_seconds * 1000)
        )
    except redis.RedisError:
        return None
    left_seconds = max(1, int(left_ms)) / 1000
    return Quota(0.0 if int(allowed) else left_seconds, max(0, rate.limit - int(used)), left_seconds)
