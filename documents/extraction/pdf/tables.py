"""Finds rows of a PDF page that stand in columns, and reads them as a table with empty cells kept. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from documents.extraction.pdf.lines import Line

_ROWS_MIN = 3
_COLUMNS_MIN = 3  # of two columns, the first row is as often a label and its value as a header
_ALIGNED = 3.0  # points that left edges of one column may differ by
_PROSE_WORDS_MIN = 4  # of each line, the first too, where a table has the name of a column
_STEP_MAX = 3.0  # times the size of the letters, from one row to the next

Row = list[Line]


def blocks_of(rows: Sequence[Row]) -> Iterator[tuple[Sequence[Row], list[list[str]] | None]]:
    """Yield the rows in groups, in order: those of a table with its cells, all others with None."""
    start = 0
    while start < len(rows):
        end = start + 1
        if number := rows[start][0].table:
            while end < len(rows) and rows[end][0].table == number:
                end += 1
            yield rows[start:end], [list(row[0].cells) for row in rows[start:end]]
            start = end
            continue
        if len(rows[start]) > 1:
            while end < len(rows) and len(rows[end]) > 1 and _is_next(rows[end - 1], rows[end]):
                end += 1
        else:
            while end < len(rows) and len(rows[end]) == 1 and not rows[end][0].table:
                end += 1
        group = rows[start:end]
        prose: list[Row] = []
        if len(group) >= _ROWS_MIN and len(group[0]) > 1:
            group, prose = _without_prose(group)
        yield group, _cells(group) if len(group) >= _ROWS_MIN and len(group[0]) > 1 else None
        if prose:
            yield prose, None
        start = end


def _without_prose(rows: Sequence[Row]) -> tuple[Sequence[Row], list[Row]]:
    """Return the rows without the lines of a column of prose that stands beside a table, and these lines."""
    for place in (-1, 0):
        lines = [row[place] for row in rows]
        edges = [line.left for line in lines]
        is_column = all(len(row) > 2 for row in rows) and max(edges) - min(edges) < _ALIGNED
        if is_column and all(len(line.text.split()) >= _PROSE_WORDS_MIN for line in lines):
            rest = [row[:-1] if place else row[1:] for row in rows]
            return rest, [[line._replace(goes_on=False)] for line in lines]
    return rows, []


def _is_next(above: Row, below: Row) -> bool:
    """Return whether a row is directly below another, so that both may be of one table."""
    step = above[0].base - below[0].base
    return above[0].is_upright and below[0].is_upright and 0 < step <= _STEP_MAX * max(above[0].size, below[0].size)


def _cells(rows: Sequence[Row]) -> list[list[str]] | None:
    """Return the cells of each row, None unless each part stands in a column of its own below a header."""
    columns: list[tuple[float, float]] = []
    for left, right in sorted((line.left, line.right) for row in rows for line in row):
        if columns and left < columns[-1][1]:
            columns[-1] = columns[-1][0], max(columns[-1][1], right)
        else:
            columns.append((left, right))
    if len(columns) < _COLUMNS_MIN:
        return None
    table: list[list[str]] = []
    for row in rows:
        places = [next(n for n, (left, right) in enumerate(columns) if left <= line.left <= right) for line in row]
        if any(place >= following for place, following in pairwise(places)):
            return None
        cells = [""] * len(columns)
        for place, line in zip(places, row, strict=True):
            cells[place] = line.text.strip()
        table.append(cells)
    named = sum(map(bool, table[0]))  # the corner above the names of the rows may be empty
    return table if named >= len(columns) - 1 else None
