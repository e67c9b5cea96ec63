"""Whatever bytes come, and at whatever speed, reading a stream ends by the deadline. The clock is a made one."""

from __future__ import annotations

import itertools
from collections.abc import Generator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragsite import deadline as deadlines
from ragsite.deadline import Deadline
from ragsite.errors import BrokenReply, OllamaTimeout
from ragsite.ollama import transport
from ragsite.ollama.addresses import parse_address
from ragsite.ollama.resolving import Resolver
from ragsite.ollama.transport import Transport

DEADLINE_SECONDS, TOLERANCE_SECONDS = 5.0, 0.25
MOST_READS = 200_000
LINE = b'{"message":{"content":"a"},"done":false}\n'


class Clock:
    """Time passes when somebody sleeps or waits, and a little with every read."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class EndlessExchange:
    """Gives these pieces again and again, each after its seconds."""

    def __init__(self, clock: Clock, script: list[tuple[bytes, float]]) -> None:
        self.response = SimpleNamespace(status=200, headers={"content-type": "application/x-ndjson"})
        self.reads = 0
        self._clock, self._script = clock, itertools.cycle(script)
        self._next: tuple[bytes, float] | None = None

    def read(self, tick_at: float, until: float) -> bytes | None:
        self.reads += 1
        assert self.reads < MOST_READS
        data, seconds = self._next or next(self._script)
        if self._clock.now + seconds > tick_at:
            waited = max(0.0, tick_at - self._clock.now)
            self._next = (data, seconds - waited)
            self._clock.now += waited
            return None
        self._next = None
        self._clock.now += seconds + 0.0005
        return data


PIECE = st.sampled_from([LINE, LINE * 500, LINE[:7], LINE[7:], b"\n", b" " * 5000, b"x", b"{", b'{"done":true}'])
SECONDS = st.sampled_from([0.0, 0.0, 0.001, 0.04, 0.3, 1.0, 2.9, 60.0])


@given(st.lists(st.tuples(PIECE | st.binary(min_size=1, max_size=9), SECONDS), min_size=1, max_size=6))
def test_any_stream_at_any_speed_ends_by_the_deadline(script: list[tuple[bytes, float]]) -> None:
    clock = Clock()
    exchange = EndlessExchange(clock, script)

    @contextmanager
    def connected(*_: object) -> Generator[Any, None, None]:
        yield exchange

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport, "time", clock)
        patch.setattr(deadlines, "time", clock)
        patch.setattr(Transport, "_exchange", connected)
        way = Transport(parse_address("http://localhost"), Resolver())
        end = clock.now + DEADLINE_SECONDS
        with pytest.raises((OllamaTimeout, BrokenReply)):
            for _lines in way.lines("/api/chat", {}, deadline=Deadline(end), model="m"):
                clock.now += 0.02  # who reads them has some work with them
        assert clock.now <= end + TOLERANCE_SECONDS
