"""Finds where another page or section begins within a passage. Pure: no Django."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Border(NamedTuple):
    """From `text[offset]` of a passage on, this page and this path of headings hold."""

    offset: int
    page: int | None
    heading: str


def page_at(offset: int, page_starts: Sequence[int]) -> int | None:
    """Return the page (1, 2, ...) of an offset in a text; None if the text has no pages."""
    return max(1, bisect_right(page_starts, offset)) if page_starts else None


def find_borders(
    start: int, end: int, *, heading: str, page_starts: Sequence[int], sections: Mapping[int, str]
) -> tuple[Border, ...]:
    """Return the borders within the passage `[start, end)`, in order; `heading` is the path that holds at its start.

    `sections` has the path of headings of each section that begins behind `start` and before `end`, by its offset in
    the text. Example: a passage of characters 100 to 500 and a page that starts at 300 give `Border(200, 2, heading)`.
    """
    turned = page_starts[bisect_right(page_starts, start) : bisect_left(page_starts, end)]
    page = page_at(start, page_starts)
    borders: list[Border] = []
    for offset in sorted({*turned, *sections}):
        now = page_at(offset, page_starts), sections.get(offset, heading)
        if now != (page, heading):
            page, heading = now
            borders.append(Border(offset - start, page, heading))
    return tuple(borders)


def borders_of(stored: str | Sequence[Sequence[Any]] | None) -> tuple[Border, ...] | None:
    """Return borders from their stored form: `[[offset, page, heading], ...]`, or that as JSON; None: not known.

    Raises TypeError or ValueError for anything else.
    """
    if stored is None or stored == "[]":
        return None if stored is None else ()
    rows = json.loads(stored) if isinstance(stored, str) else stored
    return tuple(Border(*row) for row in rows)
