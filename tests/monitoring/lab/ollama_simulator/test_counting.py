"""Gauges: how many at once, and for how long any."""

from __future__ import annotations

import pytest

from monitoring.lab.ollama_simulator import counting
from monitoring.lab.ollama_simulator.counting import Gauge


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(counting, "time", clock)
    return clock


def test_time_counts_once_however_many_are_at_work(clock: Clock) -> None:
    gauge = Gauge()
    with gauge:
        clock.now += 1
        with gauge:
            clock.now += 2
        clock.now += 4
        assert gauge.busy_seconds == 7
    clock.now += 100
    with gauge:
        clock.now += 8
    assert (gauge.busy_seconds, gauge.most) == (15, 2)


def test_a_reset_goes_on_with_those_at_work(clock: Clock) -> None:
    gauge = Gauge()
    gauge.up()
    clock.now += 5
    gauge.reset()
    clock.now += 2
    gauge.down()
    assert (gauge.busy_seconds, gauge.most, gauge.now) == (2, 1, 0)
