"""Finds the headings of a PDF: the titles of its outline (bookmarks), or lines in larger letters. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from documents.extraction.pdf.lines import Line

_LARGER = 1.15  # times the size of most text
_HEADING_MAX_CHARS = 150
_HEADING_LINES_MAX = 3
_SHARE_MAX = 0.3  # of all letters: more in large letters are no headings
_LEVELS_MAX = 4
_MATCHED_MIN = 0.5  # of the outline's titles that are found on their pages
_NUMBERING = re.compile(r"^(?:[\divxlc]+[.)]?)+\s+", re.I)
_SENTENCE_END = (".", ",", ";", "。")
_OPENING = "\"'“„«‚‘(（「《¿¡§"

Row = list[Line]


class Title(NamedTuple):
    """An entry of the outline: the page it points to (from 0), and its depth (from 1)."""

    page: int
    level: int
    text: str


class HeadingRows(NamedTuple):
    """A heading: the rows `start:end` of a page."""

    start: int
    end: int
    level: int


def find_headings(pages: Sequence[Sequence[Row]], outline: Sequence[Title]) -> list[list[HeadingRows]]:
    """Return the headings of each page, in order."""
    named = _named_by_outline(pages, outline)
    if named is not None:
        return named
    levels = _levels_by_size(pages)
    return [_by_size(rows, levels) for rows in pages]


def _named_by_outline(pages: Sequence[Sequence[Row]], outline: Sequence[Title]) -> list[list[HeadingRows]] | None:
    """Return where the titles of the outline stand, None if there is none or it names other things."""
    found: list[list[HeadingRows]] = [[] for _ in pages]
    matched = 0
    for title in outline:
        if not 0 <= title.page < len(pages):
            continue
        place = _place_of(title.text, pages[title.page])
        if place is None:
            continue
        matched += 1
        if all(place[1] <= other.start or place[0] >= other.end for other in found[title.page]):
            found[title.page].append(HeadingRows(*place, min(title.level, 6)))
    if matched < 2 or matched < _MATCHED_MIN * len(outline):
        return None
    return [sorted(marked) for marked in found]


def _place_of(title: str, rows: Sequence[Row]) -> tuple[int, int] | None:
    """Return the rows that are this title, start and end."""
    wanted = _bare(title)
    if not wanted:
        return None
    for start in range(len(rows)):
        text = ""
        for end in range(start + 1, min(start + _HEADING_LINES_MAX, len(rows)) + 1):
            text += " " + text_of(rows[end - 1])
            bare = _bare(text)
            if bare == wanted:
                return start, end
            if not wanted.startswith(bare) and bare:
                break
    return None


def _bare(text: str) -> str:
    """Return a title's letters and digits, without a number before them."""
    words = _NUMBERING.sub("", " ".join(text.split()))
    return "".join(filter(str.isalnum, words)).casefold()


def _levels_by_size(pages: Iterable[Sequence[Row]]) -> Mapping[float, int]:
    """Return the heading level of each size of letters that is one's."""
    letters: Counter[float] = Counter()
    for rows in pages:
        for row in rows:
            for line in row:
                letters[line.size] += len(line.text)
    letters.pop(0.0, None)
    if not letters:
        return {}
    usual = letters.most_common(1)[0][0]
    large = sorted((size for size in letters if size >= _LARGER * usual and size >= usual + 1), reverse=True)
    if sum(letters[size] for size in large) > _SHARE_MAX * letters.total():
        return {}
    levels: dict[float, int] = {}
    level, before = 0, float("inf")
    for size in large:
        if before - size > 0.6:
            level, before = level + 1, size
        levels[size] = min(level, _LEVELS_MAX)
    return levels


def _by_size(rows: Sequence[Row], levels: Mapping[float, int]) -> list[HeadingRows]:
    found: list[HeadingRows] = []
    start = 0
    while start < len(rows):
        size = rows[start][0].size
        end = start + 1
        if size in levels:
            while end < len(rows) and rows[end][0].size == size:
                end += 1
            if end - start <= _HEADING_LINES_MAX and all(map(_is_alone, rows[start:end])):
                found += _titles(rows, start, end, levels[size])
        start = end
    return found


def _titles(rows: Sequence[Row], start: int, end: int, level: int) -> Iterator[HeadingRows]:
    """Yield the headings among rows of one size: those that follow each other closely are one."""
    while start < end:
        stop = start + 1
        while stop < end and _is_below(rows, stop):
            stop += 1
        text = " ".join(map(text_of, rows[start:stop]))
        is_title = sum(map(str.isalpha, text)) >= 2 and len(text) <= _HEADING_MAX_CHARS
        if is_title and (text[0].isalnum() or text[0] in _OPENING) and not text.endswith(_SENTENCE_END):
            yield HeadingRows(start, stop, level)
        start = stop


def _is_alone(row: Row) -> bool:
    return len(row) == 1 and row[0].is_upright and not row[0].cells


def _is_below(rows: Sequence[Row], place: int) -> bool:
    """Return whether a row is the next line of the one before it."""
    above, line = rows[place - 1][0], rows[place][0]
    return 0 < above.base - line.base <= 1.8 * line.size


def text_of(row: Row) -> str:
    """Return the text of a row."""
    return " ".join(line.text for line in row).strip()
