"""Counts what the stand-in has received: requests, running requests, and their maximum."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

RECENT_REQUESTS = 2000


@dataclass
class Gauge:
    """How many are at work, and how many there were at most."""

    now: int = 0
    most: int = 0
    _busy_seconds: float = 0.0
    _busy_since: float = 0.0

    def up(self) -> None:
        """Count one more running request."""
        if not self.now:
            self._busy_since = time.monotonic()
        self.now += 1
        self.most = max(self.most, self.now)

    def down(self) -> None:
        """Count one running request fewer."""
        self.now -= 1
        if not self.now:
            self._busy_seconds += time.monotonic() - self._busy_since

    @property
    def busy_seconds(self) -> float:
        """For how long at least one was at work."""
        return self._busy_seconds + (time.monotonic() - self._busy_since if self.now else 0.0)

    def reset(self) -> None:
        """Reset the maximum to the requests that run now."""
        self.most = self.now
        self._busy_seconds, self._busy_since = 0.0, time.monotonic()

    def __enter__(self) -> None:
        self.up()

    def __exit__(self, *exception: object) -> None:
        self.down()


@dataclass
class Counters:
    """All counts since the start, or since the last reset."""

    requests: Counter[str] = field(default_factory=Counter)
    per_model: dict[str, Counter[str]] = field(default_factory=dict)
    replies: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    loads: Counter[str] = field(default_factory=Counter)
    cancelled: int = 0
    completed_generations: int = 0
    tokens: int = 0
    embedded_texts: int = 0
    generations: Gauge = field(default_factory=Gauge)
    embeds: Gauge = field(default_factory=Gauge)
    connections: Gauge = field(default_factory=Gauge)
    recent: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=RECENT_REQUESTS))

    def saw(self, operation: str, model: str | None, body: Any) -> None:
        """Count a request, and keep its body."""
        self.requests[operation] += 1
        if model is not None:
            self.per_model.setdefault(model, Counter())[operation] += 1
        if operation not in ("state", "control", "requests"):
            self.recent.append({"operation": operation, "model": model, "body": body})

    def reset(self) -> None:
        """Reset the counts; running requests stay counted."""
        for gauge in (self.generations, self.embeds, self.connections):
            gauge.reset()
        for counts in (self.requests, self.per_model, self.replies, self.faults, self.loads, self.recent):
            counts.clear()
        self.cancelled = self.completed_generations = self.tokens = self.embedded_texts = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the counts for `/standin/state`."""
        return {
            "requests": dict(self.requests),
            "per_model": {model: dict(counts) for model, counts in self.per_model.items()},
            "replies": dict(self.replies),
            "faults": dict(self.faults),
            "loads": dict(self.loads),
            "cancelled": self.cancelled,
            "completed_generations": self.completed_generations,
            "tokens": self.tokens,
            "embedded_texts": self.embedded_texts,
            "active_generations": self.generations.now,
            "max_generations": self.generations.most,
            "active_embeds": self.embeds.now,
            "max_embeds": self.embeds.most,
            "embeds_busy_seconds": round(self.embeds.busy_seconds, 4),
            "connections": self.connections.now,
            "max_connections": self.connections.most,
        }
