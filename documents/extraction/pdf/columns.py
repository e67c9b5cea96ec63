"""Puts the lines of a page into reading order, one column after the other. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from documents.extraction.pdf.lines import Line

_ROWS_MIN = 4  # fewer lines beside each other are no columns
_ALIGNED = 3.0  # points that left edges of one column may differ by
_FULL = 0.65  # of a column's width that its middle line takes: prose does, cells of a table don't
_WORDS_MIN = 2.5  # of the middle line
_LEVEL = 0.2  # times the size: lines that differ by less in height are level
_WIDE_STEP = 1.25  # times the usual step: where all columns pause together, a table's row ends
_GOES_ON = 0.3  # share of the lines that end within a sentence

Row = list[Line]  # the parts of one line, from left to right


def in_reading_order(lines: Sequence[Line]) -> list[Row]:
    """Return the lines as rows. Columns of prose that the file draws line by line come column by column.

    What looks like a table stays as it is, row by row: the parts of one line are in one row.
    """
    rows = _rows(lines)
    if sum(len(row) > 1 for row in rows) < _ROWS_MIN:
        return rows
    ordered: list[Row] = []
    block: list[Row] = []
    edges = _edges(rows)
    for row in rows:
        if edges and all(line.is_upright and _column_of(line, edges) is not None for line in row):
            block.append(row)
        else:
            ordered += _by_columns(block, edges)
            ordered.append(row)
            block = []
    return ordered + _by_columns(block, edges)


def _rows(lines: Sequence[Line]) -> list[Row]:
    rows: list[Row] = []
    for line in lines:
        if rows and (rows[-1][-1].goes_on or _is_beside(rows[-1][-1], line)):
            rows[-1].append(line)
        else:
            rows.append([line])
    return rows


def _is_beside(line: Line, following: Line) -> bool:
    """Return whether a line of its own for PDFium stands level with the one before it, to the right of it."""
    is_level = abs(line.base - following.base) < _LEVEL * min(line.size, following.size)
    return is_level and line.is_upright and following.is_upright and following.left > line.right


def _edges(rows: Sequence[Row]) -> list[float]:
    """Return the left edges of the columns, [] if there are not at least two."""
    split = [row for row in rows if len(row) > 1 and all(line.is_upright for line in row)]
    if len(split) < _ROWS_MIN:
        return []
    needed = max(_ROWS_MIN, len(split) // 2)
    starts = Counter(round(line.left / _ALIGNED) for row in split for line in row[1:])
    found = [
        place for place in starts if starts[place] + starts[place + 1] >= needed and starts[place] >= starts[place + 1]
    ]
    if not found:
        return []
    first = min(line.left for row in split for line in row)
    return [
        first,
        *(
            min(line.left for row in split for line in row[1:] if abs(line.left / _ALIGNED - place) <= 1.5)
            for place in sorted(found)
        ),
    ]


def _column_of(line: Line, edges: Sequence[float]) -> int | None:
    """Return the column that a line stands in; None if it reaches over several, or stands left of all."""
    own = [number for number, edge in enumerate(edges) if line.left >= edge - _ALIGNED]
    if not own:
        return None
    following = edges[own[-1] + 1] if own[-1] + 1 < len(edges) else None
    return own[-1] if following is None or line.right < following else None


def _by_columns(block: list[Row], edges: Sequence[float]) -> list[Row]:
    """Return a block of rows column by column if its columns are prose."""
    columns: list[list[Line]] = [[] for _ in edges]
    for row in block:
        for line in row:
            columns[_column_of(line, edges) or 0].append(line._replace(goes_on=False))
    used = [column for column in columns if column]
    if len(used) < 2 or not all(_is_prose(column) for column in used) or _pauses_together(block):
        return block
    return [[line] for column in used for line in column]


def _is_prose(column: Sequence[Line]) -> bool:
    if len(column) < _ROWS_MIN:
        return False
    left, right = min(line.left for line in column), max(line.right for line in column)
    if median(line.right - line.left for line in column) < _FULL * (right - left):
        return False
    texts = [line.text for line in column]
    is_spaced = any(" " in text for text in texts)
    if is_spaced and median(len(text.split()) for text in texts) < _WORDS_MIN:
        return False
    letters = sum(character.isalpha() for text in texts for character in text)
    if letters < 0.6 * sum(len(text.replace(" ", "")) for text in texts):
        return False
    within = sum(
        not text.rstrip().endswith((".", "!", "?", ":", ";", "。"))
        and (following[:1].islower() or not following[:1].isupper())
        for text, following in pairwise(texts)
    )
    return within >= _GOES_ON * (len(texts) - 1)


def _pauses_together(block: Sequence[Row]) -> bool:
    """Return whether rows of several lines stand apart from each other, as those of a table do."""
    bases = [row[0].base for row in block]
    steps = [above - below for above, below in pairwise(bases)]
    if len(steps) < 3:
        return False
    usual = median(steps)
    pauses = sum(step > _WIDE_STEP * usual and len(row) > 1 for step, row in zip(steps, block[1:], strict=True))
    return usual > 0 and pauses >= max(2, 0.15 * len(steps))
