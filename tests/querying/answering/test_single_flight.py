"""One leads, the others wait; a leader who fails or leaves takes nobody with them."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pytest_django import Settings

from querying.answering.single_flight import MAX_FAILURES, FinalEvent, Flights, Member
from querying.types import HEARTBEAT, Heartbeat


def wait_in_threads(seats: list[Member[str, str]], seconds: float = 5) -> tuple[list[threading.Thread], list[Any]]:
    """Let each seat wait in a thread; a new leader lands its own name. Returns the threads and what each got."""
    got: list[Any] = [None] * len(seats)

    def wait(number: int, seat: Member[str, str]) -> None:
        try:
            if seat.wait(seconds):
                if seat.result is None:
                    time.sleep(0.1)
                    seat.land(f"by {number}")
                got[number] = seat.result
        except ValueError as exc:
            got[number] = exc
        finally:
            seat.leave()

    threads = [threading.Thread(target=wait, args=pair) for pair in enumerate(seats)]
    for thread in threads:
        thread.start()
    return threads, got


def test_the_first_leads_and_the_others_get_what_it_lands() -> None:
    flights: Flights[str, str] = Flights()
    seats = [flights.board("key") for _ in range(20)]
    assert [seat.leads for seat in seats] == [True] + [False] * 19
    threads, got = wait_in_threads(seats[1:])
    seats[0].land("answer")
    seats[0].leave()
    for thread in threads:
        thread.join(5)
    assert got == ["answer"] * 19
    assert len(flights) == 0


def test_who_comes_after_the_landing_begins_anew() -> None:
    flights: Flights[str, str] = Flights()
    first = flights.board("key")
    first.land("answer")
    assert flights.board("key").leads
    first.leave()
    assert len(flights) == 1


def test_other_keys_are_other_flights() -> None:
    flights: Flights[str, str] = Flights()
    assert flights.board("one").leads
    assert flights.board("two").leads


@pytest.mark.parametrize("error", [None, ValueError("broken")])
def test_when_the_leader_leaves_exactly_one_leads(error: Exception | None) -> None:
    flights: Flights[str, str] = Flights()
    seats = [flights.board("key") for _ in range(20)]
    threads, got = wait_in_threads(seats[1:])
    seats[0].leave(error)
    for thread in threads:
        thread.join(5)
    assert len(set(got)) == 1
    assert got[0].startswith("by ")
    assert len(flights) == 0


def test_when_leaders_fail_again_and_again_everybody_is_told() -> None:
    flights: Flights[str, str] = Flights()
    seats = [flights.board("key") for _ in range(MAX_FAILURES + 2)]
    for number in range(MAX_FAILURES):
        assert seats[number].leads or seats[number].wait(0)
        seats[number].leave(ValueError("broken"))
    for seat in seats[MAX_FAILURES:]:
        with pytest.raises(ValueError, match="broken"):
            seat.wait(1)
    assert flights.board("key").leads  # and who comes now tries again


def test_who_has_waited_long_enough_leaves_alone() -> None:
    flights: Flights[str, str] = Flights()
    leader, follower, other = (flights.board("key") for _ in range(3))
    assert not follower.wait(0.01)
    follower.leave()
    follower.leave()
    leader.leave()
    assert other.wait(0)
    assert other.leads
    other.leave()
    assert len(flights) == 0


# A generation, and those who read it along


def numbers(count: int = 5) -> Generator[int | Heartbeat | FinalEvent[str], None, None]:
    yield from range(count)
    yield FinalEvent("the end")


def read(member: Member[int, str], **options: Any) -> tuple[list[int | Heartbeat], str | None]:
    """Return all events, and the result."""
    events: list[int | Heartbeat] = []
    reading = member.read_along(**options)
    while True:
        try:
            events.append(next(reading))
        except StopIteration as end:
            return events, end.value


def two_members() -> tuple[Flights[int, str], Member[int, str], Member[int, str]]:
    flights: Flights[int, str] = Flights()
    return flights, flights.board("key"), flights.board("key")


def test_a_reader_gets_the_events_so_far_and_then_each_as_it_comes() -> None:
    _, leader, follower = two_members()
    leader.start(numbers())
    first = leader.read_along()
    assert [next(first), next(first)] == [0, 1]
    second = follower.read_along()
    assert [next(second), next(second), next(second)] == [0, 1, 2]  # the third one it has made itself
    assert [next(first), next(first)] == [2, 3]
    assert read(follower) == ([0, 1, 2, 3, 4], "the end")
    assert (leader.result, follower.result) == ("the end", "the end")


def test_a_generation_goes_on_without_the_one_that_started_it() -> None:
    flights, leader, follower = two_members()
    leader.start(numbers())
    next(leader.read_along())
    leader.leave()
    assert read(follower) == ([0, 1, 2, 3, 4], "the end")
    follower.leave()
    assert len(flights) == 0


@pytest.mark.parametrize("has_result", [False, True])
def test_what_follows_the_result_is_done_once_and_only_then(has_result: bool) -> None:
    steps: list[str] = []

    def generation() -> Generator[int | Heartbeat | FinalEvent[str], None, None]:
        try:
            yield 1
            yield FinalEvent("the end")
            steps.append("stored")
        finally:
            steps.append("closed")

    _, leader, follower = two_members()
    leader.start(generation())
    if has_result:
        read(leader)
    else:
        next(leader.read_along())
    assert steps == []
    leader.leave()
    assert steps == (["stored", "closed"] if has_result else [])  # the last one is still reading
    follower.leave()
    assert steps == (["stored", "closed"] if has_result else ["closed"])


def test_while_one_makes_an_event_the_others_hear_that_it_is_quiet(settings: Settings) -> None:
    settings.STREAM_HEARTBEAT_SECONDS = 0.01
    has_begun, may_go_on = threading.Event(), threading.Event()

    def generation() -> Generator[int | Heartbeat | FinalEvent[str], None, None]:
        has_begun.set()
        may_go_on.wait(10)
        yield from numbers(1)

    _, leader, follower = two_members()
    leader.start(generation())
    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(read, leader)
        has_begun.wait(10)
        waiting = follower.read_along()
        assert next(waiting) is HEARTBEAT
        assert read(follower, until=time.monotonic() + 0.05)[1] is None  # in time for something else
        may_go_on.set()
        assert reading.result() == ([0], "the end")
    assert [each for each in waiting if each is not HEARTBEAT] == [0]


def test_who_is_not_live_gets_the_result_alone() -> None:
    _, leader, follower = two_members()
    leader.start(numbers())
    next(leader.read_along())
    assert read(follower, live=False) == ([], "the end")
    assert read(leader) == ([0, 1, 2, 3, 4], "the end")


def test_a_generation_that_fails_is_an_error_of_its_starter_and_the_others_lead() -> None:
    def generation() -> Generator[int | Heartbeat | FinalEvent[str], None, None]:
        yield 1
        raise ValueError("broken")

    flights, leader, follower = two_members()
    leader.start(generation())
    assert read(follower) == ([1], None)  # it has run into the error
    with pytest.raises(ValueError, match="broken"):
        read(leader)
    leader.leave(ValueError("broken"))
    assert follower.wait(0)
    assert follower.leads
    follower.start(numbers())
    assert read(follower) == ([0, 1, 2, 3, 4], "the end")
    follower.leave()
    assert len(flights) == 0


def test_what_is_thrown_in_reaches_the_generation_once() -> None:
    def generation() -> Generator[int | Heartbeat | FinalEvent[str], None, None]:
        try:
            yield 1
            yield 2
        except ValueError:
            yield 3
        yield FinalEvent("the end")

    _, leader, follower = two_members()
    leader.start(generation())
    first, second = leader.read_along(), follower.read_along()
    assert (next(first), next(second)) == (1, 1)
    assert (first.throw(ValueError()), second.throw(ValueError())) == (3, 3)
    assert (list(first), list(second)) == ([], [])
    assert follower.result == "the end"


def test_where_there_is_no_generation_any_more_nothing_is_read() -> None:
    _, leader, follower = two_members()
    assert read(follower) == ([], None)
    assert read(leader, live=False) == ([], None)
