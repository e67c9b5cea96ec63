"""A circuit breaker on a clock that the test moves."""

from __future__ import annotations

from ragsite.errors import OllamaUnavailable
from ragsite.ollama import BreakerChange
from ragsite.ollama.breaker import Breaker
from ragsite.ollama.hints import Hints

BROKEN = OllamaUnavailable("broken")


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Watched:
    """A breaker on a clock that the test moves."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.changes: list[BreakerChange] = []
        self.breaker = Breaker(
            "http://host:1",
            "generate",
            Hints("", []),
            self.changes.append,
            now=self.clock,
            jitter=lambda low, high: high,
        )

    @property
    def state(self) -> str:
        return str(self.breaker.get_circuit_state()["state"])

    def fail(self, times: int = 1) -> None:
        for _time in range(times):
            self.breaker.fail(self.breaker.admit(), BROKEN)

    def succeed(self, seconds: float = 0.1) -> None:
        self.breaker.succeed(self.breaker.admit(), seconds)
