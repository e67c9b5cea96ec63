"""The circuit breaker: when it opens, whom it lets in, what counts, and what never does."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pybreaker
import pytest
from pytest_django import Settings

from ragsite.errors import CircuitOpen
from ragsite.ollama import BreakerChange
from ragsite.ollama.breaker import Breaker
from ragsite.ollama.circuit_states import Admission
from ragsite.ollama.hints import Hints

from .watched import BROKEN, Clock, Watched

# When it opens


def test_it_opens_after_that_many_failures_in_a_row_and_refuses_at_once(watched: Watched) -> None:
    watched.fail(4)
    assert watched.state == "CLOSED"
    watched.fail()
    assert watched.state == "OPEN"
    with pytest.raises(CircuitOpen) as refused:
        watched.breaker.admit()
    assert refused.value.retry_after_seconds == 30.0
    assert "Circuit OPEN - Service unavailable" in refused.value.message


def test_a_success_between_them_starts_the_count_anew(watched: Watched) -> None:
    watched.fail(4)
    watched.succeed()
    watched.fail(4)
    assert watched.state == "CLOSED"


def test_the_threshold_is_a_setting(watched: Watched, settings: Settings) -> None:
    settings.CIRCUIT_FAILURE_THRESHOLD = 2
    watched.fail(2)
    assert watched.state == "OPEN"


def interleaved(share: float) -> Iterator[bool]:
    """Yield True for a failure, spread as evenly as that share can be."""
    owed = 0.0
    while True:
        owed += share
        yield owed >= 1.0
        owed -= owed >= 1.0


@pytest.mark.parametrize(
    ("failing", "threshold", "opens"),
    [
        (0.3, 0.5, False),
        (0.4, 0.5, False),
        (0.4, 0.35, True),
        (0.6, 0.5, True),
        (0.8, 0.5, True),
        (0.8, 1.0, False),  # only the runs count then
    ],
)
def test_a_share_of_failures_opens_it_within_one_window_though_no_run_is_long(
    failing: float, threshold: float, opens: bool, watched: Watched, settings: Settings
) -> None:
    settings.CIRCUIT_FAILURE_RATE = threshold
    settings.CIRCUIT_FAILURE_THRESHOLD = 5
    settings.CIRCUIT_MINIMUM_CALLS = 10
    for fails in islice(interleaved(failing), 1000):
        if watched.state == "OPEN":
            break
        watched.clock.seconds += 1.0
        watched.fail() if fails else watched.succeed()
    assert (watched.state == "OPEN") is opens
    if opens:
        assert watched.clock.seconds - 1000 <= settings.CIRCUIT_WINDOW_SECONDS


def test_calls_that_are_all_slow_open_it(watched: Watched, settings: Settings) -> None:
    settings.CIRCUIT_MINIMUM_CALLS = 10
    for _call in range(9):
        watched.succeed(seconds=settings.CIRCUIT_SLOW_CALL_SECONDS)
    assert watched.state == "CLOSED"  # too few to judge by
    watched.succeed(seconds=settings.CIRCUIT_SLOW_CALL_SECONDS)
    assert watched.state == "OPEN"


def test_some_slow_calls_do_not(watched: Watched, settings: Settings) -> None:
    for number in range(200):
        watched.succeed(seconds=100.0 if number % 2 else 0.1)
    assert watched.state == "CLOSED"


def test_what_is_older_than_the_window_is_forgotten(watched: Watched, settings: Settings) -> None:
    settings.CIRCUIT_MINIMUM_CALLS = 4
    watched.succeed()
    watched.fail()
    watched.succeed()
    watched.clock.seconds += settings.CIRCUIT_WINDOW_SECONDS + 2
    watched.fail()
    watched.fail()
    assert watched.state == "CLOSED"  # two calls in the window, not five


# Half-open: one probe


def test_after_the_open_time_exactly_one_is_let_in(watched: Watched) -> None:
    watched.fail(5)
    watched.clock.seconds += 29.9
    with pytest.raises(CircuitOpen):
        watched.breaker.admit()
    watched.clock.seconds += 0.2
    assert watched.breaker.wait_seconds() == 0
    probe = watched.breaker.admit()
    assert probe.is_probe
    with pytest.raises(CircuitOpen):
        watched.breaker.admit()
    watched.breaker.succeed(probe, 0.1)
    assert watched.state == "CLOSED"
    assert not watched.breaker.admit().is_probe


def test_a_probe_that_fails_opens_it_again_for_longer_up_to_a_limit(watched: Watched, settings: Settings) -> None:
    settings.CIRCUIT_RECOVERY_TIMEOUT_MAX_SECONDS = 100.0
    watched.fail(5)
    for _probe in range(4):
        watched.clock.seconds += 1000.0
        watched.fail()
    assert [change.open_seconds for change in watched.changes if change.new_state == "OPEN"] == [30, 60, 100, 100, 100]
    watched.clock.seconds += 1000.0
    watched.succeed()
    watched.fail(5)
    assert watched.changes[-1].open_seconds == 30


def test_the_growing_open_time_has_jitter(settings: Settings) -> None:
    asked: list[tuple[float, float]] = []

    def jitter(low: float, high: float) -> float:
        asked.append((low, high))
        return 0.9

    clock, changes = Clock(), list[BreakerChange]()
    breaker = Breaker("h", "embed", Hints("", []), changes.append, now=clock, jitter=jitter)
    for _failure in range(5):
        breaker.fail(breaker.admit(), BROKEN)
    clock.seconds += 31
    breaker.fail(breaker.admit(), BROKEN)
    assert changes[0].open_seconds == 30  # the first one is what RECOVERY_TIMEOUT says
    assert changes[-1].open_seconds == pytest.approx(54)
    assert asked == [(0.8, 1.0)]


def test_a_probes_first_sign_of_life_closes_it_and_its_later_failure_counts_one(watched: Watched) -> None:
    watched.fail(5)
    watched.clock.seconds += 31
    probe = watched.breaker.alive(watched.breaker.admit())
    assert watched.state == "CLOSED"
    watched.breaker.fail(probe, BROKEN)
    assert watched.state == "CLOSED"
    assert watched.breaker.get_circuit_state()["failure_count"] == 1


def test_a_probe_whose_reader_left_gives_its_permit_back_and_decides_nothing(watched: Watched) -> None:
    watched.fail(5)
    watched.clock.seconds += 31
    watched.breaker.let_go(watched.breaker.admit())
    assert watched.state == "HALF_OPEN"
    assert watched.breaker.admit().is_probe


def test_a_probe_that_is_never_heard_of_again_loses_its_permit(watched: Watched) -> None:
    watched.fail(5)
    watched.clock.seconds += 31
    lost = watched.breaker.admit()
    with pytest.raises(CircuitOpen):
        watched.breaker.admit()
    watched.clock.seconds += 60
    second = watched.breaker.admit()
    assert second.is_probe
    watched.breaker.succeed(lost, 0.1)  # it has no say any more
    watched.breaker.let_go(lost)
    assert watched.state == "HALF_OPEN"
    with pytest.raises(CircuitOpen):
        watched.breaker.admit()
    watched.breaker.succeed(second, 0.1)
    assert watched.state == "CLOSED"


# What counts, and what doesn't


def test_a_stale_success_does_not_close_it(watched: Watched) -> None:
    early = watched.breaker.admit()
    watched.fail(5)
    watched.breaker.succeed(early, 0.1)
    assert watched.state == "OPEN"
    watched.clock.seconds += 31
    probe = watched.breaker.admit()
    watched.breaker.succeed(early, 0.1)
    assert watched.state == "HALF_OPEN"
    watched.breaker.fail(probe, BROKEN)
    watched.breaker.succeed(probe, 0.1)
    assert watched.state == "OPEN"


def test_stale_failures_do_not_open_it_again(watched: Watched) -> None:
    early = [watched.breaker.admit() for _call in range(10)]
    watched.fail(5)
    watched.clock.seconds += 31
    watched.succeed()
    for admission in early:
        watched.breaker.fail(admission, BROKEN)
    assert watched.state == "CLOSED"
    assert watched.breaker.get_circuit_state()["failure_count"] == 0


def test_neutral_outcomes_neither_open_nor_close_nor_reset(watched: Watched) -> None:
    watched.fail(4)
    for _call in range(100):
        watched.breaker.let_go(watched.breaker.admit())
    assert watched.breaker.get_circuit_state()["failure_count"] == 4
    watched.fail()
    assert watched.state == "OPEN"


@pytest.mark.parametrize("step_hours", [-1, 1])
def test_a_step_of_the_wall_clock_moves_nothing(
    step_hours: int, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.fail(5)

    class Stepped(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.datetime.now(tz) + datetime.timedelta(hours=step_hours)

    monkeypatch.setattr(pybreaker, "datetime", Stepped)
    monkeypatch.setattr("ragsite.ollama.breaker.datetime", Stepped)
    with pytest.raises(CircuitOpen):
        watched.breaker.admit()
    watched.clock.seconds += 31
    assert watched.breaker.admit().is_probe


def test_it_can_be_switched_off(watched: Watched, settings: Settings) -> None:
    settings.ENABLE_CIRCUIT_BREAKER = False
    watched.fail(50)
    assert watched.breaker.admit() == Admission(-1)
    assert watched.breaker.wait_seconds() == 0
    assert watched.state == "UNKNOWN"
    settings.ENABLE_CIRCUIT_BREAKER = True
    assert watched.state == "CLOSED"


# By hand, and told of


def test_it_can_be_opened_and_closed_by_hand(watched: Watched) -> None:
    watched.breaker.open()
    assert watched.breaker.wait_seconds() == 30
    watched.breaker.close()
    watched.breaker.admit()
    watched.breaker.open(seconds=5)
    assert watched.breaker.wait_seconds() == 5
    assert [change.reason for change in watched.changes] == ["opened by hand", "closed by hand", "opened by hand"]


def test_a_host_that_answers_again_may_prove_it_before_the_open_time_is_over(watched: Watched) -> None:
    watched.fail(5)
    watched.breaker.retry_soon()
    assert watched.state == "HALF_OPEN"
    assert watched.breaker.admit().is_probe


def test_its_state_is_told_in_the_words_of_the_health_page(watched: Watched) -> None:
    assert watched.breaker.get_circuit_state() == {"state": "CLOSED", "failure_count": 0, "last_failure": None}
    watched.fail(5)
    state = watched.breaker.get_circuit_state()
    assert (state["state"], state["failure_count"]) == ("OPEN", 5)
    assert datetime.datetime.fromisoformat(state["last_failure"]).tzinfo is not None


def test_each_change_is_told_once_with_its_cause_and_outside_the_lock(watched: Watched) -> None:
    seen: list[str] = []
    watched.breaker._on_change = lambda change: seen.append(watched.state)  # would hang inside the lock
    watched.fail(5)
    for _call in range(20):
        with pytest.raises(CircuitOpen):
            watched.breaker.admit()
    assert seen == ["OPEN"]
