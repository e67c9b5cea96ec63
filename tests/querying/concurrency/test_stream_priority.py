"""Newcomers are at work at once; ends are, in their order, while there is room."""

from __future__ import annotations

import threading

import pytest
from pytest_django import Settings

from querying.concurrency import stream_priority as module
from querying.concurrency.search_queue import gate
from querying.concurrency.stream_priority import AHEAD, Turn, Turns, turns

pytestmark = pytest.mark.django_db


class Line:
    """Whether somebody stands in it."""

    def __init__(self, *, is_crowded: bool = True) -> None:
        self.is_crowded = is_crowded


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def two(line: Line) -> Turns:
    return Turns(2, lambda: line.is_crowded)


def reading(turns: Turns) -> Turn:
    """Return the turn of one whose passages were found, and whose text the model writes."""
    turn = turns.begin()
    turn.rest()
    return turn


def is_called(turn: Turn) -> bool:
    return turn.wait(0)


def test_while_nobody_stands_in_line_all_end_at_once(two: Turns, line: Line) -> None:
    line.is_crowded = False
    newcomers = [two.begin() for _ in range(5)]
    assert all(reading(two).may_end() for _ in range(5))
    assert len(newcomers) == 5


def test_with_room_an_end_waits_for_no_line(two: Turns) -> None:
    newcomer = two.begin()
    assert reading(two).may_end()
    assert not reading(two).may_end()
    newcomer.rest()


def test_ends_follow_in_their_order_as_newcomers_have_something_to_read(two: Turns) -> None:
    ends = [reading(two) for _ in range(3)]
    newcomers = [two.begin() for _ in range(3)]
    assert [each.may_end() for each in ends] == [False, False, False]
    newcomers[0].rest()
    assert [is_called(each) for each in ends] == [False, False, False]  # two are at work still
    newcomers[1].rest()
    assert [is_called(each) for each in ends] == [True, False, False]
    newcomers[2].rest()
    assert [is_called(each) for each in ends] == [True, True, False]
    ends[1].rest()
    assert [is_called(each) for each in ends] == [True, True, True]


def test_a_newcomer_waits_for_nobody_and_comes_before_the_next_end(two: Turns) -> None:
    first, second = reading(two), reading(two)
    newcomers = [two.begin(), two.begin()]
    assert [first.may_end(), second.may_end()] == [False, False]
    latest = two.begin()
    newcomers[0].rest()
    assert not is_called(first)
    latest.rest()
    assert [is_called(first), is_called(second)] == [True, False]


def test_who_leaves_makes_room_once(two: Turns) -> None:
    newcomers = [two.begin(), two.begin()]
    gone, first, second = reading(two), reading(two), reading(two)
    assert [each.may_end() for each in (gone, first, second)] == [False, False, False]
    gone.rest()
    gone.rest()
    newcomers[0].rest()
    newcomers[0].rest()
    assert [is_called(each) for each in (gone, first, second)] == [False, True, False]


def test_nobody_waits_for_a_line_that_is_gone(two: Turns, line: Line) -> None:
    newcomers = [two.begin(), two.begin()]
    end = reading(two)
    assert not end.may_end()
    assert not end.wait(0.01)
    line.is_crowded = False
    assert end.wait(0.01)
    end.rest()
    for each in newcomers:
        each.rest()
    assert (two.at_work, two.behind) == (0, 0)


def test_it_is_called_from_another_thread(two: Turns) -> None:
    newcomers = [two.begin(), two.begin()]
    end = reading(two)
    assert not end.may_end()
    threading.Timer(0.05, newcomers[0].rest).start()
    assert end.wait(60)


def test_the_turns_of_a_process_fit_its_gate(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_turns", None)
    assert turns() is turns()
    assert turns().most == AHEAD * gate().size
    assert not turns().is_crowded()
    monkeypatch.setattr(gate(), "_crowded_at", float("inf"))
    assert turns().is_crowded()
    before = turns()
    settings.DATABASE_POOL_SIZE += 3
    assert turns().most == before.most + AHEAD * 3
