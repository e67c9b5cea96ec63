"""A value is made once, and again only for another size."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from ragsite.per_process import PerProcess


def test_a_value_is_made_on_first_use_and_once_for_all_threads() -> None:
    made, together = [], threading.Barrier(8)

    def make(size: int) -> object:
        threading.Event().wait(0.01)  # long enough for the others to arrive
        made.append(size)
        return object()

    value = PerProcess(make, lambda: 3)
    assert made == []

    def use(_: int) -> object:
        together.wait(20)
        return value()

    with ThreadPoolExecutor(8) as pool:
        values = set(pool.map(use, range(8)))
    assert (made, len(values)) == ([3], 1)


def test_another_size_replaces_the_value_and_discards_the_old_one() -> None:
    sizes, discarded = [1], list[list[int]]()
    value = PerProcess(lambda size: [size], lambda: sizes[-1], discarded.append)
    first = value()
    assert value() is first
    sizes.append(2)
    assert value() == [2]
    assert discarded == [first]
