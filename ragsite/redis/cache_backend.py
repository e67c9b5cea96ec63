"""Django's cache in Redis; a Redis that is down, frozen or full of foreign data behaves as an empty cache."""

from __future__ import annotations

from typing import Any

from django_redis.cache import CONNECTION_INTERRUPTED, RedisCache
from django_redis.pool import ConnectionFactory
from redis.connection import ConnectionPool

from ragsite.process_memory import on_reset
from ragsite.redis.guard import GuardedRedis, pool_options


class SeparatePools(ConnectionFactory):  # type: ignore[misc] # django-redis has no types
    """One pool per cache alias. By default the first one made for an address serves all, with its own time-outs."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(options)
        self.redis_client_cls = GuardedRedis
        self.pool_cls_kwargs = {**pool_options(), **options.get("CONNECTION_POOL_KWARGS", {})}

    def get_or_create_connection_pool(self, params: dict[str, Any]) -> ConnectionPool:
        """Return the pool for exactly these parameters."""
        key = repr(sorted((name, str(value)) for name, value in params.items()))
        if key not in self._pools:
            self._pools.setdefault(key, self.get_connection_pool(params))
        pool: ConnectionPool = self._pools[key]
        return pool

    @classmethod
    def close_all(cls) -> None:
        """Close the connections of every pool, and forget the pools."""
        for pool in cls._pools.values():
            pool.disconnect()
        cls._pools.clear()


on_reset(SeparatePools.close_all)


class GuardedCache(RedisCache):  # type: ignore[misc] # django-redis has no types
    """A cache that is never the reason for an error.

    Without Redis, reads find nothing and writes do nothing; `add`, which serves as a lock, is refused; a counter does
    not exist, which for `incr` is a ValueError as always.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        options = {**params.get("OPTIONS", {}), "IGNORE_EXCEPTIONS": True}
        options.setdefault("CONNECTION_FACTORY", "ragsite.redis.cache_backend.SeparatePools")
        super().__init__(server, {**params, "OPTIONS": options})

    def add(self, *args: Any, **kwargs: Any) -> bool:
        """Store a value unless there is one; return whether it was stored. False without Redis: nobody has the lock."""
        return bool(super().add(*args, **kwargs))

    def incr(self, key: str, *args: Any, **kwargs: Any) -> int:
        """Return the counter plus delta. Raises ValueError when there is no such counter, or no Redis."""
        return _known(super().incr(key, *args, **kwargs), key)

    def decr(self, key: str, *args: Any, **kwargs: Any) -> int:
        """Return the counter minus delta. Raises ValueError when there is no such counter, or no Redis."""
        return _known(super().decr(key, *args, **kwargs), key)

    def get_many(self, keys: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the values of those keys that have one."""
        try:
            found: dict[str, Any] = super().get_many(keys, *args, **kwargs)
        except ValueError:  # one of them isn't ours
            return {}
        return found

    def _get(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super()._get(*args, **kwargs)
        except ValueError:  # somebody else's value, or that of another version: not JSON
            return CONNECTION_INTERRUPTED


def _known(value: int | None, key: str) -> int:
    if value is None:
        raise ValueError(f"there is no counter {key!r}")
    return value
