"""One leads, the others wait; a leader who fails or leaves takes nobody with them."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from querying.single_flight import MAX_FAILURES, Flights, Member


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
