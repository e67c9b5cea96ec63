"""Ids are random, each its own: between threads, and between a process and its children."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from ragsite.ids import DRAWN_AT_ONCE, new_id


def draw(_number: int) -> list[UUID]:
    return [new_id() for _ in range(3 * DRAWN_AT_ONCE)]


def test_every_id_is_its_own_and_a_uuid_of_version_4() -> None:
    with ThreadPoolExecutor(8) as pool:
        drawn = [each for ids in pool.map(draw, range(8)) for each in ids]
    assert len(set(drawn)) == len(drawn) == 24 * DRAWN_AT_ONCE
    assert {each.version for each in drawn} == {4}
    assert {each.variant for each in drawn} == {"specified in RFC 4122"}


def test_a_child_does_not_give_its_parents_ids() -> None:
    new_id()  # there is a stock now
    with multiprocessing.get_context("fork").Pool(2, maxtasksperchild=1) as pool:
        children = [each for ids in pool.map(draw, range(2), chunksize=1) for each in ids]
    both = children + draw(0)
    assert len(set(both)) == len(both)
