"""While one batch is stored, the model works on the next one; and never on more."""

from __future__ import annotations

import threading

import pytest

from documents.versions import _one_ahead


def test_results_come_in_order_and_the_next_one_is_begun_while_one_is_handled() -> None:
    begun = [threading.Event() for _ in range(4)]

    def act(place: int) -> int:
        begun[place].set()
        return place

    handled = []
    for result in _one_ahead(act, 4):
        if result < 3:
            assert begun[result + 1].wait(10)
        if result < 2:
            assert not begun[result + 2].is_set()
        handled.append(result)
    assert handled == [0, 1, 2, 3]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_or_none(count: int) -> None:
    assert list(_one_ahead(lambda place: place, count)) == list(range(count))


def test_what_fails_comes_out_in_its_turn() -> None:
    def act(place: int) -> int:
        if place == 1:
            raise ValueError("no")
        return place

    results = _one_ahead(act, 3)
    assert next(results) == 0
    with pytest.raises(ValueError, match="no"):
        next(results)
