"""Puts the shapes of a slide into reading order by their positions. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

_LEVEL = 0.5  # of the lower shape's height: tops that differ by less are one row
_OVERLAP = 0.1  # of a shape's side: so much may reach into the one before it
_ROWS_MIN = 3


class Box(NamedTuple):
    """Where a shape stands, in any unit; y grows downwards."""

    left: int
    top: int
    width: int
    height: int


def box_of(shape: Any) -> Box:
    """Return where a shape of a slide stands; zeros where the file does not tell."""
    return Box(*(getattr(shape, side, None) or 0 for side in Box._fields))


def in_reading_order(boxes: Sequence[Box]) -> list[int]:
    """Return the places of the boxes in the order they are read.

    What stands above all else comes first; columns come one after the other, unless at least three rows of them stand
    level, as in a table: then it is row by row. Boxes that overlap stay in their order.
    """
    return _ordered(boxes, list(range(len(boxes))), 0)


def _ordered(boxes: Sequence[Box], places: list[int], depth: int) -> list[int]:
    if len(places) < 2 or depth > 50:
        return places
    columns = _split(boxes, places, lambda box: (box.left, box.left + box.width))
    rows = _split(boxes, places, lambda box: (box.top, box.top + box.height))
    is_table = len(rows) >= _ROWS_MIN and len({len(row) for row in rows}) == 1 and len(rows[0]) > 1
    for groups in (rows, columns) if is_table else (columns, rows):
        if len(groups) > 1:
            return [place for group in groups for place in _ordered(boxes, group, depth + 1)]
    return _by_top(boxes, places)


def _split(boxes: Sequence[Box], places: Sequence[int], side: Callable[[Box], tuple[int, int]]) -> list[list[int]]:
    """Return the places in groups with a gap between them, in the order of `side` (start and end of a box)."""
    groups: list[list[int]] = []
    reached = float("-inf")
    for place in sorted(places, key=lambda each: side(boxes[each])[0]):
        start, end = side(boxes[place])
        if groups and start < reached - _OVERLAP * (end - start):
            groups[-1].append(place)
        else:
            groups.append([place])
        reached = max(reached, end)
    return groups


def _by_top(boxes: Sequence[Box], places: Sequence[int]) -> list[int]:
    """Return the places from top to bottom; those that are about level from left to right."""
    ordered = sorted(places, key=lambda each: boxes[each].top)
    rows: list[list[int]] = []
    for place in ordered:
        first = boxes[rows[-1][0]] if rows else None
        if first and boxes[place].top - first.top < _LEVEL * min(first.height, boxes[place].height):
            rows[-1].append(place)
        else:
            rows.append([place])
    return [place for row in rows for place in sorted(row, key=lambda each: boxes[each].left)]
