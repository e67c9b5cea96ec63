"""One member leads, the others wait; a leader that fails or leaves is replaced."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pytest_django import Settings

from querying.answering.single_flight import MAX_FAILURES, FinalEvent, Member, SingleFlight
from querying.types import HEARTBEAT, Heartbeat


def wait_in_threads(members: list[Member[str, str]], seconds: float = 5) -> tuple[list[threading.Thread], list[Any]]:
    """Let each member wait in a thread; a new leader publishes its name. Returns the threads and their results."""
    got: list[Any] = [None] * len(members)

    def wait(number: int, member: Member[str, str]) -> None:
        try:
            if member.wait(seconds):
                if member.result is None:
                    time.sleep(0.1)
                    member.publish(f"by {number}")
                got[number] = member.result
        except ValueError as exc:
            got[number] = exc
        finally:
            member.leave()

    threads = [threading.Thread(target=wait, args=pair) for pair in enumerate(members)]
    for thread in threads:
        thread.start()
    return threads, got


def test_the_first_leads_and_the_others_get_its_result() -> None:
    flights: SingleFlight[str, str] = SingleFlight()
    members = [flights.join("key") for _ in range(20)]
    assert [member.leads for member in members] == [True] + [False] * 19
    threads, got = wait_in_threads(members[1:])
    members[0].publish("answer")
    members[0].leave()
    for thread in threads:
        thread.join(5)
    assert got == ["answer"] * 19
    assert len(flights) == 0


def test_a_caller_after_the_result_starts_another_flight() -> None:
    flights: SingleFlight[str, str] = SingleFlight()
    first = flights.join("key")
    first.publish("answer")
    assert flights.join("key").leads
    first.leave()
    assert len(flights) == 1


def test_other_keys_are_other_flights() -> None:
    flights: SingleFlight[str, str] = SingleFlight()
    assert flights.join("one").leads
    assert flights.join("two").leads


@pytest.mark.parametrize("error", [None, ValueError("broken")])
def test_when_the_leader_leaves_exactly_one_leads(error: Exception | None) -> None:
    flights: SingleFlight[str, str] = SingleFlight()
    members = [flights.join("key") for _ in range(20)]
    threads, got = wait_in_threads(members[1:])
    members[0].leave(error)
    for thread in threads:
        thread.join(5)
    assert len(set(got)) == 1
    assert got[0].startswith("by ")
    assert len(flights) == 0


def test_after_several_failed_leaders_every_member_gets_the_error() -> None:
    flights: SingleFlight[str, str] = SingleFlight()
    members = [flights.join("key") for _ in range(MAX_FAILURES + 2)]
    for number in range(MAX_FAILURES):
        assert members[number].leads or members[number].wait(0)
        members[number].leave(ValueError("broken"))
    for member in members[MAX_FAILURES:]:
        with pytest.raises(ValueError, match="broken"):
            member.wait(1)
    assert flights.join("key").leads  # and the next caller tries again


def test_a_member_that_times_out_leaves_the_others() -> None:
    flights: SingleFlight[str, str] = SingleFlight()
    leader, follower, other = (flights.join("key") for _ in range(3))
    assert not follower.wait(0.01)
    follower.leave()
    follower.leave()
    leader.leave()
    assert other.wait(0)
    assert other.leads
    other.leave()
    assert len(flights) == 0


# Reading a generation along


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


def two_members() -> tuple[SingleFlight[int, str], Member[int, str], Member[int, str]]:
    flights: SingleFlight[int, str] = SingleFlight()
    return flights, flights.join("key"), flights.join("key")


def test_a_reader_gets_the_events_so_far_and_then_each_as_it_comes() -> None:
    _, leader, follower = two_members()
    leader.start(numbers())
    first = leader.read_along()
    assert [next(first), next(first)] == [0, 1]
    second = follower.read_along()
    assert [next(second), next(second), next(second)] == [0, 1, 2]  # it has run the generation for the third one
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


def test_members_get_heartbeats_while_another_one_runs_the_generation(settings: Settings) -> None:
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


def test_a_member_that_is_not_live_gets_the_result_alone() -> None:
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
