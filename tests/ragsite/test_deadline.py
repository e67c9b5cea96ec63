"""A deadline is a point in time: stages share it, and never wait past it."""

from __future__ import annotations

import pytest

from ragsite.deadline import Deadline
from ragsite.errors import DeadlineExceeded


def test_a_stage_waits_no_longer_than_what_is_left() -> None:
    deadline = Deadline.after(10)
    assert 9 < deadline.remaining() <= 10
    assert deadline.cap(3) == 3
    assert deadline.cap(30) <= 10
    deadline.check()


def test_a_deadline_that_is_over_leaves_nothing() -> None:
    deadline = Deadline.after(-1)
    assert deadline.remaining() == 0
    assert deadline.cap(3) == 0
    with pytest.raises(DeadlineExceeded):
        deadline.check()


def test_the_wall_clock_does_not_move_it(monkeypatch: pytest.MonkeyPatch) -> None:
    deadline = Deadline.after(10)
    monkeypatch.setattr("time.time", lambda: 0.0)
    assert deadline.remaining() > 9
