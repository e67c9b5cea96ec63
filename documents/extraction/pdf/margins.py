"""Finds running headers, footers and page numbers: lines at the edge of many pages. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from documents.extraction.pdf.lines import Line

_PAGES_MIN = 3  # that say the same in a row
_APART_MAX = 2  # pages between two that say the same: left and right pages have headers of their own
_EDGE = 0.06  # share of the page's height in which a line is at its edge whatever follows
_MARGIN = 0.12  # ... and in which it is if a space of its own size and a half follows
_LINES_MAX = 3  # of each edge
_NUMBER = re.compile(r"\d{1,5}")
_ROMAN = re.compile(r"[ivxlc]{1,7}", re.I)

Row = list[Line]


class PageRows(NamedTuple):
    """The rows of a page in reading order, and how high it is, in points."""

    rows: list[Row]
    height: float


def running_rows(pages: Sequence[PageRows]) -> list[set[int]]:
    """Return for each page which of its rows are left out, by their place in its list.

    The first page of several that say the same keeps it; a page number is left out of all. No page loses all it has.
    """
    found: dict[tuple[str, str, int], list[tuple[int, int]]] = defaultdict(list)
    for number, page in enumerate(pages):
        for edge, place in _at_edges(page):
            for text, offset in _keys(" ".join(line.text for line in page.rows[place]), number):
                found[edge, text, offset].append((number, place))
    left_out: list[set[int]] = [set() for _ in pages]
    for (_, text, _), occurrences in found.items():
        for run in _runs(occurrences):
            if len({number for number, _ in run}) < _PAGES_MIN:
                continue
            is_number = not any(map(str.isalpha, text.replace("page", "").replace("#", ""))) or "#" in text
            for number, place in run[0 if is_number else 1 :]:
                left_out[number].add(place)
    return [gone if len(gone) < len(page.rows) else set() for gone, page in zip(left_out, pages, strict=True)]


def _at_edges(page: PageRows) -> Iterator[tuple[str, int]]:
    """Yield the edge ("top" or "bottom") and the place of each row that may be a header or footer."""
    placed = [
        (row[0].base, max(line.size for line in row), place)
        for place, row in enumerate(page.rows)
        if row[0].is_upright and row[0].size
    ]
    placed.sort(reverse=True)
    yield from _edge("top", [(page.height - base, size, place) for base, size, place in placed], page.height)
    yield from _edge("bottom", [(base, size, place) for base, size, place in reversed(placed)], page.height)


def _edge(name: str, rows: Sequence[tuple[float, float, int]], height: float) -> Iterator[tuple[str, int]]:
    """Yield the rows at one edge; each of `rows` has the distance from it, the size and the place."""
    if not rows:
        return
    sizes = sorted(size for _, size, _ in rows)
    usual = sizes[(len(sizes) - 1) // 2]
    held: list[int] = []
    for (distance, size, place), following in zip(rows[:_LINES_MAX], [*rows[1:], None], strict=False):
        if distance > _MARGIN * height or size > 1.2 * usual:
            return
        held.append(place)
        gap = following[0] - distance if following else height
        if distance <= _EDGE * height or gap > 1.8 * size:
            yield from ((name, each) for each in held)
            held = []


def _keys(text: str, page: int) -> Iterator[tuple[str, int]]:
    """Yield what a line has in common with its like on other pages: its text, or its text but for a page number."""
    words = " ".join(text.split()).lower()
    if _ROMAN.fullmatch(words):
        words = "#"
    yield words, 0
    for found in list(_NUMBER.finditer(words))[:4]:
        yield f"{words[: found.start()]}#{words[found.end() :]}", int(found[0]) - page


def _runs(occurrences: Sequence[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Yield the occurrences on pages that are near each other."""
    run: list[tuple[int, int]] = []
    for occurrence in occurrences:
        if run and occurrence[0] - run[-1][0] > _APART_MAX:
            yield run
            run = []
        run.append(occurrence)
    if run:
        yield run
