"""How many requests somebody may make in a time: counted in Redis for all processes, or in each for itself.

A window begins with the first request and ends after its time; then the count starts anew. One atomic script does it,
so that two requests at the same moment are two.
"""

from __future__ import annotations

import math
import threading
import time

import redis
from django.conf import settings

from ragsite import redis_guard
from ragsite.metrics import THROTTLED
from ragsite.rates import Rate

KEY_PREFIX = "ragsite:rate:"
MOST_COUNTED = 100_000  # identities that one process keeps in mind

# Nothing is counted for a request that is refused: whoever keeps asking gets in as soon as everybody else.
TAKE = """
local used = tonumber(redis.call('GET', KEYS[1]) or '0')
if used + tonumber(ARGV[1]) > tonumber(ARGV[2]) then
    local left = redis.call('PTTL', KEYS[1])
    if left < 0 then
        redis.call('PEXPIRE', KEYS[1], ARGV[3])
        left = tonumber(ARGV[3])
    end
    return left
end
redis.call('INCRBY', KEYS[1], ARGV[1])
if used == 0 then
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return -1
"""


class Windows:
    """What was counted in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[float, int]] = {}  # identity -> (end on the monotonic clock, count)

    def take(self, who: str, cost: int, limit: int, window_seconds: float) -> float:
        """Count a request unless it is above the limit; return 0, or the seconds until the window ends."""
        with self._lock:
            now = time.monotonic()
            ends_at, used = self._windows.get(who, (0.0, 0))
            if ends_at <= now:
                self._windows.pop(who, None)  # to the end of the order, which is that of beginning
                ends_at, used = now + window_seconds, 0
            if used + cost > limit:
                return ends_at - now
            self._windows[who] = (ends_at, used + cost)
            if len(self._windows) > MOST_COUNTED:
                self._forget_some(now)
            return 0.0

    def _forget_some(self, now: float) -> None:
        """Drop what is over, and else the oldest tenth."""
        over = [who for who, (ends_at, _) in self._windows.items() if ends_at <= now]
        for who in over or list(self._windows)[: MOST_COUNTED // 10]:
            del self._windows[who]


_counted_here = Windows()


def take(scope: str, who: str, rate: Rate, *, cost: int = 1) -> float:
    """Count a request of somebody; return 0 when it may go on, else the seconds until it may be tried again.

    Without Redis each process allows its share of the limit, so that together they keep it, whatever the balance
    between them. What Redis allowed is counted here too: should it fail, nobody starts anew.
    """
    cost = min(cost, rate.limit)  # otherwise it could never be allowed
    key = f"{scope}:{rate.window_seconds}:{who}"
    wait_seconds = _take_from_redis(key, cost, rate) if settings.REDIS_URL else None
    if wait_seconds is None:
        share = math.ceil(rate.limit / max(1, settings.WEB_WORKERS))
        wait_seconds = _counted_here.take(key, min(cost, share), share, rate.window_seconds)
    elif not wait_seconds:
        _counted_here.take(key, cost, rate.limit, rate.window_seconds)
    if wait_seconds:
        THROTTLED.labels(scope=scope).inc()
    return wait_seconds


def forget_all() -> None:
    """Start all windows of this process anew. For tests."""
    global _counted_here
    _counted_here = Windows()


def _take_from_redis(key: str, cost: int, rate: Rate) -> float | None:
    """Return the seconds to wait, 0 when allowed, and None when Redis doesn't say."""
    try:
        left_ms = redis_guard.client_of(settings.REDIS_URL).eval(
            TAKE, 1, KEY_PREFIX + key, str(cost), str(rate.limit), str(rate.window_seconds * 1000)
        )
    except redis.RedisError:
        return None
    return 0.0 if int(left_ms) < 0 else max(0.001, int(left_ms) / 1000)
